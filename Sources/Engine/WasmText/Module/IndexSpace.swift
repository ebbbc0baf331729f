// SPDX-License-Identifier: Apache-2.0
// Swiftlet: symbolic identifiers and the numbers they stand for.

import Wasm

/// One index space of a module (core specification §6.1.2).
struct IndexSpace {
    /// For messages, as the specification's suite words them: "unknown function".
    let what: StaticString
    /// "duplicate func".
    let short: StaticString
    private(set) var indices: [ExactName: UInt32] = [:]
    private(set) var count: UInt32 = 0
    /// Names for the name section: identifiers, and annotations in their place.
    var names: [UInt32: String] = [:]

    init(_ what: StaticString, _ short: StaticString) {
        self.what = what
        self.short = short
    }

    /// Takes the next index for a definition.
    mutating func define(_ identifier: Token?, _ reader: TokenReader) throws(TextError) {
        if let identifier {
            let name = try reader.identifierName(identifier)
            guard indices.updateValue(count, forKey: name) == nil else {
                throw reader.failure(at: identifier.start, "duplicate \(short) \(reader.shown(identifier))")
            }
            names[count] = name.string
        }
        count += 1
    }

    /// The index that a use names, by number or by identifier.
    @inline(__always)
    func use(_ reader: inout TokenReader) throws(TextError) -> UInt32 {
        if reader.token.kind == .number { return try reader.takeU32("an index") }
        guard reader.token.kind == .identifier else {
            throw reader.unexpected("the index or identifier of a \(what)")
        }
        guard let index = indices[try reader.identifierName(reader.token)] else { throw unknown(reader) }
        try reader.advance()
        return index
    }

    private func unknown(_ reader: TokenReader) -> TextError {
        let wanted = reader.text(reader.token)
        // LIMIT: identifiers that are compared; each comparison is quadratic in their length.
        let known = indices.keys.lazy.prefix(2000).map { "$" + $0.string }
        let hint = wanted.utf8.count > 100 ? nil : Suggestion.nearest(to: wanted, in: known)
        return reader.failure(
            "unknown \(what) \(reader.shown(reader.token))" + (hint.map { "; did you mean \($0)?" } ?? ""))
    }
}

extension TokenReader {
    /// Whether an index stands here, by number or identifier.
    var isIndex: Bool { token.kind == .number || token.kind == .identifier }
}
