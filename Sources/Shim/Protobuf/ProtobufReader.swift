// SPDX-License-Identifier: Apache-2.0
// Swiftlet: reads the protobuf wire format, one field at a time.

/// Bytes that are no protobuf message, or not the expected one.
public struct ProtobufError: Error, Equatable, CustomStringConvertible {
    /// Offset from the start of the outermost buffer.
    public var offset: Int
    public var reason: String

    public init(offset: Int, reason: String) {
        self.offset = offset
        self.reason = reason
    }

    public var description: String { "protobuf message, byte \(offset): \(reason)" }
}

/// One field as it is on the wire; which value is right is for the message to say.
public struct ProtobufField: Equatable, Sendable {
    public enum Value: Equatable, Sendable {
        case varint(UInt64)
        case fixed64(UInt64)
        case fixed32(UInt32)
        case bytes(ArraySlice<UInt8>)
    }

    public var number: UInt32
    public var value: Value
    /// Where the field starts, for errors.
    public var offset: Int

    public func uint64() throws(ProtobufError) -> UInt64 {
        guard case .varint(let value) = value else { throw mismatch("a varint") }
        return value
    }

    public func int64() throws(ProtobufError) -> Int64 { Int64(bitPattern: try uint64()) }

    /// As upstream's decoders: the low 32 bits.
    public func uint32() throws(ProtobufError) -> UInt32 { UInt32(truncatingIfNeeded: try uint64()) }

    public func int32() throws(ProtobufError) -> Int32 { Int32(truncatingIfNeeded: try uint64()) }

    public func bool() throws(ProtobufError) -> Bool { try uint64() != 0 }

    public func bytes() throws(ProtobufError) -> [UInt8] {
        guard case .bytes(let value) = value else { throw mismatch("bytes") }
        return Array(value)
    }

    public func string() throws(ProtobufError) -> String {
        guard case .bytes(let value) = value else { throw mismatch("a string") }
        guard let text = String(validating: value, as: UTF8.self) else {
            throw ProtobufError(offset: offset, reason: "field \(number): the string is not UTF-8")
        }
        return text
    }

    public func message<Message: ProtobufMessage>(_ type: Message.Type) throws(ProtobufError) -> Message {
        guard case .bytes(let value) = value else { throw mismatch("a message") }
        return try Message(protobuf: value)
    }

    private func mismatch(_ expected: String) -> ProtobufError {
        let found =
            switch value {
            case .varint: "a varint"
            case .fixed64: "a 64-bit value"
            case .fixed32: "a 32-bit value"
            case .bytes: "length-delimited bytes"
            }
        return ProtobufError(offset: offset, reason: "field \(number): expected \(expected), found \(found)")
    }
}

/// Splits a message into its fields.
///
/// See: protobuf.dev "Encoding". Groups (wire types 3 and 4) are refused: no message we know has one.
public struct ProtobufReader {
    /// LIMIT: fields per message; a field takes two bytes on the wire and up to hundreds in memory.
    public static let fieldCountMax = 65_536

    private let bytes: ArraySlice<UInt8>
    private var position: Int
    private var fieldCount = 0

    public init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        self.position = bytes.startIndex
    }

    /// The next field, or nil at the end.
    public mutating func next() throws(ProtobufError) -> ProtobufField? {
        guard position < bytes.endIndex else { return nil }
        fieldCount += 1
        guard fieldCount <= Self.fieldCountMax else { throw error("more than \(Self.fieldCountMax) fields") }
        let start = position
        let key = try varint()
        let number = key >> 3
        guard number >= 1, number < 1 << 29 else {
            throw ProtobufError(offset: start, reason: "field number \(number) is out of range")
        }
        let value: ProtobufField.Value
        switch key & 7 {
        case 0: value = .varint(try varint())
        case 1: value = .fixed64(try fixed(8))
        case 2:
            let length = try varint()
            guard length <= UInt64(bytes.endIndex - position) else {
                throw error("field \(number): \(length) bytes announced, \(bytes.endIndex - position) left")
            }
            let end = position + Int(length)
            value = .bytes(bytes[position..<end])
            position = end
        case 5: value = .fixed32(UInt32(truncatingIfNeeded: try fixed(4)))
        default: throw error("field \(number): wire type \(key & 7) is not supported")
        }
        return ProtobufField(number: UInt32(number), value: value, offset: start)
    }

    private mutating func varint() throws(ProtobufError) -> UInt64 {
        var result: UInt64 = 0
        var shift: UInt64 = 0
        while position < bytes.endIndex {
            let byte = bytes[position]
            position += 1
            // The tenth byte holds the 64th bit alone.
            guard shift < 63 || byte <= 1 else { throw error("a varint is longer than 64 bits") }
            result |= UInt64(byte & 0x7f) << shift
            if byte & 0x80 == 0 { return result }
            shift += 7
        }
        throw error("a varint is cut off")
    }

    private mutating func fixed(_ count: Int) throws(ProtobufError) -> UInt64 {
        guard bytes.endIndex - position >= count else { throw error("a fixed-size value is cut off") }
        var result: UInt64 = 0
        for index in 0..<count { result |= UInt64(bytes[position + index]) << UInt64(8 * index) }
        position += count
        return result
    }

    private func error(_ reason: String) -> ProtobufError { ProtobufError(offset: position, reason: reason) }
}
