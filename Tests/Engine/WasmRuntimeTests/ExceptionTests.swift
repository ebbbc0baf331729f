// SPDX-License-Identifier: Apache-2.0
// Swiftlet: exceptions across frames, instances and the host.
import Testing
import Wasm
import WasmRuntime

@Suite struct `An exception` {
    /// Two instances in a store, and a host function between them.
    struct Pair {
        let store: Store
        let thrower: Instance
        let catcher: Instance

        init(
            limits: StoreLimits = StoreLimits(),
            host: @escaping (HostCall, Store) -> HostOutcome = { _, _ in .returned }
        ) throws {
            store = try Store(limits: limits)
            var imports = Imports()
            let type = FunctionType(parameters: [.i32], results: [.i32])
            let function = HostFunction(type: type) { [unowned store] call in host(call, store) }
            imports.define("host", "call", .function(store.makeFunction(function)))
            thrower = try Instance(ExceptionModules.thrower.module(), in: store, imports: imports)
            imports.define("t", exportsOf: thrower)
            catcher = try Instance(ExceptionModules.catcher.module(), in: store, imports: imports)
        }
    }

    @Test(arguments: [0, 1, 1000] as [UInt64])
    func `is caught across frames and instances, with its values`(depth: UInt64) throws {
        let pair = try Pair()
        let nine = UInt64(bitPattern: -9)
        #expect(results(pair.catcher.invoke("catch", [depth])) == [7, nine, 5, 42])
    }

    @Test func `that nobody catches ends the run with its tag, values and frames`() throws {
        let pair = try Pair()
        let trap = try #require(trapped(pair.thrower.invoke("deep", [2])))
        #expect(trap.reason == .uncaughtException)
        #expect(trap.frames.map(\.name) == ["deep", "deep", "deep"])
        let exception = try #require(trap.exception)
        #expect(exception.values == [7, UInt64(bitPattern: -9)])
        #expect(trap.description.hasPrefix("wasm trap: uncaught exception: tag e (i32 7, i64 -9)\n    0: deep at 0x"))
        // The store is as good as before.
        #expect(results(pair.catcher.invoke("catch", [3]))?.first == 7)
    }

    @Test func `passes through a host function that passes it on`() throws {
        final class Box { var pair: Pair? }
        let box = Box()
        defer { box.pair = nil }
        box.pair = try Pair { [box] call, _ in
            guard let trap = trapped(box.pair?.thrower.invoke("deep", [UInt64(call.i32(0))])),
                let exception = trap.exception
            else { return .trap(.hostError) }
            return .exception(exception.reference)
        }
        #expect(results(box.pair?.catcher.invoke("catchViaHost", [4])) == [7])
        #expect(results(box.pair?.thrower.invoke("catchHost", [4])) == [100])
        #expect(trapped(box.pair?.thrower.invoke("viaHost", [4]))?.exception?.tagName == "e")
    }

    @Test func `of the host is caught by its tag`() throws {
        final class Box { var tag: WasmRuntime.Tag? }
        let box = Box()
        defer { box.tag = nil }
        let pair = try Pair { call, store in
            guard let tag = box.tag, let exception = store.makeException(tag, [UInt64(call.i32(0)), 5]) else {
                return .trap(.hostError)
            }
            return .exception(exception.value)
        }
        guard case .tag(let tag)? = pair.thrower.export("e") else {
            Issue.record("no tag")
            return
        }
        box.tag = tag
        #expect(results(pair.catcher.invoke("catchViaHost", [33])) == [33])
        // Another tag of the same type is another tag.
        box.tag = pair.store.makeTag([.i32, .i64])
        #expect(trapped(pair.catcher.invoke("catchViaHost", [33]))?.reason == .uncaughtException)
    }

    @Test func `thrown a million times leaves nothing behind`() throws {
        var limits = StoreLimits()
        limits.memoryBytes = 16 << 20
        let pair = try Pair(limits: limits)
        #expect(results(pair.catcher.invoke("churn", [1_000_000])) == [1_000_000])
        #expect(pair.store.heapBytes < 12 << 20)
    }

    @Test func `in an endless loop can be interrupted`() throws {
        let pair = try Pair()
        let interrupter = pair.store.interrupter
        let timer = Timer { interrupter.requestInterrupt() }
        timer.arm()
        #expect(trapped(pair.catcher.invoke("endless"))?.reason == .interrupted)
        timer.stop()
    }

    @Test func `leads out of the function, or is null`() throws {
        let pair = try Pair()
        #expect(results(pair.catcher.invoke("returns")) == [Double(2.5).bitPattern])
        #expect(trapped(pair.catcher.invoke("null"))?.reason == .nullExceptionReference)
        let text = trapped(pair.catcher.invoke("uncaught"))?.description
        #expect(text?.hasPrefix("wasm trap: uncaught exception: tag mine (f64 0.5)\n") == true)
    }

    @Test func `of before version 3.0 is caught, thrown again and delegated`() throws {
        let instance = try Instance(ExceptionModules.legacy.module(), in: Store())
        #expect(results(instance.invoke("catch", [21])) == [42])
        #expect(results(instance.invoke("catch", [8])) == [1008])
        #expect(results(instance.invoke("delegate", [8])) == [2])
    }

    @Test func `is refused by the feature's name and place where it is not wanted`() throws {
        let error = #expect(throws: WasmError.self) {
            try ExceptionModules.thrower.module(features: .supported.subtracting(.exceptions))
        }
        #expect(error?.message == "feature exception-handling is not supported: tag section needs it")
        let fixture = ExceptionModules.legacy
        let other = #expect(throws: WasmError.self) {
            try fixture.module(features: .supported.subtracting(.legacyExceptions))
        }
        #expect(other?.message.hasPrefix("feature legacy-exceptions is not supported: opcode 06") == true)
        #expect(other.map { fixture.bytes[$0.offset] } == 6)
    }
}

@Suite struct `The depth of calls` {
    @Test(arguments: [100, 1000, 50_000]) func `is limited without a counter`(depth: Int) throws {
        var builder = ModuleBuilder()
        // down(n) = n == 0 ? 0 : down(n - 1) + 1
        builder.add(
            "down", [.i32], [.i32],
            code: [
                0x20, 0, 0x45, 0x04, 0x7F, 0x41, 0, 0x05, 0x20, 0, 0x41, 1, 0x6B, 0x10, 0, 0x41, 1, 0x6A, 0x0B,
            ])
        var limits = StoreLimits()
        limits.callDepth = depth
        #expect(limits.valueStackBytes == depth * StoreLimits.bytesPerCall)
        let instance = try Instance(builder.build(), in: Store(limits: limits))
        #expect(results(instance.invoke("down", [UInt64(depth - 10)])) == [UInt64(depth - 10)])
        // No frame is smaller than its header and a value.
        let trap = trapped(instance.invoke("down", [UInt64(max(limits.valueStackBytes, 4096) / 24)]))
        #expect(trap?.reason == .callStackExhausted)
        #expect(trap?.description.hasPrefix("wasm trap: call stack exhausted\n    0: fn_down at 0x") == true)
    }
}
