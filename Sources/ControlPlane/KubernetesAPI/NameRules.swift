// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the rules for names, labels and ports (RFC 1123, RFC 1035, upstream's qualified names).

/// Rules for names. Each function returns `nil` when the text is fine, and otherwise what is wrong with it.
public enum NameRules {
    /// A DNS label of RFC 1123: up to 63 of a-z, 0-9 and `-`, starting and ending alphanumeric.
    public static func dnsLabelProblem(_ text: String) -> String? {
        if text.isEmpty { return "must not be empty" }
        if text.utf8.count > 63 { return "must be no more than 63 characters" }
        guard text.utf8.allSatisfy({ isLowerOrDigit($0) || $0 == 0x2D }), hasEnds(text.utf8, isLowerOrDigit) else {
            return "must consist of lower case letters, digits and \"-\", and start and end with a letter or digit"
        }
        return nil
    }

    /// A DNS label of RFC 1035, which must start with a letter; service names are such labels.
    public static func dns1035LabelProblem(_ text: String) -> String? {
        if let problem = dnsLabelProblem(text) { return problem }
        guard let first = text.utf8.first, !isDigit(first) else { return "must start with a letter" }
        return nil
    }

    /// A DNS subdomain of RFC 1123: labels joined by dots, up to 253 characters; most object names are such.
    public static func dnsSubdomainProblem(_ text: String) -> String? {
        if text.isEmpty { return "must not be empty" }
        if text.utf8.count > 253 { return "must be no more than 253 characters" }
        let parts = text.utf8.split(separator: 0x2E, omittingEmptySubsequences: false)
        guard
            parts.allSatisfy({ part in
                part.allSatisfy { isLowerOrDigit($0) || $0 == 0x2D } && hasEnds(part, isLowerOrDigit)
            })
        else {
            return "must consist of lower case letters, digits, \"-\" and \".\", "
                + "and each part must start and end with a letter or digit"
        }
        return nil
    }

    /// A label or annotation key: an optional DNS subdomain and `/`, then up to 63 of letters, digits, `-`, `_`, `.`.
    public static func qualifiedNameProblem(_ text: String) -> String? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let name = parts.last else {
            return "must be a name with an optional DNS subdomain prefix and \"/\""
        }
        if parts.count == 2, let problem = dnsSubdomainProblem(String(parts[0])) { return "prefix part \(problem)" }
        if name.isEmpty { return "name part must not be empty" }
        if name.utf8.count > 63 { return "name part must be no more than 63 characters" }
        guard name.utf8.allSatisfy(isNameByte), hasEnds(name.utf8, isAlphanumeric) else {
            return "name part must consist of letters, digits, \"-\", \"_\" and \".\", "
                + "and start and end with a letter or digit"
        }
        return nil
    }

    /// A label's value: empty, or up to 63 of letters, digits, `-`, `_`, `.`, starting and ending alphanumeric.
    public static func labelValueProblem(_ text: String) -> String? {
        if text.isEmpty { return nil }
        if text.utf8.count > 63 { return "must be no more than 63 characters" }
        guard text.utf8.allSatisfy(isNameByte), hasEnds(text.utf8, isAlphanumeric) else {
            return "must be empty or consist of letters, digits, \"-\", \"_\" and \".\", "
                + "and start and end with a letter or digit"
        }
        return nil
    }

    /// The name of a port: up to 15 of a-z, 0-9 and single `-`, with at least one letter (RFC 6335 §5.1).
    public static func portNameProblem(_ text: String) -> String? {
        if text.isEmpty { return "must not be empty" }
        if text.utf8.count > 15 { return "must be no more than 15 characters" }
        guard text.utf8.allSatisfy({ isLowerOrDigit($0) || $0 == 0x2D }), hasEnds(text.utf8, isLowerOrDigit) else {
            return "must consist of lower case letters, digits and \"-\", and start and end with a letter or digit"
        }
        if !text.utf8.contains(where: { isLowerOrDigit($0) && !isDigit($0) }) { return "must contain a letter" }
        var previous: UInt8 = 0
        for byte in text.utf8 {
            if byte == 0x2D, previous == 0x2D { return "must not contain \"--\"" }
            previous = byte
        }
        return nil
    }

    /// The name of an environment variable: printable ASCII other than `=`, as upstream's relaxed rule has it.
    public static func environmentNameProblem(_ text: String) -> String? {
        if text.isEmpty { return "must not be empty" }
        guard text.utf8.allSatisfy({ (0x20...0x7E).contains($0) && $0 != 0x3D }) else {
            return "must consist of printable ASCII characters other than \"=\""
        }
        return nil
    }

    /// A key of a ConfigMap or Secret: up to 253 of letters, digits, `-`, `_`, `.`, and not `.`, `..` or `..x`.
    public static func configKeyProblem(_ text: String) -> String? {
        if text.isEmpty { return "must not be empty" }
        if text.utf8.count > 253 { return "must be no more than 253 characters" }
        guard text.utf8.allSatisfy(isNameByte) else {
            return "must consist of letters, digits, \"-\", \"_\" and \".\""
        }
        if text == "." || text.hasPrefix("..") { return "must not be \".\" or start with \"..\"" }
        return nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    private static func isLowerOrDigit(_ byte: UInt8) -> Bool { isDigit(byte) || (0x61...0x7A).contains(byte) }
    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isLowerOrDigit(byte) || (0x41...0x5A).contains(byte)
    }
    private static func isNameByte(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte == 0x2D || byte == 0x2E || byte == 0x5F
    }

    private static func hasEnds(_ text: some BidirectionalCollection<UInt8>, _ isAllowed: (UInt8) -> Bool) -> Bool {
        guard let first = text.first, let last = text.last else { return false }
        return isAllowed(first) && isAllowed(last)
    }
}
