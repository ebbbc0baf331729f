// SPDX-License-Identifier: Apache-2.0
// Swiftlet: damaged modules that are still valid run, trap or are interrupted; the process survives.
import Synchronization
import TestSupport
import Testing
import Wasm
import WasmRuntime

/// Serves every function import with zeros.
private struct AnyHost: HostModule {
    var moduleNames: [String] { [] }
    func functionNames(inModule module: String) -> [String] { [] }
    func function(module: String, name: String, type: FunctionType) -> HostFunction? {
        HostFunction(type: type) { _ in .returned }
    }
}

@Suite(.enabled(if: SharedData.isPresent, "needs the shared test data")) struct `Damaged code` {
    static let victims = [
        "programs/wasip1/hello_c.wasm", "programs/wasip1/cat_zig.wasm", "programs/wasip1/cat_tinygo.wasm",
        "programs/own-built/own_sha256.wasm", "wasm-spec/core/switch/switch.0.wasm",
        "wasm-spec/core/select/select.0.wasm", "wasm-spec/core/block/block.0.wasm", "wasm-spec/core/br_if/br_if.0.wasm",
        "wasm-spec/core/loop/loop.0.wasm", "wasm-spec/core/local_tee/local_tee.0.wasm",
        "wasm-spec/core/call_indirect/call_indirect.0.wasm", "wasm-spec/core/float_exprs/float_exprs.1.wasm",
    ]

    /// Guests that make objects; they run with a collection always half done.
    static let collecting = [
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
        "sightglass/splay/splay.wasm",
    ]

    @Test(arguments: victims + collecting)
    func `never crashes the process`(path: String) throws {
        let original = try SharedData.bytes("testdata/" + path)
        var state = UInt64(original.count) &* 0x9E37_79B9_7F4A_7C15 | 1
        func random(_ bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(bound))
        }
        let whole = try Module.load(ModuleBytes(original))
        let code = (whole.code.first?.code.lowerBound ?? 8)..<(whole.code.last?.code.upperBound ?? original.count)
        let current = Mutex<Interrupter?>(nil)
        let timer = Timer { current.withLock { $0?.requestInterrupt() } }
        defer { timer.stop() }
        var limits = StoreLimits()
        limits.memoryBytes = 64 << 20
        limits.valueStackBytes = 1 << 18
        var ran = 0
        for _ in 0..<400 {
            var bytes = original
            for _ in 0...random(3) { bytes[code.lowerBound + random(code.count)] = UInt8(random(256)) }
            guard let module = try? Module.load(ModuleBytes(bytes)) else { continue }
            let store = try Store(limits: limits)
            if Self.collecting.contains(path) { try store.setHeapStress(.incremental) }
            current.withLock { $0 = store.interrupter }
            defer { current.withLock { $0 = nil } }
            timer.arm()
            guard let instance = try? Instance(module, in: store, imports: Imports(hosts: [AnyHost()])) else {
                continue
            }
            for export in module.exports.prefix(40) {
                guard let function = instance.exportedFunction(export.name) else { continue }
                let arguments = function.type.parameters.map { $0.isReference ? 0 : UInt64(random(1 << 20)) }
                _ = store.invoke(function, arguments)
                ran += 1
            }
            timer.disarm()
        }
        #expect(ran > 0, "no mutation of \(path) stayed valid")
    }
}
