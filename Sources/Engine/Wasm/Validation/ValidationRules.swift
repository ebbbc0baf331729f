// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the validator's view of the opcode table: one entry per opcode, found by index.

/// A value type on the validator's stack: ``ValueType``'s raw value, or 0 for "any type" below an unreachable point.
typealias TypeCode = UInt8

extension TypeCode {
    static let any: TypeCode = 0
    static let i32 = ValueType.i32.rawValue
    static let funcref = ValueType.funcref.rawValue

    var isReferenceOrAny: Bool { self == .any || self == ValueType.funcref.rawValue || self == 0x6F }
    var isNumberOrAny: Bool { self == .any || self >= ValueType.v128.rawValue }

    /// The name for a message.
    var name: String { ValueType(rawValue: self)?.description ?? "any" }
}

/// How an instruction is validated.
enum ValidationRule: UInt8 {
    case illegal, prefix
    /// Fixed type, one operand or two; the entry holds the types.
    case unary, binary
    case load, store
    case unreachable, nop, block, loop, `if`, `else`, end, br, brIf, brTable, `return`, call, callIndirect
    case returnCall, returnCallIndirect
    case drop, select, selectTyped
    case localGet, localSet, localTee, globalGet, globalSet, tableGet, tableSet
    case memorySize, memoryGrow, i32Const, i64Const, f32Const, f64Const
    case refNull, refIsNull, refFunc
    case memoryInit, dataDrop, memoryCopy, memoryFill, tableInit, elemDrop, tableCopy, tableGrow, tableSize, tableFill
}

/// What the validator must know of one opcode, in four bytes.
struct ValidationEntry {
    var rule: ValidationRule
    /// Operand type; of a binary instruction both operands have it, of a store it is the stored value's.
    var operand: TypeCode = 0
    var result: TypeCode = 0
    /// Natural alignment of a load or store.
    var alignLog2: UInt8 = 0
}

/// The entries of all opcodes, indexed by ``Opcode``'s raw value; built once per process.
struct ValidationTable: @unchecked Sendable {
    // SAFETY: written only in init, lives as long as the process.
    let entries: UnsafePointer<ValidationEntry>
    static let count = 0x120
    static let shared = ValidationTable()

    private init() {
        let entries = UnsafeMutablePointer<ValidationEntry>.allocate(capacity: Self.count)
        entries.initialize(repeating: ValidationEntry(rule: .illegal), count: Self.count)
        for opcode in Opcode.allCases { entries[Int(opcode.rawValue)] = Self.entry(opcode) }
        entries[0xFC] = ValidationEntry(rule: .prefix)
        self.entries = UnsafePointer(entries)
    }

    /// A copy in which the opcodes of features outside of `features` are illegal, so that the loop need not ask; nil when
    /// there are none. The caller deallocates it.
    static func restricted(to features: FeatureSet) -> UnsafeMutablePointer<ValidationEntry>? {
        guard !features.isSuperset(of: .supported) else { return nil }
        let entries = UnsafeMutablePointer<ValidationEntry>.allocate(capacity: count)
        entries.initialize(from: shared.entries, count: count)
        for opcode in Opcode.allCases where !features.isSuperset(of: opcode.feature) {
            entries[Int(opcode.rawValue)] = ValidationEntry(rule: .illegal)
        }
        return entries
    }

    private static func entry(_ opcode: Opcode) -> ValidationEntry {
        if let rule = specialRule(opcode) { return ValidationEntry(rule: rule) }
        guard let signature = opcode.signature else { return ValidationEntry(rule: .illegal) }
        let result = signature.result?.rawValue ?? 0
        if opcode.isMemoryAccess {
            let operand = signature.parameters.last?.rawValue ?? 0
            return ValidationEntry(
                rule: opcode.isStore ? .store : .load, operand: operand, result: result,
                alignLog2: UInt8(opcode.accessWidthLog2))
        }
        return ValidationEntry(
            rule: signature.parameters.count == 2 ? .binary : .unary, operand: signature.parameters[0].rawValue,
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
        case .returnCall: .returnCall
        case .returnCallIndirect: .returnCallIndirect
        case .refNull: .refNull
        case .refIsNull: .refIsNull
        case .refFunc: .refFunc
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
