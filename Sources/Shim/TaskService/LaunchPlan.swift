// SPDX-License-Identifier: Apache-2.0
// Swiftlet: turns config.json into what a sandbox is launched with.
import Glibc
import LaunchProtocol
import Linux
import OCI
import TTRPC
import Workload

/// A bundle, read and understood.
struct Bundle {
    var path: String
    var spec: RuntimeSpec
    var process: ProcessSpec
    var annotations: SandboxAnnotations
    var resources: ResourcesSpec

    init(path: String) throws(Status) {
        self.path = path
        let bytes: [UInt8]
        do { bytes = try Files.read("\(path)/config.json", limit: 4 << 20) } catch {
            throw Status(.invalidArgument, "bundle \(path): \(error)")
        }
        do { spec = try RuntimeSpec(parsing: bytes) } catch {
            throw Status(.invalidArgument, "\(path)/config.json: \(error)")
        }
        do { annotations = try SandboxAnnotations(spec.annotations) } catch {
            throw Status(.invalidArgument, "\(path)/config.json: \(error)")
        }
        guard let process = spec.process else {
            throw Status(.invalidArgument, "\(path)/config.json: process: is missing")
        }
        self.process = process
        resources = spec.linux?.resources ?? ResourcesSpec()
        if spec.annotations["io.kubernetes.cri.container-type"] == "sandbox" {
            throw Status(.unimplemented, "the pause container of a CRI pod is a native program, which is not supported")
        }
    }

    /// Absolute path of the root file system, if it is there and has something in it.
    var rootPath: String? {
        guard let root = spec.root else { return nil }
        let absolute = root.path.hasPrefix("/") ? root.path : "\(path)/\(root.path)"
        guard let names = try? Files.names(in: absolute), !names.isEmpty else { return nil }
        return absolute
    }

    var resolver: ModuleResolver { ModuleResolver(rootPath: rootPath, modulePath: annotations.module) }

    /// Path of the cgroup below the mounts, without a leading slash.
    func cgroupPath(namespace: String, id: String) throws(Status) -> String {
        guard let path = spec.linux?.cgroupsPath, !path.isEmpty else { return "swiftlet-shim/\(namespace)-\(id)" }
        guard !path.contains(":") else {
            throw Status(.unimplemented, "linux.cgroupsPath \"\(path)\": systemd's form is not supported")
        }
        let parts = path.split(separator: "/")
        guard !parts.isEmpty, !parts.contains("..") else {
            throw Status(.invalidArgument, "linux.cgroupsPath \"\(path)\" is not usable")
        }
        return parts.joined(separator: "/")
    }
}

extension ResourceLimits {
    init(_ resources: ResourcesSpec) {
        func positive(_ value: Int64?) -> UInt64? { value.flatMap { $0 > 0 ? UInt64($0) : nil } }
        self.init(
            memoryBytes: positive(resources.memoryLimitBytes),
            cpuQuotaMicroseconds: positive(resources.cpuQuotaMicroseconds),
            cpuPeriodMicroseconds: resources.cpuPeriodMicroseconds.flatMap { $0 > 0 ? $0 : nil } ?? 100_000,
            cpuShares: resources.cpuShares.flatMap { $0 > 0 ? $0 : nil }, processes: positive(resources.pidsLimit))
    }
}

/// The launch spec of one process with the descriptors it names; they are closed with the plan.
final class LaunchPlan {
    private(set) var spec: LaunchSpec
    private var owned: [Int32] = []

    /// - Parameters:
    ///   - process: the container's, or an exec's.
    ///   - isExec: an exec gets no ports: they are the container's.
    init(
        _ bundle: Bundle, process: ProcessSpec, module: consuming ResolvedModule, name: String, isExec: Bool
    ) throws(Status) {
        guard !process.isTerminal else {
            throw Status(.invalidArgument, "process.terminal: a guest cannot have a terminal")
        }
        let entrypoint = module.entrypoint
        let descriptor = module.descriptor.release()
        owned.append(descriptor)
        spec = LaunchSpec(name: name, moduleDescriptor: descriptor, entrypoint: entrypoint)
        spec.arguments = process.args
        spec.environment = process.env
        spec.probeExports = isExec ? [] : bundle.annotations.probeExports
        spec.engine =
            switch bundle.annotations.engine {
            case .auto: .auto
            case .interpreter: .interpreter
            case .aot: .aot
            }
        spec.identity = Identity(
            user: process.uid == geteuid() ? nil : process.uid, group: process.gid == getegid() ? nil : process.gid)
        if let files = process.openFilesLimit {
            // LIMIT: below 32 the sandbox itself would not get through its start.
            spec.limits.openFiles = UInt32(min(max(files, 32), 65_536))
        }
        do {
            try addDirectories(bundle)
            try addNetwork(bundle, isExec: isExec)
        } catch {
            close()
            throw error
        }
    }

    deinit { close() }

    /// The sandbox has its copies.
    func close() {
        for descriptor in owned { Glibc.close(descriptor) }
        owned = []
    }

    private func own(_ descriptor: consuming OwnedDescriptor) -> Int32 {
        let number = descriptor.release()
        owned.append(number)
        return number
    }

    // MARK: - Directories

    private func addDirectories(_ bundle: Bundle) throws(Status) {
        let rootfs = bundle.annotations.rootfs ?? (bundle.spec.root?.isReadOnly == true ? .readOnly : .readWrite)
        if let root = bundle.rootPath, rootfs != .none {
            try addDirectory(root, as: "/", isReadOnly: rootfs == .readOnly, what: "root")
        }
        for (index, mount) in bundle.spec.mounts.enumerated() {
            let what = "mounts[\(index)] (\(mount.destination))"
            if mount.isBind {
                try addBind(mount, what)
            } else if mount.type == "tmpfs" {
                if Self.isSystemPath(mount.destination) { continue }
                try addTemporaryDirectory(mount, index, bundle, what)
            } else if !Self.harmlessTypes.contains(mount.type) {
                throw Status(.unimplemented, "\(what): mounts of type \"\(mount.type)\" are not supported")
            }
        }
    }

    /// Kernel file systems: a guest has no calls to use them.
    private static let harmlessTypes: Set<String> = ["proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2"]

    /// Where every runtime puts a small tmpfs that native programs expect.
    private static func isSystemPath(_ path: String) -> Bool {
        path == "/dev" || path == "/run" || path.hasPrefix("/dev/") || path.hasPrefix("/proc/")
            || path.hasPrefix("/sys/")
    }

    /// Files that CRI binds into every container; names are the business of `swiftlet.dev/hosts` here.
    private static let harmlessFiles: Set<String> = [
        "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev/termination-log", "/dev/shm",
    ]

    private func addBind(_ mount: MountSpec, _ what: String) throws(Status) {
        if Self.harmlessFiles.contains(mount.destination) { return }
        guard mount.source.hasPrefix("/") else {
            throw Status(.invalidArgument, "\(what): expected an absolute source, found \"\(mount.source)\"")
        }
        try addDirectory(mount.source, as: mount.destination, isReadOnly: mount.isReadOnly, what: what)
    }

    private func addTemporaryDirectory(
        _ mount: MountSpec, _ index: Int, _ bundle: Bundle, _ what: String
    ) throws(Status) {
        let parent = "\(bundle.path)/tmpfs"
        let path = "\(parent)/\(index)"
        do {
            try Files.makeDirectory(parent, mode: 0o711)
            // As a tmpfs is by default (tmpfs(5)): for everybody, sticky.
            if try Files.makeDirectory(path, mode: 0o1777) { chmod(path, 0o1777) }
        } catch { throw Status(.failedPrecondition, "\(what): \(error)") }
        try addDirectory(path, as: mount.destination, isReadOnly: mount.isReadOnly, what: what)
    }

    private func addDirectory(
        _ path: String, as guestPath: String, isReadOnly: Bool, what: String
    ) throws(Status) {
        do {
            let descriptor = own(try Files.open(path, O_RDONLY | O_DIRECTORY))
            spec.preopens.append(Preopen(descriptor: descriptor, guestPath: guestPath, isReadOnly: isReadOnly))
        } catch {
            let reason =
                error.errno == .notDirectory ? "\(path) is a file; a guest can be given only directories" : "\(error)"
            throw Status(.failedPrecondition, "\(what): \(reason)")
        }
    }

    // MARK: - Network

    private func addNetwork(_ bundle: Bundle, isExec: Bool) throws(Status) {
        let annotations = bundle.annotations
        let namespace = bundle.spec.linux?.namespaces.first { $0.type == "network" }
        if let path = namespace?.path, !path.isEmpty, annotations.isNetworkAllowed != false {
            throw Status(
                .unimplemented,
                "linux.namespaces: joining the network namespace \(path) is not supported; "
                    + "annotate swiftlet.dev/network: none to run without sockets")
        }
        // A new network namespace has no way out; a guest without sockets is the same to it.
        let isAllowed = annotations.isNetworkAllowed ?? (namespace == nil)
        guard isAllowed else { return }
        var grant = NetworkGrant(isAllowed: true, podAddress: annotations.podAddress)
        grant.hosts = annotations.hosts.map { HostEntry(name: $0.name, address: $0.address) }
        grant.nameServers = annotations.nameServers
        if !isExec {
            for port in annotations.containerPorts where port.number < 1024 && port.transport == .tcp {
                let descriptor = try Self.bindListener(port.number, annotations.podAddress ?? 0)
                owned.append(descriptor)
                grant.boundSockets.append(BoundSocket(port: port.number, descriptor: descriptor))
            }
        }
        spec.network = grant
    }

    /// Ports below 1024 need a capability, which a sandbox does not have.
    private static func bindListener(_ port: UInt16, _ address: UInt32) throws(Status) -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var one: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = port.bigEndian
        target.sin_addr.s_addr = address.bigEndian
        let result = withUnsafePointer(to: &target) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard descriptor >= 0, result == 0 else {
            let reason = String(cString: strerror(errno))
            if descriptor >= 0 { Glibc.close(descriptor) }
            throw Status(
                .failedPrecondition, "port \(port)/TCP of \(SandboxAnnotations.text(address)): bind: \(reason)")
        }
        return descriptor
    }
}
