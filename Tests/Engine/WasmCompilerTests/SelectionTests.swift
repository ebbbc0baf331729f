// SPDX-License-Identifier: Apache-2.0
// Swiftlet: images that cover a part of a module.

import NativeImage
import NativeSupport
import Testing
import Wasm
import WasmCompiler
import WasmRuntime
import WasmText

@Suite struct `Compiling a part of a module` {
    /// Calls in a circle: directly, through a table and as tail calls, with parameters of all kinds. Function 0 is the
    /// host's; a whole turn through all kinds of calls takes three steps.
    private static let circle = """
        (module
          (import "host" "note" (func $note (param i32) (result i32)))
          (type $t (func (param i32 i64 f64) (result i64)))
          (table funcref (elem $a $b $c))
          (memory 1)
          (func $a (type $t)
            (if (i32.eqz (local.get 0))
              (then (return (i64.add (local.get 1) (i64.extend_i32_u (call $note (i32.const 3)))))))
            (i64.add (i64.const 1)
              (call $b (i32.sub (local.get 0) (i32.const 1)) (local.get 1) (f64.add (local.get 2) (f64.const 0.5)))))
          (func $b (type $t)
            (if (i32.eqz (local.get 0)) (then (return (i64.trunc_f64_s (local.get 2)))))
            (i64.add (i64.const 10)
              (call_indirect (type $t)
                (i32.sub (local.get 0) (i32.const 1)) (local.get 1) (local.get 2) (i32.const 2))))
          (func $c (type $t)
            (if (i32.eqz (local.get 0)) (then (return (i64.load (i32.const 70000)))))
            (return_call $a (i32.sub (local.get 0) (i32.const 1)) (i64.add (local.get 1) (i64.const 100)) (local.get 2)))
          (func $main (export "run") (param i32) (result i64)
            (call $a (local.get 0) (i64.const 0) (f64.const 0))))
        """

    private static func module(_ text: String) throws -> Module {
        let bytes = try Array(text.utf8).withUnsafeBytes { try TextFormat.assemble($0).bytes }
        let module = try Module.decode(ModuleBytes(bytes))
        try module.validate()
        return module
    }

    private static func instance(_ module: Module, _ code: NativeCode?) throws -> Instance {
        var limits = StoreLimits()
        limits.allowsNativeCode = true
        let store = try Store(limits: limits)
        var imports = Imports()
        let note = HostFunction(type: FunctionType(parameters: [.i32], results: [.i32])) { call in
            call.results[0] = UInt64(call.i32(0)) * 1000
            return .returned
        }
        imports.define("host", "note", .function(store.makeFunction(note)))
        let instance = try Instance(module, in: store, imports: imports, native: code)
        #expect(instance.nativeMismatch == nil)
        return instance
    }

    /// What becomes of a run, in words.
    private static func outcome(_ instance: Instance, _ turns: UInt64) -> String {
        switch instance.invoke("run", [turns]) {
        case .returned(let values)?: "\(values)"
        case .trapped(let trap)?: "\(trap.reason)"
        default: "something else"
        }
    }

    /// Every subset of the functions, with the others interpreted.
    @Test(arguments: 0..<UInt32(16))
    func `leaves every run as it is, whichever functions it is`(_ subset: UInt32) throws {
        let module = try Self.module(Self.circle)
        let chosen = (0..<UInt32(4)).filter { subset >> $0 & 1 == 1 }.map { $0 + 1 }
        let code = try NativeTier(.full).code(for: module, FunctionSelection(first: chosen.reversed(), rest: nil))
        #expect(code.interpreted == 4 - chosen.count)
        #expect(code.code.image.compiledFunctionCount == chosen.count)
        for (index, offset) in code.code.image.functions.enumerated() {
            #expect((offset != NativeImageFormat.absent) == chosen.contains(UInt32(index) + 1))
        }
        let native = try Self.instance(module, code.code)
        let interpreted = try Self.instance(module, nil)
        for turns: UInt64 in [0, 1, 2, 3, 4, 5, 6, 31, 300, 301, 302, 100_000_000] {
            #expect(Self.outcome(native, turns) == Self.outcome(interpreted, turns), "\(turns) turns")
        }
    }

    @Test func `passes over imported functions and repetitions, and refuses what the module does not have`() throws {
        let module = try Self.module(Self.circle)
        let tier = NativeTier(.full)
        let code = try tier.code(for: module, FunctionSelection(first: [0, 3, 3, 0, 1, 3], rest: nil)).code
        #expect(code.image.compiledFunctionCount == 2)
        let error = #expect(throws: CompilationError.self) {
            try tier.code(for: module, FunctionSelection(first: [5], rest: nil))
        }
        #expect(error?.description == "function 5 is to be compiled first, and the module has 5 functions")
        let none = try tier.code(for: module, FunctionSelection(first: [], rest: nil)).code
        #expect(none.image.compiledFunctionCount == 0)
        #expect(Self.outcome(try Self.instance(module, none), 3) == Self.outcome(try Self.instance(module, nil), 3))
    }

    @Test func `may go on with the rest at another level`() throws {
        let module = try Self.module(Self.circle)
        let code = try NativeTier(.full).code(for: module, FunctionSelection(first: [4], rest: .quick))
        #expect(code.interpreted == 0)
        let outcome = Self.outcome(try Self.instance(module, code.code), 300)
        #expect(outcome == Self.outcome(try Self.instance(module, nil), 300))
    }

    /// 400 functions of 2 KB each, so that there are several units; each calls the one before.
    private static func chain() throws -> Module {
        let work = (0..<300).map { "(local.set 0 (i32.add (i32.mul (local.get 0) (i32.const 31)) (i32.const \($0))))" }
            .joined(separator: "\n")
        let functions = (1..<400).map {
            "(func $f\($0) (param i32) (result i32) \(work) (call $f\($0 - 1) (local.get 0)))"
        }
        return try module(
            """
            (module (import "host" "note" (func $note (param i32) (result i32)))
              (func $f0 (param i32) (result i32) (local.get 0))
              \(functions.joined(separator: "\n"))
              (func (export "run") (param i32) (result i32) (call $f399 (local.get 0))))
            """)
    }

    @Test func `ends when its processor time is used up, with the first functions`() throws {
        let module = try Self.chain()
        let first = (1...400).map { UInt32(401 - $0) }
        let result = try NativeTier(.quick).code(
            for: module, FunctionSelection(first: first, rest: .quick, processorSeconds: 0))
        let covered = result.code.image.compiledFunctionCount
        #expect(covered > 0 && covered < 401 && covered + result.interpreted == 401)
        let functions = Array(result.code.image.functions)
        #expect(functions[(400 - covered)..<400].allSatisfy { $0 != NativeImageFormat.absent })
        #expect(
            Self.outcome(try Self.instance(module, result.code), 7) == Self.outcome(try Self.instance(module, nil), 7))
    }

    @Test func `is the same image whoever compiles its units`() throws {
        let module = try Self.chain()
        let threads = try CompilerThreads(count: 3)
        #expect(threads.count == 3)
        let alone = try NativeTier(.quick).code(for: module).code
        for _ in 0..<2 {
            let together = try NativeTier(.quick).code(for: module, threads: threads).code
            #expect(together.image.bytes.elementsEqual(alone.image.bytes))
        }
    }

    @Test func `is not begun where a thread cannot prepare itself`() throws {
        struct Refusal: Error {}
        #expect(throws: Refusal.self) { _ = try CompilerThreads(count: 2) { throw Refusal() } }
    }
}
