// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the WebAssembly specification's own test suite, executed.

import FoundationEssentials
import NativeSupport
import TestSupport
import Testing
import WasmCompiler

@Suite(.serialized) struct `The specification suite` {
    static let paths: [String] = {
        let groups = ["core", "simd", "custom", "legacy", "proposals"]
        return groups.flatMap { ((try? SpecSuite.suites(in: $0)) ?? []).map(\.path) }
            .filter { Exceptions.reason(for: $0) == nil }
    }()

    @Test(arguments: paths)
    func `passes as far as its features go`(path: String) throws {
        var runner = try SpecRunner(try ScriptSuite.load(path))
        runner.run()
        let line = ConformanceTable.add(
            path, passed: runner.passed, failed: runner.failures.count, skipped: runner.skipped)
        print(line)
        for failure in runner.failures.prefix(20) { Issue.record("\(path) \(failure)") }
        #expect(runner.failures.isEmpty)
    }

    /// The same assertions, executed by compiled code.
    @Test(arguments: paths)
    func `passes in native code`(path: String) throws {
        let tier = NativeTier(.full)
        var runner = try SpecRunner(try ScriptSuite.load(path), native: tier)
        runner.run()
        print(
            "native \(path): \(runner.passed) passed, \(runner.failures.count) failed, functions "
                + "\(runner.functions.native) native, \(runner.functions.interpreted) interpreted")
        for failure in runner.failures.prefix(20) { Issue.record("\(path) \(failure)") }
        #expect(runner.failures.isEmpty)
    }

    /// Runs after the suites, as tests of a serialized suite do. hack/spec.sh names the file for the table.
    @Test func `prints its totals`() throws {
        print(ConformanceTable.totals())
        if let path = ProcessInfo.processInfo.environment["SWIFTLET_CONFORMANCE_TABLE"] {
            try Data(ConformanceTable.markdown().utf8).write(to: URL(filePath: path))
        }
    }
}
