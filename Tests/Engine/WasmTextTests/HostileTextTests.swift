// SPDX-License-Identifier: Apache-2.0
// Swiftlet: texts made to hurt: deep, broken, random.

import TestSupport
import Testing
import Wasm
import WasmText

@Suite struct `Hostile texts` {
    private static func repeated(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }

    @Test(arguments: [
        "(", "(func", "(func (block", "(func (block (result i32)", "(@a ", "(; ", "(module ", "(func (if (i32.const 0)",
        "(func (if (then ", "(func (try (do ", "(func (drop ", "(func (i32.add ", "(rec ", "(type (struct (field ",
    ])
    func `that are deep end with an error`(opening: String) {
        let head = opening.hasPrefix("(func (") ? "(func " : ""
        let inner = head.isEmpty ? opening : String(opening.dropFirst(6))
        let error = refusal(head + Self.repeated(inner, 300_000))
        #expect(error.contains("app.wat:"))
    }

    @Test func `that nest further than the limit are refused`() {
        let depth = 200_000
        let error = refusal("(func " + Self.repeated("(block ", depth) + Self.repeated(")", depth) + ")")
        #expect(error.contains("too deep"))
    }

    @Test func `with a branch per block stay linear`() throws {
        // A search through the labels for each branch would be 5·10⁹ steps.
        let depth = 50_000
        let text =
            "(func (block $out " + Self.repeated("(block $in ", depth) + Self.repeated("(br $out)", 100_000)
            + Self.repeated(")", depth + 1) + ")"
        _ = try assemble(text)
    }

    @Test func `with many unknown names in scope are refused`() {
        let functions = (0..<100_000).map { "(func $function\($0))" }.joined()
        #expect(refusal("(module \(functions) (func (call $functoin1)))").contains("did you mean"))
        #expect(refusal("(module (func (\(Self.repeated("x", 1 << 20)))))").contains("unknown operator"))
        #expect(refusal("(module (func (call $\(Self.repeated("x", 1 << 20)))))").contains("unknown function"))
    }

    /// A small generator, so that a failure can be repeated.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
            return value ^ value >> 31
        }
    }

    private static let words = [
        "(", ")", "\"", "(;", ";)", ";;", "(@", "$", "(module", "(func", "(type", "(rec", "(sub", "(param",
        "(result i32)",
        "i32.const", "0", "-1", "0x7fffffff", "nan:0x1", "end", "else", "(then", "(block", "loop", "(elem", "(data",
        "(import \"a\" \"b\"", "funcref", "(ref null", "\u{0}", "\\", "\u{1F600}", "(local", "$x", "call_indirect",
        "(export \"e\"", "(table", "(memory", "offset=1", "align=2", "v128.const i8x16", "try_table", "(catch", "(do",
        "delegate", "br_table", "struct.get", "(field", "(mut", "shared", "select",
    ]

    private static func mutate(_ bytes: inout [UInt8], _ generator: inout Generator) {
        for _ in 0..<Int.random(in: 1...8, using: &generator) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes.remove(at: place)
            case 2:
                let end = min(bytes.count, place + Int.random(in: 1...40, using: &generator))
                bytes.removeSubrange(place..<end)
            case 3:
                let end = min(bytes.count, place + Int.random(in: 1...60, using: &generator))
                let copy = Array(bytes[place..<end])
                bytes.insert(contentsOf: copy, at: Int.random(in: 0...bytes.count, using: &generator))
            default:
                let word = words[Int.random(in: 0..<words.count, using: &generator)]
                bytes.insert(contentsOf: Array((" " + word + " ").utf8), at: place)
            }
        }
    }

    /// What is accepted must also be decoded without a crash, whatever the decoder thinks of it.
    private static func exercise(_ text: [UInt8]) {
        let module = text.withUnsafeBytes { try? TextFormat.assemble($0) }
        if let module { _ = try? Module.load(ModuleBytes(module.bytes)) }
    }

    @Test func `from mutated suites never crash`() throws {
        let paths = ["core", "simd", "custom", "legacy", "proposals"]
            .flatMap { ((try? SpecSuite.suites(in: $0)) ?? []).map(\.path) }
        var generator = Generator(state: 42)
        for path in paths {
            let name = path.split(separator: "/").last.map(String.init) ?? path
            let text = try SharedData.bytes("testdata/wasm-spec/\(path)/\(name).wast")
            for _ in 0..<8 {
                // A window of the script; a whole one would spend the time on what is not mutated.
                let start = Int.random(in: 0..<text.count, using: &generator)
                var window = Array(text[start..<min(text.count, start + 3000)])
                if let first = window.firstIndex(of: UInt8(ascii: "(")) { window.removeSubrange(..<first) }
                Self.mutate(&window, &generator)
                Self.exercise(window)
                _ = window.withUnsafeBytes { try? Script($0) }
            }
            var whole = Array(text.prefix(60_000))
            Self.mutate(&whole, &generator)
            _ = whole.withUnsafeBytes { try? Script($0) }
        }
    }

    @Test func `of random words and bytes never crash`() {
        var generator = Generator(state: 7)
        for _ in 0..<20_000 {
            var text = Array("(module (func (block ".utf8)
            for _ in 0..<Int.random(in: 0...30, using: &generator) {
                text += Array((Self.words[Int.random(in: 0..<Self.words.count, using: &generator)] + " ").utf8)
            }
            Self.exercise(text)
            let bytes = (0..<Int.random(in: 0...60, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            Self.exercise([UInt8(ascii: "(")] + bytes)
        }
    }
}
