// SPDX-License-Identifier: Apache-2.0
// Swiftlet: reads JSON, strictly.

/// Text that is no JSON, with the place.
public struct JSONError: Error, Equatable, CustomStringConvertible {
    /// From 1.
    public var line: Int
    /// In bytes, from 1.
    public var column: Int
    public var reason: String

    public var description: String { "JSON \(line):\(column): \(reason)" }
}

/// What a document may have at most.
public struct JSONLimits: Sendable {
    public var bytes: Int
    public var depth: Int

    public init(bytes: Int = 4 << 20, depth: Int = 64) {
        self.bytes = bytes
        self.depth = depth
    }
}

extension JSON {
    /// Reads one value with nothing but white space around it.
    ///
    /// RFC 8259 to the letter, and where it leaves a choice the safe one: a name twice in an object, a lone surrogate, a
    /// byte order mark are errors.
    public init(parsing bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONError) {
        var parser = JSONParser(bytes: bytes, limits: limits)
        self = try parser.document()
    }

    public init(parsing text: String, limits: JSONLimits = JSONLimits()) throws(JSONError) {
        try self.init(parsing: Array(text.utf8), limits: limits)
    }
}

private struct JSONParser {
    let bytes: [UInt8]
    let limits: JSONLimits
    var position = 0

    init(bytes: [UInt8], limits: JSONLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    mutating func document() throws(JSONError) -> JSON {
        guard bytes.count <= limits.bytes else { throw error("\(bytes.count) bytes, at most \(limits.bytes) allowed") }
        let value = try value(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw error("expected the end, found \(found)") }
        return value
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSON {
        skipSpace()
        guard position < bytes.count else { throw error("expected a value, found the end") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return try object(depth: depth + 1)
        case UInt8(ascii: "["): return try array(depth: depth + 1)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default:
            for (word, value) in [("true", JSON.bool(true)), ("false", .bool(false)), ("null", .null)]
            where bytes[position...].starts(with: word.utf8) {
                position += word.utf8.count
                return value
            }
            throw error("expected a value, found \(found)")
        }
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSON {
        try enter(depth)
        var members: [JSON.Member] = []
        // Bytes, not Strings: Swift holds canonically equivalent strings for equal, JSON does not.
        var names: Set<[UInt8]> = []
        skipSpace()
        if take("}") { return .object([]) }
        while true {
            skipSpace()
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
                throw error("expected a member name in quotes, found \(found)")
            }
            let start = position
            let name = try string()
            guard names.insert(Array(name.utf8)).inserted else {
                position = start
                throw error("member \"\(name.prefix(60))\" is here twice")
            }
            skipSpace()
            guard take(":") else { throw error("expected \":\" after a member name, found \(found)") }
            members.append(JSON.Member(name, try value(depth: depth)))
            skipSpace()
            if take("}") { return .object(members) }
            guard take(",") else { throw error("expected \",\" or \"}\" in an object, found \(found)") }
        }
    }

    private mutating func array(depth: Int) throws(JSONError) -> JSON {
        try enter(depth)
        var elements: [JSON] = []
        skipSpace()
        if take("]") { return .array([]) }
        while true {
            elements.append(try value(depth: depth))
            skipSpace()
            if take("]") { return .array(elements) }
            guard take(",") else { throw error("expected \",\" or \"]\" in an array, found \(found)") }
        }
    }

    private mutating func enter(_ depth: Int) throws(JSONError) {
        guard depth <= limits.depth else { throw error("nested more than \(limits.depth) deep") }
        position += 1
    }

    private mutating func number() throws(JSONError) -> JSON {
        let start = position
        _ = take("-")
        if take("0") {
            if let byte = peek, isDigit(byte) { throw error("a number starts with a zero") }
        } else {
            try digits()
        }
        if take(".") { try digits() }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            try digits()
        }
        return .number(String(decoding: bytes[start..<position], as: UTF8.self))
    }

    private mutating func digits() throws(JSONError) {
        guard let first = peek, isDigit(first) else { throw error("expected a digit, found \(found)") }
        while let byte = peek, isDigit(byte) { position += 1 }
    }

    private mutating func string() throws(JSONError) -> String {
        position += 1
        var decoded: [UInt8] = []
        var runStart = position
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                decoded += bytes[runStart..<position]
                let end = position
                guard let text = String(validating: decoded, as: UTF8.self) else {
                    throw error("a string is not UTF-8")
                }
                position = end + 1
                return text
            case UInt8(ascii: "\\"):
                decoded += bytes[runStart..<position]
                try escape(into: &decoded)
                runStart = position
            case 0..<0x20: throw error("a control character in a string; escape it")
            default: position += 1
            }
        }
        throw error("a string is not closed")
    }

    private mutating func escape(into decoded: inout [UInt8]) throws(JSONError) {
        position += 1
        guard let byte = peek else { throw error("a string is not closed") }
        let plain: [UInt8: UInt8] = [
            UInt8(ascii: "\""): UInt8(ascii: "\""), UInt8(ascii: "\\"): UInt8(ascii: "\\"),
            UInt8(ascii: "/"): UInt8(ascii: "/"), UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12, UInt8(ascii: "n"): 10,
            UInt8(ascii: "r"): 13, UInt8(ascii: "t"): 9,
        ]
        if let value = plain[byte] {
            decoded.append(value)
            position += 1
            return
        }
        guard byte == UInt8(ascii: "u") else { throw error("unknown escape \\\(found)") }
        position += 1
        var scalar = try hexadecimal()
        if (0xd800..<0xdc00).contains(scalar) {
            guard take("\\"), take("u") else { throw error("a lone surrogate in a string") }
            let low = try hexadecimal()
            guard (0xdc00..<0xe000).contains(low) else { throw error("a lone surrogate in a string") }
            scalar = 0x10000 + (scalar - 0xd800) << 10 + (low - 0xdc00)
        }
        guard let unicode = Unicode.Scalar(scalar) else { throw error("a lone surrogate in a string") }
        decoded += UTF8.encode(unicode) ?? UTF8.encodedReplacementCharacter
    }

    private mutating func hexadecimal() throws(JSONError) -> UInt32 {
        guard position + 4 <= bytes.count else { throw error("expected four hexadecimal digits") }
        var value: UInt32 = 0
        for _ in 0..<4 {
            switch bytes[position] {
            case let byte where isDigit(byte): value = value << 4 | UInt32(byte - UInt8(ascii: "0"))
            case let byte where (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20):
                value = value << 4 | UInt32((byte | 0x20) - UInt8(ascii: "a") + 10)
            default: throw error("expected four hexadecimal digits, found \(found)")
            }
            position += 1
        }
        return value
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
    }

    private var found: String {
        guard let byte = peek else { return "the end" }
        guard (0x21..<0x7f).contains(byte) else { return "byte 0x" + String(byte, radix: 16) }
        return "\"\(Unicode.Scalar(byte))\""
    }

    private func error(_ reason: String) -> JSONError {
        let before = bytes[..<min(position, bytes.count)]
        let line = before.lazy.filter { $0 == 0x0a }.count + 1
        let lineStart = before.lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
        return JSONError(line: line, column: position - lineStart + 1, reason: reason)
    }
}
