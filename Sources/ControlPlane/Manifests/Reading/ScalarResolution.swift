// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what a plain YAML scalar means, by the rules that Kubernetes' YAML reader uses (YAML 1.1).

/// Resolution of plain scalars: booleans include yes, no, on, off, y and n; integers may be binary, octal or
/// hexadecimal and may contain `_`; times stay strings, since JSON has none.
enum ScalarResolution {
    static func value(ofPlain text: String) -> Node.Value {
        guard let first = text.utf8.first else { return .null }
        switch text {
        case "~", "null", "Null", "NULL": return .null
        case "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON": return .bool(true)
        case "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF": return .bool(false)
        case ".nan", ".NaN", ".NAN": return .float(.nan)
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .float(.infinity)
        case "-.inf", "-.Inf", "-.INF": return .float(-.infinity)
        default: break
        }
        guard (0x30...0x39).contains(first) || "+-.".utf8.contains(first) else { return .string(text) }
        return number(text) ?? .string(text)
    }

    private static func number(_ text: String) -> Node.Value? {
        let plain = text.contains("_") ? text.filter { $0 != "_" } : text
        if let integer = integer(plain) { return integer }
        guard isFloat(plain), let number = Double(plain) else { return nil }
        return .float(number)
    }

    private static func integer(_ text: String) -> Node.Value? {
        var digits = text[...]
        var sign = ""
        if let first = digits.first, first == "+" || first == "-" {
            sign = first == "-" ? "-" : ""
            digits = digits.dropFirst()
        }
        var radix = 10
        if digits.hasPrefix("0b") {
            (radix, digits) = (2, digits.dropFirst(2))
        } else if digits.hasPrefix("0o") {
            (radix, digits) = (8, digits.dropFirst(2))
        } else if digits.hasPrefix("0x") {
            (radix, digits) = (16, digits.dropFirst(2))
        } else if digits.hasPrefix("0"), digits.utf8.count > 1 {
            (radix, digits) = (8, digits.dropFirst())
        }
        guard let first = digits.first, first != "+", first != "-" else { return nil }
        if let number = Int64(sign + digits, radix: radix) { return .int(number) }
        // An integer beyond 64 bits is still a number.
        let isNumber = digits.allSatisfy { $0.isHexDigit && ($0.hexDigitValue ?? 16) < radix }
        return isNumber && radix == 10 ? Double(text).map { .float($0) } : nil
    }

    /// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
    private static func isFloat(_ text: String) -> Bool {
        var bytes = Array(text.utf8)[...]
        func digits() -> Int {
            bytes.prefix { (0x30...0x39).contains($0) }.count
        }
        if let first = bytes.first, first == 0x2B || first == 0x2D { bytes = bytes.dropFirst() }
        let whole = digits()
        bytes = bytes.dropFirst(whole)
        var fraction = 0
        if bytes.first == 0x2E {
            bytes = bytes.dropFirst()
            fraction = digits()
            bytes = bytes.dropFirst(fraction)
        }
        guard whole + fraction > 0 else { return false }
        if let first = bytes.first, first == 0x65 || first == 0x45 {
            bytes = bytes.dropFirst()
            if let sign = bytes.first, sign == 0x2B || sign == 0x2D { bytes = bytes.dropFirst() }
            let exponent = digits()
            guard exponent > 0 else { return false }
            bytes = bytes.dropFirst(exponent)
        }
        return bytes.isEmpty
    }
}
