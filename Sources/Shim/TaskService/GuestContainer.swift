// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a container with a guest in it.
import EventLoop
import Glibc
import Linux
import OCI
import TTRPC
import TaskAPI
import Workload

/// A container whose processes are sandboxes.
final class GuestContainer: Container {
    let id: String
    let bundle: Bundle
    let cgroupPath: String
    private let hasMountedRoot: Bool
    let process: TaskProcess
    var execs: [String: TaskProcess] = [:]
    private let name: String
    private let context: ContainerContext
    private let sandbox: SandboxProcess
    /// What a new process ran into between its object and ours.
    private final class Execs { var all: () -> [TaskProcess] = { [] } }

    /// Makes the container: everything is found, opened and checked, and the sandbox process waits.
    init(_ request: CreateTaskRequest, _ bundle: Bundle, _ context: ContainerContext) throws(Status) {
        id = request.id
        hasMountedRoot = !request.rootfs.isEmpty
        self.context = context
        if let moment = bundle.spec.hooks.firstMoment {
            throw Status(
                .unimplemented, "\(request.bundle)/config.json: hooks.\(moment): hooks are not supported by the shim")
        }
        self.bundle = bundle
        let cgroupPath = try bundle.cgroupPath() ?? "swiftlet-shim/\(context.namespace)-\(request.id)"
        self.cgroupPath = cgroupPath
        name = Self.name(bundle, namespace: context.namespace, pod: context.pod, id: request.id)
        let module = try bundle.resolver.resolve(bundle.process)
        let plan = try LaunchPlan(bundle, process: bundle.process, module: module, name: name, isExec: false)
        plan.addProfile(at: GuestProfile.path(bundle.path))
        let execs = Execs()
        let engine = Engine(plan, bundle, context.compiler, id: request.id, name: name)
        let path = bundle.path
        let identity = ProcessIdentity(container: request.id, publish: context.publish)
        (process, sandbox) = try Self.launch(
            plan, label: "container \(request.id)", context, streams: StreamPaths(request),
            limits: ResourceLimits(bundle.resources), cgroup: (cgroupPath, true),
            willReap: {
                // They are gone before the cgroup is removed.
                for exec in execs.all() { exec.kill() }
            },
            didStart: {
                LaunchWarnings.write(engine.warnings + $0, toBundle: path)
                engine.noteStart()
                identity.noteStart()
            },
            didEnd: {
                engine.noteEnd()
                $0.write(toBundle: path)
                identity.noteEnd($0)
            })
        engine.sandbox = sandbox
        identity.process = process
        context.publish(.create(request, pid: process.pid))
        execs.all = { [unowned self] in Array(self.execs.values) }
        SandboxMark(process: process.control.pid, cgroupPath: cgroupPath).write(toBundle: path)
        adjustOOMScore()
    }

    var cgroup: CGroup? { sandbox.cgroup }

    func addExec(_ request: ExecProcessRequest, _ spec: ProcessSpec) throws(Status) {
        let module = try bundle.resolver.resolve(spec, of: bundle.process)
        let plan = try LaunchPlan(
            bundle, process: spec, module: module, name: "\(name)/\(request.execID)", isExec: true)
        let identity = ProcessIdentity(container: id, exec: request.execID, publish: context.publish)
        let (exec, _) = try Self.launch(
            plan, label: "exec \(request.execID) of \(id)", context, streams: StreamPaths(request),
            // In its cgroup it shares the container's limits; without one it has its own.
            limits: cgroup == nil ? ResourceLimits(bundle.resources) : ResourceLimits(),
            cgroup: (cgroupPath, false),
            didStart: { [unowned self] _ in
                identity.noteStart()
                // It was on its way when the container was paused.
                if process.lifecycle == .paused { try? execs[request.execID]?.pause() }
            }, didEnd: identity.noteEnd)
        identity.process = exec
        execs[request.execID] = exec
        context.publish(.execAdded(id: id, exec: request.execID))
    }

    /// By SIGSTOP and not by the freezer: version 1's does not let a frozen process be killed, and not everybody has a
    /// cgroup.
    func pause(_ completion: @escaping Completion) {
        do { try process.pause() } catch { return completion(.failure(error)) }
        for exec in execs.values where exec.lifecycle == .running { try? exec.pause() }
        completion(.success(()))
    }

    func resume(_ completion: @escaping Completion) {
        do { try process.resume() } catch { return completion(.failure(error)) }
        for exec in execs.values where exec.lifecycle == .paused { try? exec.resume() }
        completion(.success(()))
    }

    func removeLeftovers(_ completion: @escaping () -> Void) {
        try? cgroup?.remove(timeoutMilliseconds: 1000)
        if hasMountedRoot { RootMounts.unmount("\(bundle.path)/rootfs") }
        for index in bundle.spec.mounts.indices { removeTree("\(bundle.path)/tmpfs/\(index)") }
        rmdir("\(bundle.path)/tmpfs")
        CGroupParents.removeEmpty(above: cgroupPath)
        // Last: if the shim is killed before this, whoever cleans up finds the mark and does it all again.
        SandboxMark.remove(fromBundle: bundle.path)
        completion()
    }

    func update(_ resources: [UInt8], _ completion: @escaping Completion) {
        do throws(Status) {
            try update(resources)
            completion(.success(()))
        } catch { completion(.failure(error)) }
    }

    private func update(_ bytes: [UInt8]) throws(Status) {
        let resources: ResourcesSpec
        do { resources = try ResourcesSpec(parsing: bytes) } catch { throw Status(.invalidArgument, "\(error)") }
        guard process.lifecycle != .stopped else {
            throw Status(.failedPrecondition, "container \(id) is \(process.lifecycle)")
        }
        guard let cgroup else {
            throw Status(
                .failedPrecondition, "container \(id) has no cgroup: its limits cannot be changed while it runs")
        }
        do {
            try cgroup.create(ResourceLimits(resources))
            for process in allProcesses where process.lifecycle != .stopped { try cgroup.add(process.control.pid) }
        } catch { throw Status(.failedPrecondition, "container \(id): \(error)") }
    }

    // MARK: - Making

    private static func launch(
        _ plan: LaunchPlan, label: String, _ context: ContainerContext, streams: StreamPaths, limits: ResourceLimits,
        cgroup: (path: String, isOwned: Bool), willReap: @escaping () -> Void = {},
        didStart: @escaping ([String]) -> Void, didEnd: @escaping (ExitRecord) -> Void
    ) throws(Status) -> (TaskProcess, SandboxProcess) {
        let io = try StandardIO(loop: context.loop, streams)
        var request = plan.request(cgroupPath: cgroup.path)
        request.limits = limits
        request.removesCGroup = cgroup.isOwned
        request.controlsTerminal = streams.hasTerminal
        request.streams = StandardStreams(
            input: io.descriptors[0], output: io.descriptors[1], error: io.descriptors[2])
        let sandbox: SandboxProcess
        do { sandbox = try context.launcher.prepare(request) } catch {
            io.finish()
            throw Status(.internalError, "\(label): \(error)")
        }
        io.handedOver()
        plan.close()
        do {
            let events = TaskProcess.Events()
            let control = try GuestControl(
                label: label, loop: context.loop, sandbox: sandbox, willReap: willReap, tell: events.tell)
            let process = TaskProcess(
                label: label, control: control, events: events, io: io, streams: streams, didStart: didStart,
                didEnd: didEnd)
            return (process, sandbox)
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
        try? Files.write("\(score)", toExisting: "/proc/\(process.control.pid)/oom_score_adj")
    }
}
