// SPDX-License-Identifier: Apache-2.0
// Swiftlet: from the name of an instruction to its opcode and to what follows it in the text.

import Wasm

/// An instruction as the text format sees it.
struct InstructionEntry {
    /// What follows the name (core specification §6.5). Optional indices are 0 when they are left out.
    enum Operands: UInt8 {
        case none
        // Structured control, which the parser reads itself.
        case block, `if`, tryTable, `else`, end, `try`, `catch`, catchAll, delegate
        case label, labelTable, function, callIndirect, tag
        case local, global, table, memory, type, heapType, dataDrop, elemDrop
        case select
        case memoryArgument, memoryArgumentAndLane, lane, shuffle, vector
        case i32, i64, f32, f64
        /// memory? data; table? element; two indices or none.
        case memoryInit, tableInit, memoryPair, tablePair
        case typeAndField, typeAndCount, typeAndData, typeAndElement, typePair
        /// A reference type; whether it admits null is in the opcode.
        case referenceType
        case castBranch
        /// A zero byte in the binary that the text does not show.
        case fence
    }

    /// As ``Wasm/Opcode`` numbers them.
    var code: UInt16
    var operands: Operands
    /// Binary logarithm of the natural alignment of a memory access.
    var alignLog2: UInt8
}

/// All instructions by name. The engine's own table (``Wasm/Opcode``) says what there is; what it does not have yet is
/// in ``LaterInstructions``, so that the validator and not this parser is who names the missing feature.
struct InstructionTable {
    static let shared = InstructionTable()

    private let names: [UInt8]
    private let slots: [Slot]
    private static let slotCount = 4096

    private struct Slot {
        var start: Int32 = -1
        var length: UInt8 = 0
        var entry = InstructionEntry(code: 0, operands: .none, alignLog2: 0)
    }

    private init() {
        var names: [UInt8] = []
        var slots = [Slot](repeating: Slot(), count: Self.slotCount)
        func add(_ name: String, _ code: UInt16) {
            let bytes = Array(name.utf8)
            var index = bytes.withUnsafeBufferPointer { Self.hash($0) }
            while slots[index].start >= 0 {
                let slot = slots[index]
                // Two opcodes with one name (select, ref.test): the parser knows the second.
                if names[Int(slot.start)..<Int(slot.start) + Int(slot.length)].elementsEqual(bytes) { return }
                index = (index + 1) % Self.slotCount
            }
            slots[index] = Slot(
                start: Int32(names.count), length: UInt8(bytes.count),
                entry: InstructionEntry(
                    code: code, operands: Self.operands(of: name), alignLog2: Self.alignLog2(of: name)))
            names += bytes
        }
        for opcode in Opcode.allCases { add(opcode.name, opcode.rawValue) }
        for (name, code) in LaterInstructions.all { add(name, code) }
        self.names = names
        self.slots = slots
    }

    func find(_ source: SourceText, _ range: Range<Int>) -> InstructionEntry? {
        let wanted = UnsafeBufferPointer(start: source.base + range.lowerBound, count: range.count)
        var index = Self.hash(wanted)
        while true {
            let slot = slots[index]
            if slot.start < 0 { return nil }
            if Int(slot.length) == wanted.count {
                var offset = 0
                while offset < wanted.count, names[Int(slot.start) + offset] == wanted[offset] { offset += 1 }
                if offset == wanted.count { return slot.entry }
            }
            index = (index + 1) % Self.slotCount
        }
    }

    /// All names, for suggestions.
    var allNames: [String] {
        slots.filter { $0.start >= 0 }.map {
            String(decoding: names[Int($0.start)..<Int($0.start) + Int($0.length)], as: UTF8.self)
        }
    }

    // FNV-1a; the names are ours, so nobody can make them collide.
    @inline(__always)
    private static func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
        var value: UInt32 = 2_166_136_261
        for byte in bytes { value = (value ^ UInt32(byte)) &* 16_777_619 }
        return Int((value ^ value >> 15) & UInt32(slotCount - 1))
    }

    // MARK: What a name says

    /// The instructions that are not what the pattern of their name says.
    private static let special: [String: InstructionEntry.Operands] = [
        "block": .block, "loop": .block, "if": .if, "try_table": .tryTable, "else": .else, "end": .end,
        "try": .try, "catch": .catch, "catch_all": .catchAll, "delegate": .delegate, "rethrow": .label,
        "br": .label, "br_if": .label, "br_table": .labelTable, "br_on_null": .label, "br_on_non_null": .label,
        "br_on_cast": .castBranch, "br_on_cast_fail": .castBranch, "throw": .tag,
        "call": .function, "return_call": .function, "ref.func": .function,
        "call_indirect": .callIndirect, "return_call_indirect": .callIndirect,
        "call_ref": .type, "return_call_ref": .type, "select": .select,
        "local.get": .local, "local.set": .local, "local.tee": .local, "global.get": .global, "global.set": .global,
        "table.get": .table, "table.set": .table, "table.size": .table, "table.grow": .table, "table.fill": .table,
        "table.copy": .tablePair, "table.init": .tableInit, "elem.drop": .elemDrop,
        "memory.size": .memory, "memory.grow": .memory, "memory.fill": .memory, "memory.copy": .memoryPair,
        "memory.init": .memoryInit, "data.drop": .dataDrop,
        "i32.const": .i32, "i64.const": .i64, "f32.const": .f32, "f64.const": .f64, "v128.const": .vector,
        "i8x16.shuffle": .shuffle, "atomic.fence": .fence,
        "ref.null": .heapType, "ref.test": .referenceType, "ref.cast": .referenceType,
        "struct.new": .type, "struct.new_default": .type, "struct.get": .typeAndField, "struct.get_s": .typeAndField,
        "struct.get_u": .typeAndField, "struct.set": .typeAndField,
        "array.new": .type, "array.new_default": .type, "array.new_fixed": .typeAndCount,
        "array.new_data": .typeAndData, "array.new_elem": .typeAndElement, "array.get": .type, "array.get_s": .type,
        "array.get_u": .type, "array.set": .type, "array.fill": .type, "array.copy": .typePair,
        "array.init_data": .typeAndData, "array.init_elem": .typeAndElement,
    ]

    static func operands(of name: String) -> InstructionEntry.Operands {
        if let operands = special[name] { return operands }
        if name.hasSuffix("_lane") { return isMemoryAccess(name) ? .memoryArgumentAndLane : .lane }
        if name.mentions("extract_lane") || name.mentions("replace_lane") { return .lane }
        return isMemoryAccess(name) ? .memoryArgument : .none
    }

    private static func isMemoryAccess(_ name: String) -> Bool {
        name.mentions(".load") || name.mentions(".store") || name.mentions(".atomic.")
    }

    /// The width of an access: a number of bits in the name after its verb, or that of the value type before it.
    static func alignLog2(of name: String) -> UInt8 {
        guard isMemoryAccess(name) else { return 0 }
        if name.hasPrefix("memory.atomic.") { return name.hasSuffix("64") ? 3 : 2 }
        for extending in ["8x8", "16x4", "32x2"] where name.mentions(extending) { return 3 }
        let verb = name.drop { $0 != "." }.dropFirst()
        let width = verb.drop { !$0.isNumber }.prefix { $0.isNumber }
        let typeWidth = name.prefix { $0 != "." }.dropFirst()
        switch width.isEmpty ? typeWidth : width {
        case "8": return 0
        case "16": return 1
        case "32": return 2
        case "64": return 3
        default: return 4
        }
    }
}

extension String {
    /// Whether `part` occurs anywhere. The library's own search belongs to its regular expressions, which the sandbox
    /// does without (Package.swift).
    fileprivate func mentions(_ part: String) -> Bool {
        var rest = utf8[...]
        while !rest.starts(with: part.utf8) {
            if rest.popFirst() == nil { return false }
        }
        return true
    }
}
