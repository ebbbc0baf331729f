// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the garbage-collected heap: what is reachable stays, what is not goes, and the limit holds.

import Testing
import Wasm
import WasmRuntime

@Suite struct `The heap` {
    private func instance(_ text: String, memoryBytes: UInt64 = 64 << 20, stress: HeapStress = .none) throws -> Instance
    {
        var limits = StoreLimits()
        limits.memoryBytes = memoryBytes
        let store = try Store(limits: limits)
        if stress != .none { try store.setHeapStress(stress) }
        return try Instance(try textModule(text), in: store)
    }

    private func call(_ instance: Instance, _ name: String, _ arguments: UInt64...) throws -> UInt64 {
        let outcome = try #require(instance.invoke(name, arguments))
        guard case .returned(let results) = outcome else {
            Issue.record("\(name): \(outcome)")
            return 0
        }
        return results.first ?? 0
    }

    private func trap(_ instance: Instance, _ name: String, _ arguments: UInt64...) -> TrapReason? {
        if case .trapped(let trap)? = instance.invoke(name, arguments) { trap.reason } else { nil }
    }

    @Test func `takes garbage of many times the limit`() throws {
        let guest = try instance(HeapModules.lists, memoryBytes: 8 << 20)
        // 4 million nodes of 32 bytes: 16 times the limit.
        _ = try call(guest, "garbage", 4_000_000)
        #expect(guest.store.heapBytes <= 8 << 20)
        #expect(guest.store.heapStatistics.collections > 10)
    }

    @Test func `keeps what is reachable while garbage comes and goes`() throws {
        let guest = try instance(HeapModules.lists, memoryBytes: 16 << 20)
        _ = try call(guest, "keep", 100_000)
        _ = try call(guest, "garbage", 2_000_000)
        #expect(try call(guest, "sum") == 100_000 * 100_001 / 2)
        #expect(guest.store.heapStatistics.collections > 3)
    }

    @Test func `follows a list of a million nodes without recursion`() throws {
        let guest = try instance(HeapModules.lists)
        _ = try call(guest, "keep", 1_000_000)
        guest.store.collectGarbage()
        #expect(guest.store.heapStatistics.liveBytes >= 32_000_000)
        #expect(try call(guest, "sum") == 1_000_000 * 1_000_001 / 2)
        _ = try call(guest, "forget")
        guest.store.collectGarbage()
        #expect(guest.store.heapStatistics.liveBytes == 0)
    }

    @Test func `traps when the limit is reached, and goes on after`() throws {
        let guest = try instance(HeapModules.lists, memoryBytes: 8 << 20)
        #expect(trap(guest, "keep", 1_000_000) == .outOfMemory)
        #expect(guest.store.heapBytes <= 8 << 20)
        _ = try call(guest, "forget")
        _ = try call(guest, "keep", 1_000)
        #expect(try call(guest, "sum") == 1_000 * 1_001 / 2)
    }

    @Test func `shares the limit with linear memories`() throws {
        let guest = try instance(HeapModules.lists, memoryBytes: 16 << 20)
        _ = try call(guest, "keep", 250_000)
        // 8 MB of objects are there, so 12 MiB of pages are too many and 2 MiB are not.
        #expect(try call(guest, "grow", 192) == UInt64(UInt32.max))
        #expect(try call(guest, "grow", 32) == 1)
        #expect(trap(guest, "keep", 250_000) == .outOfMemory)
    }

    @Test func `refuses arrays that cannot fit`() throws {
        let guest = try instance(HeapModules.shuffle, memoryBytes: 8 << 20)
        #expect(trap(guest, "large", UInt64(UInt32.max)) == .outOfMemory)
        #expect(trap(guest, "large", 4_000_000) == .outOfMemory)
        for _ in 0..<100 { #expect(try call(guest, "large", 500_000) == 500_000) }
    }

    @Test func `looks at no more in one step than what is allocated is worth`() throws {
        let guest = try instance(HeapModules.lists)
        _ = try call(guest, "keep", 500_000)
        _ = try call(guest, "garbage", 3_000_000)
        let statistics = guest.store.heapStatistics
        #expect(statistics.collections > 1)
        // 32 KiB of cells allow 16,384 words, and the last object may go beyond.
        #expect((1...16_400).contains(statistics.stepWordsMaximum), "\(statistics)")
        #expect(statistics.stackSlotsMaximum < 100)
    }

    @Test func `keeps what the embedder holds, as long as it does`() throws {
        let guest = try instance(HeapModules.lists)
        do {
            let node = guest.store.root(try call(guest, "node", 42))
            guest.store.collectGarbage()
            _ = try call(guest, "garbage", 10_000)
            #expect(try call(guest, "value", node.value) == 42)
            #expect(guest.store.heapType(ofReference: node.value) == .structure)
        }
        guest.store.collectGarbage()
        #expect(guest.store.heapStatistics.liveBytes == 0)
    }

    @Test(arguments: [HeapStress.none, .everyAllocation, .incremental])
    func `loses nothing that moves while a collection is under way`(stress: HeapStress) throws {
        let guest = try instance(HeapModules.shuffle, memoryBytes: 8 << 20, stress: stress)
        _ = try call(guest, "fill")
        for _ in 0..<20 {
            _ = try call(guest, "shuffle", stress == .none ? 50_000 : 2_000)
            #expect(try call(guest, "sum") == 127 * 128 / 2)
        }
        #expect(guest.store.heapStatistics.collections > 1)
    }
}
