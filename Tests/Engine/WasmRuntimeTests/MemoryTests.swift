// SPDX-License-Identifier: Apache-2.0
// Swiftlet: several memories, memories addressed with 64 bits, and bulk instructions on large ones.
import Testing
import Wasm
import WasmRuntime

@Suite struct `A memory addressed with 64 bits` {
    func instance() throws -> Instance { try Instance(MemoryModules.wide.module(), in: Store()) }

    @Test func `keeps its values at any offset`() throws {
        let instance = try instance()
        _ = instance.invoke("store", [65_520, 0x1122_3344_5566_7788])
        #expect(results(instance.invoke("load", [65_528])) == [0x1122_3344_5566_7788])
        #expect(results(instance.invoke("load8", [65_528])) == [0x77])
        #expect(results(instance.invoke("sum", [65_000, 520])) == [0x1122_3344_5566_7788])
    }

    @Test(arguments: ["load", "far", "farther", "load8"])
    func `checks addresses without overflow`(name: String) throws {
        let instance = try instance()
        for address in [65_536, 1 << 32, 1 << 47, 1 << 63, .max - 8, .max - 1, .max] as [UInt64] {
            let trap = trapped(instance.invoke(name, [address]))
            #expect(trap?.reason == .outOfBoundsMemoryAccess, "\(name) \(address)")
        }
        // An effective address is not a sum modulo 2^64.
        #expect(trapped(instance.invoke("far", [1]))?.reason == .outOfBoundsMemoryAccess)
        #expect(trapped(instance.invoke("storeFar", [8, 0]))?.reason == .outOfBoundsMemoryAccess)
        #expect(trapped(instance.invoke("sum", [.max, 1]))?.reason == nil)
    }

    @Test func `grows with 64-bit numbers up to the limits`() throws {
        let instance = try instance()
        #expect(results(instance.invoke("grow", [9])) == [1])
        #expect(results(instance.invoke("size")) == [10])
        for delta in [91, 1 << 32, 1 << 48, .max] as [UInt64] {
            #expect(results(instance.invoke("grow", [delta])) == [.max])
        }
        #expect(results(instance.invoke("grow", [90])) == [10])
        #expect(trapped(instance.invoke("fill", [1, 0, .max]))?.reason == .outOfBoundsMemoryAccess)
        #expect(trapped(instance.invoke("copy", [.max, 0, 1]))?.reason == .outOfBoundsMemoryAccess)
        #expect(results(instance.invoke("copy", [100 << 16, 0, 0])) == [])
    }

    @Test func `larger than the store allows is refused with both numbers`() throws {
        var limits = StoreLimits()
        limits.memoryBytes = 8 << 30
        let store = try Store(limits: limits)
        let type = MemoryType(limits: Limits(minimum: 1 << 17, maximum: 1 << 40), address: .i64)
        #expect(try store.makeMemory(type).byteCount == 8 << 30)
        let larger = MemoryType(limits: Limits(minimum: 1 << 40), address: .i64)
        let error = #expect(throws: ResourceError.self) { try store.makeMemory(larger) }
        #expect(
            error?.description
                == "memory of 1099511627776 pages (64 KiB each) is larger than the limit of 131072 pages")
    }

    @Test func `is refused by the feature's name and place where it is not wanted`() throws {
        let fixture = MemoryModules.wide
        let error = #expect(throws: WasmError.self) {
            try fixture.module(features: .supported.subtracting(.memory64))
        }
        #expect(error?.kind == .unsupported)
        #expect(error?.message == "feature memory64 is not supported: 64-bit memory needs it")
        // The flags are the byte before the limits 1 and 100.
        #expect(error.map { Array(fixture.bytes[$0.offset...].prefix(3)) } == [5, 1, 100])
    }
}

@Suite struct `Several memories` {
    func instance() throws -> Instance { try Instance(MemoryModules.several.module(), in: Store()) }

    @Test func `are apart`() throws {
        let instance = try instance()
        #expect(results(instance.invoke("load", [4])) == [0x0807_0605_0403_0201])
        #expect(results(instance.invoke("loadf", [2])) == [0x0403_0201])
        _ = instance.invoke("store", [8, 0xFFFF_FFFF_FFFF_ABCD])
        #expect(results(instance.invoke("load", [4])) == [0x0807_ABCD_0403_0201])
        #expect(results(instance.invoke("loads", [9])) == [UInt64(bitPattern: -85)])
        _ = instance.invoke("init", [16])
        #expect(results(instance.invoke("load", [16])) == [0x2165_7669_7373_6170])
    }

    @Test func `of both address types copy to each other`() throws {
        let instance = try instance()
        _ = instance.invoke("storec", [24, 0x0102_0304_0506_0708])
        _ = instance.invoke("fill", [26])
        #expect(results(instance.invoke("copy", [65_528, 24, 8])) == [])
        #expect(results(instance.invoke("load", [65_528])) == [0x0102_FFFF_FFFF_0708])
        #expect(trapped(instance.invoke("copy", [65_529, 24, 8]))?.reason == .outOfBoundsMemoryAccess)
        #expect(trapped(instance.invoke("copy", [0, 65_529, 8]))?.reason == .outOfBoundsMemoryAccess)
        #expect(trapped(instance.invoke("load", [65_529]))?.reason == .outOfBoundsMemoryAccess)
        #expect(trapped(instance.invoke("storec", [.max, 0]))?.reason == .outOfBoundsMemoryAccess)
    }

    @Test func `grow one by one, and are exported one by one`() throws {
        let instance = try instance()
        #expect(results(instance.invoke("grow", [4])) == [1])
        #expect(results(instance.invoke("grow", [1])) == [UInt64(UInt32.max)])
        #expect(results(instance.invoke("sizes")) == [1, 5, 1])
        guard case .memory(let a)? = instance.export("a"), case .memory(let b)? = instance.export("b") else {
            Issue.record("two exports are missing")
            return
        }
        #expect(a.pageCount == 1)
        #expect(b.pageCount == 5)
    }

    @Test func `under two names are one`() throws {
        let store = try Store()
        var imports = Imports()
        imports.define("m", exportsOf: try Instance(MemoryModules.several.module(), in: store))
        let instance = try Instance(MemoryModules.same.module(), in: store, imports: imports)
        #expect(results(instance.invoke("grown")) == [77])
    }

    @Test func `need the feature, and are counted`() throws {
        let error = #expect(throws: WasmError.self) {
            try MemoryModules.several.module(features: .supported.subtracting(.multiMemory))
        }
        #expect(error?.message.hasPrefix("feature multi-memory is not supported") == true)
        var limits = StoreLimits()
        limits.memories = 2
        let refusal = #expect(throws: InstantiationError.self) {
            try Instance(MemoryModules.several.module(), in: Store(limits: limits))
        }
        #expect(refusal?.description == "more memories than the limit of 2")
    }
}

@Suite struct `Bulk instructions on gigabytes` {
    @Test(arguments: ["fill", "copyUp", "copyDown"]) func `can be interrupted`(name: String) throws {
        let store = try Store()
        let instance = try Instance(MemoryModules.bulk.module(), in: store)
        // Stopped from another thread on the way: most of the memory was not touched.
        let interrupter = store.interrupter
        let timer = Timer { interrupter.requestInterrupt() }
        timer.arm()
        let reason = trapped(instance.invoke(name))?.reason
        timer.stop()
        #expect(reason == .interrupted)
    }

    @Test(arguments: [(1, 0), (0, 1), (9_000_000, 3), (3, 9_000_000)] as [(Int, Int)])
    func `copy overlapping ranges as if all was read first`(target: Int, source: Int) throws {
        // More than two of the chunks between which an interrupt is looked for.
        let count = 18_000_001
        let instance = try Instance(MemoryModules.bulk.module(), in: Store())
        let memory = try #require(instance.memory).guest
        let values = UnsafeMutableRawBufferPointer(start: memory.base, count: 28_000_000)
        for offset in values.indices { values[offset] = UInt8(truncatingIfNeeded: offset &* 31 ^ offset >> 11) }
        var expected = Array(values)
        expected.replaceSubrange(target..<(target + count), with: Array(expected[source..<(source + count)]))
        #expect(results(instance.invoke("copy", [UInt64(target), UInt64(source), UInt64(count)])) == [])
        #expect(values.elementsEqual(expected))
    }
}
