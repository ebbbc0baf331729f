// SPDX-License-Identifier: Apache-2.0
// Swiftlet: starts sandbox processes.

internal import Glibc
package import LaunchProtocol
package import Linux

/// Starts `swiftlet-sandbox` processes. Safe to use from any thread, with two cautions: with `endsWithSupervisor` (the
/// default) the kernel kills the sandbox when the *thread* that launched it ends, so launch from one that stays; and
/// the process must not have SIGCHLD ignored, or exit statuses are lost.
public struct SandboxLauncher: Sendable {
    public let executablePath: String
    private let namespaces: Namespaces

    /// - Parameter executablePath: nil: `SWIFTLET_SANDBOX` from the environment, or `swiftlet-sandbox` beside the running
    ///   executable.
    public init(executablePath: String? = nil) throws(WorkloadError) {
        if let executablePath {
            self.executablePath = executablePath
        } else {
            self.executablePath = try Self.defaultPath()
        }
        guard access(self.executablePath, X_OK) == 0 else {
            throw WorkloadError("sandbox executable \(self.executablePath): \(Errno.current)")
        }
        namespaces = Isolation.namespaces
    }

    private static func defaultPath() throws(WorkloadError) -> String {
        if let path = getenv("SWIFTLET_SANDBOX") { return String(cString: path) }
        do {
            let own = try Files.linkTarget("/proc/self/exe")
            guard let slash = own.lastIndex(of: "/") else { return "swiftlet-sandbox" }
            return own[...slash] + "swiftlet-sandbox"
        } catch { throw WorkloadError("cannot find the sandbox executable", error) }
    }

    /// Starts a sandbox process, puts it into its cgroup and sends it the spec. The guest runs when the process reports
    /// `.started`; everything that goes wrong from here on is in the records and the exit.
    public func launch(_ request: LaunchRequest) throws(WorkloadError) -> SandboxProcess {
        let process = try prepare(request)
        try process.begin()
        return process
    }

    /// The first half of `launch`: the process exists, in its cgroup, and waits for its spec, which `begin` sends.
    public func prepare(_ request: LaunchRequest) throws(WorkloadError) -> SandboxProcess {
        var spec = request.spec
        var inheritances = Self.assignDescriptors(&spec)
        // The encoder's refusals come before anything is started.
        do { _ = try spec.encoded() } catch { throw WorkloadError("launch spec: \(error)") }
        let (cgroup, missing) = try Isolation.makeCGroup(request, &spec)
        do throws(SystemError) {
            let sockets = try DescriptorPair.sequencedPackets()
            inheritances += [
                .init(request.streams.input, as: 0), .init(request.streams.output, as: 1),
                .init(request.streams.error, as: 2),
                .init(sockets.second.rawValue, as: LaunchSpec.controlDescriptor),
            ]
            var warnings = missing
            let child = try spawn(request, inheritances, cgroup, &warnings)
            let control = try sockets.first.duplicate()
            return SandboxProcess(
                spec: spec, child: child, control: control, cgroup: cgroup, removesCGroup: request.removesCGroup,
                warnings: warnings)
        } catch {
            if request.removesCGroup { try? cgroup?.remove() }
            throw WorkloadError("start \(executablePath)", error)
        }
    }

    /// The Swift runtime would look for its backtracer in seven places before main, and could not start it anyway.
    private static let environment = ["SWIFT_BACKTRACE=enable=no,color=no,interactive=no,swift-backtrace=/none"]

    func spawn(
        _ launch: LaunchRequest, _ inheritances: [SpawnRequest.Inheritance], _ cgroup: CGroup?,
        _ warnings: inout [String]
    ) throws(SystemError) -> ChildProcess {
        var request = SpawnRequest(
            path: executablePath, arguments: ["swiftlet-sandbox", launch.spec.name],
            environment: Self.environment, descriptors: inheritances)
        request.namespaces = launch.inheritsNamespaces ? [] : namespaces
        if launch.hasOwnNetwork { request.namespaces.insert(.network) }
        request.hasOwnSession = true
        request.controlsTerminal = launch.controlsTerminal
        request.cgroup = try cgroup?.entrance()
        if let path = launch.networkPath {
            return try NamespaceAccess.inNetwork(path) { () throws(SystemError) in try ChildProcess.spawn(request) }
        }
        do { return try ChildProcess.spawn(request) } catch {
            // A network of its own was asked for; the rest is a wall more.
            guard Isolation.canDoWithout(request.namespaces, error), !launch.hasOwnNetwork else { throw error }
            warnings.append(Isolation.warning(withoutNamespaces: error))
        }
        request.namespaces = []
        return try ChildProcess.spawn(request)
    }

    /// Numbers the sandbox's descriptors from 4 up, in the order of the spec; a descriptor named twice gets two.
    package static func assignDescriptors(_ spec: inout LaunchSpec) -> [SpawnRequest.Inheritance] {
        var inheritances: [SpawnRequest.Inheritance] = []
        func assign(_ source: Int32) -> Int32 {
            let target = LaunchSpec.controlDescriptor + 1 + Int32(inheritances.count)
            inheritances.append(.init(source, as: target))
            return target
        }
        spec.moduleDescriptor = assign(spec.moduleDescriptor)
        spec.nativeDescriptor = spec.nativeDescriptor.map(assign)
        spec.profileDescriptor = spec.profileDescriptor.map(assign)
        for index in spec.preopens.indices { spec.preopens[index].descriptor = assign(spec.preopens[index].descriptor) }
        spec.network.listeners = spec.network.listeners.map(assign)
        for index in spec.network.boundSockets.indices {
            spec.network.boundSockets[index].descriptor = assign(spec.network.boundSockets[index].descriptor)
        }
        return inheritances
    }
}
