// SPDX-License-Identifier: Apache-2.0
// Swiftlet: our own service: call an export of a running guest.
public import Protobuf

/// Names of the services and methods a shim answers.
public enum ServiceName {
    public static let task = "containerd.task.v2.Task"
    /// The same calls under the name that containerd 2 prefers.
    public static let taskV3 = "containerd.task.v3.Task"
    /// Method `Call`.
    public static let probe = "swiftlet.shim.v1.Probe"
}

/// containerd.v1.types.Status.
public enum TaskStatus: Int32, Sendable {
    case unknown = 0
    case created = 1
    case running = 2
    case stopped = 3
    case paused = 4
    case pausing = 5
}

/// Call an exported function of type `() -> i32` of a running container.
public struct ProbeCallRequest: ProtobufMessage {
    public static let protobufName = "swiftlet.shim.v1.CallRequest"
    public var id = ""
    public var export = ""
    /// 0: one second.
    public var timeoutNanoseconds: Int64 = 0

    public init() {}

    public init(id: String, export: String = "", timeoutNanoseconds: Int64 = 0) {
        self.id = id
        self.export = export
        self.timeoutNanoseconds = timeoutNanoseconds
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: id = try field.string()
        case 2: export = try field.string()
        case 3: timeoutNanoseconds = try field.int64()
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.string(1, id)
        writer.string(2, export)
        writer.int64(3, timeoutNanoseconds)
    }
}

/// What the export returned: 0 is healthy.
public struct ProbeCallResponse: ProtobufMessage {
    public static let protobufName = "swiftlet.shim.v1.CallResponse"
    public var status: Int32 = 0
    /// Why there is no status: trap, timeout, no such export. Empty when the call returned.
    public var error = ""

    public init() {}

    public init(status: Int32, error: String = "") {
        self.status = status
        self.error = error
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: status = try field.int32()
        case 2: error = try field.string()
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.int32(1, status)
        writer.string(2, error)
    }
}
