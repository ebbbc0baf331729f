// SPDX-License-Identifier: Apache-2.0
// Swiftlet: from characters to tokens.

/// The lexer (core specification §6.3). Spaces and comments are passed over; annotations are tokens here, because only
/// the parser knows which of them mean something.
struct Lexer {
    let source: SourceText
    private(set) var position: Int
    private let classes = CharacterClass.pointer

    init(_ source: SourceText, at position: Int = 0) {
        self.source = source
        self.position = position
    }

    func failure(at offset: Int, _ message: String) -> TextError {
        TextError(.malformed, source, at: offset, message)
    }

    mutating func next() throws(TextError) -> Token {
        while position < source.count {
            let byte = source.base[position]
            if classes[Int(byte)] & 2 != 0 {
                position += 1
                continue
            }
            let start = position
            switch byte {
            case UInt8(ascii: "("):
                if source[start + 1] == UInt8(ascii: ";") {
                    try skipBlockComment()
                    continue
                }
                if source[start + 1] == UInt8(ascii: "@") { return try annotation() }
                position += 1
                return Token(kind: .leftParenthesis, start: start, end: position)
            case UInt8(ascii: ")"):
                position += 1
                return Token(kind: .rightParenthesis, start: start, end: position)
            case UInt8(ascii: ";") where source[start + 1] == UInt8(ascii: ";"):
                try skipLineComment()
                continue
            case UInt8(ascii: ";"), UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"),
                UInt8(ascii: "}"):
                position += 1
                return Token(kind: .reserved, start: start, end: position)
            default: return try word()
            }
        }
        return Token(kind: .end, start: source.count, end: source.count)
    }

    // MARK: Words

    /// A run of identifier characters and strings, which must be set apart from its neighbours.
    private mutating func word() throws(TextError) -> Token {
        let start = position
        var strings = 0
        var firstStringEnd = 0
        while position < source.count {
            let byte = source.base[position]
            if classes[Int(byte)] & 1 != 0 {
                position += 1
            } else if byte == UInt8(ascii: "\"") {
                try skipString()
                strings += 1
                if strings == 1 { firstStringEnd = position }
            } else {
                break
            }
        }
        guard position > start else { throw illegalCharacter() }
        let first = source.base[start]
        let kind: Token.Kind
        if strings > 0 {
            let isOne = strings == 1 && firstStringEnd == position
            if isOne && first == UInt8(ascii: "\"") {
                kind = .string
            } else if isOne && first == UInt8(ascii: "$") && source[start + 1] == UInt8(ascii: "\"") {
                kind = .identifier
            } else {
                kind = .reserved
            }
        } else if first >= UInt8(ascii: "a") && first <= UInt8(ascii: "z") {
            kind = .keyword
        } else if first == UInt8(ascii: "$") {
            kind = position > start + 1 ? .identifier : .reserved
        } else if first >= UInt8(ascii: "0") && first <= UInt8(ascii: "9") || first == UInt8(ascii: "+")
            || first == UInt8(ascii: "-")
        {
            kind = .number
        } else {
            kind = .reserved
        }
        return Token(kind: kind, start: start, end: position)
    }

    private mutating func annotation() throws(TextError) -> Token {
        let start = position
        position += 2
        if source[position] == UInt8(ascii: "\"") {
            try skipString()
            // A quoted identifier is a name, and not an empty one.
            let name = try string(start + 2..<position)
            guard !name.isEmpty else { throw failure(at: start, "empty annotation id") }
            guard String(validating: name, as: UTF8.self) != nil else {
                throw failure(at: start, "malformed UTF-8 encoding in an annotation's id")
            }
        } else {
            // Without a name it is an error, but not inside of another annotation.
            while classes[Int(source[position])] & 1 != 0 { position += 1 }
        }
        return Token(kind: .annotation, start: start, end: position)
    }

    private func illegalCharacter() -> TextError {
        let byte = source[position]
        if byte < 0x80 {
            return failure(at: position, "illegal character: byte 0x\(String(byte, radix: 16))")
        }
        let length = utf8Length(at: position)
        if length == 0 { return failure(at: position, "malformed UTF-8 encoding") }
        let text = source.string(position..<position + length)
        return failure(at: position, "illegal character: \(text) outside of a string or comment")
    }

    // MARK: Comments

    private mutating func skipLineComment() throws(TextError) {
        while position < source.count, source.base[position] != 0x0A, source.base[position] != 0x0D {
            try skipCharacter()
        }
    }

    private mutating func skipBlockComment() throws(TextError) {
        let start = position
        // Nested comments are counted, so their depth costs nothing.
        var depth = 1
        position += 2
        while depth > 0 {
            guard position < source.count else { throw failure(at: start, "unclosed comment: expected ;)") }
            let byte = source.base[position]
            if byte == UInt8(ascii: "("), source[position + 1] == UInt8(ascii: ";") {
                depth += 1
                position += 2
            } else if byte == UInt8(ascii: ";"), source[position + 1] == UInt8(ascii: ")") {
                depth -= 1
                position += 2
            } else {
                try skipCharacter()
            }
        }
    }

    /// Moves over one character, which must be well-formed UTF-8.
    @inline(__always)
    private mutating func skipCharacter() throws(TextError) {
        if source.base[position] < 0x80 {
            position += 1
            return
        }
        let length = utf8Length(at: position)
        guard length > 0 else { throw failure(at: position, "malformed UTF-8 encoding") }
        position += length
    }

    /// Bytes of the character of at least two bytes at `offset`; 0 when it is malformed (RFC 3629).
    private func utf8Length(at offset: Int) -> Int {
        let first = source[offset]
        let second = source[offset + 1]
        func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }
        switch first {
        case 0xC2...0xDF: return isContinuation(second) ? 2 : 0
        case 0xE0...0xEF:
            let low: UInt8 = first == 0xE0 ? 0xA0 : 0x80
            let high: UInt8 = first == 0xED ? 0x9F : 0xBF
            return second >= low && second <= high && isContinuation(source[offset + 2]) ? 3 : 0
        case 0xF0...0xF4:
            let low: UInt8 = first == 0xF0 ? 0x90 : 0x80
            let high: UInt8 = first == 0xF4 ? 0x8F : 0xBF
            guard second >= low, second <= high else { return 0 }
            return isContinuation(source[offset + 2]) && isContinuation(source[offset + 3]) ? 4 : 0
        default: return 0
        }
    }

    // MARK: Strings

    /// Moves over a string, checking its characters and escapes (core specification §6.3.3).
    private mutating func skipString() throws(TextError) {
        let start = position
        position += 1
        while true {
            guard position < source.count else { throw failure(at: start, "unclosed string: expected \"") }
            let byte = source.base[position]
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return
            case UInt8(ascii: "\\"): try skipEscape()
            case 0x0A, 0x0D: throw failure(at: start, "unclosed string: a line ends in it")
            case 0..<0x20, 0x7F:
                throw failure(at: position, "illegal character: byte 0x\(String(byte, radix: 16)) in a string")
            default: try skipCharacter()
            }
        }
    }

    private mutating func skipEscape() throws(TextError) {
        let start = position
        let kind = source[start + 1]
        switch kind {
        case UInt8(ascii: "t"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "'"), UInt8(ascii: "\""),
            UInt8(ascii: "\\"):
            position += 2
        case UInt8(ascii: "u"):
            position += 2
            guard let end = unicodeEscapeEnd(), Unicode.Scalar(unicodeEscape(start + 3..<end)) != nil else {
                throw failure(at: start, "illegal escape: expected \\u{…} with a Unicode scalar value in hexadecimal")
            }
            position = end + 1
        default:
            guard hexDigit(kind) != nil, hexDigit(source[start + 2]) != nil else {
                throw failure(at: start, "illegal escape: expected one of \\t \\n \\r \\\" \\' \\\\ \\hh \\u{…}")
            }
            position += 3
        }
    }

    /// The place of the `}` of `{digits}` at the position; underscores stand between digits only.
    private func unicodeEscapeEnd() -> Int? {
        guard source[position] == UInt8(ascii: "{") else { return nil }
        var end = position + 1
        var wantsDigit = true
        while true {
            let byte = source[end]
            if hexDigit(byte) != nil {
                wantsDigit = false
            } else if byte == UInt8(ascii: "_"), !wantsDigit {
                wantsDigit = true
            } else {
                return byte == UInt8(ascii: "}") && !wantsDigit ? end : nil
            }
            end += 1
        }
    }

    /// Too large ones become the largest number, which is no scalar value.
    private func unicodeEscape(_ range: Range<Int>) -> UInt32 {
        var value: UInt32 = 0
        for offset in range {
            guard let digit = hexDigit(source[offset]) else { continue }
            guard value < 0x110000 else { return .max }
            value = value << 4 | UInt32(digit)
        }
        return value
    }

    /// The bytes that a string token stands for; the range includes the quotes.
    func string(_ range: Range<Int>) throws(TextError) -> [UInt8] {
        var bytes: [UInt8] = []
        appendString(range, to: &bytes)
        return bytes
    }

    func appendString(_ range: Range<Int>, to bytes: inout [UInt8]) {
        bytes.reserveCapacity(bytes.count + range.count)
        var offset = range.lowerBound + 1
        while offset < range.upperBound - 1 {
            let byte = source[offset]
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                offset += 1
                continue
            }
            let kind = source[offset + 1]
            offset += 2
            switch kind {
            case UInt8(ascii: "t"): bytes.append(0x09)
            case UInt8(ascii: "n"): bytes.append(0x0A)
            case UInt8(ascii: "r"): bytes.append(0x0D)
            case UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(kind)
            case UInt8(ascii: "u"):
                let start = offset + 1
                while source[offset] != UInt8(ascii: "}") { offset += 1 }
                if let scalar = Unicode.Scalar(unicodeEscape(start..<offset)) {
                    bytes += UTF8.encode(scalar) ?? .init()
                }
                offset += 1
            default:
                bytes.append((hexDigit(kind) ?? 0) << 4 | (hexDigit(source[offset]) ?? 0))
                offset += 1
            }
        }
    }
}

@inline(__always)
func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
