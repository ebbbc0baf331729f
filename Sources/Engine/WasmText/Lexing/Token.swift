// SPDX-License-Identifier: Apache-2.0
// Swiftlet: tokens and the classes of characters.

/// A token (core specification §6.3.1): its kind and its place; contents are read when they are wanted.
struct Token {
    enum Kind: UInt8 {
        case leftParenthesis, rightParenthesis
        /// Starts with a lower-case letter: a word of the grammar, an instruction, `offset=8`, `nan:0x1`.
        case keyword
        /// `$name` or `$"name"`.
        case identifier
        case string
        /// Starts with a digit or a sign; whether it is a number is seen when it is read.
        case number
        /// `(@id`, `(@"id"`.
        case annotation
        /// Anything else that the grammar sets apart.
        case reserved
        case end
    }

    var kind: Kind
    var start: Int
    var end: Int

    var range: Range<Int> { start..<end }
}

enum CharacterClass {
    /// Bit 0: character of identifiers; bit 1: space.
    private static let table: [UInt8] = {
        var table = [UInt8](repeating: 0, count: 256)
        for range in [UInt8(ascii: "0")...UInt8(ascii: "9"), 0x41...0x5A, 0x61...0x7A] {
            for byte in range { table[Int(byte)] = 1 }
        }
        for byte in "!#$%&'*+-./:<=>?@\\^_`|~".utf8 { table[Int(byte)] = 1 }
        for byte: UInt8 in [0x20, 0x09, 0x0A, 0x0D] { table[Int(byte)] = 2 }
        return table
    }()

    /// For the lexer's loops: the table's memory, which is never written again nor given back.
    nonisolated(unsafe) static let pointer: UnsafePointer<UInt8> = {
        let pointer = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
        for (index, value) in table.enumerated() { pointer[index] = value }
        return UnsafePointer(pointer)
    }()
}
