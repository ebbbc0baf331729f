// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what depends on the processor, executed with the handlers for every processor.

import TestSupport
import Testing
import WasmRuntime

extension `The specification suite` {
    /// Vectors, and the instructions of numbers that newer processors have instructions for.
    static let dependent = paths.filter {
        $0.hasPrefix("simd/") || $0.hasPrefix("proposals/relaxed-simd/")
            || ["core/f32", "core/f64", "core/i32", "core/i64", "core/float_exprs", "core/conversions"].contains($0)
    }

    @Test(arguments: dependent)
    func `passes on a processor without AVX2`(path: String) throws {
        HandlerSelection.select(newest: false)
        defer { HandlerSelection.select(newest: true) }
        var runner = try SpecRunner(try SpecSuite.load(path))
        runner.run()
        for failure in runner.failures.prefix(20) { Issue.record("\(path) \(failure)") }
        #expect(runner.failures.isEmpty)
    }
}
