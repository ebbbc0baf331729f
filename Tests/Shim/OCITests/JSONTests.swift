// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the JSON parser against a corpus of right and wrong documents, and against damage.
import OCI
import Testing

@Suite struct JSONTests {
    @Test(
        arguments: [
            ("null", .null), (" true ", .bool(true)), ("-0", .number("-0")), ("1.5E+3", .number("1.5E+3")),
            ("18446744073709551615", .number("18446744073709551615")),
            ("\"\"", .string("")), ("\"\\u00e9\\/\\b\\f\\n\\r\\t\\\"\\\\\"", .string("é/\u{8}\u{c}\n\r\t\"\\")),
            ("\"\\ud83d\\ude00\"", .string("😀")), ("\"😀\"", .string("😀")), ("\"\\u0000\"", .string("\0")),
            ("[]", .array([])), ("[1,[2]]", .array([.number("1"), .array([.number("2")])])), ("{}", .object([])),
            ("{\"a\":1 ,\n\"b\":{}}", .object([.init("a", .number("1")), .init("b", .object([]))])),
            ("\"\u{10ffff}\"", .string("\u{10ffff}")), ("\t\r\n0", .number("0")),
            // Canonically equivalent names are two names.
            (
                "{\"\u{e9}\":1,\"e\u{301}\":2}",
                .object([.init("\u{e9}", .number("1")), .init("e\u{301}", .number("2"))])
            ),
        ] as [(String, JSON)])
    func `reads what RFC 8259 allows`(text: String, value: JSON) throws {
        #expect(try JSON(parsing: text) == value)
        #expect(try JSON(parsing: value.text) == value)
    }

    @Test(arguments: [
        ("", "1:1: expected a value, found the end"), ("  ", "1:3: expected a value, found the end"),
        ("nul", "1:1: expected a value, found \"n\""), ("True", "1:1: expected a value"), ("NaN", "1:1"),
        ("01", "1:2: a number starts with a zero"), ("-", "1:2: expected a digit, found the end"),
        ("1.", "1:3: expected a digit"), (".5", "1:1"), ("+1", "1:1"), ("1e", "1:3: expected a digit"),
        ("0x10", "1:2: expected the end, found \"x\""), ("-a", "1:2: expected a digit, found \"a\""),
        ("[1,]", "1:4: expected a value, found \"]\""), ("[1", "1:3: expected \",\" or \"]\""), ("[1 2]", "1:4"),
        ("{\"a\":1,}", "1:8: expected a member name"), ("{a:1}", "1:2: expected a member name"),
        ("{\"a\" 1}", "1:6: expected \":\""), ("{\"a\":1\n\"b\":2}", "2:1: expected \",\" or \"}\""),
        ("{\"a\":1,\n \"a\":2}", "2:2: member \"a\" is here twice"), ("{\"a\":1,\"\\u0061\":2}", "is here twice"),
        ("\"abc", "1:5: a string is not closed"), ("\"a\nb\"", "1:3: a control character"),
        ("\"\\x\"", "1:3: unknown escape"), ("\"\\u12\"", "four hexadecimal digits"),
        ("\"\\ud800\"", "a lone surrogate"), ("\"\\ud800\\u0041\"", "a lone surrogate"),
        ("\"\\udc00\"", "a lone surrogate"), ("1 2", "1:3: expected the end"), ("[]]", "1:3: expected the end"),
        ("\u{feff}{}", "1:1: expected a value, found byte 0xef"), ("'a'", "1:1"), ("/* */1", "1:1"), ("1//", "1:2"),
    ])
    func `refuses the rest with line and column`(text: String, reason: String) {
        let error = #expect(throws: JSONError.self) { try JSON(parsing: text) }
        #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
    }

    @Test(
        arguments: [
            [0x22, 0xff, 0x22], [0x22, 0xc0, 0xaf, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22],
            [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22],
            [0x22, 0xc3, 0x22], [0xff], [0x22, 0x80, 0x22], [0x31, 0x00],
        ] as [[UInt8]])
    func `refuses bytes that are not UTF-8`(bytes: [UInt8]) {
        #expect(throws: JSONError.self) { try JSON(parsing: bytes) }
    }

    @Test func `depth and size are limited`() throws {
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: JSONError.self) { try JSON(parsing: deep) }
        let fits = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        #expect(throws: Never.self) { try JSON(parsing: fits) }
        #expect(throws: JSONError.self) { try JSON(parsing: "[\(fits)]") }
        #expect(throws: JSONError.self) { try JSON(parsing: "[1,2,3]", limits: JSONLimits(bytes: 6)) }
    }

    @Test func `an object of many names is read in reasonable time`() throws {
        let text = "{" + (0..<50_000).map { "\"n\($0)\":\($0)" }.joined(separator: ",") + "}"
        let duration = try ContinuousClock().measure { _ = try JSON(parsing: text) }
        #expect(duration < .seconds(5))
    }

    @Test func `damaged documents are read or refused and what is read is written the same`() throws {
        let seed = Array(
            #"{"ociVersion":"1.1.0","process":{"args":["/a.wasm","x\u00e9\n"],"env":["A=b"],"cwd":"/"},"n":[-1.5e3,true]}"#
                .utf8)
        var state: UInt64 = 7
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        var accepted = 0
        for _ in 0..<20_000 {
            var bytes = seed
            for _ in 0...random(3) {
                switch random(4) {
                case 0: bytes[random(bytes.count)] = UInt8(random(256))
                case 1: bytes.removeSubrange(random(bytes.count / 2)..<bytes.count / 2)
                case 2: bytes.insert(UInt8(random(128)), at: random(bytes.count))
                default: bytes[random(bytes.count)] = Array(#"{}[]",:\0"#.utf8)[random(9)]
                }
            }
            guard let value = try? JSON(parsing: bytes) else { continue }
            accepted += 1
            #expect(try JSON(parsing: value.bytes) == value)
        }
        #expect(accepted > 100)
    }
}
