// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the YAML test suite, as far as YAML 1.1 and libyaml reach.

import KubernetesAPI
import Manifests
import TestSupport
import Testing

@Suite(.enabled(if: SharedData.isPresent, "needs the shared test data"))
struct YAMLSuiteTests {
    struct Case: Sendable {
        var name: String
        var folder: String
        var mustFail: Bool
        var hasJSON: Bool
    }

    static let cases: [Case] = {
        let root = "testdata/yaml-test-suite"
        let files = SharedData.files(under: root, withSuffix: "")
        let present = Set(files)
        return files.filter { $0.hasSuffix("/in.yaml") }.map { file in
            let folder = String(file.dropLast("/in.yaml".count))
            return Case(
                name: String(folder.dropFirst(root.count + 1)), folder: folder,
                mustFail: present.contains(folder + "/error"), hasJSON: present.contains(folder + "/in.json"))
        }
    }()

    /// Cases that are YAML 1.2 and that libyaml, which reads YAML 1.1, refuses.
    static let refusedByYAML11: [String: [String]] = [
        "unknown directives and YAML versions above 1.2": ["2LFX", "6LVF", "BEC7", "MUS6/05", "MUS6/06", "W4TN"],
        "a value indicator next to a quoted key, or a plain key in flow style that holds one": [
            "4ABK", "4MUZ/00", "4MUZ/01", "4MUZ/02", "58MP", "5MUD", "5T43", "9SA2", "CFD4", "DBG4", "FRK4",
            "HM87/00", "K3WX", "NJ66", "UT92", "VJP3/01",
        ],
        "tabs where spaces separate or indent": [
            "6BCT", "6CA3", "96NN/00", "96NN/01", "A2M4", "DK95/00", "DK95/03", "DK95/04", "Q5MG", "R4YG",
            "Y79Y/001", "Y79Y/010",
        ],
        "an entry without a key": ["2JQS", "6M2F", "M2N8/00", "NHX8", "NKF9", "S3PD", "SM9W/01", "UKK6/00"],
        "block scalars without indentation": ["DK3J", "FP8R"],
        "bare documents, and document ends without a document": ["7Z25", "HWV9", "M7A3", "QT73"],
        "anchors of other than letters, digits, - and _": ["8XYN", "W5VH"],
    ]

    /// Cases that are wrong and that libyaml reads all the same.
    static let readByLibyaml: [String: [String]] = [
        "a comment without blank before it": ["9JBA", "CVW2", "SU5Z", "X4QW"],
        "wrong indentation inside flow style and quotes": ["9C9N", "DK95/01", "QB6E", "Y79Y/003"],
        "a dash in flow style": ["G5U8", "YJV2"],
        "directives behind a document, or with too many words": ["EB22", "MUS6/00", "MUS6/01", "RHX7"],
        "blank lines with more indentation than a block scalar": ["S98Z"],
    ]

    @Test func `every case is read or refused as the suite says, but for the listed ones`() throws {
        #expect(Self.cases.count == 402)
        var wronglyRefused: [String] = []
        var wronglyRead: [String] = []
        for test in Self.cases {
            let result = YAMLReader.documents(of: try SharedData.bytes(test.folder + "/in.yaml"))
            if test.mustFail {
                if result.errors.isEmpty { wronglyRead.append(test.name) }
            } else if result.errors.contains(where: { $0.kind != .unsupported && $0.kind != .duplicateKey }) {
                wronglyRefused.append(test.name)
            }
        }
        #expect(wronglyRefused == Self.refusedByYAML11.values.joined().sorted())
        #expect(wronglyRead == Self.readByLibyaml.values.joined().sorted())
    }

    @Test func `what manifests have no use for is refused by name`() throws {
        let unsupported = try Self.cases.filter { test in
            let result = YAMLReader.documents(of: try SharedData.bytes(test.folder + "/in.yaml"))
            return !test.mustFail && result.errors.contains { $0.kind == .unsupported }
        }
        #expect(unsupported.map(\.name) == Self.unsupported)
    }

    /// Lists, mappings, booleans and null as keys, tags of applications, and (2SXE) a value inside itself.
    static let unsupported: [String] = [
        "2SXE", "2XXW", "4FJ6", "565N", "5TYM", "6BFJ", "6CK3", "6PBE", "6WLZ", "7FWL",
        "9MMW", "9WXW", "C4HZ", "CC74", "CUP7", "DFF7", "FH7J", "J7PZ", "KK5P", "LX3P",
        "M2N8/01", "M5C3", "M5DY", "P76L", "PW8X", "Q9WF", "RZP5", "SBG9", "UGM3", "V9D5",
        "X38W", "XW4D", "Z67P", "Z9M4",
    ]

    /// Cases whose values differ from YAML 1.2's.
    static let otherValues: [String: [String]] = [
        "a question mark in flow style starts a key": ["652Z", "HM87/01"],
        "a line break at the end of the text": ["JEF9/02", "L24T/01"],
        "a colon ends an anchor": ["Y2GN"],
    ]

    @Test func `values are those of the JSON beside each case`() throws {
        var different: [String] = []
        var compared = 0
        for test in Self.cases where test.hasJSON && !test.mustFail {
            let result = YAMLReader.documents(of: try SharedData.bytes(test.folder + "/in.yaml"))
            guard result.errors.isEmpty else { continue }
            let json = JSONReader.documents(of: try SharedData.bytes(test.folder + "/in.json"))
            #expect(json.errors == [])
            compared += 1
            if try values(of: result) != values(of: json) { different.append(test.name) }
        }
        #expect(different == Self.otherValues.values.joined().sorted())
        #expect(compared > 200)
    }

    private func values(of result: ReadResult) throws -> [JSONValue] {
        try result.documents.map { try KubernetesJSON.decode(JSONValue.self, from: $0.json) }
    }

    @Test func `what the YAML writer writes is read back as the same value`() throws {
        var texts = [
            "", " ", "a", "yes", "No", "~", "null", "1", "1.0", "0x1F", "1e3", "1_000", ".5", ".inf", "12:30:45",
            "2001-01-01", "a: b", "a #b", "#a", "- a", "-", "?", "a:", "'a'", "\"a\"", "a\nb", "a\nb\n", "a\n\nb\n\n",
            "\na",
            " a\nb", "a \nb", "a\tb", "\ta\nb", "a\n\tb\n", "a\r\nb", "\u{0}", "\u{7F}", "ä", "🙂", "\u{2028}",
            "\u{FEFF}x",
            "{a}", "[a]", "&a", "*a", "!a", "|", ">", "%a", "@a", "`a", "a,b", "<<", "=", "a\n", "\n", "\n\n", "---",
            "...",
            "--- a", "key with spaces", "on", "y", "+1", "-1", "0o7", "08", "1:2", "x: \n y",
        ]
        texts.append(String(repeating: "long ", count: 100))
        for text in texts {
            let value = JSONValue.object([
                "key": .string(text), text: .integer(1), "list": .array([.string(text), .array([.string(text)])]),
                "map": .object(["x": .string(text), "empty": .object([:])]),
            ])
            let result = YAMLReader.documents(of: Array(value.yaml().utf8))
            #expect(result.errors == [], "\(text.debugDescription) in:\n\(value.yaml())")
            guard result.errors.isEmpty else { continue }
            #expect(try values(of: result) == [value], "\(text.debugDescription) in:\n\(value.yaml())")
        }
    }
}
