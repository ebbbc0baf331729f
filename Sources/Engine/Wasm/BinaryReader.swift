// SPDX-License-Identifier: Apache-2.0
// Swiftlet: bounds-checked reading of the binary format's primitive values (core specification §5.2).

/// Why a primitive value could not be read. One byte, so that throwing costs a register test on the hot path; who
/// catches it knows the place and makes a ``WasmError`` of it.
@frozen
public enum ReadFault: UInt8, Error, Sendable {
    case unexpectedEnd
    case integerTooLong
    case integerTooLarge
    case illegalOpcode
    case malformedMemoryFlags
    case malformedValueType
    case malformedReferenceType
    case malformedCatchClause
    /// The catcher has recorded the details already.
    case reported

    /// The phrase of the specification's test suite.
    public var message: String {
        switch self {
        case .unexpectedEnd: "unexpected end of section or function"
        case .integerTooLong: "integer representation too long"
        case .integerTooLarge: "integer too large"
        case .illegalOpcode: "illegal opcode"
        case .malformedMemoryFlags: "malformed memop flags"
        case .malformedValueType: "malformed value type"
        case .malformedReferenceType: "malformed reference type"
        case .malformedCatchClause: "malformed catch clause"
        case .reported: "refused"
        }
    }
}

/// Reads bytes, LEB128 integers and floats from a range of a module, front to back.
///
/// It borrows the module's memory: keep the ``ModuleBytes`` alive while one is in use. Nothing is read outside the
/// range. After a fault the position is where the unreadable value starts or ends, good enough for a message.
@frozen
public struct BinaryReader {
    // SAFETY: base <= cursor <= end, all inside (or one past) the buffer given to init.
    @usableFromInline let base: UnsafeRawPointer
    @usableFromInline var cursor: UnsafeRawPointer
    @usableFromInline let end: UnsafeRawPointer

    /// Reads `range` of `bytes`; offsets count from the start of `bytes`. The range must be inside.
    @inlinable
    public init(_ bytes: UnsafeRawBufferPointer, in range: ByteRange) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count, "range outside the module")
        // An empty buffer may have no address; any non-null one will do, since nothing is ever read from it.
        base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 16).unsafelyUnwrapped
        cursor = base + range.lowerBound
        end = base + range.upperBound
    }

    /// Position in bytes from the module's start.
    @inlinable public var offset: Int { cursor - base }
    /// Where the range ends, in bytes from the module's start.
    @inlinable public var endOffset: Int { end - base }
    @inlinable public var remaining: Int { end - cursor }
    @inlinable public var isAtEnd: Bool { cursor >= end }

    @inlinable
    public mutating func readByte() throws(ReadFault) -> UInt8 {
        guard cursor < end else { throw .unexpectedEnd }
        let byte = cursor.load(as: UInt8.self)
        cursor += 1
        return byte
    }

    /// The next byte, not consumed; nil at the end.
    @inlinable
    public func peekByte() -> UInt8? {
        cursor < end ? cursor.load(as: UInt8.self) : nil
    }

    /// Moves over `count` bytes and gives their range.
    @inlinable
    public mutating func skip(_ count: Int) throws(ReadFault) -> ByteRange {
        guard count >= 0, count <= remaining else { throw .unexpectedEnd }
        let start = offset
        cursor += count
        return start..<start + count
    }

    @inlinable
    public mutating func readU32() throws(ReadFault) -> UInt32 {
        if cursor < end {
            let byte = cursor.load(as: UInt8.self)
            if byte < 0x80 {
                cursor += 1
                return UInt32(byte)
            }
        }
        return UInt32(truncatingIfNeeded: try readUnsigned(bits: 32))
    }

    @inlinable
    public mutating func readU64() throws(ReadFault) -> UInt64 {
        if cursor < end {
            let byte = cursor.load(as: UInt8.self)
            if byte < 0x80 {
                cursor += 1
                return UInt64(byte)
            }
        }
        return try readUnsigned(bits: 64)
    }

    @inlinable
    public mutating func readS32() throws(ReadFault) -> Int32 {
        if cursor < end {
            let byte = cursor.load(as: UInt8.self)
            if byte < 0x80 {
                cursor += 1
                return Int32(Int8(bitPattern: byte << 1) >> 1)
            }
        }
        return Int32(truncatingIfNeeded: try readSigned(bits: 32))
    }

    /// A block type's index space: 33 bits, so that every u32 fits as a non-negative value.
    @inlinable
    public mutating func readS33() throws(ReadFault) -> Int64 {
        try readSigned(bits: 33)
    }

    @inlinable
    public mutating func readS64() throws(ReadFault) -> Int64 {
        if cursor < end {
            let byte = cursor.load(as: UInt8.self)
            if byte < 0x80 {
                cursor += 1
                return Int64(Int8(bitPattern: byte << 1) >> 1)
            }
        }
        return try readSigned(bits: 64)
    }

    /// The bit pattern of an f32.
    @inlinable
    public mutating func readF32Bits() throws(ReadFault) -> UInt32 {
        guard remaining >= 4 else { throw .unexpectedEnd }
        let bits = cursor.loadUnaligned(as: UInt32.self)
        cursor += 4
        return UInt32(littleEndian: bits)
    }

    /// The bit pattern of an f64.
    @inlinable
    public mutating func readF64Bits() throws(ReadFault) -> UInt64 {
        guard remaining >= 8 else { throw .unexpectedEnd }
        let bits = cursor.loadUnaligned(as: UInt64.self)
        cursor += 8
        return UInt64(littleEndian: bits)
    }

    /// LEB128 (core specification §5.2.2): at most ⌈bits / 7⌉ bytes, and no bit set beyond `bits`.
    @usableFromInline
    mutating func readUnsigned(bits: Int) throws(ReadFault) -> UInt64 {
        var result: UInt64 = 0
        var shift = 0
        while true {
            guard shift < bits else { throw .integerTooLong }
            guard cursor < end else { throw .unexpectedEnd }
            let byte = cursor.load(as: UInt8.self)
            let payload = UInt64(byte & 0x7F)
            let left = bits - shift
            guard left >= 7 || payload >> UInt64(left) == 0 else { throw .integerTooLarge }
            cursor += 1
            result |= payload << UInt64(shift)
            if byte < 0x80 { return result }
            shift += 7
        }
    }

    /// Signed LEB128: the unused bits of the last byte must all equal the sign.
    @usableFromInline
    mutating func readSigned(bits: Int) throws(ReadFault) -> Int64 {
        var result: Int64 = 0
        var shift = 0
        while true {
            guard shift < bits else { throw .integerTooLong }
            guard cursor < end else { throw .unexpectedEnd }
            let byte = cursor.load(as: UInt8.self)
            let left = bits - shift
            if left < 7 {
                let excess = Int8(bitPattern: byte << 1) >> Int8(left)
                guard excess == 0 || excess == -1 else { throw .integerTooLarge }
            }
            cursor += 1
            result |= Int64(byte & 0x7F) << Int64(shift)
            shift += 7
            if byte < 0x80 {
                // Extend the sign bit of the last payload.
                if shift < 64, byte & 0x40 != 0 { result |= -1 << Int64(shift) }
                return result
            }
        }
    }
}
