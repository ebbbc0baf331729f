// SPDX-License-Identifier: Apache-2.0
// Swiftlet: answers the Task API.
public import EventLoop
import Glibc
import Linux
import OCI
import Protobuf
public import TTRPC
public import TaskAPI
public import Workload

/// `containerd.task.v2.Task`, `containerd.task.v3.Task` (the same calls) and `swiftlet.shim.v1.Probe` for the containers
/// of one pod.
public final class TaskService {
    private let loop: EventLoop
    private let context: ContainerContext
    private let publish: (TaskEvent) -> Void
    private let shutdown: () -> Void
    private var containers: [String: any Container] = [:]
    /// Native ones that runc is making, those that wait for native code, and those that are being removed.
    private var unfinished: Set<String> = []

    /// - Parameters:
    ///   - namespace: containerd's namespace, or the pod's.
    ///   - pod: the shim's id.
    ///   - publish: takes events for containerd.
    ///   - shutdown: the caller ends the shim; called at most when no container is left, or when told to go at once.
    public init(
        loop: EventLoop, launcher: SandboxLauncher, namespace: String, pod: String,
        publish: @escaping (TaskEvent) -> Void = { _ in }, shutdown: @escaping () -> Void
    ) {
        self.publish = publish
        self.loop = loop
        context = ContainerContext(
            loop: loop, launcher: launcher, native: NativeRuntime(loop: loop), compiler: ShimCompiler(loop: loop),
            namespace: namespace, pod: pod, publish: publish)
        self.shutdown = shutdown
    }

    /// Calls back whenever orphans that were nobody's may be reaped again (`isAdopting` has ended).
    public func whenAdopted(_ action: @escaping () -> Void) { context.native.didBecomeIdle = action }

    /// A child that is in no list may be the process of a native container that is just being made.
    public var isAdopting: Bool { !context.native.livingProcesses.isEmpty }

    /// Processes that are not reaped yet; the shim must not take their exit status from them.
    public var livingProcesses: [Int32] {
        containerProcesses + context.compiler.livingProcesses
    }

    private var containerProcesses: [Int32] {
        containers.values.flatMap(\.allProcesses).filter { $0.exit == nil && $0.control.pid != 0 }.map(\.control.pid)
    }

    /// Kills every process, waits for the end of each for a moment, and removes what they leave.
    public func killAll() {
        context.compiler.cancelAll()
        for process in containers.values.flatMap(\.allProcesses) where process.exit == nil { process.kill() }
        let deadline = EventLoop.now + 5_000_000_000
        while !livingProcesses.isEmpty || isAdopting, EventLoop.now < deadline {
            try? loop.runOnce(timeoutMilliseconds: 100)
        }
        for container in containers.values { container.removeLeftovers {} }
        containers = [:]
        while isAdopting, EventLoop.now < deadline { try? loop.runOnce(timeoutMilliseconds: 100) }
    }

    public func handle(_ request: Request, _ responder: Responder) {
        do {
            switch request.service {
            case ServiceName.task, ServiceName.taskV3: try handleTask(request, responder)
            case ServiceName.probe:
                switch request.method {
                case "Call": try probe(Self.decode(request), responder)
                case "Ping": responder.succeed([])
                default: throw Self.unimplemented(request)
                }
            default: throw Status(.unimplemented, "service \(request.service) is not known")
            }
        } catch let status as Status {
            responder.fail(status)
        } catch {
            responder.fail(.internalError, "\(error)")
        }
    }

    private func handleTask(_ request: Request, _ responder: Responder) throws(Status) {
        switch request.method {
        case "Create": try create(Self.decode(request), responder, timeoutNanoseconds: request.timeoutNanoseconds)
        case "Start":
            let start: StartRequest = try Self.decode(request)
            try process(start.id, start.execID).start(responder)
        case "Delete": try delete(Self.decode(request), responder)
        case "Exec":
            let exec: ExecProcessRequest = try Self.decode(request)
            try Self.check(identifier: exec.execID, "exec id")
            try container(exec.id).addExec(exec)
            responder.succeed([])
        case "Kill":
            try kill(Self.decode(request))
            responder.succeed([])
        case "Wait":
            let wait: WaitRequest = try Self.decode(request)
            try process(wait.id, wait.execID).wait { record in
                responder.succeed(
                    WaitResponse(exitStatus: record.exitStatus, exitedAt: record.timestamp).protobufBytes)
            }
        case "Pause":
            let pause: PauseRequest = try Self.decode(request)
            try container(pause.id).pause(answering(responder) { [publish] in publish(.paused(id: pause.id)) })
        case "Resume":
            let resume: ResumeRequest = try Self.decode(request)
            try container(resume.id).resume(answering(responder) { [publish] in publish(.resumed(id: resume.id)) })
        case "Update":
            let update: UpdateTaskRequest = try Self.decode(request)
            try container(update.id).update(update.resources?.value ?? [], answering(responder) {})
        case "Shutdown":
            let request: ShutdownRequest = try Self.decode(request)
            responder.succeed([])
            if containers.isEmpty && unfinished.isEmpty || request.now { shutdown() }
        default: responder.succeed(try inspect(request))
        }
    }

    private func inspect(_ request: Request) throws(Status) -> [UInt8] {
        switch request.method {
        case "State": return try state(Self.decode(request)).protobufBytes
        case "Pids": return try pids(Self.decode(request)).protobufBytes
        case "Connect":
            let connect: ConnectRequest = try Self.decode(request)
            // A shim that is asked before Create has no task yet; containerd asks without an id at times.
            let pid = containers[connect.id]?.process.pid ?? 0
            return ConnectResponse(shimPid: UInt32(getpid()), taskPid: pid, version: "1").protobufBytes
        case "Stats": return try stats(Self.decode(request)).protobufBytes
        case "CloseIO":
            let close: CloseIORequest = try Self.decode(request)
            let process = try process(close.id, close.execID)
            if close.stdin { process.io.closeInput() }
            return []
        case "ResizePty":
            let resize: ResizePtyRequest = try Self.decode(request)
            let process = try process(resize.id, resize.execID)
            // The caller's window may change while it has not heard of the end.
            guard process.exit == nil || !process.streams.hasTerminal else { return [] }
            try process.io.resizeTerminal(columns: resize.width, rows: resize.height)
            return []
        default: throw Self.unimplemented(request)
        }
    }

    // MARK: - Calls

    private func create(
        _ request: CreateTaskRequest, _ responder: Responder, timeoutNanoseconds: Int64
    ) throws(Status) {
        try Self.check(identifier: request.id, "container id")
        guard containers[request.id] == nil, !unfinished.contains(request.id) else {
            throw Status(.alreadyExists, "container \(request.id) exists")
        }
        // LIMIT: containers of a pod.
        guard containers.count + unfinished.count < 256 else {
            throw Status(.resourceExhausted, "the shim has 256 containers")
        }
        guard request.checkpoint.isEmpty else { throw Status(.unimplemented, "checkpoints are not supported") }
        guard request.bundle.hasPrefix("/") else {
            throw Status(.invalidArgument, "bundle: expected an absolute path, found \"\(request.bundle)\"")
        }
        do {
            try RootMounts.mount(request.rootfs, on: "\(request.bundle)/rootfs")
            let bundle = try Bundle(path: request.bundle)
            if try bundle.entrypointKind() == .wasm {
                if bundle.annotations.engine == .aot {
                    return try createCompiled(request, bundle, responder, timeoutNanoseconds)
                }
                note(try GuestContainer(request, bundle, context), responder)
                return
            }
            unfinished.insert(request.id)
            try NativeContainer.create(request, bundle, context) { [unowned self] result in
                unfinished.remove(request.id)
                switch result {
                case .success(let container): note(container, responder)
                case .failure(let status): responder.fail(undoCreate(request, status))
                }
            }
        } catch {
            unfinished.remove(request.id)
            throw undoCreate(request, error)
        }
    }

    // LIMIT: seconds that a container waits for its native code, where the caller does not say how long it waits.
    private static let compilationSecondsMax: UInt64 = 600

    /// First native code of the module, then the container.
    private func createCompiled(
        _ request: CreateTaskRequest, _ bundle: Bundle, _ responder: Responder, _ timeoutNanoseconds: Int64
    ) throws(Status) {
        let module = try bundle.resolver.resolve(bundle.process)
        // Before the caller gives up: it would not hear why.
        let limit =
            timeoutNanoseconds > 0
            ? UInt64(timeoutNanoseconds) / 10 * 9 : Self.compilationSecondsMax * 1_000_000_000
        unfinished.insert(request.id)
        // Whoever cleans up after a killed shim looks for it.
        SandboxMark(process: 0, cgroupPath: "").write(toBundle: bundle.path)
        context.compiler.compile(module.takeDescriptor(), name: request.id, withinNanoseconds: limit) {
            [unowned self] result in
            unfinished.remove(request.id)
            do throws(Status) {
                try result.get()
                note(try GuestContainer(request, bundle, context), responder)
            } catch {
                SandboxMark.remove(fromBundle: bundle.path)
                responder.fail(undoCreate(request, error))
            }
        }
    }

    private func note(_ container: any Container, _ responder: Responder) {
        containers[container.id] = container
        responder.succeed(CreateTaskResponse(pid: container.process.pid).protobufBytes)
    }

    private func undoCreate(_ request: CreateTaskRequest, _ status: Status) -> Status {
        if !request.rootfs.isEmpty { RootMounts.unmount("\(request.bundle)/rootfs") }
        ExitRecord(exitCode: 128, reason: "StartError", message: status.message).write(toBundle: request.bundle)
        return status
    }

    /// Answers an empty message when something is done, or its failure.
    private func answering(_ responder: Responder, _ note: @escaping () -> Void) -> Completion {
        { result in
            switch result {
            case .success:
                note()
                responder.succeed([])
            case .failure(let status): responder.fail(status)
            }
        }
    }

    /// A container or exec that was never started may be deleted, too: containerd does so when Start has failed.
    private func delete(_ request: DeleteRequest, _ responder: Responder) throws(Status) {
        let container = try container(request.id)
        let process = try container.process(execID: request.execID)
        switch process.lifecycle {
        case .stopped: break
        case .created: process.kill()
        default:
            throw Status(.failedPrecondition, "\(process.label) is \(process.lifecycle); it must be stopped first")
        }
        process.wait { [unowned self] record in
            let pid = process.pid
            let finish = { [publish] in
                publish(
                    .delete(
                        id: request.id, process: request.execID, pid: pid, status: record.exitStatus,
                        at: record.timestamp))
                responder.succeed(
                    DeleteResponse(pid: pid, exitStatus: record.exitStatus, exitedAt: record.timestamp).protobufBytes)
            }
            if request.execID.isEmpty {
                containers[request.id] = nil
                unfinished.insert(request.id)
                container.removeLeftovers {
                    self.unfinished.remove(request.id)
                    finish()
                }
            } else {
                container.execs[request.execID] = nil
                finish()
            }
        }
    }

    private func kill(_ request: KillRequest) throws(Status) {
        let container = try container(request.id)
        try container.process(execID: request.execID).signal(request.signal)
        guard request.all, request.execID.isEmpty else { return }
        for exec in container.execs.values where exec.exit == nil { try exec.signal(request.signal) }
    }

    private func state(_ request: StateRequest) throws(Status) -> StateResponse {
        let container = try container(request.id)
        let process = try container.process(execID: request.execID)
        var response = StateResponse(id: request.id, bundle: container.bundle.path, pid: process.pid)
        response.rawStatus = process.lifecycle.taskStatus.rawValue
        response.stdin = process.streams.input
        response.stdout = process.streams.output
        response.stderr = process.streams.error
        response.terminal = process.streams.hasTerminal
        response.execID = request.execID
        response.exitStatus = process.exit?.exitStatus ?? 0
        response.exitedAt = process.exit?.timestamp
        return response
    }

    /// Never empty for a known container: containerd holds a task without processes for leaked.
    private func pids(_ request: PidsRequest) throws(Status) -> PidsResponse {
        let container = try container(request.id)
        let living = container.execs.values.filter { $0.exit == nil && $0.control.pid != 0 }.map(\.pid)
        let others = (container is NativeContainer ? container.cgroup?.processes() ?? [] : []).map { UInt32($0) }
        let first = container.process.pid
        let rest = Set(living + others).subtracting([first]).sorted()
        return PidsResponse(processes: ([first] + rest).map { ProcessInfo(pid: $0) })
    }

    private func stats(_ request: StatsRequest) throws(Status) -> StatsResponse {
        let container = try container(request.id)
        let living = container.allProcesses.filter { $0.exit == nil && $0.control.pid != 0 }.map(\.control.pid)
        let metrics = ContainerMetrics(cgroup: container.cgroup, processes: living).read()
        return StatsResponse(stats: AnyMessage(typeURL: Metrics.protobufName, value: metrics.protobufBytes))
    }

    private func probe(_ request: ProbeCallRequest, _ responder: Responder) throws(Status) {
        let container = try container(request.id)
        guard container.bundle.annotations.probeExports.contains(request.export) else {
            throw Status(
                .invalidArgument,
                "export \"\(request.export)\" is not among \(SandboxAnnotations.Key.probeExports) of \(request.id)")
        }
        let timeout = request.timeoutNanoseconds > 0 ? UInt64(request.timeoutNanoseconds) : 1_000_000_000
        let process = container.process
        guard let guest = process.control as? GuestControl else {
            throw Status(.failedPrecondition, "\(process.label) is a native program: it has no exports")
        }
        guard process.lifecycle == .running else {
            throw Status(.failedPrecondition, "\(process.label) is \(process.lifecycle), not running")
        }
        try guest.probe(export: request.export, timeoutNanoseconds: timeout, responder)
    }

    // MARK: - Looking up

    private func container(_ id: String) throws(Status) -> any Container {
        guard let container = containers[id] else { throw Status(.notFound, "container \(id) is not known") }
        return container
    }

    private func process(_ id: String, _ execID: String) throws(Status) -> TaskProcess {
        try container(id).process(execID: execID)
    }

    private static func decode<Message: ProtobufMessage>(_ request: Request) throws(Status) -> Message {
        do { return try Message(protobuf: request.payload) } catch {
            throw Status(.invalidArgument, "\(request.method): \(error)")
        }
    }

    private static func unimplemented(_ request: Request) -> Status {
        Status(.unimplemented, "\(request.service)/\(request.method) is not supported")
    }

    /// Identifiers become parts of paths: letters, digits, and `_`, `.`, `-` inside.
    static func check(identifier: String, _ what: String) throws(Status) {
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
        }
        let bytes = identifier.utf8
        let isFine =
            (1...253).contains(bytes.count) && bytes.first.map(isAlphanumeric) == true
            && bytes.allSatisfy { isAlphanumeric($0) || $0 == 0x5f || $0 == 0x2e || $0 == 0x2d }
        guard isFine else {
            throw Status(.invalidArgument, "\(what): expected letters, digits, _ . -, found \"\(identifier)\"")
        }
    }
}
