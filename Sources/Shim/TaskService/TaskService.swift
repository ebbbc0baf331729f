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
    private let launcher: SandboxLauncher
    private let namespace: String
    private let pod: String
    private let publish: (TaskEvent) -> Void
    private let shutdown: () -> Void
    private var containers: [String: Container] = [:]

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
        self.launcher = launcher
        self.namespace = namespace
        self.pod = pod
        self.shutdown = shutdown
    }

    /// Processes that are not reaped yet; the shim must not take their exit status from them.
    public var livingProcesses: [Int32] {
        containers.values.flatMap(\.allProcesses).filter { $0.exit == nil }.map(\.sandbox.processIdentifier)
    }

    /// Kills every process, waits for the end of each for a moment, and removes what they leave.
    public func killAll() {
        for process in containers.values.flatMap(\.allProcesses) where process.exit == nil { process.kill() }
        let deadline = EventLoop.now + 5_000_000_000
        while !livingProcesses.isEmpty, EventLoop.now < deadline { try? loop.runOnce(timeoutMilliseconds: 100) }
        for container in containers.values { container.removeLeftovers() }
        containers = [:]
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
        case "Create": responder.succeed(try create(Self.decode(request)).protobufBytes)
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
            try container(pause.id).pause()
            publish(.paused(id: pause.id))
            responder.succeed([])
        case "Resume":
            let resume: ResumeRequest = try Self.decode(request)
            try container(resume.id).resume()
            publish(.resumed(id: resume.id))
            responder.succeed([])
        case "Shutdown":
            let request: ShutdownRequest = try Self.decode(request)
            responder.succeed([])
            if containers.isEmpty || request.now { shutdown() }
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
        case "Update":
            let update: UpdateTaskRequest = try Self.decode(request)
            let container = try container(update.id)
            let resources: ResourcesSpec
            do { resources = try ResourcesSpec(parsing: update.resources?.value ?? []) } catch {
                throw Status(.invalidArgument, "\(error)")
            }
            try container.update(resources)
            return []
        case "CloseIO":
            let close: CloseIORequest = try Self.decode(request)
            let process = try process(close.id, close.execID)
            if close.stdin { process.io.closeInput() }
            return []
        case "ResizePty":
            let resize: ResizePtyRequest = try Self.decode(request)
            _ = try process(resize.id, resize.execID)
            throw Status(.failedPrecondition, "container \(resize.id) has no terminal: a guest cannot have one")
        default: throw Self.unimplemented(request)
        }
    }

    // MARK: - Calls

    private func create(_ request: CreateTaskRequest) throws(Status) -> CreateTaskResponse {
        try Self.check(identifier: request.id, "container id")
        guard containers[request.id] == nil else {
            throw Status(.alreadyExists, "container \(request.id) exists")
        }
        // LIMIT: containers of a pod.
        guard containers.count < 256 else { throw Status(.resourceExhausted, "the shim has 256 containers") }
        guard request.checkpoint.isEmpty else { throw Status(.unimplemented, "checkpoints are not supported") }
        guard request.bundle.hasPrefix("/") else {
            throw Status(.invalidArgument, "bundle: expected an absolute path, found \"\(request.bundle)\"")
        }
        let rootfs = "\(request.bundle)/rootfs"
        do {
            try RootMounts.mount(request.rootfs, on: rootfs)
            let container = try Container(
                request, namespace: namespace, pod: pod, loop: loop, launcher: launcher, publish: publish)
            containers[request.id] = container
            return CreateTaskResponse(pid: container.process.pid)
        } catch {
            if !request.rootfs.isEmpty { RootMounts.unmount(rootfs) }
            ExitRecord(exitCode: 128, reason: "StartError", message: error.message).write(toBundle: request.bundle)
            throw error
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
            if request.execID.isEmpty {
                container.removeLeftovers()
                self.containers[request.id] = nil
            } else {
                container.removeExec(request.execID)
            }
            self.publish(
                .delete(
                    id: request.id, process: request.execID, pid: process.pid, status: record.exitStatus,
                    at: record.timestamp))
            responder.succeed(
                DeleteResponse(pid: process.pid, exitStatus: record.exitStatus, exitedAt: record.timestamp)
                    .protobufBytes)
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
        (response.stdin, response.stdout, response.stderr) = process.streams
        response.execID = request.execID
        response.exitStatus = process.exit?.exitStatus ?? 0
        response.exitedAt = process.exit?.timestamp
        return response
    }

    /// Never empty for a known container: containerd holds a task without processes for leaked.
    private func pids(_ request: PidsRequest) throws(Status) -> PidsResponse {
        let container = try container(request.id)
        let living = container.execs.values.filter { $0.exit == nil }
        return PidsResponse(processes: ([container.process] + living).map { ProcessInfo(pid: $0.pid) })
    }

    private func stats(_ request: StatsRequest) throws(Status) -> StatsResponse {
        let container = try container(request.id)
        let living = container.allProcesses.filter { $0.exit == nil }.map(\.sandbox.processIdentifier)
        let metrics = ContainerMetrics(cgroup: container.process.sandbox.cgroup, processes: living).read()
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
        try container.process.probe(export: request.export, timeoutNanoseconds: timeout, responder)
    }

    // MARK: - Looking up

    private func container(_ id: String) throws(Status) -> Container {
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
