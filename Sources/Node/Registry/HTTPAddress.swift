// SPDX-License-Identifier: Apache-2.0
// Swiftlet: http and https addresses, as far as registries use them.

/// `scheme://host[:port]/path?query`, with the path as it goes on the wire.
package struct HTTPAddress: Sendable, Hashable, CustomStringConvertible {
    var isSecure: Bool
    /// Lower case; an IPv6 address without its brackets.
    var host: String
    var port: Int
    /// Begins with a slash; holds the query.
    var path: String

    init(isSecure: Bool, host: String, port: Int, path: String) {
        self.isSecure = isSecure
        self.host = host
        self.port = port
        self.path = path
    }

    package init?(_ text: String) {
        // LIMIT: storage back ends sign their addresses with a few kilobytes.
        guard text.utf8.count <= 16_384, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        let rest: Substring
        if text.lowercased().hasPrefix("https://") {
            isSecure = true
            rest = text.dropFirst(8)
        } else if text.lowercased().hasPrefix("http://") {
            isSecure = false
            rest = text.dropFirst(7)
        } else {
            return nil
        }
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        // A user and a password in an address are somebody's mistake or trick.
        guard !authority.contains("@"), !authority.isEmpty else { return nil }
        let isBracketed = authority.hasPrefix("[")
        guard isBracketed == authority.contains("]") else { return nil }
        let name = isBracketed ? authority.prefix { $0 != "]" } + "]" : authority.prefix { $0 != ":" }
        let portText = authority.dropFirst(name.count)
        guard let found = Self.host(name) else { return nil }
        host = found
        if !portText.isEmpty {
            guard portText.hasPrefix(":"), let number = UInt16(portText.dropFirst()), number > 0 else { return nil }
            port = Int(number)
        } else {
            port = isSecure ? 443 : 80
        }
        let tail = rest.dropFirst(authority.count).prefix { $0 != "#" }
        path = tail.isEmpty ? "/" : tail.first == "?" ? "/\(tail)" : String(tail)
    }

    private static func host(_ text: Substring) -> String? {
        guard text.hasPrefix("[") else { return text.isEmpty || text.contains("]") ? nil : text.lowercased() }
        let address = text.dropFirst().dropLast()
        let digits = Set("0123456789abcdefABCDEF:.".utf8)
        return address.utf8.allSatisfy { digits.contains($0) } && address.contains(":") ? address.lowercased() : nil
    }

    /// What a `Location` header means here; nil: nothing that can be followed.
    func resolving(_ location: String) -> HTTPAddress? {
        if location.hasPrefix("//") { return HTTPAddress("\(isSecure ? "https:" : "http:")\(location)") }
        guard location.hasPrefix("/") else { return HTTPAddress(location) }
        guard location.utf8.count <= 16_384, location.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        var result = self
        result.path = location
        return result
    }

    func with(path: String) -> HTTPAddress { HTTPAddress(isSecure: isSecure, host: host, port: port, path: path) }

    func adding(query: [(String, String)]) -> HTTPAddress {
        let text = query.map { "\(Self.encode($0.0))=\(Self.encode($0.1))" }.joined(separator: "&")
        return with(path: path + (path.contains("?") ? "&" : "?") + text)
    }

    /// Same scheme, host and port: credentials may go along.
    func isSameOrigin(_ other: HTTPAddress) -> Bool {
        isSecure == other.isSecure && host == other.host && port == other.port
    }

    /// `host:port`, without a port that goes without saying.
    var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
    }

    /// Without the query, which may hold a signature.
    package var description: String { "\(isSecure ? "https" : "http")://\(authority)\(path.prefix { $0 != "?" })" }

    /// RFC 3986: everything but unreserved characters as %XX.
    static func encode(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            let isUnreserved =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || "-._~".utf8.contains(byte)
            if isUnreserved {
                bytes.append(byte)
            } else {
                bytes += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// RFC 4648, the standard alphabet.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ text: String) -> String {
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var value: UInt32 = 0
            for byte in group { value = value << 8 | UInt32(byte) }
            value <<= UInt32(8 * (3 - group.count))
            for index in 0..<4 {
                result.append(
                    index <= group.count ? alphabet[Int(value >> UInt32(18 - 6 * index) & 63)] : UInt8(ascii: "="))
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// nil: not Base64. White space and missing padding are forgiven, as docker does.
    static func decode(_ text: String) -> String? {
        var result: [UInt8] = []
        var value: UInt32 = 0
        var bits = 0
        for byte in text.utf8 where byte > 0x20 {
            if byte == UInt8(ascii: "=") { break }
            guard let digit = alphabet.firstIndex(of: byte) else { return nil }
            value = value << 6 | UInt32(digit)
            bits += 6
            if bits >= 8 {
                bits -= 8
                result.append(UInt8(truncatingIfNeeded: value >> UInt32(bits)))
            }
        }
        return String(validating: result, as: UTF8.self)
    }
}
