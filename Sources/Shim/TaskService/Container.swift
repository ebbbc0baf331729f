// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a container: its bundle, its process, its execs.
import EventLoop
import Glibc
import Linux
import OCI
import TTRPC
import TaskAPI
import Workload

/// One container of the shim.
final class Container {
    let id: String
    let bundle: Bundle
    let cgroupPath: String
    private let hasMountedRoot: Bool
    private(set) var process: TaskProcess
    private(set) var execs: [String: TaskProcess] = [:]
    private let name: String
    private let loop: EventLoop
    private let launcher: SandboxLauncher
    private let publish: (TaskEvent) -> Void
    /// What a new process ran into between its object and ours.
    private final class Execs { var all: () -> [TaskProcess] = { [] } }

    /// Makes the container: everything is found, opened and checked, and the sandbox process waits.
    init(
        _ request: CreateTaskRequest, namespace: String, pod: String, loop: EventLoop, launcher: SandboxLauncher,
        publish: @escaping (TaskEvent) -> Void
    ) throws(Status) {
        guard !request.terminal else {
            throw Status(.invalidArgument, "terminal: a guest cannot have a terminal")
        }
        id = request.id
        hasMountedRoot = !request.rootfs.isEmpty
        self.loop = loop
        self.launcher = launcher
        self.publish = publish
        let bundle = try Bundle(path: request.bundle)
        if let moment = bundle.spec.hooks.firstMoment {
            throw Status(
                .unimplemented, "\(request.bundle)/config.json: hooks.\(moment): hooks are not supported by the shim")
        }
        guard try bundle.entrypointKind() == .wasm else {
            throw Status(
                .unimplemented, "\(request.bundle): the entrypoint is a native program, which is not supported")
        }
        self.bundle = bundle
        cgroupPath = try bundle.cgroupPath() ?? "swiftlet-shim/\(namespace)-\(request.id)"
        name = Self.name(bundle, namespace: namespace, pod: pod, id: request.id)
        let module = try bundle.resolver.resolve(bundle.process)
        let plan = try LaunchPlan(bundle, process: bundle.process, module: module, name: name, isExec: false)
        let execs = Execs()
        let path = bundle.path
        // A process has its number only when it is there, and may start and end only after that.
        let identity = ProcessIdentity(container: request.id, publish: publish)
        process = try Self.launch(
            plan, label: "container \(request.id)", loop: loop, launcher: launcher,
            streams: (request.stdin, request.stdout, request.stderr),
            limits: ResourceLimits(bundle.resources), cgroup: (cgroupPath, true),
            willReap: {
                // They are gone before the cgroup is removed.
                for exec in execs.all() { exec.kill() }
            },
            didStart: {
                LaunchWarnings.write($0, toBundle: path)
                identity.noteStart()
            },
            didEnd: {
                $0.write(toBundle: path)
                identity.noteEnd($0)
            })
        identity.pid = process.pid
        publish(.create(request, pid: process.pid))
        execs.all = { [unowned self] in Array(self.execs.values) }
        SandboxMark(process: process.sandbox.processIdentifier, cgroupPath: cgroupPath).write(toBundle: path)
        adjustOOMScore()
    }

    /// The container's process for an empty id, else the exec's.
    func process(execID: String) throws(Status) -> TaskProcess {
        if execID.isEmpty { return process }
        guard let exec = execs[execID] else {
            throw Status(.notFound, "exec \(execID) of container \(id) is not known")
        }
        return exec
    }

    var allProcesses: [TaskProcess] { [process] + execs.values }

    func addExec(_ request: ExecProcessRequest) throws(Status) {
        guard execs[request.execID] == nil else {
            throw Status(.alreadyExists, "exec \(request.execID) of container \(id) exists")
        }
        // LIMIT: execs kept; the caller deletes them when it has their result.
        guard execs.count < 256 else { throw Status(.resourceExhausted, "container \(id) has 256 execs") }
        guard process.lifecycle == .running else {
            throw Status(.failedPrecondition, "container \(id) is \(process.lifecycle), not running")
        }
        guard !request.terminal else { throw Status(.invalidArgument, "terminal: a guest cannot have a terminal") }
        let spec: ProcessSpec
        do { spec = try ProcessSpec(parsing: request.spec?.value ?? []) } catch {
            throw Status(.invalidArgument, "exec \(request.execID): \(error)")
        }
        let module = try bundle.resolver.resolve(spec, of: bundle.process)
        let plan = try LaunchPlan(
            bundle, process: spec, module: module, name: "\(name)/\(request.execID)", isExec: true)
        let identity = ProcessIdentity(container: id, exec: request.execID, publish: publish)
        let exec = try Self.launch(
            plan, label: "exec \(request.execID) of \(id)", loop: loop, launcher: launcher,
            streams: (request.stdin, request.stdout, request.stderr),
            // In its cgroup it shares the container's limits; without one it has its own.
            limits: process.sandbox.cgroup == nil ? ResourceLimits(bundle.resources) : ResourceLimits(),
            cgroup: (cgroupPath, false),
            didStart: { [unowned self] _ in
                identity.noteStart()
                // It was on its way when the container was paused.
                if process.lifecycle == .paused { try? execs[request.execID]?.pause() }
            }, didEnd: identity.noteEnd)
        identity.pid = exec.pid
        execs[request.execID] = exec
        publish(.execAdded(id: id, exec: request.execID))
    }

    /// Stops the container's process and its execs. By SIGSTOP and not by the freezer: version 1's does not let a frozen
    /// process be killed, and not everybody has a cgroup.
    func pause() throws(Status) {
        try process.pause()
        for exec in execs.values where exec.lifecycle == .running { try? exec.pause() }
    }

    func resume() throws(Status) {
        try process.resume()
        for exec in execs.values where exec.lifecycle == .paused { try? exec.resume() }
    }

    func removeExec(_ execID: String) { execs[execID] = nil }

    /// Takes away what Create made beside the process.
    func removeLeftovers() {
        try? process.sandbox.cgroup?.remove(timeoutMilliseconds: 1000)
        if hasMountedRoot { RootMounts.unmount("\(bundle.path)/rootfs") }
        for index in bundle.spec.mounts.indices { removeTree("\(bundle.path)/tmpfs/\(index)") }
        rmdir("\(bundle.path)/tmpfs")
        CGroupParents.removeEmpty(above: cgroupPath)
        // Last: if the shim is killed before this, whoever cleans up finds the mark and does it all again.
        SandboxMark.remove(fromBundle: bundle.path)
    }

    func update(_ resources: ResourcesSpec) throws(Status) {
        guard process.lifecycle != .stopped else {
            throw Status(.failedPrecondition, "container \(id) is \(process.lifecycle)")
        }
        guard let cgroup = process.sandbox.cgroup else {
            throw Status(
                .failedPrecondition, "container \(id) has no cgroup: its limits cannot be changed while it runs")
        }
        let limits = ResourceLimits(resources)
        do {
            try cgroup.create(limits)
            for process in allProcesses where process.lifecycle != .stopped {
                try cgroup.add(process.sandbox.processIdentifier)
            }
        } catch { throw Status(.failedPrecondition, "container \(id): \(error)") }
    }

    // MARK: - Making

    private static func launch(
        _ plan: LaunchPlan, label: String, loop: EventLoop, launcher: SandboxLauncher,
        streams: (input: String, output: String, error: String), limits: ResourceLimits,
        cgroup: (path: String, isOwned: Bool), willReap: @escaping () -> Void = {},
        didStart: @escaping ([String]) -> Void, didEnd: @escaping (ExitRecord) -> Void
    ) throws(Status) -> TaskProcess {
        let io = try StandardIO(loop: loop, input: streams.input, output: streams.output, error: streams.error)
        var request = plan.request(cgroupPath: cgroup.path)
        request.limits = limits
        request.removesCGroup = cgroup.isOwned
        request.streams = StandardStreams(
            input: io.descriptors[0], output: io.descriptors[1], error: io.descriptors[2])
        let sandbox: SandboxProcess
        do { sandbox = try launcher.prepare(request) } catch {
            io.finish()
            throw Status(.internalError, "\(label): \(error)")
        }
        io.handedOver()
        plan.close()
        do {
            return try TaskProcess(
                label: label, loop: loop, sandbox: sandbox, io: io, streams: streams, willReap: willReap,
                didStart: didStart, didEnd: didEnd)
        } catch {
            _ = try? sandbox.kill()
            _ = try? sandbox.wait()
            io.finish()
            throw Status(.internalError, "\(label): \(error)")
        }
    }

    /// `NAMESPACE/POD/CONTAINER`, by the names that CRI gives where there are some.
    private static func name(_ bundle: Bundle, namespace: String, pod: String, id: String) -> String {
        let annotations = bundle.spec.annotations
        let prefix = "io.kubernetes.cri."
        return [
            annotations[prefix + "sandbox-namespace"] ?? namespace, annotations[prefix + "sandbox-name"] ?? pod,
            annotations[prefix + "container-name"] ?? id,
        ].joined(separator: "/")
    }

    /// Upwards only, unless one has the capability: a wish that the kernel may refuse.
    private func adjustOOMScore() {
        guard let score = bundle.process.oomScoreAdj else { return }
        try? Files.write("\(score)", toExisting: "/proc/\(process.sandbox.processIdentifier)/oom_score_adj")
    }
}

/// Tells how a process of a container fares.
private final class ProcessIdentity {
    private let container: String
    /// Empty: the container's own process.
    private let exec: String
    private let publish: (TaskEvent) -> Void
    var pid: UInt32 = 0

    init(container: String, exec: String = "", publish: @escaping (TaskEvent) -> Void) {
        self.container = container
        self.exec = exec
        self.publish = publish
    }

    func noteStart() {
        publish(exec.isEmpty ? .start(id: container, pid: pid) : .execStarted(id: container, exec: exec, pid: pid))
    }

    func noteEnd(_ record: ExitRecord) {
        // Before the exit: CRI takes the reason from it.
        if record.reason == "OOMKilled" { publish(.outOfMemory(id: container)) }
        publish(
            .exit(
                id: container, process: exec.isEmpty ? container : exec, pid: pid, status: record.exitStatus,
                at: record.timestamp))
    }
}

/// Removes a directory with what is in it; symbolic links are removed, not followed.
package func removeTree(_ path: String, depth: Int = 0) {
    // LIMIT: deeper trees stay; the guest made them, and nobody but an attacker nests so deep.
    guard depth < 128 else { return }
    for name in (try? Files.names(in: path)) ?? [] {
        var information = stat()
        let child = "\(path)/\(name)"
        guard lstat(child, &information) == 0 else { continue }
        if information.st_mode & S_IFMT == S_IFDIR { removeTree(child, depth: depth + 1) } else { unlink(child) }
    }
    rmdir(path)
}
