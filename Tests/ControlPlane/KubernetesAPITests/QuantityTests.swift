// SPDX-License-Identifier: Apache-2.0
// Swiftlet: quantities are exact and print as upstream prints them.

import KubernetesAPI
import Testing

@Suite struct QuantityTests {
    @Test(
        arguments: [
            // Text, canonical text, whole units rounded up, thousandths.
            ("0", "0", 0, 0), ("100m", "100m", 1, 100), ("0.1", "100m", 1, 100), ("1000m", "1", 1, 1000),
            ("1.5", "1500m", 2, 1500), ("250m", "250m", 1, 250), ("2", "2", 2, 2000), ("1k", "1k", 1000, 1_000_000),
            ("1Ki", "1Ki", 1024, 1_024_000), ("128Mi", "128Mi", 134_217_728, 134_217_728_000),
            ("0.5Gi", "512Mi", 536_870_912, 536_870_912_000), ("1.5Gi", "1536Mi", 1_610_612_736, 1_610_612_736_000),
            ("1e3", "1e3", 1000, 1_000_000), ("1E3", "1e3", 1000, 1_000_000),
            ("12e6", "12e6", 12_000_000, 12_000_000_000),
            ("1E", "1E", 1_000_000_000_000_000_000, Int64.max), ("100u", "100u", 1, 1), ("1n", "1n", 1, 1),
            ("0.0000000001", "1n", 1, 1), ("+5", "5", 5, 5000), ("-3", "-3", -3, -3000),
            ("-1500m", "-1500m", -2, -1500),
            (".5", "500m", 1, 500), ("5.", "5", 5, 5000), ("1.0", "1", 1, 1000),
            ("512Ki", "512Ki", 524_288, 524_288_000),
            ("1023", "1023", 1023, 1_023_000), ("2048Ki", "2Mi", 2_097_152, 2_097_152_000), ("1e-3", "1e-3", 1, 1),
            ("0.5Ki", "512", 512, 512_000), ("1.1Ki", "1126400m", 1127, 1_126_400),
            ("9223372036854775807", "9223372036854775807", Int64.max, Int64.max),
            ("99999999999999999999", "9223372036854775807", Int64.max, Int64.max),
            ("8Ei", "9223372036854775807", Int64.max, Int64.max),
        ] as [(String, String, Int64, Int64)])
    func `a quantity has its canonical text and its whole and milli values`(
        text: String, canonical: String, value: Int64, milli: Int64
    ) throws {
        let quantity = try Quantity(parsing: text)
        #expect(quantity.description == canonical)
        #expect(quantity.value == value)
        #expect(quantity.milliValue == milli)
        #expect(try Quantity(parsing: quantity.description) == quantity)
    }

    @Test(arguments: [
        "", " ", "m", ".", "-", "1 ", " 1", "1mm", "1ki", "1KI", "1b", "0x10", "1,5", "1.2.3", "--1", "1e", "1e+",
        "1e1.5",
        "1i", "Mi", "1Mi5", "１", "NaN", "1e999999999999", String(repeating: "9", count: 100),
    ])
    func `what is not a quantity is refused`(text: String) {
        #expect(Quantity(text) == nil)
        #expect(throws: QuantityFormatError.self) { try Quantity(parsing: text) }
    }

    @Test func `amounts compare by value whatever their suffix`() throws {
        #expect(try Quantity(parsing: "1Gi") == Quantity(parsing: "1073741824"))
        #expect(try Quantity(parsing: "999Mi") < Quantity(parsing: "1Gi"))
        #expect(try Quantity(parsing: "1G") < Quantity(parsing: "1Gi"))
        #expect(try Quantity(parsing: "100m") + Quantity(parsing: "0.9") == Quantity(1))
        #expect(try (Quantity(parsing: "1Gi") - Quantity(parsing: "512Mi")).description == "512Mi")
    }

    @Test func `JSON holds the canonical text, and a bare number is read too`() throws {
        let amounts = try KubernetesJSON.decode([String: Quantity].self, from: #"{"a":"0.5Gi","b":2,"c":0.25}"#)
        #expect(try KubernetesJSON.encodeString(amounts) == #"{"a":"512Mi","b":"2","c":"250m"}"#)
        #expect(throws: (any Error).self) { try KubernetesJSON.decode([Quantity].self, from: #"["one"]"#) }
    }
}
