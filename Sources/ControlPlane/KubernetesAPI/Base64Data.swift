// SPDX-License-Identifier: Apache-2.0
// Swiftlet: bytes that are base64 text in JSON.

import FoundationEssentials

/// Bytes of a Secret or ConfigMap value; base64 (RFC 4648 §4) in JSON.
public struct Base64Data: Codable, Sendable, Hashable {
    public var bytes: [UInt8]

    public init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    public init(utf8 text: String) {
        bytes = Array(text.utf8)
    }

    /// Decodes base64 text; line breaks are skipped as upstream does. `nil` when it is not base64.
    public init?(base64 text: String) {
        let compact = text.filter { $0 != "\n" && $0 != "\r" && $0 != "\r\n" }
        guard let data = Data(base64Encoded: compact) else { return nil }
        bytes = Array(data)
    }

    public var base64: String { Data(bytes).base64EncodedString() }

    /// The bytes as text, when they are valid UTF-8.
    public var text: String? { String(validating: bytes, as: UTF8.self) }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = Self(base64: text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected base64")
        }
        self = value
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(base64)
    }
}
