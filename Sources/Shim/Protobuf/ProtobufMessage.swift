// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what a type does to be a protobuf message.

/// A message with its encoding written by hand.
///
/// Generated code would bring a runtime of several megabytes into every shim process; the messages of the Task API are
/// few and flat.
public protocol ProtobufMessage: Sendable, Equatable {
    /// The full name, as in an Any's type URL.
    static var protobufName: String { get }

    /// Every field at its default.
    init()

    /// Takes one field; a number the message does not know is ignored (proto3: unknown fields are skipped).
    mutating func decode(_ field: ProtobufField) throws(ProtobufError)

    func encode(into writer: inout ProtobufWriter)
}

extension ProtobufMessage {
    public init(protobuf bytes: ArraySlice<UInt8>) throws(ProtobufError) {
        self.init()
        var reader = ProtobufReader(bytes)
        while let field = try reader.next() { try decode(field) }
    }

    public init(protobuf bytes: [UInt8]) throws(ProtobufError) { try self.init(protobuf: bytes[...]) }

    public var protobufBytes: [UInt8] {
        var writer = ProtobufWriter()
        encode(into: &writer)
        return writer.bytes
    }
}

/// Appends fields in the order of the calls. As in proto3, a value at its default is not written.
public struct ProtobufWriter {
    public private(set) var bytes: [UInt8] = []

    public init() {}

    public mutating func uint64(_ number: UInt32, _ value: UInt64) {
        guard value != 0 else { return }
        varint(UInt64(number) << 3)
        varint(value)
    }

    public mutating func int64(_ number: UInt32, _ value: Int64) { uint64(number, UInt64(bitPattern: value)) }

    public mutating func uint32(_ number: UInt32, _ value: UInt32) { uint64(number, UInt64(value)) }

    /// Negative numbers are sign-extended to 64 bits, as the encoding asks.
    public mutating func int32(_ number: UInt32, _ value: Int32) { int64(number, Int64(value)) }

    public mutating func bool(_ number: UInt32, _ value: Bool) { uint64(number, value ? 1 : 0) }

    public mutating func string(_ number: UInt32, _ value: String) {
        guard !value.isEmpty else { return }
        lengthDelimited(number, value.utf8)
    }

    public mutating func bytes(_ number: UInt32, _ value: some Collection<UInt8>) {
        guard !value.isEmpty else { return }
        lengthDelimited(number, value)
    }

    /// Strings of a repeated field: an empty one counts.
    public mutating func strings(_ number: UInt32, _ values: [String]) {
        for value in values { lengthDelimited(number, value.utf8) }
    }

    /// A present message is written even when all its fields are at their defaults; nil is absent.
    public mutating func message(_ number: UInt32, _ value: (some ProtobufMessage)?) {
        guard let value else { return }
        lengthDelimited(number, value.protobufBytes)
    }

    public mutating func messages(_ number: UInt32, _ values: [some ProtobufMessage]) {
        for value in values { lengthDelimited(number, value.protobufBytes) }
    }

    private mutating func lengthDelimited(_ number: UInt32, _ value: some Collection<UInt8>) {
        varint(UInt64(number) << 3 | 2)
        varint(UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
