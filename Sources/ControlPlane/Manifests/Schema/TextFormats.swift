// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the formats of scalars that JSON writes as strings.

import KubernetesAPI

/// Formats of strings with a typed meaning.
enum TextFormats {
    static func canonicalQuantity(_ text: String) -> String? { Quantity(text)?.description }
    static func quantityProblem(_ text: String) -> String {
        QuantityFormatError(text: Node.shortened(text)).description
    }
    static func isTime(_ text: String) -> Bool { MicroTime(text) != nil }
    static func isBase64(_ text: String) -> Bool { Base64Data(base64: text) != nil }
}
