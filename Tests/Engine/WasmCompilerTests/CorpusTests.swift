// SPDX-License-Identifier: Apache-2.0
// Swiftlet: modules that the differential fuzzer chose do in each tier what is written beside them.

import FoundationEssentials
import NativeSupport
import Testing
import Wasm
import WasmCompiler
import WasmRuntime

/// A module of Tests/Engine/Corpus (made by hack/fuzz/corpus.py), and what it does: what two engines agreed about. `.module`,
/// because files that end in `.wasm` are somebody's build and not kept in this repository.
struct CorpusModule: Sendable, CustomStringConvertible {
    let path: String
    var description: String { path.split(separator: "/").last.map(String.init) ?? path }

    private static let folder = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")

    static func all(_ kind: String) -> [CorpusModule] {
        let folder = "/\(Self.folder)/Corpus/\(kind)"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".module") }.sorted().map { CorpusModule(path: "\(folder)/\($0)") }
    }

    func bytes() throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(filePath: path))) }

    func expected() throws -> [String] {
        let text = try Data(contentsOf: URL(filePath: String(path.dropLast(".module".count)) + ".txt"))
        return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}

/// What executes a module of the corpus.
enum CorpusTier: String, CaseIterable {
    case interpreter
    case quick
    case full
    case fullExact

    var native: NativeTier? {
        switch self {
        case .interpreter: nil
        case .quick: NativeTier(.quick)
        case .full: NativeTier(.full)
        case .fullExact: NativeTier(.full, hasExactTraps: true)
        }
    }

    /// What has to be as expected. Code that is not exact has its liberties from the first access out of bounds on.
    func compared(_ lines: [String]) -> [String] {
        guard self == .quick || self == .full else { return lines }
        return Array(lines.prefix { !$0.hasSuffix("trap out of bounds memory access") })
    }
}

@Suite struct `The corpus` {
    private static let valid = CorpusModule.all("valid")
    private static let invalid = CorpusModule.all("invalid")

    @Test func `is there`() {
        #expect(Self.valid.count >= 40)
        #expect(Self.invalid.count >= 40)
    }

    @Test(arguments: valid, CorpusTier.allCases)
    func `does in each tier what other engines do`(entry: CorpusModule, tier: CorpusTier) throws {
        let module = try Module.load(ModuleBytes(try entry.bytes()))
        var limits = StoreLimits()
        limits.memoryBytes = 256 << 20
        let native = tier.native
        limits.allowsNativeCode = native != nil
        let code = try native?.code(for: module).code
        var lines: [String] = []
        do {
            let instance = try Instance(module, in: Store(limits: limits), native: code)
            #expect(instance.nativeMismatch == nil)
            Account(instance) { lines.append($0) }.run()
        } catch InstantiationError.trapped(let trap) { lines.append("instantiation: \(Account.text(trap))") }
        let expected = tier.compared(try entry.expected())
        #expect(Array(lines.prefix(expected.count)) == expected)
        if expected.count == (try entry.expected().count) { #expect(lines.count == expected.count) }
    }

    /// The words are ours; that the module is invalid, another validator says too.
    @Test(arguments: invalid)
    func `is refused with the same words as ever`(entry: CorpusModule) throws {
        let error = #expect(throws: WasmError.self) { try Module.load(ModuleBytes(try entry.bytes())) }
        #expect(try error.map { ["\($0)"] } == entry.expected())
    }
}
