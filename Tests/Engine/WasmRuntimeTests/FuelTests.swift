// SPDX-License-Identifier: Apache-2.0
// Swiftlet: fuel: what it pays for, and that it ends every guest.

import Testing
import Wasm
import WasmRuntime

@Suite struct `Fuel` {
    private func instance(_ text: String, fuel: UInt64?) throws -> Instance {
        var limits = StoreLimits()
        limits.fuel = fuel
        return try Instance(try textModule(text), in: Store(limits: limits))
    }

    /// A body of type (i32) -> (i32), its argument, and what it costs as counted by hand.
    private static let bodies: [(body: String, argument: UInt64, cost: UInt64)] = [
        ("i32.const 7", 0, 1),
        ("i32.const 1 i32.const 2 i32.add", 0, 3),
        ("nop i32.const 7 (block) (drop (i32.const 1))", 0, 2),
        // Behind a branch that is taken nothing is paid for.
        ("(block (br_if 0 (local.get 0)) nop (drop (i32.add (i32.const 1) (i32.const 2)))) i32.const 3", 1, 3),
        ("(block (br_if 0 (local.get 0)) nop (drop (i32.add (i32.const 1) (i32.const 2)))) i32.const 3", 0, 6),
        ("(if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.const 2) (i32.const 3) (i32.add)))", 1, 3),
        ("(if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.const 2) (i32.const 3) (i32.add)))", 0, 5),
        // Seven for each of 100 turns.
        (
            "(loop (local.tee 0 (i32.sub (local.get 0) (i32.const 1))) (i32.const 0) (br_if 0 (i32.gt_s))) local.get 0",
            100, 100 * 7 + 1
        ),
        ("(call $twice (local.get 0))", 5, 5),
        ("(return_call $twice (local.get 0))", 5, 5),
        ("(block (block (br_table 0 1 (local.get 0))) (return (i32.const 1))) i32.const 2", 0, 3),
        ("(block (block (br_table 0 1 (local.get 0))) (return (i32.const 1))) i32.const 2", 1, 3),
        ("(try_table (call $throw (local.get 0))) i32.const 2", 0, 6),
        (
            "(block $caught (result i32) (try_table (catch $tag $caught) (call $throw (local.get 0))) (i32.const 2))",
            9, 7
        ),
    ]

    private static func module(_ body: String) -> String {
        """
        (tag $tag (param i32))
        (func $twice (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
        (func $throw (param i32) (if (local.get 0) (then (throw $tag (local.get 0)))))
        (func (export "f") (param i32) (result i32) \(body))
        """
    }

    @Test(arguments: bodies.indices) func `pays for each instruction that is reached`(_ number: Int) throws {
        let (body, argument, cost) = Self.bodies[number]
        let guest = try instance(Self.module(body), fuel: 10_000)
        let free = try instance(Self.module(body), fuel: nil)
        let result = results(guest.invoke("f", [argument]))
        #expect(result != nil && result == results(free.invoke("f", [argument])), "\(body)")
        #expect(10_000 - (guest.store.fuel ?? 0) == cost, "\(body)")
        #expect(free.store.fuel == nil)
    }

    @Test(arguments: bodies.indices) func `ends the guest when one unit is missing`(_ number: Int) throws {
        let (body, argument, cost) = Self.bodies[number]
        let exact = try instance(Self.module(body), fuel: cost)
        #expect(results(exact.invoke("f", [argument])) != nil, "\(body)")
        #expect(exact.store.fuel == 0)
        let guest = try instance(Self.module(body), fuel: cost - 1)
        #expect(trapped(guest.invoke("f", [argument]))?.reason == .fuelExhausted, "\(body)")
    }

    @Test func `ends loops and recursion at a place that is told, and can be filled up`() throws {
        let guest = try instance(
            """
            (func $spin (export "spin") (loop (br 0)))
            (func $deep (export "deep") (call $deep))
            (func (export "seven") (result i32) (i32.const 7))
            """, fuel: 50_000)
        let trap = try #require(trapped(guest.invoke("spin")))
        #expect(trap.reason == .fuelExhausted && trap.frames.first?.name == "spin" && trap.frames.first?.offset != nil)
        #expect(trap.description.hasPrefix("wasm trap: all fuel consumed"))
        #expect(trapped(guest.invoke("seven"))?.reason == .fuelExhausted)
        guest.store.fuel = 20_000
        #expect(trapped(guest.invoke("deep"))?.reason == .fuelExhausted)
        guest.store.fuel = 1
        #expect(results(guest.invoke("seven")) == [7])
    }
}
