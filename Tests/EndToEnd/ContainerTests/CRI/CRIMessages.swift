// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: the parts of runtime.v1 (Kubernetes cri-api, api.proto) that the tests speak.
import Protobuf

/// Fields of a message as numbers and values: what a test sends needs no type of its own.
struct Fields: ProtobufMessage {
    static let protobufName = "runtime.v1.Any"

    enum Value: Sendable, Equatable {
        case number(UInt64)
        case text(String)
        case strings([String])
        case message(Fields)
        case messages([Fields])
    }

    var values: [(number: UInt32, value: Value)] = []

    init() {}

    init(_ values: KeyValuePairs<UInt32, Value>) { self.values = values.map { ($0.key, $0.value) } }

    static func == (left: Fields, right: Fields) -> Bool { left.protobufBytes == right.protobufBytes }

    mutating func decode(_ field: ProtobufField) {}

    func encode(into writer: inout ProtobufWriter) {
        for (number, value) in values {
            switch value {
            case .number(let value): writer.uint64(number, value)
            case .text(let value): writer.string(number, value)
            case .strings(let values): writer.strings(number, values)
            case .message(let value): writer.message(number, value)
            case .messages(let values): writer.messages(number, values)
            }
        }
    }

    /// A `map<string, string>` is a list of entries.
    static func map(_ pairs: [String: String]) -> Value {
        .messages(pairs.sorted { $0.key < $1.key }.map { Fields([1: .text($0.key), 2: .text($0.value)]) })
    }
}

/// RunPodSandboxResponse and CreateContainerResponse: field 1 is the new id.
struct IDAnswer: ProtobufMessage {
    static let protobufName = "runtime.v1.CreateContainerResponse"
    var id = ""

    init() {}

    mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        if field.number == 1 { id = try field.string() }
    }

    func encode(into writer: inout ProtobufWriter) { writer.string(1, id) }
}

/// An answer whose fields nobody asks for.
struct NoAnswer: ProtobufMessage {
    static let protobufName = "runtime.v1.StartContainerResponse"

    init() {}

    mutating func decode(_ field: ProtobufField) {}

    func encode(into writer: inout ProtobufWriter) {}
}

struct ExecSyncAnswer: ProtobufMessage {
    static let protobufName = "runtime.v1.ExecSyncResponse"
    var output = ""
    var errors = ""
    var exitCode: Int32 = 0

    init() {}

    mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: output = String(decoding: try field.bytes(), as: UTF8.self)
        case 2: errors = String(decoding: try field.bytes(), as: UTF8.self)
        case 3: exitCode = try field.int32()
        default: break
        }
    }

    func encode(into writer: inout ProtobufWriter) {}
}

/// The part of ContainerStatus that says how a container fares; also PodSandboxStatus, whose state has another number.
struct StatusAnswer: ProtobufMessage {
    static let protobufName = "runtime.v1.ContainerStatusResponse"

    struct Status: ProtobufMessage {
        static let protobufName = "runtime.v1.ContainerStatus"
        /// 0 created, 1 running, 2 exited.
        var state: UInt64 = 0
        var exitCode: Int32 = 0
        var reason = ""

        init() {}

        mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
            switch field.number {
            case 3: state = try field.uint64()
            case 7: exitCode = try field.int32()
            case 10: reason = try field.string()
            default: break
            }
        }

        func encode(into writer: inout ProtobufWriter) {}
    }

    var status = Status()

    init() {}

    mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        if field.number == 1 { status = try field.message(Status.self) }
    }

    func encode(into writer: inout ProtobufWriter) {}
}

/// ContainerStatsResponse: what of CPU and memory is used.
struct StatsAnswer: ProtobufMessage {
    static let protobufName = "runtime.v1.ContainerStatsResponse"

    /// A message of which only some numbers, found below these field numbers, are wanted.
    struct Usage: ProtobufMessage {
        static let protobufName = "runtime.v1.ContainerStats"
        var cpu = Inner()
        var memory = Inner()

        init() {}

        mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
            switch field.number {
            case 2: cpu = try field.message(Inner.self)
            case 3: memory = try field.message(Inner.self)
            default: break
            }
        }

        func encode(into writer: inout ProtobufWriter) {}
    }

    /// CpuUsage and MemoryUsage: a UInt64Value in field 2.
    struct Inner: ProtobufMessage {
        static let protobufName = "runtime.v1.CpuUsage"
        var value = Number()

        init() {}

        mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
            if field.number == 2 { value = try field.message(Number.self) }
        }

        func encode(into writer: inout ProtobufWriter) {}
    }

    struct Number: ProtobufMessage {
        static let protobufName = "runtime.v1.UInt64Value"
        var value: UInt64 = 0

        init() {}

        mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
            if field.number == 1 { value = try field.uint64() }
        }

        func encode(into writer: inout ProtobufWriter) {}
    }

    var stats = Usage()

    init() {}

    mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        if field.number == 1 { stats = try field.message(Usage.self) }
    }

    func encode(into writer: inout ProtobufWriter) {}
}

/// ImageStatusResponse: whether there is an image.
struct Presence: ProtobufMessage {
    static let protobufName = "runtime.v1.ImageStatusResponse"
    var isEmpty = true

    init() {}

    mutating func decode(_ field: ProtobufField) { if field.number == 1 { isEmpty = false } }

    func encode(into writer: inout ProtobufWriter) {}
}

/// ListPodSandboxResponse: the ids.
struct IDList: ProtobufMessage {
    static let protobufName = "runtime.v1.ListPodSandboxResponse"
    var ids: [String] = []

    init() {}

    mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        if field.number == 1 { ids.append(try field.message(IDAnswer.self).id) }
    }

    func encode(into writer: inout ProtobufWriter) {}
}
