// SPDX-License-Identifier: Apache-2.0
// Swiftlet: why a native image is refused.

/// An image that is refused: where, what belongs there, what stands there.
public struct NativeImageError: Error, Sendable, Equatable {
    /// The field, table entry or call.
    public var place: String
    public var expected: String
    public var found: String

    public init(_ place: String, expected: String, found: String) {
        self.place = place
        self.expected = expected
        self.found = found
    }
}

extension NativeImageError: CustomStringConvertible {
    /// `native image: ABI version: expected 3, found 2`.
    public var description: String { "native image: \(place): expected \(expected), found \(found)" }
}
