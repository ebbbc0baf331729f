// SPDX-License-Identifier: Apache-2.0
// Swiftlet: times, numbers-or-strings, base64 and names.

import KubernetesAPI
import Testing

@Suite struct ScalarTests {
    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2000-02-29T12:34:56Z", 951_827_696), ("2026-11-22T12:44:02Z", 1_795_351_442),
            ("1969-12-31T23:59:59Z", -1), ("1900-03-01T00:00:00Z", -2_203_891_200),
            ("2026-11-22T14:44:02.999+02:00", 1_795_351_442),
            ("2026-11-22t12:44:02z", 1_795_351_442), ("9999-12-31T23:59:59Z", 253_402_300_799),
        ] as [(String, Int64)])
    func `an RFC 3339 time is its seconds since the epoch`(text: String, seconds: Int64) throws {
        let time = try #require(Time(text))
        #expect(time.secondsSinceEpoch == seconds)
        #expect(Time(time.description) == time)
    }

    @Test(arguments: [
        "", "2026-11-22", "2026-11-22 12:44:02Z", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T12:44:02", "2026-11-22T12:44:02.Z", "2026-11-22T12:44:02+2:00", "2026-11-22T12:44:02Zx",
    ])
    func `what is not an RFC 3339 time is refused`(text: String) {
        #expect(Time(text) == nil)
    }

    @Test func `a micro time keeps six digits`() throws {
        let time = try #require(MicroTime("2026-11-22T12:44:02.0420019Z"))
        #expect(time.description == "2026-11-22T12:44:02.042001Z")
        #expect(MicroTime(microsecondsSinceEpoch: -1).description == "1969-12-31T23:59:59.999999Z")
        #expect(MicroTime(microsecondsSinceEpoch: -1).time.description == "1969-12-31T23:59:59Z")
        #expect(Time.now.secondsSinceEpoch > 1_700_000_000)
    }

    @Test func `a percentage is scaled up or down`() {
        #expect(IntOrString("25%").scaled(to: 10, roundingUp: true) == 3)
        #expect(IntOrString("25%").scaled(to: 10, roundingUp: false) == 2)
        #expect(IntOrString("0%").scaled(to: 10, roundingUp: true) == 0)
        #expect(IntOrString(3).scaled(to: 10, roundingUp: true) == 3)
        #expect(IntOrString("http").scaled(to: 10, roundingUp: true) == nil)
        #expect(IntOrString("-5%").percentage == nil)
    }

    @Test func `a number or a string keeps its type in JSON`() throws {
        let text = #"[8080,"http","50%"]"#
        let values = try KubernetesJSON.decode([IntOrString].self, from: text)
        #expect(values == [.int(8080), .string("http"), .string("50%")])
        #expect(try KubernetesJSON.encodeString(values) == text)
    }

    @Test func `bytes are base64 in JSON`() throws {
        let value = try KubernetesJSON.decode([Base64Data].self, from: #"["aGVsbG8=","/wA="]"#)
        #expect(value.map(\.bytes) == [Array("hello".utf8), [0xFF, 0]])
        #expect(value.map(\.text) == ["hello", nil])
        #expect(try KubernetesJSON.encodeString(value) == #"["aGVsbG8=","/wA="]"#)
        #expect(Base64Data(base64: "no base64!") == nil)
    }

    @Test(arguments: [
        ("a", true), ("a-b", true), ("0", true), ("a.b", false), ("A", false), ("-a", false), ("a-", false),
        ("", false),
        (String(repeating: "a", count: 63), true), (String(repeating: "a", count: 64), false), ("ä", false),
        ("a_b", false),
    ])
    func `a DNS label follows RFC 1123`(text: String, isFine: Bool) {
        #expect((NameRules.dnsLabelProblem(text) == nil) == isFine)
    }

    @Test func `the other name rules follow upstream`() {
        #expect(NameRules.dns1035LabelProblem("0a") != nil)
        #expect(NameRules.dns1035LabelProblem("a0") == nil)
        #expect(NameRules.dnsSubdomainProblem("a.b-c.d") == nil)
        #expect(NameRules.dnsSubdomainProblem("a..b") != nil)
        #expect(NameRules.dnsSubdomainProblem("a.-b") != nil)
        #expect(NameRules.dnsSubdomainProblem(String(repeating: "a", count: 254)) != nil)
        #expect(NameRules.qualifiedNameProblem("app.kubernetes.io/name") == nil)
        #expect(NameRules.qualifiedNameProblem("A_b.C") == nil)
        #expect(NameRules.qualifiedNameProblem("a/b/c") != nil)
        #expect(NameRules.qualifiedNameProblem("/b") != nil)
        #expect(NameRules.qualifiedNameProblem("a/") != nil)
        #expect(NameRules.labelValueProblem("") == nil)
        #expect(NameRules.labelValueProblem("v1.2_3-x") == nil)
        #expect(NameRules.labelValueProblem("-x") != nil)
        #expect(NameRules.labelValueProblem("a b") != nil)
        #expect(NameRules.portNameProblem("http") == nil)
        #expect(NameRules.portNameProblem("80") != nil)
        #expect(NameRules.portNameProblem("a--b") != nil)
        #expect(NameRules.portNameProblem("sixteen-letters-") != nil)
        #expect(NameRules.configKeyProblem("app.conf") == nil)
        #expect(NameRules.configKeyProblem("..x") != nil)
        #expect(NameRules.environmentNameProblem("A=B") != nil)
    }
}
