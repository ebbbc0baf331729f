// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a document as a tree in which every value remembers where it was written.

/// A place in a file; lines and columns count from 1, columns in characters.
public struct Mark: Sendable, Hashable, Comparable {
    public var line: Int
    public var column: Int

    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    public static let start = Mark(line: 1, column: 1)

    public static func < (left: Mark, right: Mark) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// One value of a document and where it starts.
public struct Node: Sendable {
    public enum Value: Sendable {
        case null
        case bool(Bool)
        case int(Int64)
        /// A number that is no 64-bit integer.
        case float(Double)
        case string(String)
        case sequence([Node])
        case mapping([Entry])
    }

    /// One pair of a mapping, in the order of the file.
    public struct Entry: Sendable {
        public var key: String
        public var keyMark: Mark
        public var value: Node
    }

    public var mark: Mark
    public var value: Value
    /// The text of a scalar as written, for messages.
    public var text: String = ""
    /// How many values the subtree holds once aliases are expanded.
    public var weight: Int = 1

    /// The kind of value in words, for messages.
    public var kindText: String {
        switch value {
        case .null: "nothing"
        case .bool: "the boolean \(text)"
        case .int, .float: "the number \(text)"
        case .string(let string): "the string \"\(Self.shortened(string))\""
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }

    /// The value of a mapping's key; `nil` when this is no mapping or has no such key.
    public subscript(key: String) -> Node? {
        guard case .mapping(let entries) = value else { return nil }
        return entries.first { $0.key == key }?.value
    }

    static func shortened(_ text: String) -> String {
        // LIMIT: 60 characters of a value are shown in a message.
        let line = String(text.prefix(60)).split(separator: "\n", omittingEmptySubsequences: false).joined(
            separator: "\\n")
        return text.count > 60 ? line + "…" : line
    }
}

extension Node {
    /// The tree as JSON text; numbers that JSON cannot write become `null`.
    package var json: [UInt8] {
        var output: [UInt8] = []
        appendJSON(to: &output)
        return output
    }

    private func appendJSON(to output: inout [UInt8]) {
        switch value {
        case .null: output.append(contentsOf: "null".utf8)
        case .bool(let flag): output.append(contentsOf: (flag ? "true" : "false").utf8)
        case .int(let number): output.append(contentsOf: String(number).utf8)
        case .float(let number): output.append(contentsOf: (number.isFinite ? "\(number)" : "null").utf8)
        case .string(let string): Self.appendQuoted(string, to: &output)
        case .sequence(let items):
            output.append(UInt8(ascii: "["))
            for (index, item) in items.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                item.appendJSON(to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .mapping(let entries):
            output.append(UInt8(ascii: "{"))
            for (index, entry) in entries.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                Self.appendQuoted(entry.key, to: &output)
                output.append(UInt8(ascii: ":"))
                entry.value.appendJSON(to: &output)
            }
            output.append(UInt8(ascii: "}"))
        }
    }

    private static func appendQuoted(_ string: String, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                output.append(UInt8(ascii: "\\"))
                output.append(byte)
            case 0..<0x20:
                let hex = String(byte, radix: 16)
                output.append(contentsOf: ("\\u00" + (hex.utf8.count == 1 ? "0" : "") + hex).utf8)
            default: output.append(byte)
            }
        }
        output.append(UInt8(ascii: "\""))
    }
}
