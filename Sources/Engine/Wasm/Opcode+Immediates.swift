// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the shape of each instruction: its immediates and, where it has a fixed one, its type.

extension Opcode {
    /// What follows the opcode in the binary.
    public enum Immediates: Sendable, Hashable {
        case none
        /// ``BinaryReader/readBlockType()``
        case blockType
        /// A block type, then a vector of ``CatchClause``.
        case tryTable
        /// u32 tag index.
        case tag
        /// u32, relative nesting depth.
        case label
        /// Vector of labels, then the default label.
        case labelTable
        /// u32 function index.
        case function
        /// u32 type index, u32 table index.
        case callIndirect
        case local
        case global
        case table
        /// u32 memory index (0 without the multi-memory feature).
        case memory
        /// ``BinaryReader/readMemoryArgument()``
        case memoryArgument
        case i32
        case i64
        case f32
        case f64
        /// ``BinaryReader/readHeapType()``
        case heapType
        /// u32 type index.
        case type
        /// u32 type index, then a u32: field, number of elements, data or element segment, another type.
        case typeAndIndex
        /// One byte of flags, u32 label, two heap types.
        case castBranch
        /// Vector of value types (of length 1).
        case typeVector
        /// u32 data segment index.
        case data
        /// u32 element segment index.
        case element
        /// u32 data segment index, u32 memory index.
        case dataAndMemory
        /// u32 element segment index, u32 table index.
        case elementAndTable
        /// u32 destination, u32 source.
        case memoryPair
        case tablePair
        /// 16 bytes, ``BinaryReader/readV128()``
        case v128
        /// One byte, a lane number.
        case lane
        /// 16 bytes, lane numbers below 32.
        case lanes
        /// ``BinaryReader/readMemoryArgument()``, then one byte, a lane number.
        case memoryArgumentAndLane
    }

    public var immediates: Immediates {
        switch self {
        case .block, .loop, .if, .try: .blockType
        case .br, .brIf, .brOnNull, .brOnNonNull, .rethrow, .delegate: .label
        case .tryTable: .tryTable
        case .throw, .catch: .tag
        case .brTable: .labelTable
        case .call, .returnCall, .refFunc: .function
        case .callIndirect, .returnCallIndirect: .callIndirect
        case .selectTyped: .typeVector
        case .localGet, .localSet, .localTee: .local
        case .globalGet, .globalSet: .global
        case .tableGet, .tableSet, .tableGrow, .tableSize, .tableFill: .table
        case .memorySize, .memoryGrow, .memoryFill: .memory
        case .i32Const: .i32
        case .i64Const: .i64
        case .f32Const: .f32
        case .f64Const: .f64
        case .refNull, .refTest, .refTestNull, .refCast, .refCastNull: .heapType
        case .callRef, .returnCallRef, .structNew, .structNewDefault, .arrayNew, .arrayNewDefault, .arrayGet,
            .arrayGetS,
            .arrayGetU, .arraySet, .arrayFill:
            .type
        case .structGet, .structGetS, .structGetU, .structSet, .arrayNewFixed, .arrayNewData, .arrayNewElem, .arrayCopy,
            .arrayInitData, .arrayInitElem:
            .typeAndIndex
        case .brOnCast, .brOnCastFail: .castBranch
        case .memoryInit: .dataAndMemory
        case .dataDrop: .data
        case .memoryCopy: .memoryPair
        case .tableInit: .elementAndTable
        case .elemDrop: .element
        case .tableCopy: .tablePair
        // A fence has one byte, which is zero.
        case .atomicFence: .lane
        default: isMemoryAccess || atomicIndex != nil ? .memoryArgument : vectorImmediates
        }
    }

    /// The loads and stores of numbers.
    public var isMemoryAccess: Bool { rawValue >= Opcode.i32Load.rawValue && rawValue <= Opcode.i64Store32.rawValue }

    /// Whether the access writes; only meaningful with ``isMemoryAccess``.
    public var isStore: Bool { rawValue >= Opcode.i32Store.rawValue && rawValue <= Opcode.i64Store32.rawValue }

    /// Binary logarithm of the bytes a load or store touches, which is its natural alignment; 0 for others.
    public var accessWidthLog2: UInt32 {
        switch self {
        case .i32Load16S, .i32Load16U, .i64Load16S, .i64Load16U, .i32Store16, .i64Store16: 1
        case .i32Load, .f32Load, .i64Load32S, .i64Load32U, .i32Store, .f32Store, .i64Store32: 2
        case .i64Load, .f64Load, .i64Store, .f64Store: 3
        default: atomicIndex == nil ? vectorAccessWidthLog2 : atomicWidthLog2
        }
    }

    /// The features beyond WebAssembly 1.0 that the instruction belongs to.
    public var feature: FeatureSet {
        switch self {
        case .i32Extend8S, .i32Extend16S, .i64Extend8S, .i64Extend16S, .i64Extend32S: .signExtension
        case .i32TruncSatF32S, .i32TruncSatF32U, .i32TruncSatF64S, .i32TruncSatF64U, .i64TruncSatF32S,
            .i64TruncSatF32U, .i64TruncSatF64S, .i64TruncSatF64U:
            .saturatingFloatToInt
        case .memoryInit, .dataDrop, .memoryCopy, .memoryFill, .tableInit, .elemDrop, .tableCopy: .bulkMemory
        case .selectTyped, .tableGet, .tableSet, .tableGrow, .tableSize, .tableFill, .refNull, .refIsNull, .refFunc:
            .referenceTypes
        case .returnCall, .returnCallIndirect: .tailCalls
        case .throw, .throwRef, .tryTable: .exceptions
        case .try, .catch, .rethrow, .delegate, .catchAll: .legacyExceptions
        case .callRef, .refAsNonNull, .brOnNull, .brOnNonNull: .functionReferences
        case .returnCallRef: [.functionReferences, .tailCalls]
        case .refEq: .gc
        default: atomicIndex != nil ? .threads : rawValue >= Opcode.structNew.rawValue ? .gc : vectorFeature
        }
    }
}

/// The type of an instruction that has one fixed type: the operands it pops, last on top, and the value it pushes.
public struct OpcodeSignature: Sendable, Hashable {
    public var parameters: [ValueType]
    public var result: ValueType?
}

extension Opcode {
    /// The type of a numeric, conversion, load, store or memory instruction; nil where the type depends on context.
    public var signature: OpcodeSignature? {
        typealias Shape = (parameters: [ValueType], result: ValueType?)
        let shape: Shape
        switch rawValue {
        case 0x28...0x3E: shape = accessShape
        case 0x3F: shape = ([], .i32)
        case 0x40: shape = ([.i32], .i32)
        case 0x41...0x44: shape = ([], [ValueType.i32, .i64, .f32, .f64][Int(rawValue) - 0x41])
        case 0x45, 0x67...0x69, 0xC0, 0xC1: shape = ([.i32], .i32)
        case 0x46...0x4F, 0x6A...0x78: shape = ([.i32, .i32], .i32)
        case 0x50: shape = ([.i64], .i32)
        case 0x51...0x5A: shape = ([.i64, .i64], .i32)
        case 0x5B...0x60: shape = ([.f32, .f32], .i32)
        case 0x61...0x66: shape = ([.f64, .f64], .i32)
        case 0x79...0x7B, 0xC2...0xC4: shape = ([.i64], .i64)
        case 0x7C...0x8A: shape = ([.i64, .i64], .i64)
        case 0x8B...0x91: shape = ([.f32], .f32)
        case 0x92...0x98: shape = ([.f32, .f32], .f32)
        case 0x99...0x9F: shape = ([.f64], .f64)
        case 0xA0...0xA6: shape = ([.f64, .f64], .f64)
        case 0xA7: shape = ([.i64], .i32)
        case 0xA8, 0xA9, 0xBC, 0x100, 0x101: shape = ([.f32], .i32)
        case 0xAA, 0xAB, 0x102, 0x103: shape = ([.f64], .i32)
        case 0xAC, 0xAD: shape = ([.i32], .i64)
        case 0xAE, 0xAF, 0x104, 0x105: shape = ([.f32], .i64)
        case 0xB0, 0xB1, 0xBD, 0x106, 0x107: shape = ([.f64], .i64)
        case 0xB2, 0xB3, 0xBE: shape = ([.i32], .f32)
        case 0xB4, 0xB5: shape = ([.i64], .f32)
        case 0xB6: shape = ([.f64], .f32)
        case 0xB7, 0xB8: shape = ([.i32], .f64)
        case 0xB9, 0xBA, 0xBF: shape = ([.i64], .f64)
        case 0xBB: shape = ([.f32], .f64)
        default: return vectorSignature
        }
        return OpcodeSignature(parameters: shape.parameters, result: shape.result)
    }

    private var accessShape: (parameters: [ValueType], result: ValueType?) {
        let value: ValueType =
            switch self {
            case .i64Load, .i64Load8S, .i64Load8U, .i64Load16S, .i64Load16U, .i64Load32S, .i64Load32U, .i64Store,
                .i64Store8, .i64Store16, .i64Store32:
                .i64
            case .f32Load, .f32Store: .f32
            case .f64Load, .f64Store: .f64
            default: .i32
            }
        return isStore ? ([.i32, value], nil) : ([.i32], value)
    }
}
