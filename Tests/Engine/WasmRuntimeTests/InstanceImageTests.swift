// SPDX-License-Identifier: Apache-2.0
// Swiftlet: instances made of an image, and their way back to it.

import Testing
import Wasm
import WasmRuntime
import WasmText

private func module(_ text: String) throws -> Module {
    try TextFormat.load(ModuleBytes(Array(text.utf8)), name: "test.wat", features: .supported)
}

/// Everything that an instance can change: memory (grown, written), globals, table (grown, written), segments.
private let changing = """
    (module
      (type $answer (func (result i32)))
      (memory (export "memory") 2 10)
      (table (export "table") 4 8 funcref)
      (global $count (export "count") (mut i32) (i32.const 5))
      (global $wide (mut v128) (v128.const i64x2 1 2))
      (global $callee (mut funcref) (ref.func $one))
      (data (i32.const 16) "start")
      (data $late "late")
      (elem (i32.const 0) func $one $two)
      (elem $more func $two $two)
      (func $one (result i32) (i32.const 1))
      (func $two (result i32) (i32.const 2))
      (func (export "_initialize")
        (global.set $count (i32.const 7))
        (i32.store (i32.const 70000) (i32.const 99))
        (table.set (i32.const 3) (ref.func $two)))
      (func (export "change") (result i32)
        (global.set $count (i32.add (global.get $count) (i32.const 1)))
        (global.set $wide (v128.const i64x2 8 9))
        (global.set $callee (ref.func $two))
        (memory.init $late (i32.const 16) (i32.const 0) (i32.const 4))
        (data.drop $late)
        (drop (memory.grow (i32.const 2)))
        (i32.store (i32.const 200000) (i32.const 1))
        (i32.store8 (i32.const 70000) (i32.const 1))
        (table.init $more (i32.const 0) (i32.const 0) (i32.const 1))
        (elem.drop $more)
        (drop (table.grow (ref.func $one) (i32.const 2)))
        (call $state))
      (func $state (export "state") (result i32)
        (i32.add
          (i32.add (i32.mul (global.get $count) (i32.const 100000)) (i32.mul (memory.size) (i32.const 1000)))
          (i32.add
            (i32.mul (table.size) (i32.const 100))
            (i32.add
              (i32.mul (call_indirect (type $answer) (i32.const 0)) (i32.const 10))
              (i32.wrap_i64 (i64x2.extract_lane 0 (global.get $wide)))))))
      (func (export "segments") (memory.init $late (i32.const 0) (i32.const 0) (i32.const 4))
        (table.init $more (i32.const 0) (i32.const 0) (i32.const 2)))
      (func (export "byte") (param i32) (result i32) (i32.load8_u (local.get 0)))
      (func (export "call") (param i32) (result i32) (call_indirect (type $answer) (local.get 0))))
    """

private func number(_ instance: Instance, _ name: String, _ arguments: UInt64...) throws -> UInt64 {
    guard case .returned(let results) = instance.invoke(name, arguments) else { throw Missing(name: name) }
    return results[0]
}

private struct Missing: Error { var name: String }

@Suite struct `An instance of an image` {
    private func image() throws -> InstanceImage {
        let template = try Instance(module(changing), in: Store())
        _ = template.invoke("_initialize")
        return try InstanceImage(of: template)
    }

    @Test func `begins where the other one was, and goes back there`() throws {
        let instance = try Instance(try image(), in: Store())
        for round in 0..<3 {
            #expect(try number(instance, "state") == 7 * 100_000 + 2 * 1000 + 4 * 100 + 10 + 1, "round \(round)")
            #expect(try number(instance, "byte", 16) == UInt64(UInt8(ascii: "s")))
            #expect(try number(instance, "byte", 70_000) == 99)
            #expect(try number(instance, "call", 3) == 2)
            #expect(try number(instance, "change") == 8 * 100_000 + 4 * 1000 + 6 * 100 + 20 + 8)
            #expect(try number(instance, "byte", 16) == UInt64(UInt8(ascii: "l")))
            #expect(try number(instance, "byte", 200_000) == 1)
            guard case .trapped = instance.invoke("segments") else { throw Missing(name: "trap") }
            try instance.reset()
            // Segments are back, and what memory had grown by is not there.
            guard case .trapped(let trap) = instance.invoke("byte", [200_000]) else { throw Missing(name: "trap") }
            #expect(trap.reason == .outOfBoundsMemoryAccess)
            guard case .returned = instance.invoke("segments") else { throw Missing(name: "segments") }
            try instance.reset()
        }
    }

    @Test func `shares nothing with another one`() throws {
        let image = try image()
        let store = try Store()
        let (first, second) = (try Instance(image, in: store), try Instance(image, in: store))
        let before = try number(second, "state")
        #expect(try number(first, "change") != before)
        #expect(try number(second, "state") == before)
        #expect(try number(second, "byte", 16) == UInt64(UInt8(ascii: "s")))
        // Its functions are its own.
        guard case .table(let table)? = second.export("table") else { throw Missing(name: "table") }
        #expect(table[3] != nil && table[3] != 0)
        #expect(try number(second, "call", 3) == 2)
    }

    @Test func `does what a fresh instance does after a reset, whatever was written`() throws {
        let image = try image()
        let instance = try Instance(image, in: Store())
        let fresh = try Instance(image, in: Store())
        let memory = try #require(instance.memory?.guest)
        let expected = try #require(fresh.memory?.guest)
        var random: UInt64 = 9
        for _ in 0..<200 {
            for _ in 0..<20 {
                random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                memory.base.storeBytes(
                    of: UInt8(truncatingIfNeeded: random >> 32), toByteOffset: Int(random >> 40) % memory.byteCount,
                    as: UInt8.self)
            }
            try instance.reset()
            let same = UnsafeRawBufferPointer(start: memory.base, count: memory.byteCount)
                .elementsEqual(UnsafeRawBufferPointer(start: expected.base, count: expected.byteCount))
            #expect(same)
        }
    }

    @Test(arguments: [
        ("(module (import \"m\" \"memory\" (memory 1)))", "imported memory m.memory"),
        ("(module (import \"m\" \"global\" (global (mut i32))))", "imported global m.global"),
        ("(module (memory 1 1 shared))", "a shared memory"),
        ("(module (global (mut anyref) (ref.i31 (i32.const 1))))", "global 0 has a reference"),
        (
            "(module (import \"m\" \"host\" (func)) (func (export \"_initialize\") (call 0)))",
            "the guest has called the host"
        ),
    ])
    func `is refused where the state is not the instance's alone`(_ text: String, _ reason: String) throws {
        let store = try Store()
        var imports = Imports()
        let memory = MemoryType(limits: Limits(minimum: 1, maximum: nil))
        imports.define("m", "memory", .memory(try store.makeMemory(memory)))
        imports.define("m", "global", .global(store.makeGlobal(GlobalType(value: .i32, isMutable: true), value: 0)))
        let host = HostFunction(type: FunctionType(parameters: [], results: [])) { _ in .returned }
        imports.define("m", "host", .function(store.makeFunction(host)))
        let instance = try Instance(module(text), in: store, imports: imports)
        _ = instance.invoke("_initialize")
        let error = #expect(throws: InstanceImageError.self) { try InstanceImage(of: instance) }
        #expect(error?.description.hasPrefix(reason) == true, "\(String(describing: error))")
        if reason.contains("host") { _ = try InstanceImage(of: instance, allowsHostCalls: true) }
    }

    @Test func `is refused where the store's limits are smaller than its memory`() throws {
        let template = try Instance(module(changing), in: Store())
        _ = try number(template, "change")
        let image = try InstanceImage(of: template)
        var limits = StoreLimits()
        limits.memoryBytes = 3 << 16
        let store = try Store(limits: limits)
        let error = #expect(throws: InstantiationError.self) { try Instance(image, in: store) }
        #expect(error?.description.contains("262144 bytes of an image") == true, "\(String(describing: error))")
    }

    @Test func `that was not made of one has no way back`() throws {
        let instance = try Instance(module(changing), in: Store())
        #expect(throws: InstanceImageError.self) { try instance.reset() }
    }
}
