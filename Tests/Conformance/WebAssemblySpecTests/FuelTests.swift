// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the suites on code that counts.

import TestSupport
import Testing
import WasmRuntime

extension `The specification suite` {
    @Test(arguments: paths)
    func `passes while fuel is counted`(path: String) throws {
        var runner = try SpecRunner(try ScriptSuite.load(path), fuel: .max)
        runner.run()
        for failure in runner.failures.prefix(20) { Issue.record("\(path) \(failure)") }
        #expect(runner.failures.isEmpty)
    }
}
