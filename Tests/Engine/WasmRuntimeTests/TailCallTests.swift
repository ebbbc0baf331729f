// SPDX-License-Identifier: Apache-2.0
// Swiftlet: tail calls take no stack, wherever they lead.
import Testing
import Wasm
import WasmRuntime

@Suite struct `Tail calls` {
    static let signature = FunctionType(parameters: [.i32, .i64], results: [.i64])

    /// A stack for a few hundred frames only.
    static func store() throws -> Store {
        var limits = StoreLimits()
        limits.valueStackBytes = 16 << 10
        return try Store(limits: limits)
    }

    static func instance(in store: Store) throws -> Instance {
        var imports = Imports()
        let add = HostFunction(type: signature) { call in
            call.results[0] = UInt64(call.i32(0)) + call.i64(1)
            return .returned
        }
        imports.define("host", "add", .function(store.makeFunction(add)))
        return try Instance(TailCallModules.one.module(), in: store, imports: imports)
    }

    @Test(arguments: ["count", "indirect", "narrow"]) func `ten million deep run in constant stack`(name: String) throws
    {
        let store = try Self.store()
        let instance = try Self.instance(in: store)
        #expect(results(instance.invoke(name, [10_000_000, 7])) == [30_000_007])
    }

    @Test func `leave what stands around the call alone`() throws {
        let store = try Self.store()
        let instance = try Self.instance(in: store)
        #expect(results(instance.invoke("around", [9, 5])) == [3209])
    }

    @Test(arguments: ["tohost", "tohostindirect"]) func `reach the host`(name: String) throws {
        let store = try Self.store()
        let instance = try Self.instance(in: store)
        #expect(results(instance.invoke(name, [40, 2])) == [42])
    }

    @Test func `between two instances keep each one's memory, in constant stack`() throws {
        let store = try Self.store()
        var imports = Imports()
        imports.define("a", exportsOf: try Self.instance(in: store))
        let ping = try Instance(TailCallModules.ping.module(), in: store, imports: imports)
        imports.define("c", exportsOf: ping)
        let pong = try Instance(TailCallModules.pong.module(), in: store, imports: imports)
        // Entered from the host and from a caller in the guest: 2 is added in one, 1 in the other.
        #expect(results(ping.invoke("ping", [3_000_000, 1])) == [4_500_001])
        #expect(results(pong.invoke("pong", [3_000_001, 0])) == [4_500_001])
        #expect(results(ping.invoke("start", [3_000_000, 1])) == [4_500_003])
    }

    @Test func `in an endless chain can be interrupted`() throws {
        let store = try Self.store()
        let instance = try Self.instance(in: store)
        let interrupter = store.interrupter
        let timer = Timer { interrupter.requestInterrupt() }
        timer.arm()
        #expect(trapped(instance.invoke("spin"))?.reason == .interrupted)
        timer.stop()
    }

    @Test func `are refused by name where they are not wanted`() throws {
        let bytes = ModuleBytes(TailCallModules.one.bytes)
        let error = #expect(throws: WasmError.self) {
            try Module.load(bytes, features: .supported.subtracting(.tailCalls))
        }
        #expect(error?.kind == .unsupported)
        #expect(error?.message.hasPrefix("feature tail-call is not supported: opcode 12 in function 1") == true)
        let offset = TailCallModules.one.bytes.firstIndex(of: 0x12)
        #expect(error?.offset == offset)
    }
}
