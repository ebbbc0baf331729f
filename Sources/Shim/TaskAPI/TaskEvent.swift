// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what a shim tells containerd unasked.
public import Protobuf

/// An event of a task. See: containerd api/events/task.proto.
public enum TaskEvent: Sendable, Equatable {
    case create(CreateTaskRequest, pid: UInt32)
    case start(id: String, pid: UInt32)
    /// `process` is the exec's id, or the container's for its own process.
    case exit(id: String, process: String, pid: UInt32, status: UInt32, at: Timestamp)
    case delete(id: String, process: String, pid: UInt32, status: UInt32, at: Timestamp)
    case outOfMemory(id: String)
    case execAdded(id: String, exec: String)
    case execStarted(id: String, exec: String, pid: UInt32)
    case paused(id: String)
    case resumed(id: String)

    public var topic: String {
        switch self {
        case .create: "/tasks/create"
        case .start: "/tasks/start"
        case .exit: "/tasks/exit"
        case .delete: "/tasks/delete"
        case .outOfMemory: "/tasks/oom"
        case .execAdded: "/tasks/exec-added"
        case .execStarted: "/tasks/exec-started"
        case .paused: "/tasks/paused"
        case .resumed: "/tasks/resumed"
        }
    }

    private var typeName: String {
        switch self {
        case .create: "TaskCreate"
        case .start: "TaskStart"
        case .exit: "TaskExit"
        case .delete: "TaskDelete"
        case .outOfMemory: "TaskOOM"
        case .execAdded: "TaskExecAdded"
        case .execStarted: "TaskExecStarted"
        case .paused: "TaskPaused"
        case .resumed: "TaskResumed"
        }
    }

    public var message: AnyMessage {
        AnyMessage(typeURL: "containerd.events.\(typeName)", value: payload)
    }

    private var payload: [UInt8] {
        var writer = ProtobufWriter()
        switch self {
        case .create(let request, let pid):
            var io = ProtobufWriter()
            io.string(1, request.stdin)
            io.string(2, request.stdout)
            io.string(3, request.stderr)
            io.bool(4, request.terminal)
            writer.string(1, request.id)
            writer.string(2, request.bundle)
            writer.messages(3, request.rootfs)
            writer.bytes(4, io.bytes)
            writer.string(5, request.checkpoint)
            writer.uint32(6, pid)
        case .start(let id, let pid):
            writer.string(1, id)
            writer.uint32(2, pid)
        case .exit(let id, let process, let pid, let status, let time):
            writer.string(1, id)
            writer.string(2, process)
            writer.uint32(3, pid)
            writer.uint32(4, status)
            writer.message(5, time)
        case .delete(let id, let process, let pid, let status, let time):
            writer.string(1, id)
            writer.uint32(2, pid)
            writer.uint32(3, status)
            writer.message(4, time)
            writer.string(5, process)
        case .outOfMemory(let id), .paused(let id), .resumed(let id): writer.string(1, id)
        case .execAdded(let id, let exec):
            writer.string(1, id)
            writer.string(2, exec)
        case .execStarted(let id, let exec, let pid):
            writer.string(1, id)
            writer.string(2, exec)
            writer.uint32(3, pid)
        }
        return writer.bytes
    }
}

/// containerd.services.events.ttrpc.v1.ForwardRequest, with the envelope inside it.
public struct ForwardRequest: ProtobufMessage {
    public static let protobufName = "containerd.services.events.ttrpc.v1.ForwardRequest"
    public var envelope: EventEnvelope?

    public init() {}

    public init(envelope: EventEnvelope) { self.envelope = envelope }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        if field.number == 1 { envelope = try field.message(EventEnvelope.self) }
    }

    public func encode(into writer: inout ProtobufWriter) { writer.message(1, envelope) }
}

/// containerd.types.Envelope.
public struct EventEnvelope: ProtobufMessage {
    public static let protobufName = "containerd.types.Envelope"
    public var timestamp: Timestamp?
    public var namespace = ""
    public var topic = ""
    public var event: AnyMessage?

    public init() {}

    public init(_ event: TaskEvent, namespace: String, timestamp: Timestamp) {
        self.timestamp = timestamp
        self.namespace = namespace
        topic = event.topic
        self.event = event.message
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: timestamp = try field.message(Timestamp.self)
        case 2: namespace = try field.string()
        case 3: topic = try field.string()
        case 4: event = try field.message(AnyMessage.self)
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.message(1, timestamp)
        writer.string(2, namespace)
        writer.string(3, topic)
        writer.message(4, event)
    }
}
