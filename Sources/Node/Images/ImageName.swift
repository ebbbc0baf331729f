// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the name of an image, as people write it and as registries and the store know it.

/// `[host[:port]/]repository[:tag][@sha256:HEX]`, normalised as every container tool does it: no host means docker.io,
/// a repository of one part there is under `library/`, neither tag nor digest means `latest`.
///
/// See: the grammar of distribution/reference.
public struct ImageName: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Host and port of the registry.
    public let registry: String
    public let repository: String
    public let tag: String?
    public let digest: Digest?

    /// - Throws: `ImageError` with code `invalidName`.
    public init(_ text: String) throws(ImageError) {
        // LIMIT: upstream's name has 255 characters at most, a tag 128, a digest 71.
        guard text.utf8.count <= 600, !text.isEmpty else { throw Self.invalid(text, "expected 1 to 600 characters") }
        var rest = text[...]
        var digest: Digest?
        if let at = rest.lastIndex(of: "@") {
            do { digest = try Digest(String(rest[rest.index(after: at)...])) } catch {
                throw Self.invalid(text, error.message)
            }
            rest = rest[..<at]
        }
        var tag: String?
        if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("/") {
            let found = rest[rest.index(after: colon)...]
            guard Self.isTag(found) else { throw Self.invalid(text, "\"\(found.prefix(60))\" is no tag") }
            tag = String(found)
            rest = rest[..<colon]
        }
        var parts = rest.split(separator: "/", omittingEmptySubsequences: false)
        var host: Substring = "docker.io"
        if parts.count > 1, let first = parts.first,
            first.contains(".") || first.contains(":") || first == "localhost" || first.lowercased() != first
        {
            guard Self.isHost(first) else { throw Self.invalid(text, "\"\(first.prefix(60))\" is no host") }
            host = parts.removeFirst()
        }
        for part in parts where !Self.isPathComponent(part) {
            throw Self.invalid(
                text,
                "\"\(part.prefix(60))\" is no part of a repository: expected lower-case letters, digits and separators")
        }
        if host == "index.docker.io" { host = "docker.io" }
        if host == "docker.io", parts.count == 1 { parts.insert("library", at: 0) }
        registry = String(host)
        repository = parts.joined(separator: "/")
        guard registry.utf8.count + 1 + repository.utf8.count <= 255 else {
            throw Self.invalid(text, "longer than 255 characters")
        }
        self.tag = tag ?? (digest == nil ? "latest" : nil)
        self.digest = digest
    }

    private init(registry: String, repository: String, tag: String?, digest: Digest?) {
        self.registry = registry
        self.repository = repository
        self.tag = tag
        self.digest = digest
    }

    /// `host/repository` without tag and digest.
    public var repositoryName: String { "\(registry)/\(repository)" }

    /// What a registry is asked for: the digest if there is one.
    public var reference: String { digest?.description ?? tag ?? "latest" }

    public func with(digest: Digest) -> ImageName {
        ImageName(registry: registry, repository: repository, tag: nil, digest: digest)
    }

    public func with(tag: String) -> ImageName {
        ImageName(registry: registry, repository: repository, tag: tag, digest: nil)
    }

    /// The full name, which parses to the same value.
    public var description: String {
        repositoryName + (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "")
    }

    public static func < (left: ImageName, right: ImageName) -> Bool { left.description < right.description }

    private static func invalid(_ text: String, _ reason: String) -> ImageError {
        ImageError(.invalidName, "image name \"\(text.prefix(100))\": \(reason)")
    }

    private static func isHost(_ host: Substring) -> Bool {
        if host.hasPrefix("[") {
            let address = host.prefix { $0 != "]" }.dropFirst()
            let port = host.dropFirst(address.count + 2)
            let digits = Set("0123456789abcdefABCDEF:.".utf8)
            return address.contains(":") && address.utf8.allSatisfy { digits.contains($0) }
                && (port.isEmpty
                    || port.hasPrefix(":") && port.dropFirst().utf8.first.map { $0 != 0x2B } == true
                        && UInt16(port.dropFirst()) != nil)
                && host.contains("]")
        }
        let parts = host.split(separator: ":", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let name = parts.first, !name.isEmpty else { return false }
        if parts.count == 2, UInt16(parts[1]) == nil || parts[1].hasPrefix("+") { return false }
        return name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            guard let first = label.utf8.first, let last = label.utf8.last else { return false }
            return isAlphanumeric(first) && isAlphanumeric(last)
                && label.utf8.allSatisfy { isAlphanumeric($0) || $0 == 0x2D }
        }
    }

    /// Lower-case letters and digits, with `.`, `_`, `__` or any number of `-` between them.
    private static func isPathComponent(_ component: Substring) -> Bool {
        var separator: [UInt8] = []
        var isFirst = true
        for byte in component.utf8 {
            if isAlphanumeric(byte), !(0x41...0x5A).contains(byte) {
                let isAllowed =
                    separator.isEmpty
                    || !isFirst
                        && (separator.count == 1 || separator == [0x5F, 0x5F] || separator.allSatisfy { $0 == 0x2D })
                guard isAllowed else { return false }
                separator = []
                isFirst = false
            } else if byte == 0x2E || byte == 0x5F || byte == 0x2D {
                separator.append(byte)
            } else {
                return false
            }
        }
        return !isFirst && separator.isEmpty
    }

    private static func isTag(_ tag: Substring) -> Bool {
        guard let first = tag.utf8.first, tag.utf8.count <= 128, first != 0x2E, first != 0x2D else { return false }
        return tag.utf8.allSatisfy { isAlphanumeric($0) || $0 == 0x2E || $0 == 0x2D || $0 == 0x5F }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte)
    }
}
