// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: a program whose data is garbage-collected prints what it prints elsewhere.
import TestSupport
import Testing
import WASI
import Wasm
import WasmRuntime

/// The marks around the measured part of a sightglass program, which do nothing here.
private struct BenchmarkMarks: HostModule {
    var moduleNames: [String] { ["bench"] }

    func functionNames(inModule module: String) -> [String] { module == "bench" ? ["start", "end"] : [] }

    func function(module: String, name: String, type: FunctionType) -> HostFunction? {
        module == "bench" ? HostFunction(type: type) { _ in .returned } : nil
    }
}

@Suite(.enabled(if: SharedData.isPresent, "needs the shared test data")) struct `A garbage-collected program` {
    @Test func `prints what it prints elsewhere`() throws {
        let folder = "testdata/sightglass/splay"
        var run = GuestRun(
            module: folder + "/splay.wasm", directories: [(SharedData.path(folder), ".")])
        run.hosts = [BenchmarkMarks()]
        let outcome = try run()
        #expect(outcome.trap == "")
        #expect(outcome.status == 0)
        #expect(
            outcome.text == String(decoding: try SharedData.bytes(folder + "/splay.stdout.expected"), as: UTF8.self))
    }
}
