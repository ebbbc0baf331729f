// SPDX-License-Identifier: Apache-2.0
// Swiftlet: native code, interpreted code and the host calling each other.

import NativeSupport
import Testing
import Wasm
import WasmCompiler
import WasmRuntime
import WasmText

/// The module of a text.
private func validModule(_ text: String) throws -> Module {
    let bytes = try Array(text.utf8).withUnsafeBytes { try TextFormat.assemble($0).bytes }
    let module = try Module.decode(ModuleBytes(bytes))
    try module.validate()
    return module
}

/// Instances whose compilable functions are native.
private struct Native {
    let store: Store
    private(set) var interpreted = 0
    var imports = Imports()

    init() throws {
        var limits = StoreLimits()
        limits.allowsNativeCode = true
        store = try Store(limits: limits)
    }

    mutating func instance(_ text: String) throws -> Instance {
        let module = try validModule(text)
        let made = try NativeTier(.full).code(for: module)
        interpreted = made.interpreted
        let instance = try Instance(module, in: store, imports: imports, native: made.code)
        #expect(instance.nativeMismatch == nil)
        return instance
    }
}

extension Invocation {
    fileprivate var results: [UInt64]? { if case .returned(let values) = self { values } else { nil } }
    fileprivate var trap: Trap? { if case .trapped(let trap) = self { trap } else { nil } }
}

@Suite struct `Native and interpreted code` {
    /// `$pick` uses the collector's instructions and stays interpreted; recursion goes through both tiers.
    private static let mixed = """
        (module
          (type $box (struct (field i32)))
          (import "host" "note" (func $note (param i32) (result i32)))
          (func $pick (param $n i32) (result i32)
            (local $box (ref $box))
            (local.set $box (struct.new $box (local.get $n)))
            (if (result i32) (i32.eqz (local.get $n))
              (then (call $note (i32.const 7)))
              (else (i32.add (struct.get $box 0 (local.get $box)) (call $down (local.get $n))))))
          (func $down (export "down") (param $n i32) (result i32)
            (call $pick (i32.sub (local.get $n) (i32.const 1)))))
        """

    private static func note(_ body: @escaping (UInt32) -> HostOutcome) -> HostFunction {
        HostFunction(type: FunctionType(parameters: [.i32], results: [.i32])) { call in
            call.results[0] = UInt64(call.i32(0)) * 100
            return body(call.i32(0))
        }
    }

    @Test func `call each other and the host`() throws {
        var native = try Native()
        let host = native.store.makeFunction(Self.note { _ in .returned })
        native.imports.define("host", "note", .function(host))
        let instance = try native.instance(Self.mixed)
        #expect(native.interpreted == 1)
        #expect(instance.invoke("down", [5])?.results == [700 + 4 + 3 + 2 + 1])
        #expect(instance.invoke("down", [200])?.results == [700 + 199 * 200 / 2])
    }

    @Test func `are left together by a trap, an exit and the next run is as before`() throws {
        var native = try Native()
        var outcome = HostOutcome.trap(.hostError)
        let host = native.store.makeFunction(Self.note { _ in outcome })
        native.imports.define("host", "note", .function(host))
        let instance = try native.instance(Self.mixed)
        let trap = try #require(instance.invoke("down", [3])?.trap)
        #expect(trap.reason == .hostError)
        // The interpreted frames and the native ones, innermost first.
        #expect(trap.frames.map(\.function) == [1, 2, 1, 2, 1, 2])
        #expect(trap.frames.map(\.name) == ["pick", "down", "pick", "down", "pick", "down"])
        outcome = .exit(42)
        if case .exited(42)? = instance.invoke("down", [3]) {} else { Issue.record("no exit") }
        outcome = .returned
        #expect(instance.invoke("down", [2])?.results == [701])
    }

    @Test func `end at the stack's limit whoever recurses`() throws {
        var native = try Native()
        native.imports.define("host", "note", .function(native.store.makeFunction(Self.note { _ in .returned })))
        let instance = try native.instance(Self.mixed)
        #expect(instance.invoke("down", [50_000_000])?.trap?.reason == .callStackExhausted)
        let alone = try native.instance(
            """
            (module (func $f (export "f") (param i32) (result i32)
              (i32.add (i32.const 1) (call $f (i32.add (local.get 0) (i32.const 1))))))
            """)
        for _ in 0..<3 { #expect(alone.invoke("f", [0])?.trap?.reason == .callStackExhausted) }
        #expect(instance.invoke("down", [2])?.results == [701])
    }

    @Test func `pass exceptions through native frames to who catches`() throws {
        var native = try Native()
        let instance = try native.instance(
            """
            (module
              (tag $e (param i32 i64))
              (func $thrower (param i32) (result i32)
                (if (i32.gt_u (local.get 0) (i32.const 9)) (then (throw $e (local.get 0) (i64.const 5))))
                (local.get 0))
              (func $between (param i32) (result i32) (i32.add (i32.const 1) (call $thrower (local.get 0))))
              (func (export "catch") (param i32) (result i32)
                (block $caught (result i32 i64)
                  (return (try_table (result i32) (catch $e $caught) (call $between (local.get 0)))))
                (i32.add (i32.wrap_i64)))
              (func (export "none") (param i32) (result i32) (call $between (local.get 0))))
            """)
        #expect(native.interpreted == 1)
        #expect(instance.invoke("catch", [3])?.results == [4])
        for value: UInt64 in 10..<40 { #expect(instance.invoke("catch", [value])?.results == [value + 5]) }
        let trap = try #require(instance.invoke("none", [30])?.trap)
        #expect(trap.reason == .uncaughtException && trap.exception?.values == [30, 5])
        // What LLVM put into the body of its caller has no frame.
        #expect(trap.frames.last?.name == "none")
    }

    @Test func `fault where a memory ends, also with the largest offset`() throws {
        var native = try Native()
        let instance = try native.instance(
            """
            (module (memory (export "m") 1)
              (func (export "load") (param i32) (result i64) (i64.load (local.get 0)))
              (func (export "far") (param i32) (result i32) (i32.load8_u offset=0xffffffff (local.get 0)))
              (func (export "store") (param i32) (i64.store (local.get 0) (i64.const -1)))
              (func (export "grow") (result i32) (memory.grow (i32.const 1)))
              (func (export "unused") (param i32) (drop (i64.load (local.get 0)))))
            """)
        #expect(instance.invoke("load", [65_528])?.results == [0])
        for address: UInt64 in [65_529, 65_535, 65_536, 0x8000_0000, 0xFFFF_FFFF] {
            let trap = instance.invoke("load", [address])?.trap
            #expect(trap?.reason == .outOfBoundsMemoryAccess && trap?.frames.first?.name == "load")
            #expect(instance.invoke("store", [address])?.trap?.reason == .outOfBoundsMemoryAccess)
            #expect(instance.invoke("far", [address])?.trap?.reason == .outOfBoundsMemoryAccess)
            #expect(instance.invoke("unused", [address])?.trap?.reason == .outOfBoundsMemoryAccess)
        }
        // A store that crosses the end has written nothing.
        #expect(instance.memory?.guest.load(UInt64.self, at: 65_528) == 0)
        #expect(instance.invoke("grow")?.results == [1])
        #expect(instance.invoke("load", [65_529])?.results == [0])
        #expect(instance.invoke("load", [131_065])?.trap?.reason == .outOfBoundsMemoryAccess)
    }

    /// Nothing may become a call of the C library, which native code cannot reach.
    @Test(arguments: ModuleCompiler.Level.allCases)
    func `copies and fills of constant length need no library`(level: ModuleCompiler.Level) throws {
        let native = try Native()
        for count in [0, 1, 3, 8, 16, 31, 63, 64, 65, 100, 4096] {
            let module = try validModule(
                """
                (module (memory 1)
                  (func (export "run") (param i32) (result i32)
                    (memory.fill (i32.const 0) (local.get 0) (i32.const \(count)))
                    (memory.copy (i32.const 10000) (i32.const 0) (i32.const \(count)))
                    (memory.copy (i32.const 10001) (i32.const 10000) (i32.const \(count)))
                    (i32.add (i32.load8_u (i32.const \(10000 + count))) (i32.load8_u (i32.const \(10001 + count))))))
                """)
            let code = try NativeTier(level).code(for: module).code
            let instance = try Instance(module, in: native.store, native: code)
            #expect(instance.invoke("run", [7])?.results == [count == 0 ? 0 : 7])
        }
    }

    @Test func `share tables and globals between instances`() throws {
        var native = try Native()
        let first = try native.instance(
            """
            (module
              (global (export "g") (mut i64) (i64.const 40))
              (table (export "t") 3 funcref)
              (type $f (func (param i32 i64 f32 f64) (result i64 f64 i32)))
              (func $own (type $f) (i64.add (global.get 0) (local.get 1)) (local.get 3) (local.get 0))
              (elem (i32.const 0) $own)
              (func (export "call") (param i32 i32) (result i64 f64 i32)
                (call_indirect (type $f) (local.get 1) (i64.const 2) (f32.const 1.5) (f64.const 2.5) (local.get 0))))
            """)
        native.imports.define("a", exportsOf: first)
        let second = try native.instance(
            """
            (module
              (import "a" "g" (global $g (mut i64)))
              (import "a" "t" (table 3 funcref))
              (type $f (func (param i32 i64 f32 f64) (result i64 f64 i32)))
              (global $own (mut i64) (i64.const 1000))
              (func $other (type $f)
                (global.set $g (i64.add (global.get $g) (i64.const 1)))
                (i64.add (global.get $own) (local.get 1)) (f64.promote_f32 (local.get 2)) (local.get 0))
              (elem (i32.const 1) $other)
              (func (export "g") (result i64) (global.get $g)))
            """)
        let double = { (value: Double) in value.bitPattern }
        #expect(first.invoke("call", [0, 9])?.results == [42, double(2.5), 9])
        #expect(first.invoke("call", [1, 9])?.results == [1002, double(1.5), 9])
        #expect(second.invoke("g")?.results == [41])
        #expect(first.invoke("call", [0, 9])?.results == [43, double(2.5), 9])
        #expect(first.invoke("call", [2, 9])?.trap?.reason == .uninitializedElement)
        #expect(first.invoke("call", [3, 9])?.trap?.reason == .undefinedElement)
    }

    @Test func `tail calls of any length take no stack`() throws {
        var native = try Native()
        let instance = try native.instance(
            """
            (module
              (type $t (func (param i32 i64 i64 i64 i64 i64 i64 i64) (result i32)))
              (table funcref (elem $many))
              (func $few (param i32) (result i32)
                (if (i32.eqz (local.get 0)) (then (return (i32.const 77))))
                (return_call $many (i32.sub (local.get 0) (i32.const 1)) (i64.const 1) (i64.const 2) (i64.const 3)
                  (i64.const 4) (i64.const 5) (i64.const 6) (i64.const 7)))
              (func $many (type $t) (return_call $few (local.get 0)))
              (func (export "run") (param i32) (result i32)
                (return_call_indirect (type $t) (local.get 0) (i64.const 1) (i64.const 2) (i64.const 3)
                  (i64.const 4) (i64.const 5) (i64.const 6) (i64.const 7) (i32.const 0))))
            """)
        #expect(native.interpreted == 0)
        #expect(instance.invoke("run", [3_000_000])?.results == [77])
    }

    @Test func `code of another module is refused, and the interpreter runs`() throws {
        let native = try Native()
        let module = try validModule("(module (func (export \"f\") (result i32) (i32.const 5)))")
        let wrong = try validModule("(module (func (export \"f\") (result i32) (i32.const 6)) (func))")
        let code = try NativeTier(.quick).code(for: wrong).code
        let instance = try Instance(module, in: native.store, native: code)
        #expect(instance.nativeMismatch?.description.contains("bytes of the module") == true)
        #expect(instance.invoke("f")?.results == [5])
        // A memory that was made for the interpreter has no guard region.
        let small = try validModule(
            "(module (memory 1) (func (export \"f\") (result i32) (i32.load (i32.const 65533))))")
        let unguarded = try Instance(small, in: Store(), native: try NativeTier(.quick).code(for: small).code)
        #expect(unguarded.nativeMismatch?.description.contains("guard region") == true)
        #expect(unguarded.invoke("f")?.trap?.reason == .outOfBoundsMemoryAccess)
    }
}
