// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import TestSupport
import Testing
import WASI

/// One test's JSON in the legacy form of the suite's SPECIFICATION.md; all preview 1 tests have it, or none.
private struct Specification: Decodable {
    var args: [String]?
    var env: [String: String]?
    var root: String?
    var exit_code: UInt32?
    var stdout: String?
    var stderr: String?
}

/// WebAssembly/wasi-testsuite, all tests of preview 1.
@Suite(.enabled(if: SharedData.isPresent, "needs the shared test data")) struct `the WASI testsuite` {
    static let suite = "testdata/wasi-testsuite"
    static let modules = ["assemblyscript-wasip1", "c-wasip1", "rust-wasip1"].flatMap {
        SharedData.files(under: "\(suite)/\($0)", withSuffix: ".wasm")
    }

    @Test func `has its 72 tests`() { #expect(Self.modules.count == 72) }

    /// LLVM's whole effort for all modules takes a minute and a half of processor time; the ones of Rust share most of
    /// their code, so it is made for some of them.
    static let runs = modules.enumerated().flatMap { number, module in
        GuestEngine.allCases.filter { $0 != .full || number.isMultiple(of: 4) }.map { (module, $0) }
    }

    @Test(arguments: runs) func `passes`(module: String, engine: GuestEngine) throws {
        let name = String(module.dropLast(".wasm".count))
        let json = try? SharedData.bytes(name + ".json")
        let specification = try json.map { try JSONDecoder().decode(Specification.self, from: Data($0)) }
        let folder = try TemporaryDirectory()
        defer { withExtendedLifetime(folder) {} }
        var run = GuestRun(module: module)
        run.engine = engine
        run.arguments = specification?.args ?? []
        run.environment = (specification?.env ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        if let root = specification?.root {
            let base = name[..<(name.lastIndex(of: "/") ?? name.endIndex)]
            run.directories = [(try folder.copy(SharedData.path("\(base)/\(root)"), as: "root"), "/")]
        }
        let outcome = try run()
        #expect(
            outcome.status == specification?.exit_code ?? 0, "\(outcome.errorText) \(outcome.trap)")
        if let expected = specification?.stdout { #expect(outcome.text == expected) }
        if let expected = specification?.stderr { #expect(outcome.errorText == expected) }
    }
}
