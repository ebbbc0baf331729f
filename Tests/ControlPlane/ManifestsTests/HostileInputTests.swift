// SPDX-License-Identifier: Apache-2.0
// Swiftlet: input that wants to hurt is refused within the limits.

import Manifests
import TestSupport
import Testing

@Suite struct HostileInputTests {
    private func error(of text: String) -> ReadError? {
        YAMLReader.documents(of: Array(text.utf8)).errors.last
    }

    @Test func `a billion laughs are refused at the alias that crosses the limit`() {
        var text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
        for level in 1...30 {
            let list = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(list)]\n"
        }
        let refusal = error(of: text)
        #expect(refusal?.kind == .limit)
        #expect(refusal?.mark.line ?? 99 <= 7)
    }

    @Test func `a long text behind many aliases counts with its length`() {
        let text =
            "a: &a \(String(repeating: "x", count: 1 << 20))\nb: [" + String(repeating: "*a, ", count: 10_000) + "]\n"
        #expect(error(of: text)?.kind == .limit)
    }

    @Test func `a value that holds itself is refused`() {
        #expect(error(of: "a: &a [*a]\n")?.kind == .unsupported)
        #expect(error(of: "&a {k: *a}\n")?.kind == .unsupported)
        #expect(error(of: "a: *b\n")?.kind == .syntax)
    }

    @Test func `deep nesting is refused in both languages`() {
        #expect(error(of: String(repeating: "[", count: 100_000))?.kind == .limit)
        #expect(error(of: String(repeating: "- ", count: 100_000))?.kind == .limit)
        #expect(error(of: String(repeating: "{a: ", count: 100_000))?.kind == .limit)
        let json = JSONReader.documents(of: Array(String(repeating: "[", count: 100_000).utf8))
        #expect(json.errors.last?.kind == .limit)
        #expect(error(of: String(repeating: "[", count: 90) + String(repeating: "]", count: 90)) == nil)
    }

    @Test func `too many bytes, values and documents are refused`() {
        let big = [UInt8](repeating: UInt8(ascii: " "), count: (8 << 20) + 1)
        #expect(YAMLReader.documents(of: big).errors.last?.kind == .limit)
        #expect(JSONReader.documents(of: big).errors.last?.kind == .limit)
        #expect(error(of: "[" + String(repeating: "1,", count: 500_000) + "]")?.kind == .limit)
        #expect(error(of: String(repeating: "---\na\n", count: 20_000))?.kind == .limit)
        let json = JSONReader.documents(of: Array(("[1" + String(repeating: ",1", count: 500_000) + "]").utf8))
        #expect(json.errors.last?.kind == .limit)
    }

    @Test(arguments: [
        "[1,]", "{\"a\":1,}", "{a:1}", "{'a':1}", "[01]", "[1.]", "[.5]", "[+1]", "[1e]", "[--1]", "[tru]", "[\"\\x\"]",
        "[\"\\ud800\"]", "[\"a\nb\"]", "[\"a", "{\"a\"", "{\"a\":", "[1 2]", "]", "[NaN]", "\"\\u12\"",
        "{\"a\":1 \"b\":2}",
        "[\"\\u+123\"]",
    ])
    func `JSON is read strictly`(text: String) {
        #expect(JSONReader.documents(of: Array(text.utf8)).errors.last?.kind == .syntax)
    }

    @Test func `bytes that are not UTF-8 are refused`() {
        #expect(!JSONReader.documents(of: [0x22, 0xFF, 0x22]).errors.isEmpty)
        #expect(!YAMLReader.documents(of: [0x61, 0x3A, 0x20, 0xFF, 0xFE]).errors.isEmpty)
    }

    // MARK: - Mutations

    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            // SplitMix64.
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return value ^ (value >> 31)
        }
    }

    private static let fragments: [String] = [
        "\n", "  ", "- ", ": ", "&a ", "*a", "<<: *a", "!!str ", "|", ">", "[", "]", "{", "}", "\"", "'", "~", "yes",
        "-1", "1e99",
        "999999999999999999999", "0x", "null", "#", "---\n", "...\n", "%YAML 1.1\n", "\t", "\u{0}", "é", "\u{FEFF}",
        "? ", "\\",
        "containers:", "spec:", "name: x", "100%", "12Zi", "env: 5", "\r",
    ]

    private static let alphanumerics: [UInt8] = Array("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789".utf8)

    private func mutated(_ bytes: [UInt8], _ generator: inout Generator) -> [UInt8] {
        var result = bytes
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            let place = Int.random(in: 0...result.count, using: &generator)
            switch Int.random(in: 0..<8, using: &generator) {
            case 0: result.insert(UInt8.random(in: 0...255, using: &generator), at: place)
            case 1: if place < result.count { result.remove(at: place) }
            case 2:
                let fragment = Self.fragments.randomElement(using: &generator) ?? ""
                result.insert(contentsOf: fragment.utf8, at: place)
            case 3:
                let end = min(result.count, place + Int.random(in: 0...40, using: &generator))
                result.removeSubrange(place..<end)
            case 4, 5:
                // A letter or digit for another: the structure stays, the value changes.
                let places = result.indices.filter { Self.alphanumerics.contains(result[$0]) }
                guard let place = places.randomElement(using: &generator) else { continue }
                result[place] = Self.alphanumerics.randomElement(using: &generator) ?? 0x30
            case 6:
                let lines = result.split(separator: 0x0A, omittingEmptySubsequences: false)
                let gone = Int.random(in: lines.indices, using: &generator)
                result = Array(lines.enumerated().filter { $0.offset != gone }.map(\.element).joined(separator: [0x0A]))
            default:
                let end = min(result.count, place + Int.random(in: 0...80, using: &generator))
                result.insert(contentsOf: result[place..<end], at: Int.random(in: 0...result.count, using: &generator))
            }
        }
        return result
    }

    @Test(.enabled(if: SharedData.isPresent, "needs the shared test data"))
    func `no mutation of a manifest crashes the reader, and what passes encodes`() throws {
        var generator = Generator(state: 42)
        let seeds =
            try
            (SharedData.files(under: "testdata/kubernetes/invalid", withSuffix: ".yaml")
            + SharedData.files(under: "testdata/kubernetes/manifests/wasm", withSuffix: ".yaml")
            + ["testdata/kubernetes/objects/core.v1.Pod.json", "testdata/kubernetes/objects/core.v1.Service.yaml"])
            .map { try SharedData.bytes($0) } + Array(repeating: Array(ManifestTests.deployment.utf8), count: 20)
        var accepted = 0
        for round in 0..<2000 {
            let bytes = mutated(seeds[round % seeds.count], &generator)
            let result = Manifests.read(
                bytes, file: round % 7 == 0 ? "m.json" : "m.yaml", options: .init(directory: "/"))
            if result.isValid, !result.objects.isEmpty { accepted += 1 }
            for diagnostic in result.errors { #expect((diagnostic.mark?.line ?? 1) >= 1) }
        }
        #expect(accepted > 20)
    }
}
