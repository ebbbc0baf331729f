// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what a trap finds in native code with exact traps. The differential fuzzer found each of these.

import NativeSupport
import Testing
import Wasm
import WasmCompiler
import WasmRuntime
import WasmText

@Suite struct `Exact traps` {
    /// Loads that the optimiser can prove to be without use, and accesses that it would like to move.
    private static let source = """
        (module
          (memory (export "m") 1)
          (global $g (export "g") (mut i32) (i32.const 0))
          (func (export "product") (param i32) (result i32) (i32.mul (i32.const 0) (i32.load (local.get 0))))
          (func (export "mask") (param i32) (result i32) (i32.and (i32.load16_u (local.get 0)) (i32.const 0x10000)))
          (func (export "choice") (param i32) (result i32)
            (select (i32.load8_u (local.get 0)) (i32.const 7) (i32.const 0)))
          (func (export "local") (param i32) (result i32) (local i64)
            (local.set 1 (i64.load (local.get 0)))
            (if (i32.eq (local.get 0) (i32.const 12)) (then (return (i32.wrap_i64 (local.get 1)))))
            (i32.const 3))
          (func (export "vector") (param i32) (result i32)
            (v128.any_true (v128.and (v128.load (local.get 0)) (v128.const i64x2 0 0))))
          (func (export "loop") (param i32) (result i32) (local i32)
            (loop $next
              (local.set 1 (i32.load (i32.add (local.get 0) (local.get 1))))
              (br_if $next (i32.ne (local.tee 1 (i32.add (i32.and (local.get 1) (i32.const 0)) (i32.const 4)))
                (i32.const 4))))
            (local.get 1))
          (func (export "global") (param i32) (result i32) (local i32)
            (global.set $g (i32.const 1))
            (local.set 1 (i32.load (local.get 0)))
            (global.set $g (i32.const 2))
            (local.get 1))
          (func (export "store") (param i32) (result i32) (local i32)
            (i32.store (i32.const 8) (i32.const 1))
            (local.set 1 (i32.load (local.get 0)))
            (i32.store (i32.const 8) (i32.const 2))
            (local.get 1)))
        """

    @Test(arguments: ModuleCompiler.Level.allCases)
    func `are those of the interpreter`(level: ModuleCompiler.Level) throws {
        let module = try Module.load(
            ModuleBytes(try Array(Self.source.utf8).withUnsafeBytes { try TextFormat.assemble($0).bytes }))
        var limits = StoreLimits()
        limits.allowsNativeCode = true
        let (code, interpreted) = try NativeTier(level, hasExactTraps: true).code(for: module)
        #expect(interpreted == 0)
        let instance = try Instance(module, in: Store(limits: limits), native: code)
        #expect(instance.nativeMismatch == nil)
        for export in module.exports.dropFirst(2) {
            guard case .trapped(let trap)? = instance.invoke(export.name, [65_536]) else {
                Issue.record("\(export.name) did not trap")
                continue
            }
            #expect(trap.reason == .outOfBoundsMemoryAccess, "\(export.name)")
        }
        // What stands before the trap has happened, what stands behind it has not.
        guard case .global(let global)? = instance.export("g") else {
            Issue.record("no global")
            return
        }
        #expect(global.value == 1)
        #expect(instance.memory?.guest.load(UInt32.self, at: 8) == 1)
    }
}
