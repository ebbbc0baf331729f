// SPDX-License-Identifier: Apache-2.0
// Swiftlet: JSON values as YAML, for `-o yaml`.

extension JSONValue {
    /// Block style, keys sorted, strings quoted exactly where YAML 1.1 would read something else (the dialect that
    /// Kubernetes tools read). Ends with a newline.
    public func yaml() -> String {
        var output = ""
        switch self {
        case .object(let fields) where !fields.isEmpty: YAMLWriter.mapping(fields, indent: 0, into: &output)
        case .array(let items) where !items.isEmpty: YAMLWriter.sequence(items, indent: 0, into: &output)
        default: output = YAMLWriter.scalar(self, indent: 0) + "\n"
        }
        return output
    }
}

private enum YAMLWriter {
    static func mapping(_ fields: [String: JSONValue], indent: Int, into output: inout String) {
        let margin = String(repeating: " ", count: indent)
        for key in fields.keys.sorted() {
            guard let value = fields[key] else { continue }
            output += margin + plainOrQuoted(key) + ":"
            switch value {
            case .object(let inner) where !inner.isEmpty:
                output += "\n"
                mapping(inner, indent: indent + 2, into: &output)
            case .array(let items) where !items.isEmpty:
                output += "\n"
                sequence(items, indent: indent, into: &output)
            default:
                output += " " + scalar(value, indent: indent + 2) + "\n"
            }
        }
    }

    static func sequence(_ items: [JSONValue], indent: Int, into output: inout String) {
        let margin = String(repeating: " ", count: indent)
        for item in items {
            var block = ""
            switch item {
            case .object(let inner) where !inner.isEmpty: mapping(inner, indent: indent + 2, into: &block)
            case .array(let inner) where !inner.isEmpty: sequence(inner, indent: indent + 2, into: &block)
            default: block = String(repeating: " ", count: indent + 2) + scalar(item, indent: indent + 2) + "\n"
            }
            // The first line of the block starts behind the dash.
            output += margin + "- " + block.dropFirst(indent + 2)
        }
    }

    static func scalar(_ value: JSONValue, indent: Int) -> String {
        switch value {
        case .null: "null"
        case .bool(let flag): flag ? "true" : "false"
        case .integer(let number): String(number)
        case .number(let number): String(number)
        case .array: "[]"
        case .object: "{}"
        case .string(let text): string(text, indent: indent)
        }
    }

    /// A text of several plain lines is a literal block; everything else one line.
    private static func string(_ text: String, indent: Int) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let isBlock =
            lines.count > 1 && !(lines.first?.hasPrefix(" ") ?? true) && !text.hasPrefix("\t")
            && lines.first?.isEmpty == false
            && text.unicodeScalars.allSatisfy { $0 == "\n" || isPrintable($0) }
        guard isBlock else { return plainOrQuoted(text) }
        let margin = String(repeating: " ", count: indent)
        let trailing = lines.reversed().prefix { $0.isEmpty }.count
        let content = lines.dropLast(trailing).map { $0.isEmpty ? "" : margin + $0 }.joined(separator: "\n")
        switch trailing {
        case 0: return "|-\n" + content
        case 1: return "|\n" + content
        default: return "|+\n" + content + String(repeating: "\n", count: trailing - 1)
        }
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "\t"
            || (scalar.value >= 0x20 && scalar.value != 0x7F && !(0x80...0x9F).contains(scalar.value))
                && scalar.value != 0x2028 && scalar.value != 0x2029 && scalar.value != 0xFEFF
    }

    static func plainOrQuoted(_ text: String) -> String { isPlain(text) ? text : quoted(text) }

    /// Whether YAML 1.1 reads the bare text as this very string.
    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first, let last = text.unicodeScalars.last else { return false }
        if first == " " || last == " " || last == ":" { return false }
        if "-?:,[]{}#&*!|>'\"%@`~<=".unicodeScalars.contains(first) { return false }
        guard text.unicodeScalars.allSatisfy({ isPrintable($0) && $0 != "\t" }) else { return false }
        if text.contains(": ") || text.contains(" #") { return false }
        let words = ["y", "n", "yes", "no", "true", "false", "on", "off", "null"]
        if words.contains(text.lowercased()) { return false }
        return !looksNumeric(text)
    }

    /// Numbers, dates, times (sexagesimal) and the special floats: all begin with a digit, a sign or a dot.
    private static func looksNumeric(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first else { return false }
        guard "0123456789+-.".unicodeScalars.contains(first) else { return false }
        let isNumberLike = text.unicodeScalars.allSatisfy {
            "0123456789+-._:eExXoOabcdfABCDFTZ ".unicodeScalars.contains($0)
        }
        let lower = text.lowercased()
        return isNumberLike || lower.hasSuffix(".inf") || lower == ".nan"
    }

    private static func quoted(_ text: String) -> String {
        let needsEscapes = !text.unicodeScalars.allSatisfy { isPrintable($0) && $0 != "\t" }
        guard needsEscapes else {
            return "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
        }
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case "\r": result += "\\r"
            default:
                if isPrintable(scalar) {
                    result.unicodeScalars.append(scalar)
                } else {
                    let digits = String(scalar.value, radix: 16, uppercase: true)
                    result += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
                }
            }
        }
        return result + "\""
    }
}
