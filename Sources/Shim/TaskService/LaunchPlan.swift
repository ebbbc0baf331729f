// SPDX-License-Identifier: Apache-2.0
// Swiftlet: turns config.json into what a sandbox is launched with.
import Glibc
package import LaunchProtocol
import Linux
package import NativeCache
package import OCI
package import TTRPC
package import Workload

/// The launch spec of one process with the descriptors it names; they are closed with the plan.
package final class LaunchPlan {
    package private(set) var spec: LaunchSpec
    /// The network namespace to launch in; nil: the caller's, or a new one.
    package private(set) var networkPath: String?
    package private(set) var hasOwnNetwork = false
    /// What native code of the module the sandbox gets.
    package private(set) var nativeCode: NativeCacheKey?
    /// Why it gets none although there may be some.
    package private(set) var nativeProblem: String?
    private var owned: [Int32] = []
    private let temporaryDirectory: String

    /// - Parameters:
    ///   - process: the container's, or an exec's.
    ///   - isExec: an exec gets no ports: they are the container's.
    ///   - temporaryDirectory: where `tmpfs` mounts are; the caller removes it with the container.
    package init(
        _ bundle: Bundle, process: ProcessSpec, module: consuming ResolvedModule, name: String, isExec: Bool,
        temporaryDirectory: String? = nil
    ) throws(Status) {
        self.temporaryDirectory = temporaryDirectory ?? "\(bundle.path)/tmpfs"
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
        // What an exec runs may be another module, of which nobody has asked for native code.
        if isExec && spec.engine == .aot { spec.engine = .auto }
        spec.identity = try Self.identity(process, bundle.spec.linux)
        if let files = process.openFilesLimit {
            // LIMIT: below 32 the sandbox itself would not get through its start.
            spec.limits.openFiles = UInt32(min(max(files, 32), 65_536))
        }
        do {
            try addNativeCode(descriptor)
            try addDirectories(bundle)
            try addNetwork(bundle, isExec: isExec)
        } catch {
            close()
            throw error
        }
    }

    deinit { close() }

    /// A request for the launcher with this plan's spec.
    package func request(cgroupPath: String?) -> LaunchRequest {
        var request = LaunchRequest(spec: spec, cgroupPath: cgroupPath)
        request.networkPath = networkPath
        request.hasOwnNetwork = hasOwnNetwork
        return request
    }

    private static func identity(_ process: ProcessSpec, _ linux: LinuxSpec?) throws(Status) -> Identity {
        guard let user = IDMapping.host(process.uid, linux?.uidMappings ?? []) else {
            throw Status(.invalidArgument, "process.user.uid: \(process.uid) is in none of linux.uidMappings")
        }
        guard let group = IDMapping.host(process.gid, linux?.gidMappings ?? []) else {
            throw Status(.invalidArgument, "process.user.gid: \(process.gid) is in none of linux.gidMappings")
        }
        return try RequestedIdentity.identity(uid: user, gid: group)
    }

    /// The sandbox has its copies.
    package func close() {
        for descriptor in owned { Glibc.close(descriptor) }
        owned = []
    }

    private func own(_ descriptor: consuming OwnedDescriptor) -> Int32 {
        let number = descriptor.release()
        owned.append(number)
        return number
    }

    // MARK: - Native code

    /// Lets the sandbox tell at `path` where its guest spends its time, if there is no native code yet. Without it the
    /// guest runs as well.
    package func addProfile(at path: String) {
        guard spec.engine == .auto, spec.nativeDescriptor == nil, let file = try? ProfileBuffer.create(at: path) else {
            return
        }
        spec.profileDescriptor = own(file)
    }

    /// What the cache has. Where the engine is `aot`, the code was made before.
    private func addNativeCode(_ module: Int32) throws(Status) {
        guard spec.engine != .interpreter else { return }
        do throws(NativeCacheError) {
            guard let cache = try NativeCache(at: NativeCache.standardRoot),
                let found = try cache.find(module, wholeOnly: spec.engine == .aot)
            else { return }
            nativeCode = found.key
            spec.nativeDescriptor = own(found.takeImage())
        } catch {
            guard spec.engine != .aot else { throw Status(.failedPrecondition, "engine aot: \(error)") }
            nativeProblem = "native code: \(error); the interpreter runs"
        }
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
        "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev/termination-log", "/dev/shm", "/run/.containerenv",
        "/.dockerenv",
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
        let path = "\(temporaryDirectory)/\(index)"
        do {
            try Files.makeDirectory(temporaryDirectory, mode: 0o711)
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
        if let path = namespace?.path, !path.isEmpty { networkPath = path }
        // A new network namespace has no way out unless a hook makes one; a guest without sockets is the same to it.
        let isNew = namespace != nil && networkPath == nil
        let isAllowed = annotations.isNetworkAllowed ?? (!isNew || bundle.spec.hooks.firstMoment != nil)
        hasOwnNetwork = isNew && isAllowed
        guard isAllowed else { return }
        var grant = NetworkGrant(isAllowed: true, podAddress: annotations.podAddress)
        grant.hosts = annotations.hosts.map { HostEntry(name: $0.name, address: $0.address) }
        grant.nameServers = annotations.nameServers
        addNames(bundle, to: &grant)
        if !isExec {
            for port in annotations.containerPorts where port.number < 1024 && port.transport == .tcp {
                let descriptor = try bindListener(port.number, annotations.podAddress ?? 0)
                owned.append(descriptor)
                grant.boundSockets.append(BoundSocket(port: port.number, descriptor: descriptor))
            }
        }
        spec.network = grant
    }

    /// The names that CRI and podman give in files, where no annotation says otherwise.
    private func addNames(_ bundle: Bundle, to grant: inout NetworkGrant) {
        func text(_ destination: String) -> String? {
            guard let mount = bundle.spec.mounts.last(where: { $0.destination == destination }), mount.isBind else {
                return nil
            }
            return try? Files.readText(mount.source, limit: 256 << 10)
        }
        if grant.hosts.isEmpty, let hosts = text("/etc/hosts") { grant.hosts = NameFiles.hosts(hosts) }
        if grant.nameServers.isEmpty, let resolver = text("/etc/resolv.conf") {
            grant.nameServers = NameFiles.nameServers(resolver)
        }
    }

    /// Ports below 1024 need a capability, which a sandbox does not have.
    private func bindListener(_ port: UInt16, _ address: UInt32) throws(Status) -> Int32 {
        guard let networkPath else { return try Self.bindListener(port, address) }
        do {
            let result = try NamespaceAccess.inNetwork(networkPath) { () -> Result<Int32, Status> in
                do throws(Status) { return .success(try Self.bindListener(port, address)) } catch {
                    return .failure(error)
                }
            }
            return try result.get()
        } catch let status as Status {
            throw status
        } catch { throw Status(.failedPrecondition, "network namespace \(networkPath): \(error)") }
    }

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
            let error = errno
            var reason = String(cString: strerror(error))
            if error == EACCES {
                reason += "; without root, ports begin at what the sysctl net.ipv4.ip_unprivileged_port_start says"
            }
            if descriptor >= 0 { Glibc.close(descriptor) }
            throw Status(
                .failedPrecondition, "port \(port)/TCP of \(SandboxAnnotations.text(address)): bind: \(reason)")
        }
        return descriptor
    }
}
