// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the suites that make objects, with a collector that never rests.

import TestSupport
import Testing
import WasmRuntime

@Suite struct `The suites of garbage collection` {
    static let paths: [String] = {
        let groups = ["proposals/gc", "proposals/function-references", "proposals/exception-handling"]
        let core = ["core/elem", "core/global", "core/instance", "core/linking", "core/table", "core/type-rec"]
        return groups.flatMap { ((try? SpecSuite.suites(in: $0)) ?? []).map(\.path) } + core
    }()

    @Test(arguments: paths, [HeapStress.everyAllocation, .incremental])
    func `pass whenever a collection happens`(path: String, stress: HeapStress) throws {
        var runner = try SpecRunner(try SpecSuite.load(path), stress: stress)
        runner.run()
        for failure in runner.failures.prefix(20) { Issue.record("\(path) \(failure)") }
        #expect(runner.failures.isEmpty)
    }
}
