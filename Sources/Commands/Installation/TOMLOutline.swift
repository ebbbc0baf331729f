// SPDX-License-Identifier: Apache-2.0
// Swiftlet: which tables and keys a TOML document has, and on which lines.

/// The outline of a TOML document: every header and every key with its whole path. Values are kept only where somebody
/// asks for them: strings and whole numbers.
///
/// A document that this reader does not understand is refused with its line, because it is read to be edited.
/// See: TOML v1.0.0, https://toml.io/en/v1.0.0
package struct TOMLOutline: Sendable, Equatable {
    package enum Value: Sendable, Equatable {
        /// `[path]`
        case table
        /// `[[path]]`
        case tableOfArray
        /// `key = { … }`: nothing can be added to it from outside.
        case inlineTable
        case string(String)
        case integer(Int)
        /// Anything else.
        case other
    }

    package struct Entry: Sendable, Equatable {
        package var path: [String]
        /// From 1.
        package var line: Int
        package var value: Value

        package init(path: [String], line: Int, value: Value) {
            self.path = path
            self.line = line
            self.value = value
        }
    }

    package private(set) var entries: [Entry] = []

    package init(parsing text: String) throws(InstallationError) {
        var reader = Reader(bytes: Array(text.utf8))
        entries = try reader.document()
    }

    /// The value of a key, or of the last one if there are several.
    package subscript(path path: [String]) -> Value? { entries.last { $0.path == path }?.value }
}

/// One pass over the bytes.
private struct Reader {
    let bytes: [UInt8]
    var position = 0
    var line = 1

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func failure(_ reason: String) -> InstallationError {
        let found = current.map { "\"\(Character(UnicodeScalar($0)))\"" } ?? "the end of the file"
        return InstallationError("line \(line): \(reason), found \(found)")
    }

    private mutating func advance() {
        if current == UInt8(ascii: "\n") { line += 1 }
        position += 1
    }

    private mutating func take(_ text: StaticString) -> Bool {
        let length = text.utf8CodeUnitCount
        guard position + length <= bytes.count,
            (0..<length).allSatisfy({ bytes[position + $0] == text.utf8Start[$0] })
        else { return false }
        position += length
        return true
    }

    private mutating func skipBlanks() {
        while current == UInt8(ascii: " ") || current == UInt8(ascii: "\t") { position += 1 }
    }

    /// Blanks, line feeds, comments.
    private mutating func skipSpace() {
        while let byte = current {
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"): advance()
            case UInt8(ascii: "#"): while let byte = current, byte != UInt8(ascii: "\n") { position += 1 }
            default: return
            }
        }
    }

    private mutating func endLine() throws(InstallationError) {
        skipBlanks()
        if current == UInt8(ascii: "#") { while let byte = current, byte != UInt8(ascii: "\n") { position += 1 } }
        if current == UInt8(ascii: "\r") { position += 1 }
        guard current == nil || current == UInt8(ascii: "\n") else { throw failure("expected the end of the line") }
        if current != nil { advance() }
    }

    // MARK: - Document

    mutating func document() throws(InstallationError) -> [TOMLOutline.Entry] {
        var entries: [TOMLOutline.Entry] = []
        var table: [String] = []
        if take("\u{FEFF}") {}
        while true {
            skipSpace()
            guard current != nil else { return entries }
            let start = line
            if take("[[") {
                table = try key()
                guard take("]]") else { throw failure("expected \"]]\"") }
                entries.append(.init(path: table, line: start, value: .tableOfArray))
            } else if take("[") {
                table = try key()
                guard take("]") else { throw failure("expected \"]\"") }
                entries.append(.init(path: table, line: start, value: .table))
            } else {
                try pair(below: table, &entries, depth: 0)
            }
            try endLine()
        }
    }

    private mutating func pair(
        below table: [String], _ entries: inout [TOMLOutline.Entry], depth: Int
    ) throws(InstallationError) {
        let start = line
        let path = table + (try key())
        guard take("=") else { throw failure("expected \"=\" after a key") }
        skipBlanks()
        let index = entries.count
        let value = try value(at: path, &entries, depth: depth)
        entries.insert(.init(path: path, line: start, value: value), at: index)
    }

    /// Parts between dots, with the blanks around them.
    private mutating func key() throws(InstallationError) -> [String] {
        var parts: [String] = []
        repeat {
            skipBlanks()
            switch current {
            case UInt8(ascii: "\""): parts.append(try basicString())
            case UInt8(ascii: "'"): parts.append(try literalString())
            default:
                let start = position
                while let byte = current, Self.isBare(byte) { position += 1 }
                guard position > start else { throw failure("expected a key") }
                parts.append(String(decoding: bytes[start..<position], as: UTF8.self))
            }
            skipBlanks()
        } while take(".")
        return parts
    }

    private static func isBare(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
            || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }

    // MARK: - Values

    private mutating func value(
        at path: [String], _ entries: inout [TOMLOutline.Entry], depth: Int
    ) throws(InstallationError) -> TOMLOutline.Value {
        // LIMIT: arrays and tables in each other.
        guard depth < 64 else { throw failure("expected fewer than 64 levels of arrays and tables") }
        switch current {
        case UInt8(ascii: "\""): return .string(take("\"\"\"") ? try longString("\"") : try basicString())
        case UInt8(ascii: "'"): return .string(take("'''") ? try longString("'") : try literalString())
        case UInt8(ascii: "["):
            position += 1
            try array(at: path, &entries, depth: depth)
            return .other
        case UInt8(ascii: "{"):
            position += 1
            try inlineTable(at: path, &entries, depth: depth)
            return .inlineTable
        default:
            let start = position
            while let byte = current,
                Self.isBare(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: ":")
            { position += 1 }
            guard position > start else { throw failure("expected a value") }
            return Int(String(decoding: bytes[start..<position], as: UTF8.self)).map { .integer($0) } ?? .other
        }
    }

    private mutating func array(
        at path: [String], _ entries: inout [TOMLOutline.Entry], depth: Int
    ) throws(InstallationError) {
        while true {
            skipSpace()
            if take("]") { return }
            // What is in an array has no path of its own.
            var ignored: [TOMLOutline.Entry] = []
            _ = try value(at: path, &ignored, depth: depth + 1)
            skipSpace()
            guard take(",") else {
                guard take("]") else { throw failure("expected \",\" or \"]\" in an array") }
                return
            }
        }
    }

    private mutating func inlineTable(
        at path: [String], _ entries: inout [TOMLOutline.Entry], depth: Int
    ) throws(InstallationError) {
        skipSpace()
        if take("}") { return }
        while true {
            skipSpace()
            try pair(below: path, &entries, depth: depth + 1)
            skipSpace()
            if take("}") { return }
            guard take(",") else { throw failure("expected \",\" or \"}\" in a table") }
        }
    }

    // MARK: - Strings

    private mutating func literalString() throws(InstallationError) -> String {
        position += 1
        let start = position
        while let byte = current, byte != UInt8(ascii: "'") {
            guard byte != UInt8(ascii: "\n") else { throw failure("expected \"'\" before the end of the line") }
            position += 1
        }
        guard current != nil else { throw failure("expected \"'\"") }
        defer { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func basicString() throws(InstallationError) -> String {
        position += 1
        var result: [UInt8] = []
        while let byte = current, byte != UInt8(ascii: "\"") {
            guard byte != UInt8(ascii: "\n") else {
                throw failure("expected a closing quote before the end of the line")
            }
            if byte == UInt8(ascii: "\\") {
                try escape(&result)
            } else {
                result.append(byte)
                position += 1
            }
        }
        guard current != nil else { throw failure("expected a closing quote") }
        position += 1
        return String(decoding: result, as: UTF8.self)
    }

    private mutating func escape(_ result: inout [UInt8]) throws(InstallationError) {
        position += 1
        let simple: [UInt8: UInt8] = [
            UInt8(ascii: "b"): 8, UInt8(ascii: "t"): 9, UInt8(ascii: "n"): 10, UInt8(ascii: "f"): 12,
            UInt8(ascii: "r"): 13, UInt8(ascii: "\""): 34, UInt8(ascii: "\\"): 92,
        ]
        guard let byte = current else { throw failure("expected a character after \"\\\"") }
        if let plain = simple[byte] {
            result.append(plain)
            position += 1
            return
        }
        let digits = byte == UInt8(ascii: "u") ? 4 : byte == UInt8(ascii: "U") ? 8 : 0
        guard digits > 0, position + digits < bytes.count,
            let number = UInt32(String(decoding: bytes[position + 1...position + digits], as: UTF8.self), radix: 16),
            let scalar = UnicodeScalar(number)
        else { throw failure("expected an escape of TOML after \"\\\"") }
        result += Array(String(Character(scalar)).utf8)
        position += digits + 1
    }

    /// The rest of a string of several lines. Nobody asks for what is in one, so escapes stay as they are.
    private mutating func longString(_ quote: Character) throws(InstallationError) -> String {
        let mark = quote.asciiValue ?? 0
        let start = position
        while let byte = current {
            if byte == UInt8(ascii: "\\"), mark == UInt8(ascii: "\"") {
                advance()
                if current != nil { advance() }
                continue
            }
            if byte == mark, position + 2 < bytes.count, bytes[position + 1] == mark, bytes[position + 2] == mark {
                // Up to two quotes of the text may stand before the closing three.
                while position + 3 < bytes.count, bytes[position + 3] == mark { position += 1 }
                defer { position += 3 }
                return String(decoding: bytes[start..<position], as: UTF8.self)
            }
            advance()
        }
        throw failure("expected the end of a string of several lines that begins before")
    }
}
