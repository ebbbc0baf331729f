// SPDX-License-Identifier: Apache-2.0
// Swiftlet: tests of the test support.

import Glibc
import TestSupport
import Testing

@Suite struct ProgramTests {
    @Test func `output, errors, input and exit code come through`() throws {
        let result = try Program.run("/bin/sh", ["-c", "cat; echo bad >&2; exit 3"], input: "good")
        #expect(result.status.code == 3)
        #expect(result.output == "good")
        #expect(result.errors == "bad\n")
    }

    @Test func `a signal is reported as one`() throws {
        let program = try Program("/bin/sleep", ["60"])
        program.signal(SIGTERM)
        #expect(program.wait(seconds: 10)?.signal == SIGTERM)
    }

    @Test func `the build's folder holds the test bundle`() {
        #expect(BuiltProducts.exists(BuiltProducts.program("swiftletPackageTests.xctest")))
        #expect(BuiltProducts.exists("\(BuiltProducts.packageRoot)/Package.swift"))
    }
}
