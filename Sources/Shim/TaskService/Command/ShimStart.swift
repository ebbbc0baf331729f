// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the start command: one daemon per pod, and its address.
import EventLoop
import Glibc
import Linux
import OCI
import Protobuf
import TTRPC
import TaskAPI

/// Starts the daemon, or finds the one that runs.
public struct ShimStart {
    /// argv[0] of the daemon; the second and last argument is `NAMESPACE/POD`.
    public static let daemonName = "swiftlet-shim"
    /// Descriptor of the listening socket in the daemon.
    public static let listenerDescriptor: Int32 = 3
    /// Environment by which the daemon learns its socket's path.
    public static let socketVariable = "SWIFTLET_SHIM_SOCKET"
    /// Environment by which the daemon learns how to publish where it has no address for events.
    static let publisherVariable = "SWIFTLET_SHIM_PUBLISHER"
    static let addressVariable = "SWIFTLET_SHIM_ADDRESS"

    private let arguments: ShimArguments
    /// The working directory: the pod's, or containerd's bundle.
    private let directory: String
    private let environment: [String: String]

    public init(_ arguments: ShimArguments, directory: String, environment: [String: String]) {
        self.arguments = arguments
        self.directory = directory
        self.environment = environment
    }

    /// Returns `unix://PATH`. Calling it again gives the same address as long as that shim lives; what a dead one left
    /// is cleaned up first.
    public func run(standardInput: [UInt8]) throws(ShimFailure) -> String {
        let group = self.group()
        let path = try socketPath(group: group, standardInput: standardInput)
        let lock = try lockDirectory()
        defer { close(lock) }
        let listener: Int32
        do { listener = try UnixSocket.listen(at: path) } catch {
            guard error.errno == EADDRINUSE else { throw ShimFailure("\(error)") }
            if Self.answers(path) { return try publish(path) }
            ShimCleanup.killShim(directory)
            unlink(path)
            ShimCleanup.cleanPod(directory)
            do { listener = try UnixSocket.listen(at: path) } catch { throw ShimFailure("\(error)") }
        }
        defer { close(listener) }
        do { try spawnDaemon(listener, path, group, standardInput) } catch {
            unlink(path)
            throw error
        }
        return try publish(path)
    }

    /// Whether a shim is there and handles requests. That somebody listens is not enough: a process that is being killed
    /// still takes connections, and a stopped one takes them for ever.
    static func answers(_ path: String) -> Bool {
        do throws(CallFailure) {
            _ = try Client(path: path).call(
                ServiceName.probe, "Ping", Empty(), as: Empty.self, timeoutMilliseconds: 2000)
            return true
        } catch {
            if case .status = error { return true }
            return false
        }
    }

    /// containerd 1.6 finds a shim again only through this file; our node does, too.
    private func publish(_ path: String) throws(ShimFailure) -> String {
        let address = "unix://\(path)"
        let bytes = Array(address.utf8)
        let temporary = "\(directory)/.address"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw ShimFailure("\(SystemFailure.last("open", temporary))") }
        defer { close(descriptor) }
        guard write(descriptor, bytes, bytes.count) == bytes.count, rename(temporary, "\(directory)/address") == 0
        else { throw ShimFailure("\(SystemFailure.last("write", "\(directory)/address"))") }
        return address
    }

    /// The containers of a CRI pod share the shim of their sandbox.
    private func group() -> String {
        guard let bytes = try? Files.read("\(directory)/config.json", limit: 4 << 20),
            let spec = try? RuntimeSpec(parsing: bytes)
        else { return arguments.id }
        return spec.annotations["io.containerd.runc.v2.group"] ?? spec.annotations["io.kubernetes.cri.sandbox-id"]
            ?? arguments.id
    }

    // MARK: - Socket

    /// A short name in a directory of ours: sun_path has 108 bytes, pods' directories and names may be longer.
    private func socketPath(group: String, standardInput: [UInt8]) throws(ShimFailure) -> String {
        let key = [arguments.address, arguments.namespace, group] + (arguments.address.isEmpty ? [directory] : [])
        let name = "\(group.prefix(20))-\(Self.hash(key.joined(separator: "\0")))"
        for parent in socketDirectories(standardInput) where "\(parent)/\(name)".utf8.count <= UnixSocket.pathBytesMax {
            Self.makeDirectories(parent)
            guard access(parent, W_OK | X_OK) == 0, Self.isOurs(parent) else { continue }
            return "\(parent)/\(name)"
        }
        throw ShimFailure("no directory for the socket \(name) can be used")
    }

    private func socketDirectories(_ standardInput: [UInt8]) -> [String] {
        var directories: [String] = []
        if let directory = bootstrap(standardInput)?.socketDirectory, !directory.isEmpty {
            directories.append(directory)
        }
        if !arguments.address.isEmpty { directories.append("/run/containerd/s") }
        if let root = environment["SWIFTLET_ROOT"], root.hasPrefix("/") { directories.append("\(root)/s") }
        if let root = environment["XDG_RUNTIME_DIR"], geteuid() != 0 { directories.append("\(root)/swiftlet/s") }
        return directories + ["/run/swiftlet/s", "/tmp/swiftlet-\(geteuid())"]
    }

    /// What containerd says from 2.3 on; before, stdin has runtime options, which read as nonsense here.
    private func bootstrap(_ standardInput: [UInt8]) -> BootstrapParams? {
        guard let parameters = try? BootstrapParams(protobuf: standardInput), parameters.instanceID == arguments.id,
            parameters.namespace == arguments.namespace
        else { return nil }
        return parameters
    }

    /// How the daemon reaches containerd with its events, where the environment does not say so already.
    private func publishing(_ standardInput: [UInt8]) -> [String] {
        guard environment["TTRPC_ADDRESS", default: ""].isEmpty else { return [] }
        if let address = bootstrap(standardInput)?.ttrpcAddress, !address.isEmpty {
            return ["TTRPC_ADDRESS=\(address)"]
        }
        guard !arguments.publishBinary.isEmpty, !arguments.address.isEmpty else { return [] }
        return [
            "\(Self.publisherVariable)=\(arguments.publishBinary)", "\(Self.addressVariable)=\(arguments.address)",
        ]
    }

    /// In /tmp the directory could be somebody's who wants our sockets.
    private static func isOurs(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
            && (status.st_uid == geteuid() || status.st_uid == 0) && status.st_mode & 0o002 == 0
    }

    private static func makeDirectories(_ path: String) {
        var prefix = ""
        for part in path.split(separator: "/") {
            prefix += "/\(part)"
            mkdir(prefix, 0o711)
        }
    }

    /// Two FNV-1a hashes with different starts, for a name without surprises: not a defence against anybody.
    static func hash(_ text: String) -> String {
        [0xcbf2_9ce4_8422_2325, 0x9e37_79b9_7f4a_7c15].map { (start: UInt64) in
            let value = text.utf8.reduce(start) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
            let digits = String(value, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    /// Two starts of one pod at a time would both find the dead socket and both remove it.
    private func lockDirectory() throws(ShimFailure) -> Int32 {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0, retryingInterrupts({ flock(descriptor, LOCK_EX) }) == 0 else {
            throw ShimFailure("\(SystemFailure.last("lock", directory))")
        }
        return descriptor
    }

    // MARK: - Daemon

    /// The daemon is this program again, in a session of its own. Its parent, this process, leaves at once, so that it
    /// belongs to init and not to whoever called start. Nothing of the caller's stdio stays open in it.
    private func spawnDaemon(
        _ listener: Int32, _ path: String, _ group: String, _ standardInput: [UInt8]
    ) throws(ShimFailure) {
        do {
            let null = try Files.open("/dev/null", O_RDWR)
            // containerd reads the shim's own log from this fifo. Read and write: no reader, no trouble.
            let log = open("\(directory)/log", O_RDWR | O_NONBLOCK | O_CLOEXEC)
            defer { if log >= 0 { close(log) } }
            let error = log >= 0 ? log : null.rawValue
            var request = SpawnRequest(
                path: "/proc/self/exe", arguments: [Self.daemonName, "\(arguments.namespace)/\(group)"])
            let kept = environment.filter { $0.key != "TTRPC_ADDRESS" || !$0.value.isEmpty }
            request.environment = kept.map { "\($0.key)=\($0.value)" }.sorted()
            request.environment.append("\(Self.socketVariable)=\(path)")
            request.environment += publishing(standardInput)
            request.descriptors = [
                .init(null.rawValue, as: 0), .init(null.rawValue, as: 1), .init(error, as: 2),
                .init(listener, as: Self.listenerDescriptor),
            ]
            request.hasOwnSession = true
            request.directory = directory
            let child = try ChildProcess.spawn(request)
            ShimMark(process: child.processIdentifier).write(to: directory)
        } catch { throw ShimFailure("start the shim: \(error)") }
    }
}
