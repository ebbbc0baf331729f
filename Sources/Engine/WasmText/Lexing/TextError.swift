// SPDX-License-Identifier: Apache-2.0
// Swiftlet: why a text is refused, and where.

import Wasm

/// A WebAssembly text that is refused, with its place.
public struct TextError: Error, Sendable, Equatable {
    public enum Kind: Sendable {
        /// The text breaks the grammar or a rule of identifiers (core specification §6).
        case malformed
        /// The text exceeds a limit: ``TextLimits`` or ``DecodingLimits``.
        case limit
    }

    public var kind: Kind
    /// What the text was read from, a file's name as a rule; empty when unknown.
    public var source = ""
    /// Both count from 1; columns are bytes.
    public var line: Int
    public var column: Int
    public var message: String

    // LIMIT: characters of a message, which may quote the text.
    private static let messageCharacters = 500

    init(_ kind: Kind, _ source: borrowing SourceText, at offset: Int, _ message: String) {
        self.kind = kind
        (line, column) = source.place(of: offset)
        self.message = String(message.prefix(Self.messageCharacters)).printable
    }
}

extension TextError: CustomStringConvertible {
    /// `app.wat:3:14: unexpected token: expected …, found …`
    public var description: String { (source.isEmpty ? "" : source + ":") + "\(line):\(column): \(message)" }
}

/// The bytes of a text. They outlive the reading: ``TextFormat`` holds them.
struct SourceText {
    let base: UnsafePointer<UInt8>
    let count: Int

    init(_ bytes: UnsafeRawBufferPointer) {
        // An empty text has no address; nothing is read then.
        base = bytes.bindMemory(to: UInt8.self).baseAddress ?? CharacterClass.pointer
        count = bytes.count
    }

    /// An end of the text is read as this byte, which no token has.
    @inline(__always)
    subscript(_ offset: Int) -> UInt8 { offset < count ? base[offset] : 0 }

    /// Line and column of an offset, counted when an error needs them.
    func place(of offset: Int) -> (line: Int, column: Int) {
        var line = 1
        var start = 0
        for index in 0..<min(offset, count) where base[index] == 0x0A {
            line += 1
            start = index + 1
        }
        return (line, min(offset, count) - start + 1)
    }

    func string(_ range: Range<Int>) -> String {
        String(decoding: UnsafeBufferPointer(start: base + range.lowerBound, count: range.count), as: UTF8.self)
    }

    /// Whether the bytes of the range are these.
    @inline(__always)
    func matches(_ range: Range<Int>, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        let start = base + range.lowerBound
        for index in 0..<range.count where start[index] != text.utf8Start[index] { return false }
        return true
    }

    @inline(__always)
    func starts(_ range: Range<Int>, with text: StaticString) -> Bool {
        guard range.count >= text.utf8CodeUnitCount else { return false }
        return matches(range.lowerBound..<range.lowerBound + text.utf8CodeUnitCount, text)
    }
}
