// SPDX-License-Identifier: Apache-2.0
// Swiftlet: why a document could not be read as a tree.

/// A text that is no document, or one beyond the limits.
public struct ReadError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Kind: Sendable, Equatable {
        /// The text breaks the rules of YAML or JSON.
        case syntax
        /// Too large, too deep, or too many values.
        case limit
        /// The same key twice in one mapping.
        case duplicateKey
        /// Legal YAML that no manifest can mean: a list as a key, a tag of some application, an unknown anchor.
        case unsupported
    }

    public var kind: Kind
    public var mark: Mark
    public var message: String
    /// The field, when one is meant.
    public var path = FieldPath()

    public var description: String { "\(mark.line):\(mark.column): \(message)" }
}

/// The bounds within which documents are read, so that hostile ones are refused at once.
public struct ReadLimits: Sendable {
    // LIMIT: 8 MiB per file; the API server takes 3 MiB per object.
    public var bytesMax = 8 << 20
    // LIMIT: nesting; the deepest field of a manifest lies at about 20.
    public var depthMax = 100
    // LIMIT: values per file, counted after the expansion of aliases.
    public var valuesMax = 400_000
    // LIMIT: documents per file.
    public var documentsMax = 10_000

    public init() {}
}

/// The documents of a text, and what was wrong with it.
package struct ReadResult: Sendable {
    package var documents: [Node] = []
    package var errors: [ReadError] = []
}
