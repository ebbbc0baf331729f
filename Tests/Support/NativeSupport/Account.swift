// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what an instance does, in lines that another engine can say too.

import Wasm
public import WasmRuntime

/// Calls an instance's exports and says a line for each result. Exports go by their position.
public struct Account {
    private let instance: Instance
    private let say: (String) -> Void

    /// - Parameter say: gets each line as soon as it is known; the next one may end the process.
    public init(_ instance: Instance, say: @escaping (String) -> Void) {
        self.instance = instance
        self.say = say
    }

    /// All there is to say, the comparable part first.
    public func run() {
        sayComparable()
        sayOwn()
    }

    private var exports: [Export] { instance.module.exports }

    /// Three calls of every exported function that takes and gives only numbers, then the exported globals and the
    /// checksums of the exported memories.
    private func sayComparable() {
        _ = call { $0.parameters.allSatisfy(Self.isNumber) && $0.results.allSatisfy(Self.isNumber) }
        sayState()
    }

    /// The same with those that have vectors, each line after the word `own`: the other engine's interface cannot say
    /// them, so it is our tiers that are compared.
    private func sayOwn() {
        let isPlain = { (type: ValueType) in Self.isNumber(type) || type == .v128 }
        let hasVector = { (type: FunctionType) in (type.parameters + type.results).contains(.v128) }
        let count = call("own ") {
            $0.parameters.allSatisfy(isPlain) && $0.results.allSatisfy(isPlain) && hasVector($0)
        }
        if count > 0 { sayState("own ") }
        for (position, export) in exports.enumerated() {
            guard case .global(let global)? = instance.export(export.name), global.type.value == .v128 else { continue }
            say(
                "own global \(position) (v128): \(Self.text(global.slots[0], .i64)) \(Self.text(global.slots[1], .i64))"
            )
        }
    }

    /// Returns how many functions were called.
    private func call(_ prefix: String = "", where isWanted: (FunctionType) -> Bool) -> Int {
        var count = 0
        for (position, export) in exports.enumerated() {
            guard case .function(let function)? = instance.export(export.name), isWanted(function.type) else {
                continue
            }
            for turn in 0..<3 { say(prefix + call(function, position: position, turn: turn)) }
            count += 1
        }
        return count
    }

    private func call(_ function: Function, position: Int, turn: Int) -> String {
        let type = function.type
        let list = { (types: [ValueType]) in types.map(\.description).joined(separator: ",") }
        let name = "call \(position) \(turn) (\(list(type.parameters))) -> (\(list(type.results)))"
        let arguments = type.parameters.enumerated().flatMap { index, type in
            let place = position + 3 * turn + index
            let first = Self.slot(Self.patterns[place % Self.patterns.count], type)
            return type == .v128 ? [first, Self.patterns[(place + 1) % Self.patterns.count]] : [first]
        }
        switch instance.store.invoke(function, arguments) {
        case .returned(let slots): return "\(name): returned" + Self.text(slots, type.results)
        case .exited: return "\(name): exited"
        case .trapped(let trap): return "\(name): \(Self.text(trap))"
        }
    }

    private func sayState(_ prefix: String = "") {
        for (position, export) in exports.enumerated() {
            switch instance.export(export.name) {
            case .global(let global) where Self.isNumber(global.type.value):
                let value = Self.text(global.value, global.type.value)
                say("\(prefix)global \(position) (\(global.type.value)): \(value)")
            case .memory(let memory):
                say("\(prefix)memory \(position): \(memory.pageCount) \(Self.checksum(memory))")
            default: continue
            }
        }
    }
}

// MARK: - Words

extension Account {
    /// Arguments, by position; the script has the same.
    private static let patterns: [UInt64] = [
        0, 1, UInt64.max, 0x8000_0000_8000_0000, 0x7FFF_FFFF_7FFF_FFFF, 0x3FF0_0000_3F80_0000, 0xC010_0000_C080_0000,
        37,
    ]

    private static func slot(_ bits: UInt64, _ type: ValueType) -> UInt64 {
        type == .i32 || type == .f32 ? bits & 0xFFFF_FFFF : bits
    }

    private static func isNumber(_ type: ValueType) -> Bool { [.i32, .i64, .f32, .f64].contains(type) }

    /// The value in hexadecimal digits; all NaNs are one.
    private static func text(_ slot: UInt64, _ type: ValueType) -> String {
        var slot = slot
        if type == .f32, Float(bitPattern: UInt32(truncatingIfNeeded: slot)).isNaN { slot = 0x7FC0_0000 }
        if type == .f64, Double(bitPattern: slot).isNaN { slot = 0x7FF8_0000_0000_0000 }
        return "\(type):\(String(slot, radix: 16))"
    }

    /// Each with a space before it; vectors as two i64.
    private static func text(_ slots: [UInt64], _ types: [ValueType]) -> String {
        var result = ""
        var place = 0
        for type in types {
            result += " " + text(slots[place], type == .v128 ? .i64 : type)
            if type == .v128 { result += " " + text(slots[place + 1], .i64) }
            place += type == .v128 ? 2 : 1
        }
        return result
    }

    /// Trap reasons in classes that engines agree on.
    public static func text(_ trap: Trap) -> String {
        switch trap.reason {
        case .undefinedElement, .outOfBoundsTableAccess: "trap table"
        default: "trap \(trap.reason)"
        }
    }

    private static func checksum(_ memory: Memory) -> UInt32 {
        var crc: UInt32 = 0xFFFF_FFFF
        let bytes = UnsafeRawBufferPointer(start: memory.guest.base, count: memory.byteCount)
        for byte in bytes { crc = crcTable[Int((crc ^ UInt32(byte)) & 0xFF)] ^ crc >> 8 }
        return ~crc
    }

    /// CRC-32 as zlib has it (ISO 3309).
    private static let crcTable: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1 }
    }
}
