// SPDX-License-Identifier: Apache-2.0
// Swiftlet: vectors across the borders of functions, instances and the host.
import Testing
import Wasm
import WasmRuntime

@Suite struct `a vector` {
    static let swap = FunctionType(parameters: [.i32, .v128, .i64], results: [.i64, .v128])

    /// (func (export "swap") (param i32 v128 i64) (result i64 v128) local.get 2, local.get 1)
    private func swapper() -> ModuleBuilder {
        var builder = ModuleBuilder()
        builder.add("swap", Self.swap.parameters, Self.swap.results, code: [0x20, 2, 0x20, 1])
        return builder
    }

    private func results(_ outcome: Invocation?) -> [UInt64]? {
        if case .returned(let slots)? = outcome { slots } else { nil }
    }

    @Test func `takes two slots as parameter and as result`() throws {
        let instance = try Instance(try swapper().build(), in: try Store())
        #expect(results(instance.invoke("swap", [1, 0xA, 0xB, 2])) == [2, 0xA, 0xB])
    }

    /// The caller puts values of all types around the vector, so that each of them must keep its place.
    @Test(arguments: [true, false]) func `crosses into another instance and into the host`(isHost: Bool) throws {
        let store = try Store()
        var imports = Imports()
        if isHost {
            let function = HostFunction(type: Self.swap) { call in
                (call.results[0], call.results[1], call.results[2]) =
                    (call.arguments[3], call.arguments[1], call.arguments[2])
                return .returned
            }
            imports.define("m", "swap", .function(store.makeFunction(function)))
        } else {
            imports.define("m", exportsOf: try Instance(try swapper().build(), in: store))
        }
        var builder = ModuleBuilder()
        builder.imports = [("m", "swap", Self.swap)]
        // (f64 7, v128 param, i32 5) -> f64, v128 + v128 lane-wise, i64 of the call, as results
        builder.add(
            "go", [.v128], [.f64, .i64, .v128], locals: [.v128, .i64],
            code: [
                0x44, 0, 0, 0, 0, 0, 0, 0x1C, 0x40,  // f64.const 7
                0x41, 5, 0x20, 0, 0x42, 9, 0x10, 0,  // i32.const 5, local.get 0, i64.const 9, call swap
                0x21, 1, 0x21, 2,  // local.set 1, local.set 2
                0x20, 2, 0x20, 1, 0x20, 0, 0xFD, 0xCE, 0x01,  // local.get 2, local.get 1, local.get 0, i64x2.add
            ])
        let instance = try Instance(try builder.build(), in: store, imports: imports)
        #expect(results(instance.invoke("go", [3, 40])) == [Double(7).bitPattern, 9, 6, 80])
    }

    @Test func `is the value of a global that the host reads and writes`() throws {
        let store = try Store()
        let type = GlobalType(value: .v128, isMutable: true)
        let global = store.makeGlobal(type, value: 1, upperHalf: 2)
        #expect(global.slots == [1, 2])
        global.value = 3
        global.upperHalf = 4
        #expect(global.slots == [3, 4])
    }

    /// (func (export "peek") (param i32) (result v128) nop, local.get 0, v128.load offset=8)
    @Test func `that is out of bounds traps at its load`() throws {
        var builder = ModuleBuilder()
        builder.memory = (1, 1)
        let code: [UInt8] = [0x01, 0x20, 0, 0xFD, 0x00, 0x04, 8]
        builder.add("peek", [.i32], [.v128], code: code)
        let instance = try Instance(try builder.build(), in: try Store())
        #expect(results(instance.invoke("peek", [(1 << 16) - 24])) == [0, 0])
        guard case .trapped(let trap)? = instance.invoke("peek", [(1 << 16) - 23]) else {
            Issue.record("no trap")
            return
        }
        #expect(trap.reason == .outOfBoundsMemoryAccess)
        let bytes = builder.bytes
        let start = bytes.indices.first { bytes[$0...].starts(with: code) }
        #expect(trap.frames.map(\.offset) == [start.map { $0 + 3 }])
    }

    /// A load that computes the sum of its address itself reports its own place, not that of the addition.
    @Test(arguments: [[0x28, 0x00, 0] as [UInt8], [0xFD, 0x00, 0x00, 0]])
    func `or number behind an addition traps at its load`(load: [UInt8]) throws {
        var builder = ModuleBuilder()
        builder.memory = (1, 1)
        // (func (export "peek") (param i32 i32) local.get 0, local.get 1, i32.add, load, drop)
        let code: [UInt8] = [0x20, 0, 0x20, 1, 0x6A] + load + [0x1A]
        builder.add("peek", [.i32, .i32], [], code: code)
        let instance = try Instance(try builder.build(), in: try Store())
        #expect(results(instance.invoke("peek", [1, 2])) == [])
        guard case .trapped(let trap)? = instance.invoke("peek", [1 << 15, 1 << 15]) else {
            Issue.record("no trap")
            return
        }
        let bytes = builder.bytes
        let start = bytes.indices.first { bytes[$0...].starts(with: code) }
        #expect(trap.frames.map(\.offset) == [start.map { $0 + 5 }])
    }

    /// A constant behind a value that was just computed: i8x16.sub (i8x16.splat (local.get 0)) (v128.const …), once into
    /// a local, once on the stack, and as the left operand.
    @Test func `takes a constant as operand`() throws {
        let ones: [UInt8] = [0xFD, 0x0C] + Array(repeating: 1, count: 16)
        var builder = ModuleBuilder()
        builder.add(
            "sub", [.i32], [.v128], locals: [.v128],
            code: [0x20, 0, 0xFD, 0x0F] + ones + [0xFD, 0x71, 0x22, 1]  // local.tee 1 (i8x16.sub (splat) (1 …))
                + ones + [0xFD, 0x71] + ones + [0x20, 1, 0xFD, 0x71, 0xFD, 0x6E])
        let instance = try Instance(try builder.build(), in: try Store())
        // (x - 1 - 1) + (1 - (x - 1)) = 0
        #expect(results(instance.invoke("sub", [77])) == [0, 0])
    }

    /// A function with many vector locals: slots of locals and temporaries do not meet.
    @Test func `keeps its place among locals of other types`() throws {
        var builder = ModuleBuilder()
        // (param v128 i32) (local i32 v128 f32 v128): locals 2 to 5
        builder.add(
            "mix", [.v128, .i32], [.v128], locals: [.i32, .v128, .f32, .v128],
            code: [
                0x20, 1, 0x21, 2,  // local.set 2 (local.get 1)
                0x20, 1, 0xFD, 0x11, 0x21, 3,  // local.set 3 (i32x4.splat (local.get 1))
                0x20, 1, 0xB2, 0x21, 4,  // local.set 4 (f32.convert_i32_s (local.get 1))
                0x20, 0, 0x20, 3, 0xFD, 0xAE, 0x01, 0x21, 5,  // local.set 5 (i32x4.add (local.get 0) (local.get 3))
                0x20, 5, 0x20, 2, 0xFD, 0x11, 0xFD, 0xAE, 0x01,  // i32x4.add (local.get 5) (i32x4.splat (local.get 2))
                // i32x4.add … (i32x4.splat (i32.trunc_sat_f32_s (local.get 4)))
                0x20, 4, 0xFC, 0x00, 0xFD, 0x11, 0xFD, 0xAE, 0x01,
            ])
        let instance = try Instance(try builder.build(), in: try Store())
        let lanes = [UInt64(10) | 20 << 32, UInt64(30) | 40 << 32]
        #expect(results(instance.invoke("mix", lanes + [2])) == [UInt64(16) | 26 << 32, UInt64(36) | 46 << 32])
    }
}
