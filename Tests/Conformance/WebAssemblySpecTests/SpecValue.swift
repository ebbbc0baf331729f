// SPDX-License-Identifier: Apache-2.0
// Swiftlet: values of the specification suites, and the host module they import.

import TestSupport
import Wasm
import WasmRuntime

enum SpecValue {
    /// An argument as slots, two for a vector (low half first); nil for types that the engine does not have.
    static func slots(_ value: SpecSuite.Value, _ store: Store) -> [UInt64]? {
        if value.type == "v128" { return vector(value) }
        if value.scalar == "null" || nulls.contains(value.type) { return [0] }
        switch value.type {
        case "i32": return value.scalar.flatMap { Int32($0) }.map { [UInt64(UInt32(bitPattern: $0))] }
        case "i64": return value.scalar.flatMap { Int64($0) }.map { [UInt64(bitPattern: $0)] }
        case "f32": return value.scalar.flatMap { UInt32($0) }.map { [UInt64($0)] }
        case "f64": return value.scalar.flatMap { UInt64($0) }.map { [$0] }
        // Null is 0 for the engine, so the suite's external 0 becomes 1 and so on.
        case "anyref":
            return value.scalar.flatMap { UInt64($0) }.flatMap { try? store.internalize($0 + 1) }.map { [$0] }
        case "externref": return value.scalar.flatMap { UInt64($0) }.map { [$0 + 1] }
        default: return nil
        }
    }

    /// Whether result slots are what a script expects.
    static func matches(_ slots: ArraySlice<UInt64>, _ expected: [SpecSuite.Value], _ store: Store) -> Bool {
        var rest = slots
        for value in expected {
            let count = slotCount(value)
            guard rest.count >= count, matches(rest.prefix(count), value, store) else { return false }
            rest = rest.dropFirst(count)
        }
        return rest.isEmpty
    }

    private static func slotCount(_ value: SpecSuite.Value) -> Int {
        if value.type == "either", let first = value.values?.first { return slotCount(first) }
        return value.type == "v128" ? 2 : 1
    }

    private static func matches(_ slots: ArraySlice<UInt64>, _ expected: SpecSuite.Value, _ store: Store) -> Bool {
        if expected.type == "either" { return (expected.values ?? []).contains { matches(slots, $0, store) } }
        if expected.type == "v128" { return matchesVector(Array(slots), expected) }
        let slot = slots.first ?? 0
        switch (expected.type, expected.scalar) {
        case ("f32", let text?): return slot >> 32 == 0 && matchesFloat(slot, text, bits: 32)
        case ("f64", let text?): return matchesFloat(slot, text, bits: 64)
        case (_, "null"): return slot == 0
        case (let type, _) where nulls.contains(type): return slot == 0
        case ("i31ref", nil): return store.heapType(ofReference: slot) == .i31
        case ("structref", nil): return store.heapType(ofReference: slot) == .structure
        case ("arrayref", nil): return store.heapType(ofReference: slot) == .array
        case (let type, nil) where type.hasSuffix("ref"): return slot != 0
        case ("anyref", let number?): return UInt64(number).map { $0 + 1 } == store.external(slot)
        default: return self.slots(expected, store) == [slot]
        }
    }

    /// Types that only null has.
    private static let nulls: Set<String> = ["refnull", "nullref", "nullfuncref", "nullexternref", "nullexnref"]

    /// `text` is the bit pattern or a pattern of not-a-numbers.
    private static func matchesFloat(_ value: UInt64, _ text: String, bits: Int) -> Bool {
        let quiet: UInt64 = bits == 32 ? 0x7FC0_0000 : 0x7FF8_0000_0000_0000
        switch text {
        case "nan:canonical": return value & ~(1 << (bits - 1)) == quiet
        case "nan:arithmetic": return value & quiet == quiet
        default: return UInt64(text) == value
        }
    }

    // MARK: Vectors

    private static func laneBits(_ type: String?) -> Int { Int((type ?? "").drop { !$0.isNumber }) ?? 64 }

    private static func vector(_ value: SpecSuite.Value) -> [UInt64]? {
        guard case .lanes(let lanes) = value.value else { return nil }
        let bits = laneBits(value.lane_type)
        let mask = bits == 64 ? UInt64.max : (1 << bits) - 1
        var slots: [UInt64] = [0, 0]
        for (index, text) in lanes.enumerated() {
            guard let lane = Int64(text).map(UInt64.init(bitPattern:)) ?? UInt64(text) else { return nil }
            slots[index * bits / 64] |= (lane & mask) << UInt64(index * bits % 64)
        }
        return slots
    }

    private static func matchesVector(_ slots: [UInt64], _ expected: SpecSuite.Value) -> Bool {
        guard case .lanes(let lanes) = expected.value else { return false }
        guard expected.lane_type?.first == "f" else { return vector(expected) == slots }
        let bits = laneBits(expected.lane_type)
        let mask = bits == 64 ? UInt64.max : (1 << bits) - 1
        return lanes.enumerated().allSatisfy { index, text in
            matchesFloat(slots[index * bits / 64] >> UInt64(index * bits % 64) & mask, text, bits: bits)
        }
    }

    static func text(_ value: SpecSuite.Value) -> String {
        if case .lanes(let lanes) = value.value { return "\(value.type) \(value.lane_type ?? "") \(lanes)" }
        return "\(value.type) \(value.scalar ?? "any")"
    }
}

/// The module `spectest` that the suites import from.
func spectest(_ store: Store) throws -> Imports {
    var imports = Imports()
    let prints: [(String, [ValueType])] = [
        ("print", []), ("print_i32", [.i32]), ("print_i64", [.i64]), ("print_f32", [.f32]), ("print_f64", [.f64]),
        ("print_i32_f32", [.i32, .f32]), ("print_f64_f64", [.f64, .f64]),
    ]
    for (name, parameters) in prints {
        let function = HostFunction(type: FunctionType(parameters: parameters, results: [])) { _ in .returned }
        imports.define("spectest", name, .function(store.makeFunction(function)))
    }
    let globals: [(String, ValueType, UInt64)] = [
        ("global_i32", .i32, 666), ("global_i64", .i64, 666), ("global_f32", .f32, UInt64(Float(666.6).bitPattern)),
        ("global_f64", .f64, Double(666.6).bitPattern),
    ]
    for (name, type, value) in globals {
        let global = store.makeGlobal(GlobalType(value: type, isMutable: false), value: value)
        imports.define("spectest", name, .global(global))
    }
    let table = TableType(element: .funcref, limits: Limits(minimum: 10, maximum: 20))
    imports.define("spectest", "table", .table(try store.makeTable(table)))
    let table64 = TableType(element: .funcref, limits: Limits(minimum: 10, maximum: 20), address: .i64)
    imports.define("spectest", "table64", .table(try store.makeTable(table64)))
    let memory = MemoryType(limits: Limits(minimum: 1, maximum: 2))
    imports.define("spectest", "memory", .memory(try store.makeMemory(memory)))
    let shared = MemoryType(limits: Limits(minimum: 1, maximum: 2), isShared: true)
    imports.define("spectest", "shared_memory", .memory(try store.makeMemory(shared)))
    return imports
}
