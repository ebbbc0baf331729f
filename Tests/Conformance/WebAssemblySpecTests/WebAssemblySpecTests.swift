// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the WebAssembly specification's own test suite, executed.

import Synchronization
import TestSupport
import Testing

/// Sums over all suites, for the last line of the report.
private struct Totals {
    var passed = 0
    var failed = 0
    var skipped: [String: Int] = [:]
}

private let totals = Mutex(Totals())

@Suite(.serialized) struct `The specification suite` {
    @Test(arguments: try SpecSuite.suites(in: "core").map(\.path))
    func `passes as far as its features go`(path: String) throws {
        var runner = try SpecRunner(try SpecSuite.load(path))
        runner.run()
        totals.withLock {
            $0.passed += runner.passed
            $0.failed += runner.failures.count
            $0.skipped.merge(runner.skipped, uniquingKeysWith: +)
        }
        let skipped = runner.skipped.values.reduce(0, +)
        print("\(path): \(runner.passed) passed, \(runner.failures.count) failed, \(skipped) skipped")
        for failure in runner.failures.prefix(20) { Issue.record("\(path) \(failure)") }
        #expect(runner.failures.isEmpty)
    }

    /// Runs after the suites, as tests of a serialized suite do.
    @Test func `prints its totals`() {
        totals.withLock { totals in
            let skipped = totals.skipped.values.reduce(0, +)
            for (reason, count) in totals.skipped.sorted(by: { $0.value > $1.value }) {
                print("spec: \(count) skipped: \(reason)")
            }
            print("spec: \(totals.passed) passed, \(totals.failed) failed, \(skipped) skipped")
        }
    }
}
