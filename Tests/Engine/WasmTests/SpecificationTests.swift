// SPDX-License-Identifier: Apache-2.0
// Swiftlet: decoder and validator against the specification's own core suites.
import TestSupport
import Testing
import Wasm

@Suite(.enabled(if: SharedData.isPresent, "needs the shared test data")) struct `The core specification's suites` {
    static let suites: [(path: String, level: String)] = (try? SpecSuite.suites(in: "core")) ?? []
    /// Proposals of version 3.0 that the engine has.
    static let proposals = [
        "proposals/tail-call", "proposals/multi-memory", "proposals/memory64", "proposals/function-references",
        "proposals/gc", "proposals/exception-handling", "legacy",
    ].flatMap { group in
        ((try? SpecSuite.suites(in: group)) ?? []).map(\.path)
    }

    /// Lines whose modules are refused for another reason than the suite names: they cut a section or a body short of its
    /// contents, and the reference interpreter reads on into what follows, where this decoder stops at the announced end.
    static let otherReasons: [String: Set<Int>] = [
        "core/binary": [93, 738],
        "core/binary-leb128": [218, 226, 348, 405, 462, 526, 534, 542, 551, 731, 750, 844, 863],
        // "type mismatch" in the words of another engine.
        "proposals/exception-handling/throw": [52, 54], "legacy/throw": [48, 50],
        "legacy/try_catch": [264, 266, 268, 270, 275],
    ]

    /// Commands whose modules need later features.
    static let laterCommands: [String: Int] = ["legacy/try_catch": 1]

    /// What the commands of a suite came to.
    struct Tally {
        var accepted = 0
        var refused = 0
        var messagesMatched = 0
        /// Commands whose module needs a feature of later work, by the error's text.
        var skipped: [String] = []
        var wrong: [String] = []
        var otherMessages: [String] = []
        var otherLines: Set<Int> = []
    }

    static func run(_ path: String, features: FeatureSet = .supported) throws -> Tally {
        let suite = try SpecSuite.load(path)
        var tally = Tally()
        for command in suite.commands where command.isBinary {
            let bytes = ModuleBytes(try suite.bytes(of: command))
            let place = "\(path):\(command.line)"
            let isGood = !["assert_invalid", "assert_malformed"].contains(command.type)
            do throws(WasmError) {
                _ = try Module.load(bytes, features: features)
                if isGood {
                    tally.accepted += 1
                } else {
                    tally.wrong.append("\(place) accepted, expected \(command.text ?? "")")
                }
            } catch {
                if error.kind == .unsupported {
                    tally.skipped.append("\(place) \(error.message)")
                } else if isGood {
                    tally.wrong.append("\(place) refused: \(error)")
                } else {
                    tally.refused += 1
                    if error.message.contains(command.text ?? "") {
                        tally.messagesMatched += 1
                    } else {
                        tally.otherLines.insert(command.line)
                        tally.otherMessages.append("\(place) expected \(command.text ?? ""), found \(error)")
                    }
                }
            }
        }
        return tally
    }

    @Test(arguments: suites.map(\.path) + proposals)
    func `accept and refuse what they must`(path: String) throws {
        let tally = try Self.run(path)
        #expect(tally.wrong == [])
        #expect(tally.otherLines == Self.otherReasons[path] ?? [], "\(tally.otherMessages)")
        #expect(tally.skipped.count == Self.laterCommands[path] ?? 0, "\(tally.skipped)")
    }

    @Test func `are all there, with the numbers they have`() throws {
        var total = Tally()
        for suite in Self.suites {
            let tally = try Self.run(suite.path)
            total.accepted += tally.accepted
            total.refused += tally.refused
            total.messagesMatched += tally.messagesMatched
        }
        #expect(total.accepted == 1417)
        #expect(total.refused == 2219)
        #expect(total.messagesMatched == 2204)
    }

    static let laterSuites = ["simd", "proposals", "legacy", "custom"].flatMap { group in
        ((try? SpecSuite.suites(in: group)) ?? []).map(\.path).filter { !contradicting.contains($0) }
    }

    /// Suites that say otherwise than the core suites: limits flag 8 is malformed there (core/binary), and many tables
    /// are valid since version 2.0 (core/imports) and many memories since 3.0, before which the threads proposal was forked.
    static let contradicting: Set<String> = [
        "proposals/custom-page-sizes/custom-page-sizes", "proposals/custom-page-sizes/custom-page-sizes-invalid",
        "proposals/custom-page-sizes/memory_max", "proposals/custom-page-sizes/memory_max_i64",
        "proposals/threads/imports", "proposals/threads/memory",
        // Casts to types that the source does not match, an extension of custom-descriptors.
        "proposals/custom-descriptors/br_on_cast", "proposals/custom-descriptors/br_on_cast_fail",
    ]

    /// What a good module of a later version needs must be named; calling it broken would be a lie.
    @Test(arguments: laterSuites)
    func `of later features are refused for the feature`(path: String) throws {
        let tally = try Self.run(path)
        #expect(tally.wrong == [])
    }
}
