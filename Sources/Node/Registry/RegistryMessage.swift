// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what a registry says about a failure.

import OCI

/// See: OCI distribution specification, error codes.
enum RegistryMessage {
    /// `CODE: message` of the first error; empty where the body is something else.
    static func text(_ body: [UInt8]) -> String {
        guard body.count <= 65_536, let json = try? JSON(parsing: body), case .array(let errors)? = json["errors"],
            let first = errors.first
        else { return "" }
        var parts: [String] = []
        for name in ["code", "message"] {
            if case .string(let text)? = first[name] { parts.append(printable(text)) }
        }
        return parts.joined(separator: ": ")
    }

    /// A registry's text goes to terminals and events: no control characters, not long.
    private static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }).prefix(200))
    }
}
