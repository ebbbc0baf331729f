// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what a ttrpc frame carries: Request, Response, Status.
public import Protobuf

/// See: google.golang.org/grpc/codes.
public enum StatusCode: Int32, Sendable, CaseIterable {
    case ok = 0
    case cancelled = 1
    case unknown = 2
    case invalidArgument = 3
    case deadlineExceeded = 4
    case notFound = 5
    case alreadyExists = 6
    case permissionDenied = 7
    case resourceExhausted = 8
    case failedPrecondition = 9
    case aborted = 10
    case outOfRange = 11
    case unimplemented = 12
    case internalError = 13
    case unavailable = 14
    case dataLoss = 15
    case unauthenticated = 16
}

/// google.rpc.Status, also what a service throws.
public struct Status: Error, ProtobufMessage, CustomStringConvertible {
    public static let protobufName = "google.rpc.Status"
    /// The number as received; `code` where we know it.
    public var rawCode: Int32
    public var message: String

    public var code: StatusCode { StatusCode(rawValue: rawCode) ?? .unknown }

    public init() {
        rawCode = 0
        message = ""
    }

    public init(_ code: StatusCode, _ message: String) {
        self.rawCode = code.rawValue
        self.message = message
    }

    public var description: String { "\(code): \(message)" }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: rawCode = try field.int32()
        case 2: message = try field.string()
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.int32(1, rawCode)
        writer.string(2, message)
    }
}

/// ttrpc.KeyValue: one entry of a request's metadata.
public struct KeyValue: ProtobufMessage {
    public static let protobufName = "ttrpc.KeyValue"
    public var key = ""
    public var value = ""

    public init() {}

    public init(_ key: String, _ value: String) {
        self.key = key
        self.value = value
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: key = try field.string()
        case 2: value = try field.string()
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.string(1, key)
        writer.string(2, value)
    }
}

/// ttrpc.Request.
public struct Request: ProtobufMessage {
    public static let protobufName = "ttrpc.Request"
    public var service = ""
    public var method = ""
    public var payload: [UInt8] = []
    /// 0: none.
    public var timeoutNanoseconds: Int64 = 0
    public var metadata: [KeyValue] = []

    public init() {}

    public init(
        service: String, method: String, payload: [UInt8], timeoutNanoseconds: Int64 = 0, metadata: [KeyValue] = []
    ) {
        self.service = service
        self.method = method
        self.payload = payload
        self.timeoutNanoseconds = timeoutNanoseconds
        self.metadata = metadata
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: service = try field.string()
        case 2: method = try field.string()
        case 3: payload = try field.bytes()
        case 4: timeoutNanoseconds = try field.int64()
        case 5: metadata.append(try field.message(KeyValue.self))
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.string(1, service)
        writer.string(2, method)
        writer.bytes(3, payload)
        writer.int64(4, timeoutNanoseconds)
        writer.messages(5, metadata)
    }
}

/// ttrpc.Response. No status, or code 0, is success.
public struct Response: ProtobufMessage {
    public static let protobufName = "ttrpc.Response"
    public var status: Status?
    public var payload: [UInt8] = []

    public init() {}

    public init(status: Status? = nil, payload: [UInt8] = []) {
        self.status = status
        self.payload = payload
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: status = try field.message(Status.self)
        case 2: payload = try field.bytes()
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.message(1, status)
        writer.bytes(2, payload)
    }
}
