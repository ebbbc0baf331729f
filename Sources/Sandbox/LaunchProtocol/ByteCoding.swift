// SPDX-License-Identifier: Apache-2.0
// Swiftlet: little-endian bytes with checked ends. Both sides treat what they read as hostile.

/// Bytes that do not follow the launch protocol.
public struct ProtocolError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was expected and what was found.
    public var description: String
    /// Where in the message, in bytes.
    public var offset: Int

    public init(_ description: String, offset: Int = 0) {
        self.description = "\(description) at byte \(offset)"
        self.offset = offset
    }
}

/// Bounds of everything that crosses the border; an encoder refuses what a decoder would.
public enum ProtocolLimits {
    /// LIMIT: one encoded LaunchSpec. Linux's own limit for argv + envp is 2 MiB by default.
    public static let specBytesMax = 4 << 20
    /// LIMIT: one status record or control request; longer texts are cut by the sender.
    public static let recordBytesMax = 32 << 10
    /// LIMIT: one string of a spec.
    public static let stringBytesMax = 128 << 10
    /// LIMIT: elements of one list of a spec.
    public static let listCountMax = 16_384
    /// LIMIT: descriptors handed over in one list (preopens, listeners, bound sockets).
    public static let descriptorCountMax = 128
    /// LIMIT: the message of a record, in UTF-8 bytes.
    public static let messageBytesMax = 24 << 10
}

struct ByteWriter {
    private(set) var bytes: [UInt8] = []
    /// The first value that the decoder would refuse.
    private(set) var failure: ProtocolError?

    mutating func write<T: FixedWidthInteger>(_ value: T) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func write(_ value: Bool) { write(UInt8(value ? 1 : 0)) }

    mutating func write(_ text: String, limit: Int = ProtocolLimits.stringBytesMax) {
        let count = text.utf8.count
        if count > limit { fail("a text of \(count) bytes, limit \(limit)") }
        write(UInt32(truncatingIfNeeded: count))
        bytes.append(contentsOf: text.utf8)
    }

    mutating func write<T: FixedWidthInteger>(_ value: T?) {
        write(value != nil)
        if let value { write(value) }
    }

    mutating func write<Element>(
        _ list: [Element], limit: Int = ProtocolLimits.listCountMax, _ body: (inout ByteWriter, Element) -> Void
    ) {
        if list.count > limit { fail("a list of \(list.count) elements, limit \(limit)") }
        write(UInt32(truncatingIfNeeded: list.count))
        for element in list { body(&self, element) }
    }

    private mutating func fail(_ reason: String) {
        if failure == nil { failure = ProtocolError(reason, offset: bytes.count) }
    }

    func finish(limit: Int) throws(ProtocolError) -> [UInt8] {
        if let failure { throw failure }
        guard bytes.count <= limit else {
            throw ProtocolError("a message of \(bytes.count) bytes, limit \(limit)", offset: limit)
        }
        return bytes
    }
}

struct ByteReader {
    private let bytes: UnsafeRawBufferPointer
    private(set) var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func read<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) throws(ProtocolError) -> T {
        let size = MemoryLayout<T>.size
        guard bytes.count - offset >= size else { throw ProtocolError("the message ends early", offset: offset) }
        defer { offset += size }
        return T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
    }

    mutating func readBool() throws(ProtocolError) -> Bool {
        switch try read(UInt8.self) {
        case 0: return false
        case 1: return true
        case let other: throw ProtocolError("expected 0 or 1, found \(other)", offset: offset - 1)
        }
    }

    mutating func readText(limit: Int = ProtocolLimits.stringBytesMax) throws(ProtocolError) -> String {
        let count = Int(try read(UInt32.self))
        guard count <= limit else { throw ProtocolError("a text of \(count) bytes, limit \(limit)", offset: offset) }
        guard bytes.count - offset >= count else { throw ProtocolError("the message ends early", offset: offset) }
        let range = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]).bindMemory(to: UInt8.self)
        defer { offset += count }
        // Nearly all texts are ASCII, which needs none of what the library sets up for its validation (30 µs the first
        // time).
        if range.allSatisfy({ $0 < 0x80 }) { return String(decoding: range, as: UTF8.self) }
        guard let text = String(validating: range, as: UTF8.self) else {
            throw ProtocolError("a text that is not UTF-8", offset: offset)
        }
        return text
    }

    mutating func readOptional<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) throws(ProtocolError) -> T? {
        try readBool() ? try read(type) : nil
    }

    mutating func readList<Element>(
        limit: Int = ProtocolLimits.listCountMax, _ body: (inout ByteReader) throws(ProtocolError) -> Element
    ) throws(ProtocolError) -> [Element] {
        let count = Int(try read(UInt32.self))
        guard count <= limit else { throw ProtocolError("a list of \(count) elements, limit \(limit)", offset: offset) }
        var list: [Element] = []
        // Every element has at least one byte: a count that promises more than is there reserves nothing.
        list.reserveCapacity(min(count, bytes.count - offset))
        for _ in 0..<count { list.append(try body(&self)) }
        return list
    }

    mutating func readCase<T: RawRepresentable>(_ type: T.Type) throws(ProtocolError) -> T where T.RawValue == UInt8 {
        let raw = try read(UInt8.self)
        guard let value = T(rawValue: raw) else { throw ProtocolError("unknown \(type) \(raw)", offset: offset - 1) }
        return value
    }

    func finish() throws(ProtocolError) {
        guard offset == bytes.count else {
            throw ProtocolError("\(bytes.count - offset) bytes too many", offset: offset)
        }
    }
}
