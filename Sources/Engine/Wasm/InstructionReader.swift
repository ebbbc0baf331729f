// SPDX-License-Identifier: Apache-2.0
// Swiftlet: reading instructions and their immediates from a function body, without building any.

/// The type of a block (core specification §5.4.1).
public enum BlockType: Sendable, Hashable {
    case empty
    case value(ValueType)
    /// Index into ``Module/types``.
    case function(UInt32)
}

/// One clause of a `try_table` (core specification 3.0 §5.4.1): what is caught, and where it goes.
public struct CatchClause: Sendable, Hashable {
    /// Nil catches everything.
    public var tag: UInt32?
    /// Whether the exception itself is passed on, after its values.
    public var passesReference: Bool
    /// Relative nesting depth, seen from outside of the `try_table`.
    public var label: UInt32

    public init(tag: UInt32?, passesReference: Bool, label: UInt32) {
        self.tag = tag
        self.passesReference = passesReference
        self.label = label
    }
}

/// The immediate of a load or store (core specification §5.4.6).
public struct MemoryArgument: Sendable, Hashable {
    /// Binary logarithm of the alignment hint in bytes.
    public var alignLog2: UInt32
    /// At most 2³² - 1 in a valid body of a 32-bit memory.
    public var offset: UInt64
    public var memory: UInt32

    @inlinable
    public init(alignLog2: UInt32, offset: UInt64, memory: UInt32 = 0) {
        self.alignLog2 = alignLog2
        self.offset = offset
        self.memory = memory
    }
}

/// The instruction-level part of ``BinaryReader``: read an opcode, then the immediates that ``Opcode/immediates`` names.
///
/// On a validated body none of these throws except for the end of the range, so a translator may treat a fault as a
/// defect of its own. Loop: `while !reader.isAtEnd { let opcode = try reader.readOpcode() … }`.
extension BinaryReader {
    /// Reads the instructions of one function, without its locals.
    @inlinable
    public init(_ body: FunctionBody, of module: Module) {
        self.init(module.bytes.buffer, in: body.code)
    }

    /// Reads a one-byte opcode or a prefixed one. Unknown ones and those of later features are `.illegalOpcode`; the
    /// position is then on the opcode.
    public mutating func readOpcode() throws(ReadFault) -> Opcode {
        let start = cursor
        let byte = try readByte()
        if byte == 0xFC {
            let index = try readU32()
            if index < 0x100, let opcode = Opcode(rawValue: 0x100 + UInt16(index)) { return opcode }
        } else if byte == 0xFB {
            let index = try readU32()
            if index < 0x100, let opcode = Opcode(rawValue: 0x500 + UInt16(index)) { return opcode }
        } else if byte == 0xFE {
            let index = try readU32()
            if index < 0x100, let opcode = Opcode(rawValue: 0x400 + UInt16(index)) { return opcode }
        } else if byte == 0xFD {
            let index = try readU32()
            if index < 0x200, let opcode = Opcode(rawValue: 0x200 + UInt16(index)) { return opcode }
        } else if let opcode = Opcode(rawValue: UInt16(byte)) {
            return opcode
        }
        cursor = start
        throw .illegalOpcode
    }

    @inlinable
    public mutating func readBlockType() throws(ReadFault) -> BlockType {
        guard let byte = peekByte() else { throw .unexpectedEnd }
        if byte == 0x40 {
            cursor += 1
            return .empty
        }
        // A value type is a negative number of one byte; a type index is a non-negative number of up to 33 bits.
        if byte & 0xC0 == 0x40 {
            return .value(try readValueType())
        }
        let index = try readS33()
        guard index >= 0 else { throw .integerTooLarge }
        return .function(UInt32(truncatingIfNeeded: index))
    }

    public mutating func readCatchClause() throws(ReadFault) -> CatchClause {
        guard let kind = peekByte() else { throw .unexpectedEnd }
        guard kind < 4 else { throw .malformedCatchClause }
        cursor += 1
        let tag = kind < 2 ? try readU32() : nil
        return CatchClause(tag: tag, passesReference: kind & 1 != 0, label: try readU32())
    }

    @inlinable
    public mutating func readMemoryArgument() throws(ReadFault) -> MemoryArgument {
        let flags = try readU32()
        guard flags < 0x80 else { throw .malformedMemoryFlags }
        // Bit 6 says that a memory index follows (multi-memory).
        let memory = flags & 0x40 != 0 ? try readU32() : 0
        return MemoryArgument(alignLog2: flags & 0x3F, offset: try readU64(), memory: memory)
    }

    /// A value type; on a fault the position stays on it. Type indices are those of the binary, not canonical ones.
    @inlinable
    public mutating func readValueType() throws(ReadFault) -> ValueType {
        guard let byte = peekByte() else { throw .unexpectedEnd }
        if let type = ValueType(encoding: byte) {
            cursor += 1
            return type
        }
        guard byte == 0x63 || byte == 0x64 else { throw .malformedValueType }
        return try readExplicitReferenceType()
    }

    public mutating func readReferenceType() throws(ReadFault) -> ValueType {
        let start = cursor
        do throws(ReadFault) {
            let type = try readValueType()
            if type.isReference { return type }
        } catch {
            guard error == .malformedValueType else { throw error }
        }
        cursor = start
        throw .malformedReferenceType
    }

    /// 0x63 or 0x64, then a heap type (core specification 3.0 §5.3.5).
    @usableFromInline
    mutating func readExplicitReferenceType() throws(ReadFault) -> ValueType {
        let isNullable = try readByte() == 0x63
        return ValueType(try readHeapType(), isNullable: isNullable)
    }

    /// A heap type: one byte, or a type index of up to 33 bits (core specification 3.0 §5.3.4).
    public mutating func readHeapType() throws(ReadFault) -> HeapType {
        guard let byte = peekByte() else { throw .unexpectedEnd }
        if byte & 0xC0 == 0x40 {
            guard let heap = HeapType(code: byte) else { throw .malformedReferenceType }
            cursor += 1
            return heap
        }
        let index = try readS33()
        guard index >= 0 else { throw .integerTooLarge }
        // An index beyond every limit is unknown whatever its value.
        return .concrete(UInt32(min(index, Int64(ValueType.typeIndexMaximum))))
    }

    /// Moves over the immediates of `opcode`, for who looks for certain instructions only.
    public mutating func skipImmediates(of opcode: Opcode) throws(ReadFault) {
        switch opcode.immediates {
        case .none: break
        case .blockType: _ = try readBlockType()
        case .label, .function, .local, .global, .table, .memory, .data, .element, .type, .tag: _ = try readU32()
        case .tryTable:
            _ = try readBlockType()
            var count = try readU32()
            while count > 0 {
                _ = try readCatchClause()
                count -= 1
            }
        case .labelTable:
            var count = UInt64(try readU32()) + 1
            while count > 0 {
                _ = try readU32()
                count -= 1
            }
        case .callIndirect, .dataAndMemory, .elementAndTable, .memoryPair, .tablePair, .typeAndIndex:
            _ = try readU32()
            _ = try readU32()
        case .memoryArgument: _ = try readMemoryArgument()
        case .memoryArgumentAndLane:
            _ = try readMemoryArgument()
            _ = try readByte()
        case .lane: _ = try readByte()
        case .lanes, .v128: _ = try skip(16)
        case .i32: _ = try readS32()
        case .i64: _ = try readS64()
        case .f32: _ = try skip(4)
        case .f64: _ = try skip(8)
        case .heapType: _ = try readHeapType()
        case .castBranch:
            _ = try readByte()
            _ = try readU32()
            _ = try readHeapType()
            _ = try readHeapType()
        case .typeVector:
            var count = try readU32()
            while count > 0 {
                _ = try readValueType()
                count -= 1
            }
        }
    }
}
