// SPDX-License-Identifier: Apache-2.0
// Swiftlet: why a module is refused.

/// A module that is refused, with the place in its binary.
///
/// The message starts with the phrase of the specification's own test suite ("unexpected end", "type mismatch", …), so
/// that every engine's users can search for it, and goes on with what was found where.
public struct WasmError: Error, Sendable, Equatable {
    public enum Kind: String, Sendable {
        /// The bytes are not a module (core specification §5).
        case malformed
        /// The module breaks a validation rule (core specification §3).
        case invalid
        /// The module is fine, but needs a feature that this engine does not have.
        case unsupported
        /// The module exceeds a ``DecodingLimits`` value.
        case limit
    }

    public var kind: Kind
    /// In bytes from the module's start.
    public var offset: Int
    public var message: String

    // LIMIT: characters of a message.
    private static let messageCharacters = 1_000

    public init(_ kind: Kind, at offset: Int, _ message: String) {
        self.kind = kind
        self.offset = offset
        // Names from the module may be long and hold anything.
        self.message = String(message.prefix(Self.messageCharacters)).printable
    }
}

extension WasmError: CustomStringConvertible {
    /// `invalid module at byte 0x1f3: type mismatch: …`, as users see it.
    public var description: String {
        "\(kind == .limit ? "too large" : kind.rawValue) module at byte 0x\(String(offset, radix: 16)): \(message)"
    }
}
