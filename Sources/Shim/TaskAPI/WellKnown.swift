// SPDX-License-Identifier: Apache-2.0
// Swiftlet: messages that others share: Any, Timestamp, Empty, Mount.
public import Protobuf

/// A message with its type's name; containerd writes bare names, without `type.googleapis.com/`.
public struct AnyMessage: ProtobufMessage {
    public static let protobufName = "google.protobuf.Any"
    public var typeURL = ""
    public var value: [UInt8] = []

    public init() {}

    public init(typeURL: String, value: [UInt8] = []) {
        self.typeURL = typeURL
        self.value = value
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: typeURL = try field.string()
        case 2: value = try field.bytes()
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.string(1, typeURL)
        writer.bytes(2, value)
    }
}

/// A point in time since the Unix epoch.
public struct Timestamp: ProtobufMessage {
    public static let protobufName = "google.protobuf.Timestamp"
    public var seconds: Int64 = 0
    public var nanoseconds: Int32 = 0

    public init() {}

    public init(seconds: Int64, nanoseconds: Int32 = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: seconds = try field.int64()
        case 2: nanoseconds = try field.int32()
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.int64(1, seconds)
        writer.int32(2, nanoseconds)
    }
}

/// The answer of a call that has none.
public struct Empty: ProtobufMessage {
    public static let protobufName = "google.protobuf.Empty"

    public init() {}

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
    }

    public func encode(into writer: inout ProtobufWriter) {
    }
}

/// A mount that the shim is asked to make.
public struct Mount: ProtobufMessage {
    public static let protobufName = "containerd.types.Mount"
    public var type = ""
    public var source = ""
    public var target = ""
    public var options: [String] = []

    public init() {}

    public init(type: String, source: String = "", target: String = "", options: [String] = []) {
        self.type = type
        self.source = source
        self.target = target
        self.options = options
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: type = try field.string()
        case 2: source = try field.string()
        case 3: target = try field.string()
        case 4: options.append(try field.string())
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.string(1, type)
        writer.string(2, source)
        writer.string(3, target)
        writer.strings(4, options)
    }
}
