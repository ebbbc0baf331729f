// SPDX-License-Identifier: Apache-2.0
// Swiftlet: native code on instances that are made of an image.

import NativeSupport
import Testing
import Wasm
import WasmCompiler
import WasmRuntime
import WasmText

@Suite struct `Native code on an instance of an image` {
    private static let counting = """
        (module
          (memory (export "memory") 1 4)
          (global $calls (mut i64) (i64.const 0))
          (global $callee (mut funcref) (ref.func $one))
          (table $t 1 funcref)
          (data (i32.const 8) "\\05")
          (func $one (result i64) (i64.const 1))
          (func $ten (result i64) (i64.const 10))
          (elem declare func $one $ten)
          (func (export "next") (result i64)
            (global.set $calls (i64.add (global.get $calls) (i64.const 1)))
            (i64.store8 (i32.const 8) (i64.add (i64.load8_u (i32.const 8)) (i64.const 1)))
            (table.set $t (i32.const 0) (global.get $callee))
            (global.set $callee (ref.func $ten))
            (drop (memory.grow (i32.const 1)))
            (i64.add
              (i64.add (i64.mul (global.get $calls) (i64.const 10000)) (i64.mul (i64.load8_u (i32.const 8)) (i64.const 100)))
              (i64.add (i64.extend_i32_u (memory.size)) (call_indirect $t (result i64) (i32.const 0)))))
          (func (export "high") (result i32) (i32.load8_u (i32.const 70000))))
        """

    @Test(arguments: [ModuleCompiler.Level.quick, .full])
    func `sees memory, globals and tables as they were`(_ level: ModuleCompiler.Level) throws {
        let module = try TextFormat.load(
            ModuleBytes(Array(Self.counting.utf8)), name: "counting.wat", features: .supported)
        let (code, interpreted) = try NativeTier(level).code(for: module)
        #expect(interpreted == 0)
        var limits = StoreLimits()
        limits.allowsNativeCode = true
        let template = try Instance(module, in: Store(limits: limits), native: code)
        let image = try InstanceImage(of: template)
        let instance = try Instance(image, in: Store(limits: limits), native: code)
        #expect(instance.nativeMismatch == nil)
        let expectations: [UInt64] = [10_603, 20_713]
        for _ in 0..<3 {
            for (step, expected) in expectations.enumerated() {
                guard case .returned(let results)? = instance.invoke("next") else {
                    Issue.record("step \(step) did not return")
                    return
                }
                #expect(results == [expected], "step \(step)")
            }
            guard case .returned? = instance.invoke("high") else {
                Issue.record("grown memory is not there")
                return
            }
            try instance.reset()
            // No bounds checks: the page that was grown must be out of reach again.
            guard case .trapped(let trap)? = instance.invoke("high") else {
                Issue.record("memory that had grown is still there")
                return
            }
            #expect(trap.reason == .outOfBoundsMemoryAccess)
            try instance.reset()
        }
    }
}
