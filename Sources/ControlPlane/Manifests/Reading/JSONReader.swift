// SPDX-License-Identifier: Apache-2.0
// Swiftlet: JSON text to trees with places.

/// Reads one JSON text (RFC 8259), strictly, keeping line and column of every value.
package struct JSONReader {
    private let bytes: [UInt8]
    private let limits: ReadLimits
    private var index = 0
    private var mark = Mark.start
    private var valueCount = 0
    private var path = FieldPath()
    private var errors: [ReadError] = []

    private init(_ bytes: [UInt8], limits: ReadLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    /// The documents of `bytes`, one after another, and every duplicate key; a syntax error ends the reading.
    package static func documents(of bytes: [UInt8], limits: ReadLimits = ReadLimits()) -> ReadResult {
        guard bytes.count <= limits.bytesMax else {
            let message = "expected at most \(limits.bytesMax) bytes, found \(bytes.count)"
            return ReadResult(errors: [ReadError(kind: .limit, mark: .start, message: message)])
        }
        var reader = JSONReader(bytes, limits: limits)
        var documents: [Node] = []
        do throws(ReadError) {
            reader.skipSpace()
            while reader.index < bytes.count {
                documents.append(try reader.value(depth: 0))
                reader.skipSpace()
                if documents.count > limits.documentsMax {
                    throw reader.error("expected at most \(limits.documentsMax) documents", kind: .limit)
                }
            }
        } catch {
            reader.errors.append(error)
        }
        return ReadResult(documents: documents, errors: reader.errors)
    }

    private func error(_ message: String, kind: ReadError.Kind = .syntax) -> ReadError {
        ReadError(kind: kind, mark: mark, message: message)
    }

    private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func advance() {
        let byte = bytes[index]
        index += 1
        if byte == 0x0A {
            mark = Mark(line: mark.line + 1, column: 1)
        } else if byte & 0xC0 != 0x80 {
            mark.column += 1
        }
    }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { advance() }
    }

    private var foundText: String {
        guard index < bytes.count else { return "the end" }
        let text = String(decoding: bytes[index..<min(index + 12, bytes.count)], as: UTF8.self)
        return "\"\(Node.shortened(text))\""
    }

    private mutating func expect(_ byte: UInt8) throws(ReadError) {
        guard current == byte else {
            throw error("expected \"\(Character(Unicode.Scalar(byte)))\", found \(foundText)")
        }
        advance()
    }

    private mutating func value(depth: Int) throws(ReadError) -> Node {
        guard depth < limits.depthMax else {
            throw error("expected at most \(limits.depthMax) levels of nesting", kind: .limit)
        }
        valueCount += 1
        guard valueCount <= limits.valuesMax else {
            throw error("expected at most \(limits.valuesMax) values", kind: .limit)
        }
        let start = mark
        switch current {
        case UInt8(ascii: "{"): return try object(start, depth: depth)
        case UInt8(ascii: "["): return try array(start, depth: depth)
        case UInt8(ascii: "\""):
            let text = try string()
            return Node(mark: start, value: .string(text), text: text)
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number(start)
        }
    }

    private mutating func word(_ word: String, _ value: Node.Value) throws(ReadError) -> Node {
        let start = mark
        guard bytes[index...].starts(with: word.utf8) else { throw error("expected a JSON value, found \(foundText)") }
        for _ in word.utf8 { advance() }
        return Node(mark: start, value: value, text: word)
    }

    private mutating func number(_ start: Mark) throws(ReadError) -> Node {
        let first = index
        if current == UInt8(ascii: "-") { advance() }
        let digitsStart = index
        while let byte = current, (0x30...0x39).contains(byte) || "+-.eE".utf8.contains(byte) { advance() }
        let text = String(decoding: bytes[first..<index], as: UTF8.self)
        let digits = bytes[digitsStart..<index]
        let hasLeadingZero = digits.count > 1 && digits.first == 0x30 && (0x30...0x39).contains(digits[digitsStart + 1])
        guard let lead = digits.first, (0x30...0x39).contains(lead), !hasLeadingZero, text.last != "." else {
            throw ReadError(
                kind: .syntax, mark: start,
                message: "expected a JSON value, found \(text.isEmpty ? foundText : "\"\(Node.shortened(text))\"")")
        }
        if let integer = Int64(text) { return Node(mark: start, value: .int(integer), text: text) }
        guard !text.contains(".e"), !text.contains(".E"), let number = Double(text) else {
            throw ReadError(
                kind: .syntax, mark: start, message: "expected a number, found \"\(Node.shortened(text))\"")
        }
        return Node(mark: start, value: .float(number), text: text)
    }

    private mutating func array(_ start: Mark, depth: Int) throws(ReadError) -> Node {
        advance()
        skipSpace()
        var items: [Node] = []
        if current == UInt8(ascii: "]") {
            advance()
            return Node(mark: start, value: .sequence([]))
        }
        while true {
            skipSpace()
            path.components.append(.index(items.count))
            items.append(try value(depth: depth + 1))
            path.components.removeLast()
            skipSpace()
            if current == UInt8(ascii: ",") { advance() } else { break }
        }
        try expect(UInt8(ascii: "]"))
        return Node(mark: start, value: .sequence(items), weight: items.reduce(1) { $0 + $1.weight })
    }

    private mutating func object(_ start: Mark, depth: Int) throws(ReadError) -> Node {
        advance()
        skipSpace()
        var entries: [Node.Entry] = []
        var seen: Set<String> = []
        if current == UInt8(ascii: "}") {
            advance()
            return Node(mark: start, value: .mapping([]))
        }
        while true {
            skipSpace()
            let keyMark = mark
            guard current == UInt8(ascii: "\"") else { throw error("expected a key in quotes, found \(foundText)") }
            let key = try string()
            skipSpace()
            try expect(UInt8(ascii: ":"))
            skipSpace()
            path.components.append(.field(key))
            let value = try value(depth: depth + 1)
            path.components.removeLast()
            if seen.insert(key).inserted {
                entries.append(Node.Entry(key: key, keyMark: keyMark, value: value))
            } else {
                let message = "duplicate key \"\(Node.shortened(key))\""
                let place = path.field(key)
                errors.append(ReadError(kind: .duplicateKey, mark: keyMark, message: message, path: place))
            }
            skipSpace()
            if current == UInt8(ascii: ",") { advance() } else { break }
        }
        try expect(UInt8(ascii: "}"))
        return Node(mark: start, value: .mapping(entries), weight: entries.reduce(1) { $0 + $1.value.weight + 1 })
    }
}

// MARK: - Strings

extension JSONReader {
    private mutating func string() throws(ReadError) -> String {
        let start = mark
        advance()
        var output: [UInt8] = []
        while true {
            guard let byte = current else {
                throw ReadError(kind: .syntax, mark: start, message: "string has no end")
            }
            if byte == UInt8(ascii: "\"") { break }
            guard byte >= 0x20 else { throw error("a control character in a string must be escaped") }
            if byte == UInt8(ascii: "\\") {
                advance()
                try escape(into: &output)
            } else {
                output.append(byte)
                advance()
            }
        }
        advance()
        guard let text = String(validating: output, as: UTF8.self) else {
            throw ReadError(kind: .syntax, mark: start, message: "string is not valid UTF-8")
        }
        return text
    }

    private mutating func escape(into output: inout [UInt8]) throws(ReadError) {
        guard let byte = current else { throw error("string has no end") }
        let simple: [UInt8: UInt8] = [
            0x22: 0x22, 0x5C: 0x5C, 0x2F: 0x2F, 0x62: 0x08, 0x66: 0x0C, 0x6E: 0x0A, 0x72: 0x0D, 0x74: 0x09,
        ]
        if let value = simple[byte] {
            output.append(value)
            advance()
            return
        }
        guard byte == UInt8(ascii: "u") else { throw error("unknown escape in a string: \(foundText)") }
        advance()
        var code = UInt32(try hexUnit())
        if (0xD800...0xDBFF).contains(code), bytes[index...].starts(with: "\\u".utf8) {
            advance()
            advance()
            let low = UInt32(try hexUnit())
            guard (0xDC00...0xDFFF).contains(low) else { throw error("a surrogate in a string has no second half") }
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw error("a surrogate in a string has no second half") }
        output.append(contentsOf: String(Character(scalar)).utf8)
    }

    private mutating func hexUnit() throws(ReadError) -> UInt16 {
        guard index + 4 <= bytes.count, bytes[index..<index + 4].allSatisfy({ $0 != 0x2B && $0 != 0x2D }),
            let unit = UInt16(String(decoding: bytes[index..<index + 4], as: UTF8.self), radix: 16)
        else { throw error("expected four hexadecimal digits, found \(foundText)") }
        for _ in 0..<4 { advance() }
        return unit
    }
}
