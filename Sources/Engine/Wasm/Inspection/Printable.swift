// SPDX-License-Identifier: Apache-2.0
// Swiftlet: names from a module, made safe to show.

extension String {
    /// The string with control and direction characters escaped as `\u{1b}`.
    ///
    /// Names in a module are chosen by whoever made it; shown raw they could move the cursor or rewrite a log line.
    public var printable: String {
        guard unicodeScalars.contains(where: Self.isUnsafe) else { return self }
        var safe = ""
        for scalar in unicodeScalars {
            if Self.isUnsafe(scalar) {
                safe += "\\u{" + String(scalar.value, radix: 16) + "}"
            } else {
                safe.unicodeScalars.append(scalar)
            }
        }
        return safe
    }

    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: true
        default: false
        }
    }
}
