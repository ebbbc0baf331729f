// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what a module may declare is bounded, and a small file cannot cost much.
import Glibc
import Testing
import Wasm

/// Builds a module from sections.
func module(_ sections: (id: UInt8, contents: [UInt8])...) -> ModuleBytes {
    var bytes: [UInt8] = [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0]
    for section in sections { bytes += [section.id] + leb(section.contents.count) + section.contents }
    return ModuleBytes(bytes)
}

/// Unsigned LEB128.
func leb(_ value: Int) -> [UInt8] {
    var left = value
    var bytes: [UInt8] = []
    repeat {
        bytes.append(UInt8(left & 0x7F) | (left > 0x7F ? 0x80 : 0))
        left >>= 7
    } while left > 0
    return bytes
}

/// A module with one function of type `() -> ()` and this body (without locals, with its end).
func function(_ code: [UInt8], locals: [UInt8] = [0]) -> ModuleBytes {
    let body = locals + code
    return module((1, [1, 0x60, 0, 0]), (3, [1, 0]), (10, [1] + leb(body.count) + body))
}

@Suite struct `Limits` {
    func refusal(_ bytes: ModuleBytes, _ change: (inout DecodingLimits) -> Void = { _ in }) -> WasmError? {
        var limits = DecodingLimits.standard
        change(&limits)
        do throws(WasmError) {
            _ = try Module.load(bytes, limits: limits)
            return nil
        } catch {
            return error
        }
    }

    func expectLimit(
        _ text: String, _ bytes: ModuleBytes, _ change: (inout DecodingLimits) -> Void,
        location: SourceLocation = #_sourceLocation
    ) {
        #expect(refusal(bytes) == nil, "valid under the standard limits", sourceLocation: location)
        let error = refusal(bytes, change)
        #expect(error?.kind == .limit, "\(text)", sourceLocation: location)
        #expect(error?.message.contains(text) == true, "\(error?.message ?? "accepted")", sourceLocation: location)
    }

    @Test func `hold for everything that a module counts`() {
        let twoTypes: [UInt8] = [2, 0x60, 0, 0, 0x60, 2, 0x7F, 0x7F, 2, 0x7F, 0x7F]
        expectLimit("types", module((1, twoTypes))) { $0.types = 1 }
        expectLimit("parameters", module((1, twoTypes))) { $0.parameters = 1 }
        expectLimit("results", module((1, twoTypes))) { $0.results = 1 }
        expectLimit("module size", module((1, twoTypes))) { $0.moduleBytes = 16 }
        let imports: [UInt8] = [2, 1, 0x61, 1, 0x61, 0, 0, 1, 0x61, 3, 0x62, 0x62, 0x62, 0, 0]
        expectLimit("imports", module((1, twoTypes), (2, imports))) { $0.imports = 1 }
        expectLimit("bytes in a name", module((1, twoTypes), (2, imports))) { $0.nameBytes = 2 }
        expectLimit("tables", module((4, [2, 0x70, 0, 0, 0x70, 0, 0]))) { $0.tables = 1 }
        expectLimit("memories", module((5, [1, 0, 0]))) { $0.memories = 0 }
        expectLimit("globals", module((6, [1, 0x7F, 0, 0x41, 0, 0x0B]))) { $0.globals = 0 }
        let exports: [UInt8] = [2, 1, 0x61, 2, 0, 1, 0x62, 2, 0]
        expectLimit("exports", module((5, [1, 0, 0]), (7, exports))) { $0.exports = 1 }
        expectLimit("element segments", module((9, [2, 1, 0, 0, 1, 0, 0]))) { $0.elementSegments = 1 }
        expectLimit("element items", module((9, [2, 5, 0x70, 1, 0xD0, 0x70, 0x0B, 5, 0x70, 1, 0xD0, 0x70, 0x0B]))) {
            $0.elementItems = 1
        }
        expectLimit("data segments", module((11, [2, 1, 0, 1, 0]))) { $0.dataSegments = 1 }
        expectLimit("custom sections", module((0, [1, 0x61]), (0, [1, 0x62]))) { $0.customSections = 1 }
    }

    @Test func `hold for function bodies`() {
        expectLimit("functions", function([0x0B])) { $0.functions = 0 }
        expectLimit("bytes in the body", function([0x01, 0x01, 0x0B])) { $0.functionBodyBytes = 3 }
        expectLimit("too many locals", function([0x0B], locals: [1, 10, 0x7F])) { $0.locals = 9 }
        expectLimit("br_table", function([0x41, 0, 0x0E, 2, 0, 0, 0, 0x0B])) { $0.branchTableTargets = 1 }
        let nested =
            [UInt8](repeating: 0x02, count: 1000).flatMap { [$0, 0x40] }
            + [UInt8](repeating: 0x0B, count: 1001)
        expectLimit("nested deeper", function(nested)) { $0.blockDepth = 64 }
        let pushes = [UInt8](repeating: 0x41, count: 2000).flatMap { [$0, 0] } + [UInt8](repeating: 0x1A, count: 2000)
        expectLimit("operand stack", function(pushes + [0x0B])) { $0.operandDepth = 1000 }
    }

    @Test func `of the operand stack leave every frame addressable`() {
        let pushes = [UInt8](repeating: 0x41, count: 7000).flatMap { [$0, 0] } + [UInt8](repeating: 0x1A, count: 7000)
        #expect(refusal(function(pushes + [0x0B], locals: [1] + leb(40_000) + [0x7F])) == nil)
        let error = refusal(function(pushes + [0x0B], locals: [1] + leb(50_000) + [0x7F]))
        #expect(error?.kind == .limit)
        #expect(error?.message.hasPrefix("operand stack deeper than the 6763 values allowed") == true)
        // A function after the one with many locals has the whole room again.
        let vectors = refusal(function([0x0B], locals: [1] + leb(25_001) + [0x7B]))
        #expect(vectors?.message.hasPrefix("too many locals: 50002 with parameters") == true)
    }

    @Test func `of locals stand at 50,000 by default`() {
        #expect(refusal(function([0x0B], locals: [1] + leb(50_000) + [0x7F])) == nil)
        let error = refusal(function([0x0B], locals: [1] + leb(50_001) + [0x7F]))
        #expect(error?.kind == .limit)
    }

    /// Counts of four thousand million items in files of a few bytes.
    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 9, 10, 11] as [UInt8])
    func `stop a count that its section cannot hold`(section: UInt8) {
        #expect(refusal(module((section, [0xFF, 0xFF, 0xFF, 0xFF, 0x0F]))) != nil)
        #expect(refusal(module((section, leb(90_000)))) != nil)
    }

    @Test func `stop a branch table longer than its body`() {
        let error = refusal(function([0x41, 0, 0x0E, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x0B]))
        #expect(error?.message.contains("unexpected end") == true)
    }

    /// A two-byte call with a thousand parameters and results must not cost thousands of steps.
    @Test func `keep wide types from multiplying the work`() {
        let wide: [UInt8] =
            [0x60] + leb(1000) + [UInt8](repeating: 0x7F, count: 1000) + leb(1000)
            + [UInt8](repeating: 0x7F, count: 1000)
        let pushes = [UInt8]((0..<2000).map { $0 % 2 == 0 ? 0x41 : 0 })
        let calls = [UInt8]((0..<1_000_000).map { $0 % 2 == 0 ? 0x10 : 1 })
        let drops = [UInt8](repeating: 0x1A, count: 1000)
        let body: [UInt8] = [0] + pushes + calls + drops + [0x0B]
        let bytes = module(
            (1, [2, 0x60, 0, 0] + wide), (3, [2, 0, 1]), (10, [2] + leb(body.count) + body + [3, 0, 0, 0x0B]))
        let start = threadMilliseconds()
        #expect(refusal(bytes) == nil)
        // Step by step it takes a second and more; as it is, 20 ms.
        #expect(threadMilliseconds() - start < 500)
    }

    /// Processor time of this thread, which other load on the machine does not change.
    private func threadMilliseconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
    }
}
