// SPDX-License-Identifier: Apache-2.0
// Swiftlet: values of the specification suites, and the host module they import.

import TestSupport
import Wasm
import WasmRuntime

enum SpecValue {
    /// An argument as slot; nil for types that the engine does not have.
    static func slot(_ value: SpecSuite.Value) -> UInt64? {
        switch value.type {
        case "i32": value.scalar.flatMap { Int32($0) }.map { UInt64(UInt32(bitPattern: $0)) }
        case "i64": value.scalar.flatMap { Int64($0) }.map { UInt64(bitPattern: $0) }
        case "f32": value.scalar.flatMap { UInt32($0) }.map { UInt64($0) }
        case "f64": value.scalar.flatMap { UInt64($0) }
        // Null is 0 for the engine, so the suite's external 0 becomes 1 and so on.
        case "externref": value.scalar == "null" ? 0 : value.scalar.flatMap { UInt64($0) }.map { $0 + 1 }
        case "funcref", "refnull": 0
        default: nil
        }
    }

    static func matches(_ slot: UInt64, _ expected: SpecSuite.Value) -> Bool {
        if expected.type == "either" { return (expected.values ?? []).contains { matches(slot, $0) } }
        switch (expected.type, expected.scalar) {
        case ("f32", "nan:canonical"): return slot & 0x7FFF_FFFF == 0x7FC0_0000 && slot >> 32 == 0
        case ("f32", "nan:arithmetic"): return slot & 0x7FC0_0000 == 0x7FC0_0000 && slot >> 32 == 0
        case ("f64", "nan:canonical"): return slot & ~(1 << 63) == 0x7FF8_0000_0000_0000
        case ("f64", "nan:arithmetic"): return slot & 0x7FF8_0000_0000_0000 == 0x7FF8_0000_0000_0000
        case ("refnull", _): return slot == 0
        case ("funcref", nil), ("externref", nil): return slot != 0
        default: return self.slot(expected) == slot
        }
    }

    static func text(_ value: SpecSuite.Value) -> String { "\(value.type) \(value.scalar ?? "any")" }
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
    let memory = MemoryType(limits: Limits(minimum: 1, maximum: 2))
    imports.define("spectest", "memory", .memory(try store.makeMemory(memory)))
    return imports
}
