// SPDX-License-Identifier: Apache-2.0
// Swiftlet: calls between host and guest, traps, limits and interrupts.
import Testing
import Wasm
import WasmRuntime

/// Serves every import with one body.
struct StubHost: HostModule {
    var moduleNames: [String] { ["host"] }
    var names = ["call", "print"]
    var body: (HostCall) -> HostOutcome = { _ in .returned }
    func functionNames(inModule module: String) -> [String] { module == "host" ? names : [] }
    func function(module: String, name: String, type: FunctionType) -> HostFunction? {
        module == "host" && names.contains(name) ? HostFunction(type: type, body: body) : nil
    }
}

func results(_ invocation: Invocation?) -> [UInt64]? {
    if case .returned(let values)? = invocation { values } else { nil }
}

func trapped(_ invocation: Invocation?) -> Trap? {
    if case .trapped(let trap)? = invocation { trap } else { nil }
}

@Suite struct `A guest` {
    /// fac(n) by recursion.
    static let factorial: [UInt8] = [
        0x20, 0, 0x50, 0x04, 0x7E, 0x42, 1, 0x05, 0x20, 0, 0x20, 0, 0x42, 1, 0x7D, 0x10, 0, 0x7E, 0x0B,
    ]

    @Test func `computes`() throws {
        var builder = ModuleBuilder()
        builder.add("fac", [.i64], [.i64], code: Self.factorial)
        let instance = try Instance(builder.build(), in: Store())
        #expect(results(instance.invoke("fac", [20])) == [2_432_902_008_176_640_000])
        #expect(instance.invoke("nothing") == nil)
    }

    @Test func `follows a pointer that it finds at a sum`() throws {
        var builder = ModuleBuilder()
        builder.memory = (1, 1)
        builder.add("set", [.i32, .i32], code: [0x20, 0, 0x20, 1, 0x36, 2, 0])
        builder.add("chase", [.i32, .i32], [.i32], code: [0x20, 0, 0x20, 1, 0x6A, 0x28, 2, 0, 0x28, 2, 4])
        let instance = try Instance(builder.build(), in: Store())
        _ = instance.invoke("set", [48, 100])
        _ = instance.invoke("set", [104, 7])
        #expect(results(instance.invoke("chase", [40, 8])) == [7])
    }

    @Test func `keeps its values across a test of a constant`() throws {
        // (local.set 1 (local.get 0)) (block (br_if 0 (i32.eqz (i32.const 96))) (return (local.get 1))) (i32.const 5)
        var builder = ModuleBuilder()
        builder.add(
            "f", [.i32], [.i32], locals: [.i32],
            code: [0x20, 0, 0x21, 1, 0x02, 0x40, 0x41, 0xE0, 0, 0x45, 0x0D, 0, 0x20, 1, 0x0F, 0x0B, 0x41, 5])
        let instance = try Instance(builder.build(), in: Store())
        #expect(results(instance.invoke("f", [77])) == [77])
    }

    @Test func `calls the host and is called back by it, three levels deep`() throws {
        // step(n) = n == 0 ? 7 : host(n) + 1, and the host calls step(n - 1).
        var builder = ModuleBuilder()
        let type = FunctionType(parameters: [.i32], results: [.i32])
        builder.imports = [("host", "call", type)]
        builder.add(
            "step", [.i32], [.i32],
            code: [0x20, 0, 0x45, 0x04, 0x7F, 0x41, 7, 0x05, 0x20, 0, 0x10, 0, 0x41, 1, 0x6A, 0x0B])
        let store = try Store()
        final class Box { var instance: Instance? }
        let box = Box()
        defer { box.instance = nil }
        let host = StubHost(body: { [box] call in
            guard let values = results(box.instance?.invoke("step", [UInt64(call.i32(0) - 1)])) else {
                return .trap(.hostError)
            }
            call.results[0] = values[0]
            return .returned
        })
        box.instance = try Instance(builder.build(), in: store, imports: Imports(hosts: [host]))
        #expect(results(box.instance?.invoke("step", [3])) == [10])
        // Deeper than the limit of nesting: the innermost call is refused, which the host reports.
        #expect(trapped(box.instance?.invoke("step", [1000]))?.reason == .hostError)
        #expect(results(box.instance?.invoke("step", [2])) == [9])
    }

    @Test func `ends with the status that the host asks for`() throws {
        var builder = ModuleBuilder()
        builder.imports = [("host", "call", FunctionType(parameters: [], results: []))]
        builder.add("main", code: [0x10, 0])
        let host = StubHost(body: { _ in .exit(42) })
        let instance = try Instance(builder.build(), in: Store(), imports: Imports(hosts: [host]))
        guard case .exited(42)? = instance.invoke("main") else {
            Issue.record("expected exit 42")
            return
        }
    }

    @Test func `that recurses without end exhausts its stack, not the process's`() throws {
        var builder = ModuleBuilder()
        builder.add("deep", [.i32], [.i32], code: [0x20, 0, 0x41, 1, 0x6A, 0x10, 0])
        var limits = StoreLimits()
        for bytes in [4096, 1 << 16, 64 << 20] {
            limits.valueStackBytes = bytes
            let instance = try Instance(builder.build(), in: Store(limits: limits))
            let trap = trapped(instance.invoke("deep", [0]))
            #expect(trap?.reason == .callStackExhausted)
            #expect(trap?.frames.count == Trap.frameCountMaximum)
            #expect(trap?.frames.first?.name == "fn_deep")
        }
    }

    @Test func `that traps is reported with the names and places of its frames`() throws {
        var builder = ModuleBuilder()
        builder.add("inner", [.i32], [.i32], code: [0x41, 8, 0x20, 0, 0x6D])
        builder.add("outer", [], [.i32], code: [0x01, 0x41, 0, 0x10, 0])
        let module = try builder.build()
        let instance = try Instance(module, in: Store())
        let trap = try #require(trapped(instance.invoke("outer")))
        #expect(trap.reason == .integerDivideByZero)
        #expect(trap.frames.map(\.name) == ["fn_inner", "fn_outer"])
        #expect(trap.frames.map(\.function) == [0, 1])
        // The division is the third instruction of inner's body, the call the third of outer's.
        let places = module.code.map(\.code.lowerBound)
        #expect(trap.frames.map(\.offset) == [places[0] + 4, places[1] + 3])
        #expect(trap.description.hasPrefix("wasm trap: integer divide by zero\n    0: fn_inner at 0x"))
    }

    @Test func `grows its memory up to the limit of the store`() throws {
        var builder = ModuleBuilder()
        builder.memory = (1, 100)
        builder.add("grow", [.i32], [.i32], code: [0x20, 0, 0x40, 0])
        builder.add("peek", [.i32], [.i32], code: [0x20, 0, 0x28, 2, 0])
        var limits = StoreLimits()
        limits.memoryBytes = 5 << 16
        let instance = try Instance(builder.build(), in: Store(limits: limits))
        #expect(results(instance.invoke("grow", [3])) == [1])
        #expect(results(instance.invoke("grow", [2])) == [UInt64(UInt32.max)])
        #expect(results(instance.invoke("grow", [1])) == [4])
        #expect(results(instance.invoke("grow", [0])) == [5])
        #expect(results(instance.invoke("peek", [(5 << 16) - 4])) == [0])
        #expect(trapped(instance.invoke("peek", [(5 << 16) - 3]))?.reason == .outOfBoundsMemoryAccess)
        #expect(trapped(instance.invoke("peek", [UInt64(UInt32.max)]))?.reason == .outOfBoundsMemoryAccess)
        limits.memoryBytes = 0
        #expect(throws: InstantiationError.self) { try Instance(builder.build(), in: Store(limits: limits)) }
    }

    @Test(
        arguments: [
            [0x03, 0x40, 0x0C, 0, 0x0B],  // (loop (br 0))
            [0x03, 0x40, 0x41, 1, 0x0D, 0, 0x0B],  // (loop (br_if 0 (i32.const 1)))
            [0x03, 0x40, 0x41, 0, 0x0E, 1, 0, 0, 0x0B],  // (loop (br_table 0 0))
            [0x03, 0x40, 0x10, 0, 0x0C, 0, 0x0B],  // (loop (call 0) (br 0)), recursion until stopped or exhausted
        ] as [[UInt8]])
    func `in an endless loop can be interrupted, and run again`(code: [UInt8]) throws {
        var builder = ModuleBuilder()
        builder.add("spin", code: code)
        builder.add("fine", [], [.i32], code: [0x41, 5])
        let store = try Store()
        let instance = try Instance(builder.build(), in: store)
        let interrupter = store.interrupter
        let timer = Timer { interrupter.requestInterrupt() }
        timer.arm()
        let reason = trapped(instance.invoke("spin"))?.reason
        timer.stop()
        #expect(reason == .interrupted || (code.contains(0x10) && reason == .callStackExhausted))
        interrupter.requestInterrupt()
        #expect(trapped(instance.invoke("spin"))?.reason == .interrupted)
        store.clearInterrupt()
        #expect(results(instance.invoke("fine")) == [5])
    }

    @Test func `whose imports are not served is told all of them, with the nearest names`() throws {
        var builder = ModuleBuilder()
        let type = FunctionType(parameters: [.i32], results: [])
        builder.imports = [("host", "prnt", type), ("host", "print", type), ("hots", "call", type)]
        let module = try builder.build()
        let error = #expect(throws: InstantiationError.self) {
            try Instance(module, in: Store(), imports: Imports(hosts: [StubHost()]))
        }
        #expect(
            error?.description == """
                unknown import: host.prnt: expected function (i32) -> (); did you mean host.print?
                unknown import: hots.call: expected function (i32) -> (); did you mean module host?
                """)
    }
}
