// SPDX-License-Identifier: Apache-2.0
// Swiftlet: WWW-Authenticate.

/// What a registry wants before it answers (RFC 9110, section 11.6.1).
enum Challenge: Sendable, Equatable {
    case basic
    /// The distribution specification's token flow.
    case bearer(realm: String, service: String, scope: String)

    /// The first scheme that we know; nil: none.
    ///
    /// LIMIT: headers are bounded by the HTTP parser.
    init?(_ header: String) {
        var rest = header[...]
        let scheme = rest.prefix { $0 != " " }
        rest = rest.dropFirst(scheme.count)
        switch scheme.lowercased() {
        case "basic": self = .basic
        case "bearer":
            let parameters = Self.parameters(rest)
            guard let realm = parameters["realm"] else { return nil }
            self = .bearer(realm: realm, service: parameters["service"] ?? "", scope: parameters["scope"] ?? "")
        default: return nil
        }
    }

    /// `name="value", name=value`.
    private static func parameters(_ text: Substring) -> [String: String] {
        var result: [String: String] = [:]
        var rest = text
        while true {
            rest = rest.drop { $0 == " " || $0 == "," || $0 == "\t" }
            guard let equals = rest.firstIndex(of: "=") else { return result }
            let name = rest[..<equals].lowercased()
            rest = rest[rest.index(after: equals)...]
            var value = ""
            if rest.first == "\"" {
                rest = rest.dropFirst()
                while let character = rest.first, character != "\"" {
                    rest = rest.dropFirst()
                    if character == "\\", let escaped = rest.first {
                        value.append(escaped)
                        rest = rest.dropFirst()
                    } else {
                        value.append(character)
                    }
                }
                rest = rest.dropFirst()
            } else {
                value = String(rest.prefix { $0 != "," && $0 != " " })
                rest = rest.dropFirst(value.count)
            }
            result[name] = value
        }
    }
}
