// SPDX-License-Identifier: Apache-2.0
// Swiftlet: decoder, validator and report on programs that nobody here built.
import TestSupport
import Testing
import Wasm

@Suite(.enabled(if: SharedData.isPresent, "needs the shared test data")) struct `Real programs` {
    /// Programs (or folders of them) that need features of later work, with the feature that the refusal must name.
    static let later = [
        "sightglass/cm-online-stats/cm-online-stats.wasm": "component model"
    ]
    static let all = [
        "programs", "sightglass", "wasmedge", "wasi-testsuite/c-wasip1", "wasi-testsuite/rust-wasip1",
        "wasi-testsuite/assemblyscript-wasip1", "proxy-wasm",
    ].flatMap { SharedData.files(under: "testdata/" + $0, withSuffix: ".wasm") }
    static func laterFeature(_ path: String) -> String? { later.first { path.contains($0.key) }?.value }

    @Test func `are there`() { #expect(Self.all.count > 100) }

    @Test(arguments: all.filter { laterFeature($0) == nil })
    func `are valid, and a reader finds every instruction`(path: String) throws {
        let module = try Module.load(ModuleBytes(try SharedData.bytes(path)))
        for body in module.code {
            var reader = BinaryReader(body, of: module)
            var last = Opcode.nop
            while !reader.isAtEnd {
                last = try reader.readOpcode()
                try reader.skipImmediates(of: last)
            }
            #expect(last == .end)
        }
    }

    @Test(arguments: all.filter { laterFeature($0) != nil })
    func `of later features are refused by the feature's name`(path: String) throws {
        let bytes = ModuleBytes(try SharedData.bytes(path))
        let error = #expect(throws: WasmError.self) { try Module.load(bytes) }
        #expect(error?.kind == .unsupported)
        #expect(error?.message.contains(Self.laterFeature(path) ?? "?") == true, "\(error?.message ?? "")")
    }
}
