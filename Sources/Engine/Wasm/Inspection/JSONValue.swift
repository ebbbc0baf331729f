// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the least JSON that a report needs, without Foundation.

/// A JSON value to be written. Objects keep the order of their members.
indirect enum JSONValue {
    case string(String)
    case number(UInt64)
    case bool(Bool)
    case null
    case array([JSONValue])
    case object([(key: String, value: JSONValue)])

    /// The text, indented by two spaces per level (RFC 8259).
    var text: String {
        var text = ""
        write(to: &text, indent: "")
        return text
    }

    private func write(to text: inout String, indent: String) {
        let deeper = indent + "  "
        switch self {
        case .string(let value): Self.write(value, to: &text)
        case .number(let value): text += String(value)
        case .bool(let value): text += value ? "true" : "false"
        case .null: text += "null"
        case .array(let items):
            if items.isEmpty { return text += "[]" }
            for (index, item) in items.enumerated() {
                text += (index == 0 ? "[\n" : ",\n") + deeper
                item.write(to: &text, indent: deeper)
            }
            text += "\n" + indent + "]"
        case .object(let members):
            if members.isEmpty { return text += "{}" }
            for (index, member) in members.enumerated() {
                text += (index == 0 ? "{\n" : ",\n") + deeper
                Self.write(member.key, to: &text)
                text += ": "
                member.value.write(to: &text, indent: deeper)
            }
            text += "\n" + indent + "}"
        }
    }

    private static func write(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\t": text += "\\t"
            case "\r": text += "\\r"
            default:
                if scalar.value < 0x20 || scalar.value == 0x7F {
                    let digits = String(scalar.value, radix: 16)
                    text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                } else {
                    text.unicodeScalars.append(scalar)
                }
            }
        }
        text += "\""
    }
}
