// SPDX-License-Identifier: Apache-2.0
// Swiftlet: damaged modules are refused or accepted, never crash and never hang.
import TestSupport
import Testing
import Wasm

/// A small generator with a fixed seed, so that a failure comes back (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

@Suite(.enabled(if: SharedData.isPresent, "needs the shared test data")) struct `Damaged modules` {
    static let victims = [
        "programs/wasip1/hello_c.wasm", "programs/wasip1/cat_zig.wasm", "programs/own-built/own_stdin_cat.wasm",
        "programs/wasip1/cat_tinygo.wasm", "programs/wasip1/print_args.wasm",
        "wasm-spec/core/switch/switch.0.wasm", "wasm-spec/core/bulk/bulk.2.wasm",
        "wasm-spec/core/table_init/table_init.3.wasm", "wasm-spec/core/select/select.0.wasm",
        "wasm-spec/core/block/block.0.wasm", "wasm-spec/core/global/global.0.wasm",
        "wasm-spec/core/elem/elem.0.wasm", "sightglass/splay/splay.wasm",
        "wasm-spec/proposals/gc/struct/struct.7.wasm",
        "wasm-spec/proposals/gc/struct/struct.10.wasm",
        "wasm-spec/proposals/gc/array/array.7.wasm",
        "wasm-spec/proposals/gc/array/array.8.wasm",
        "wasm-spec/proposals/gc/array_copy/array_copy.4.wasm",
        "wasm-spec/proposals/gc/array_init_data/array_init_data.3.wasm",
        "wasm-spec/proposals/gc/array_init_elem/array_init_elem.3.wasm",
        "wasm-spec/proposals/gc/array_new_elem/array_new_elem.2.wasm",
        "wasm-spec/proposals/gc/br_on_cast/br_on_cast.1.wasm",
        "wasm-spec/proposals/gc/ref_cast/ref_cast.1.wasm",
        "wasm-spec/proposals/gc/ref_test/ref_test.1.wasm",
        "wasm-spec/proposals/gc/i31/i31.1.wasm",
        "wasm-spec/proposals/gc/extern/extern.0.wasm",
        "wasm-spec/proposals/function-references/call_ref/call_ref.0.wasm",
        "wasm-spec/proposals/function-references/br_on_null/br_on_null.0.wasm",
        "wasm-spec/proposals/function-references/br_on_non_null/br_on_non_null.0.wasm",
        "wasm-spec/proposals/function-references/return_call_ref/return_call_ref.0.wasm",
        "wasm-spec/proposals/gc/type-subtyping/type-subtyping.0.wasm",
        "wasm-spec/proposals/gc/type-subtyping/type-subtyping.29.wasm",
    ]

    /// Loads it and, when it is still valid, reads everything a user of the module would.
    func exercise(_ bytes: [UInt8]) {
        guard let module = try? Module.load(ModuleBytes(bytes)) else { return }
        let report = ModuleReport(module) { _, _, _ in nil }
        #expect(!report.text().isEmpty)
        let names = NameSection(module)
        _ = names.functions()
        _ = names.local(0, ofFunction: 3)
    }

    @Test(arguments: victims)
    func `with changed bytes do no harm`(path: String) throws {
        let original = try SharedData.bytes("testdata/" + path)
        var random = SeededGenerator(state: UInt64(original.count))
        let interesting: [UInt8] = [
            0x00, 0x7F, 0x80, 0xFF, 0x40, 0x0B, 0x05, 0xFC, 0xD0, 0x0E, 0x1C, 0xFB, 0x63, 0x64, 0x4E, 0x50, 0x5E, 0x5F,
        ]
        for _ in 0..<600 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let position = Int.random(in: 8..<bytes.count, using: &random)
                bytes[position] =
                    Bool.random(using: &random)
                    ? UInt8.random(in: 0...255, using: &random) : interesting.randomElement(using: &random) ?? 0
            }
            exercise(bytes)
        }
    }

    @Test(arguments: victims)
    func `with bytes cut out or put in do no harm`(path: String) throws {
        let original = try SharedData.bytes("testdata/" + path)
        var random = SeededGenerator(state: UInt64(original.count) + 1)
        for _ in 0..<200 {
            var bytes = original
            let position = Int.random(in: 8..<bytes.count, using: &random)
            if Bool.random(using: &random) {
                bytes.removeSubrange(position..<min(bytes.count, position + Int.random(in: 1...8, using: &random)))
            } else {
                bytes.insert(contentsOf: (0..<3).map { _ in UInt8.random(in: 0...255, using: &random) }, at: position)
            }
            exercise(bytes)
        }
    }

    @Test(arguments: victims)
    func `that end too early are malformed, wherever they end`(path: String) throws {
        let original = try SharedData.bytes("testdata/" + path)
        let whole = try Module.load(ModuleBytes(original))
        let boundaries = Set(whole.sections.map(\.payload.upperBound) + [8])
        let step = max(1, original.count / 400)
        for length in stride(from: 0, to: original.count, by: step) where !boundaries.contains(length) {
            let cut = ModuleBytes(Array(original[..<length]))
            let error = #expect(throws: WasmError.self) { try Module.load(cut) }
            #expect(error?.kind == .malformed)
        }
    }
}
