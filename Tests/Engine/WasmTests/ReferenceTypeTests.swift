// SPDX-License-Identifier: Apache-2.0
// Swiftlet: typed references and recursive types in decoder, validator and report.
import TestSupport
import Testing
import Wasm

@Suite(.enabled(if: SharedData.isPresent, "needs the shared test data")) struct `Reference types` {
    private func load(_ path: String, without missing: FeatureSet = []) throws(WasmError) -> Module {
        let bytes = (try? SharedData.bytes("testdata/" + path)) ?? []
        return try Module.load(ModuleBytes(bytes), features: FeatureSet.supported.subtracting(missing))
    }

    static let restricted: [(path: String, feature: FeatureSet, text: String)] = [
        ("wasm-spec/proposals/gc/struct/struct.7.wasm", FeatureSet.gc, "feature gc"),
        ("wasm-spec/proposals/gc/i31/i31.1.wasm", .gc, "feature gc"),
        ("wasm-spec/proposals/gc/ref_eq/ref_eq.0.wasm", .gc, "feature gc"),
        (
            "wasm-spec/proposals/function-references/call_ref/call_ref.0.wasm", .functionReferences,
            "function-references"
        ),
        (
            "wasm-spec/proposals/function-references/br_on_null/br_on_null.0.wasm", .functionReferences,
            "function-references"
        ),
    ]

    @Test(arguments: restricted)
    func `can be switched off one by one`(path: String, feature: FeatureSet, text: String) throws {
        _ = try load(path)
        let error = #expect(throws: WasmError.self) { try load(path, without: feature) }
        #expect(error?.kind == .unsupported)
        #expect(error?.message.contains(text) == true, "\(error?.message ?? "")")
    }

    @Test func `are found by inspection`() throws {
        func features(_ path: String) throws -> FeatureSet { ModuleReport(try load(path)) { _, _, _ in nil }.features }
        #expect(try features("sightglass/splay/splay.wasm").contains(.gc))
        #expect(
            try features("wasm-spec/proposals/function-references/call_ref/call_ref.0.wasm")
                .contains(.functionReferences))
        #expect(try features("programs/wasip1/hello_go.wasm").isDisjoint(with: [.gc, .functionReferences]))
    }

    @Test func `are the same when their groups have the same structure`() throws {
        // (rec (type (struct (field (ref null 1)))) (type (array i8))), twice; then a group that differs.
        let group: [UInt8] = [0x4E, 2, 0x5F, 1, 0x63, 1, 0, 0x5E, 0x78, 0]
        let again: [UInt8] = [0x4E, 2, 0x5F, 1, 0x63, 3, 0, 0x5E, 0x78, 0]
        let other: [UInt8] = [0x4E, 2, 0x5F, 1, 0x63, 5, 1, 0x5E, 0x78, 0]
        let module = try Module.load(module((1, [3] + group + again + other)))
        #expect(module.types.map(\.canonical) == [0, 1, 0, 1, 4, 5])
        #expect(module.types[2].fields == module.types[0].fields)
    }

    @Test func `of unknown index are refused where they stand`() {
        for bytes in [
            module((1, [1, 0x60, 1, 0x63, 7, 0])), module((1, [1, 0x50, 1, 0, 0x60, 0, 0])),
            module((6, [1, 0x63, 0, 0, 0xD0, 0, 0x0B])),
        ] {
            let error = #expect(throws: WasmError.self) { try Module.load(bytes) }
            #expect(error?.kind == .invalid)
            #expect(error?.message.contains("unknown type") == true, "\(error?.message ?? "")")
        }
    }

    @Test func `may have 63 supertypes, not more`() throws {
        func chain(_ count: Int) -> ModuleBytes {
            var types: [UInt8] = leb(count) + [0x50, 0, 0x5F, 0]
            for index in 1..<count { types += [0x50, 1] + leb(index - 1) + [0x5F, 0] }
            return module((1, types))
        }
        _ = try Module.load(chain(64))
        let error = #expect(throws: WasmError.self) { try Module.load(chain(65)) }
        #expect(error?.kind == .limit)
    }

    @Test func `without null must be set before they are read`() {
        // (func (local (ref func)) local.get 0 drop)
        let unset = #expect(throws: WasmError.self) {
            try Module.load(function([0x20, 0, 0x1A, 0x0B], locals: [1, 1, 0x64, 0x70]))
        }
        #expect(unset?.message.contains("uninitialized local") == true)
    }
}
