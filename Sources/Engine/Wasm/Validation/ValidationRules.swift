// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the validator's view of the opcode table: one entry per opcode, found by index.

/// A value type on the validator's stack: ``ValueType``'s raw value with canonical indices, or 0 for "any type" below an
/// unreachable point.
typealias TypeCode = UInt32

extension TypeCode {
    static let any: TypeCode = 0
    /// The reference below an unreachable point: of any heap type, not null.
    static let anyReference: TypeCode = ValueType.referenceBit | 0xFF
    /// Marks a local that must be set before it is read.
    static let unsetBit: TypeCode = 1 << 31
    @inline(__always) static var i32: TypeCode { 0x7F }
    @inline(__always) static var i64: TypeCode { 0x7E }
    @inline(__always) static var f32: TypeCode { 0x7D }
    @inline(__always) static var f64: TypeCode { 0x7C }
    @inline(__always) static var v128: TypeCode { 0x7B }
    static let funcref = ValueType.funcref.rawValue

    var isReferenceOrAny: Bool { self == .any || self & ValueType.referenceBit != 0 }
    var isNumberOrAny: Bool { self & ValueType.referenceBit == 0 }

    /// The name for a message.
    var name: String { ValueType(bits: self & ~TypeCode.unsetBit).description }
}

/// How an instruction is validated.
enum ValidationRule: UInt8 {
    /// The opcode has not occurred yet: ``ValidationTable/learn(_:)``. Zero, as fresh memory is.
    case unknown = 0
    case illegal, prefix, vectorPrefix, atomicPrefix
    /// Fixed type, one operand or two; the entry holds the types.
    case unary, binary
    case load, store
    case unreachable, nop, block, loop, `if`, `else`, end, br, brIf, brTable, `return`, call, callIndirect
    case returnCall, returnCallIndirect
    case `throw`, throwRef, tryTable, `try`, `catch`, rethrow, delegate, catchAll
    case drop, select, selectTyped
    case localGet, localSet, localTee, globalGet, globalSet, tableGet, tableSet
    case memorySize, memoryGrow, i32Const, i64Const, f32Const, f64Const
    case refNull, refIsNull, refFunc
    /// Typed references and everything behind 0xFB: see `FunctionValidator+References.swift`.
    case reference
    case memoryInit, dataDrop, memoryCopy, memoryFill, tableInit, elemDrop, tableCopy, tableGrow, tableSize, tableFill
    case vectorShift, ternary, laneRead, laneWrite, laneLoad, laneStore, shuffle, v128Const
}

/// What the validator must know of one opcode, in four bytes: its types are numbers or vectors.
struct ValidationEntry {
    var rule: ValidationRule
    /// Operand type; of a binary instruction both operands have it, of a store it is the stored value's.
    private var operandCode: UInt8 = 0
    private var resultCode: UInt8 = 0
    /// Natural alignment of a load or store.
    var alignLog2: UInt8 = 0

    init(rule: ValidationRule, operand: ValueType? = nil, result: ValueType? = nil, alignLog2: UInt8 = 0) {
        self.rule = rule
        operandCode = UInt8(truncatingIfNeeded: operand?.rawValue ?? 0)
        resultCode = UInt8(truncatingIfNeeded: result?.rawValue ?? 0)
        self.alignLog2 = alignLog2
    }

    @inline(__always) var operand: TypeCode { TypeCode(operandCode) }
    @inline(__always) var result: TypeCode { TypeCode(resultCode) }
}

/// The entries of all opcodes, indexed by ``Opcode``'s raw value. An entry is made when its opcode occurs first: a module
/// uses few of the 600, and making all of them takes as long as validating a small one.
struct ValidationTable: ~Copyable {
    private static let count = 0x320

    let entries: UnsafeMutablePointer<ValidationEntry>
    private let features: FeatureSet

    /// Opcodes of features outside of `features` are illegal, so that the loop need not ask.
    init(features: FeatureSet) {
        self.features = features
        entries = .allocate(capacity: Self.count)
        entries.initialize(repeating: ValidationEntry(rule: .unknown), count: Self.count)
    }

    deinit { entries.deallocate() }

    /// Makes the entry at `index`, less than 0x320.
    func learn(_ index: Int) {
        entries[index] =
            switch index {
            case 0xFB: ValidationEntry(rule: .reference)
            case 0xFC: ValidationEntry(rule: .prefix)
            case 0xFD: ValidationEntry(rule: .vectorPrefix)
            case 0xFE: ValidationEntry(rule: .atomicPrefix)
            default:
                if let opcode = Opcode(rawValue: UInt16(index)), features.isSuperset(of: opcode.feature) {
                    Self.entry(opcode)
                } else {
                    ValidationEntry(rule: .illegal)
                }
            }
    }

    private static func entry(_ opcode: Opcode) -> ValidationEntry {
        if let rule = specialRule(opcode) { return ValidationEntry(rule: rule) }
        if let shape = opcode.vectorShape { return vectorEntry(opcode, shape) }
        guard let signature = opcode.signature else { return ValidationEntry(rule: .illegal) }
        let result = signature.result
        if opcode.isMemoryAccess {
            let operand = signature.parameters.last
            return ValidationEntry(
                rule: opcode.isStore ? .store : .load, operand: operand, result: result,
                alignLog2: UInt8(opcode.accessWidthLog2))
        }
        return ValidationEntry(
            rule: signature.parameters.count == 2 ? .binary : .unary, operand: signature.parameters[0],
            result: result)
    }

    private static func specialRule(_ opcode: Opcode) -> ValidationRule? {
        switch opcode {
        case .unreachable: .unreachable
        case .nop: .nop
        case .block: .block
        case .loop: .loop
        case .if: .if
        case .else: .else
        case .end: .end
        case .br: .br
        case .brIf: .brIf
        case .brTable: .brTable
        case .return: .return
        case .call: .call
        case .callIndirect: .callIndirect
        case .drop: .drop
        case .select: .select
        case .selectTyped: .selectTyped
        case .localGet: .localGet
        case .localSet: .localSet
        case .localTee: .localTee
        case .globalGet: .globalGet
        case .globalSet: .globalSet
        case .tableGet: .tableGet
        case .tableSet: .tableSet
        case .memorySize: .memorySize
        case .memoryGrow: .memoryGrow
        case .i32Const: .i32Const
        case .i64Const: .i64Const
        case .f32Const: .f32Const
        case .f64Const: .f64Const
        default: specialRuleBeyondFirstVersion(opcode)
        }
    }

    private static func specialRuleBeyondFirstVersion(_ opcode: Opcode) -> ValidationRule? {
        switch opcode {
        case .throw: .throw
        case .throwRef: .throwRef
        case .tryTable: .tryTable
        case .try: .try
        case .catch: .catch
        case .rethrow: .rethrow
        case .delegate: .delegate
        case .catchAll: .catchAll
        case .returnCall: .returnCall
        case .returnCallIndirect: .returnCallIndirect
        case .refNull: .refNull
        case .refIsNull: .refIsNull
        case .refFunc: .refFunc
        case .callRef, .returnCallRef, .refEq, .refAsNonNull, .brOnNull, .brOnNonNull: .reference
        case .memoryInit: .memoryInit
        case .dataDrop: .dataDrop
        case .memoryCopy: .memoryCopy
        case .memoryFill: .memoryFill
        case .tableInit: .tableInit
        case .elemDrop: .elemDrop
        case .tableCopy: .tableCopy
        case .tableGrow: .tableGrow
        case .tableSize: .tableSize
        case .tableFill: .tableFill
        default: nil
        }
    }
}
