// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the syntax of image names.

/// The parts of an image name `[host[:port]/]path[:tag][@algorithm:hex]` (OCI distribution specification; the grammar is
/// that of the reference parser in distribution/reference).
public struct ImageReference: Sendable, Equatable {
    public var name: String
    public var tag: String?
    public var digest: String?

    /// Whether `image` names a module file instead of an image: it starts with `/`, `./` or `../`.
    public static func isPath(_ image: String) -> Bool {
        image.hasPrefix("/") || image.hasPrefix("./") || image.hasPrefix("../")
    }

    /// Parses a name; `nil` when it breaks the grammar.
    public init?(_ text: String) {
        // LIMIT: a name has at most 255 characters, a tag 128, a digest about 140.
        guard text.utf8.count <= 600 else { return nil }
        var rest = text[...]
        if let at = rest.lastIndex(of: "@") {
            let digest = String(rest[rest.index(after: at)...])
            guard Self.isDigest(digest) else { return nil }
            self.digest = digest
            rest = rest[..<at]
        }
        if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("/") {
            let tag = String(rest[rest.index(after: colon)...])
            guard Self.isTag(tag) else { return nil }
            self.tag = tag
            rest = rest[..<colon]
        }
        name = String(rest)
        guard !name.isEmpty, name.utf8.count <= 255, Self.isName(name) else { return nil }
    }

    private static func isName(_ name: String) -> Bool {
        var parts = name.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count > 1, let host = parts.first, host.contains(".") || host.contains(":") || host == "localhost" {
            guard isHost(host) else { return false }
            parts.removeFirst()
        }
        return parts.allSatisfy(isPathComponent)
    }

    private static func isHost(_ host: Substring) -> Bool {
        let parts = host.split(separator: ":", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count) else { return false }
        if parts.count == 2, UInt16(parts[1]) == nil { return false }
        return !parts[0].isEmpty
            && parts[0].utf8.allSatisfy { isLower($0) || isDigit($0) || isUpper($0) || $0 == 0x2D || $0 == 0x2E }
    }

    /// Lower-case letters and digits, with `.`, `_`, `__` or any number of `-` between them.
    private static func isPathComponent(_ component: Substring) -> Bool {
        let bytes = Array(component.utf8)
        guard let first = bytes.first, let last = bytes.last, isLower(first) || isDigit(first),
            isLower(last) || isDigit(last)
        else { return false }
        var separator: [UInt8] = []
        for byte in bytes {
            if isLower(byte) || isDigit(byte) {
                let isAllowed =
                    separator.count <= 1 || separator == [0x5F, 0x5F] || separator.allSatisfy { $0 == 0x2D }
                guard isAllowed else { return false }
                separator = []
            } else if byte == 0x2E || byte == 0x5F || byte == 0x2D {
                separator.append(byte)
            } else {
                return false
            }
        }
        return true
    }

    private static func isTag(_ tag: String) -> Bool {
        guard let first = tag.utf8.first, tag.utf8.count <= 128, first != 0x2E, first != 0x2D else { return false }
        return tag.utf8.allSatisfy {
            isLower($0) || isUpper($0) || isDigit($0) || $0 == 0x2E || $0 == 0x2D || $0 == 0x5F
        }
    }

    private static func isDigest(_ digest: String) -> Bool {
        let parts = digest.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == "sha256" || parts[0] == "sha512" else { return false }
        let length = parts[0] == "sha256" ? 64 : 128
        return parts[1].utf8.count == length && parts[1].utf8.allSatisfy { isDigit($0) || (0x61...0x66).contains($0) }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    private static func isLower(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) }
    private static func isUpper(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte) }
}
