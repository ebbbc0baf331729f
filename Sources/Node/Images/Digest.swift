// SPDX-License-Identifier: Apache-2.0
// Swiftlet: content digests.

import CLibCrypto

/// A SHA-256 content digest, `sha256:` and 64 lower-case hexadecimal digits.
///
/// See: OCI image specification, descriptor.md. sha512, which registries may offer and none does, is refused.
public struct Digest: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The digits.
    public let hex: String

    public init(_ text: String) throws(ImageError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == "sha256" else {
            throw ImageError(.unsupported, "digest \"\(text.prefix(160))\": expected sha256:HEX")
        }
        guard parts[1].utf8.count == 64, parts[1].utf8.allSatisfy(Self.isHexDigit) else {
            throw ImageError(
                .invalidContent, "digest \"\(text.prefix(160))\": expected 64 lower-case hexadecimal digits")
        }
        hex = String(parts[1])
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }

    fileprivate init(hash: [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in hash { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        hex = String(decoding: text, as: UTF8.self)
    }

    /// The digest of these bytes.
    public static func of(_ bytes: [UInt8]) -> Digest {
        var hasher = DigestHasher()
        bytes.withUnsafeBytes { hasher.update($0) }
        return hasher.digest()
    }

    public static func < (left: Digest, right: Digest) -> Bool { left.hex < right.hex }

    public var description: String { "sha256:\(hex)" }
    /// The first 12 digits, for people.
    public var short: String { String(hex.prefix(12)) }
}

/// SHA-256 of bytes as they come.
public struct DigestHasher: Sendable {
    private var context = SHA256_CTX()
    /// Bytes so far.
    public private(set) var count: UInt64 = 0

    public init() { SHA256_Init(&context) }

    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count > 0 else { return }
        SHA256_Update(&context, bytes.baseAddress, bytes.count)
        count += UInt64(bytes.count)
    }

    /// The digest of what came so far; more may follow.
    public func digest() -> Digest {
        var copy = context
        var hash = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        SHA256_Final(&hash, &copy)
        return Digest(hash: hash)
    }
}
