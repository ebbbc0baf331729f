// SPDX-License-Identifier: Apache-2.0
// Swiftlet: which addresses are reached through an HTTP proxy, and which one.

public import Images

/// An HTTP proxy that makes tunnels (CONNECT, RFC 9110 section 9.3.6) and forwards plain requests.
package struct HTTPProxy: Sendable, Equatable, CustomStringConvertible {
    var host: String
    var port: Int
    /// Value of `Proxy-Authorization`.
    var authorization: String?

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// `[http://][USER[:PASSWORD]@]HOST[:PORT][/]`.
    init(parsing text: String, variable: String) throws(ImageError) {
        func wrong(_ reason: String) -> ImageError {
            // Not the value: it may hold a password.
            ImageError(.invalidContent, "environment variable \(variable): \(reason)")
        }
        var rest = text[...]
        if let scheme = Self.scheme(of: rest) {
            guard scheme.lowercased() == "http" else {
                throw wrong("a proxy is spoken to over http; \(scheme) is not supported")
            }
            rest = rest.dropFirst(scheme.count + 3)
        }
        if let at = rest.lastIndex(of: "@") {
            guard let user = Self.decodePercent(rest[..<at]) else { throw wrong("damaged user name or password") }
            authorization = "Basic \(Base64.encode(user.contains(":") ? user : user + ":"))"
            rest = rest[rest.index(after: at)...]
        }
        guard let address = HTTPAddress("http://\(rest)"), address.path == "/" else {
            throw wrong("expected an address such as http://proxy.example:3128")
        }
        (host, port) = (address.host, address.port)
    }

    private static func scheme(of text: Substring) -> Substring? {
        let name = text.prefix { $0 != ":" }
        return text.dropFirst(name.count).hasPrefix("://") ? name : nil
    }

    private static func decodePercent(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

/// `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, also in lower case, with the meaning that docker and containerd give them.
///
/// A loopback address never has a proxy. `NO_PROXY` is a list with commas: `*` for everything; a host, which stands for
/// the hosts below it, too; `.HOST` for those alone; an IPv4 address or a range of them (`10.0.0.0/8`); each may have a
/// `:PORT`.
///
/// See: Go's golang.org/x/net/http/httpproxy.
public struct HTTPProxies: Sendable, Equatable {
    private var secure: HTTPProxy?
    private var plain: HTTPProxy?
    private var exceptions: [Substring] = []

    /// None for anything.
    public init() {}

    /// - Throws: `ImageError` with code `invalidContent` for a variable that names no proxy.
    public init(_ environment: [String: String]) throws(ImageError) {
        func variable(_ name: String) -> (name: String, value: String)? {
            for name in [name, name.lowercased()] {
                if let value = environment[name], !value.isEmpty { return (name, value) }
            }
            return nil
        }
        if let found = variable("HTTPS_PROXY") {
            secure = try HTTPProxy(parsing: found.value, variable: found.name)
        }
        if let found = variable("HTTP_PROXY") { plain = try HTTPProxy(parsing: found.value, variable: found.name) }
        exceptions = (variable("NO_PROXY")?.value ?? "").lowercased().split { $0 == "," || $0 == " " }
    }

    /// nil: none, the address is connected to.
    package func proxy(for address: HTTPAddress) -> HTTPProxy? {
        guard let proxy = address.isSecure ? secure : plain else { return nil }
        if address.host == "localhost" || address.host == "::1" { return nil }
        let number = Self.address(address.host[...])
        if let number, number >> 24 == 127 { return nil }
        return exceptions.contains { Self.matches($0, address, number) } ? nil : proxy
    }

    private static func matches(_ entry: Substring, _ address: HTTPAddress, _ number: UInt32?) -> Bool {
        if entry == "*" { return true }
        var host = entry
        // `[::1]:80` and `host:80` have a port; `::1` has none.
        if let colon = entry.lastIndex(of: ":"), let port = Int(entry[entry.index(after: colon)...]),
            entry[..<colon].hasSuffix("]") || !entry[..<colon].contains(":")
        {
            guard port == address.port else { return false }
            host = entry[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        let parts = host.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count == 2, let network = Self.address(parts[0]), let bits = UInt32(parts[1]), bits <= 32 {
            guard let number else { return false }
            return bits == 0 || (network ^ number) >> (32 - bits) == 0
        }
        if host.hasPrefix("*.") { host = host.dropFirst() }
        if host.hasPrefix(".") { return address.host.hasSuffix(host) }
        return address.host == host || number == nil && address.host.hasSuffix(".\(host)")
    }

    /// An IPv4 address as a number.
    private static func address(_ text: Substring) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var number: UInt32 = 0
        for part in parts {
            guard let byte = UInt8(part) else { return nil }
            number = number << 8 | UInt32(byte)
        }
        return number
    }
}
