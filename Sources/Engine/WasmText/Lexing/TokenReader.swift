// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the token at hand and the one after it, and what parsers ask of them.

import Wasm

/// Reads tokens with one of lookahead. Annotations are taken out of the stream: unknown ones are dropped, the others
/// wait in ``annotations`` for whoever stands at the token that follows them.
struct TokenReader {
    let source: SourceText
    private var lexer: Lexer
    private(set) var token: Token
    private(set) var next: Token
    /// Known annotations that nobody has taken yet, in order.
    var annotations: [Annotation] = []
    /// Off while a text is read for the first of two times.
    var collectsAnnotations = true

    init(_ source: SourceText) throws(TextError) {
        self.source = source
        lexer = Lexer(source)
        token = Token(kind: .end, start: 0, end: 0)
        next = token
        try seek(to: 0)
    }

    /// Continues at a place where a token starts.
    mutating func seek(to offset: Int) throws(TextError) {
        lexer = Lexer(source, at: offset)
        token = try read()
        next = try read()
    }

    @inline(__always)
    mutating func advance() throws(TextError) {
        token = next
        next = try lexer.next()
        if next.kind == .annotation { try readAnnotations() }
    }

    private mutating func read() throws(TextError) -> Token {
        next = try lexer.next()
        if next.kind == .annotation { try readAnnotations() }
        return next
    }

    /// Reads on until `next` is not an annotation.
    private mutating func readAnnotations() throws(TextError) {
        let first = annotations.count
        while next.kind == .annotation {
            let head = next
            guard head.end > head.start + 2 else {
                throw failure(at: head.start, "empty annotation id: expected a name after (@")
            }
            let contents = lexer.position
            var depth = 1
            while depth > 0 {
                next = try lexer.next()
                switch next.kind {
                case .leftParenthesis, .annotation: depth += 1
                case .rightParenthesis: depth -= 1
                case .end: throw failure(at: head.start, "unclosed annotation: expected )")
                default: break
                }
            }
            if collectsAnnotations, let kind = Annotation.Kind(source, head.range) {
                annotations.append(Annotation(kind: kind, start: head.start, contents: contents, following: 0))
            }
            next = try lexer.next()
        }
        for index in first..<annotations.count { annotations[index].following = next.start }
    }

    // MARK: Errors

    func failure(at offset: Int, _ message: String) -> TextError {
        TextError(.malformed, source, at: offset, message)
    }

    func failure(_ message: String) -> TextError { failure(at: token.start, message) }

    func limit(_ message: String) -> TextError { TextError(.limit, source, at: token.start, message) }

    func text(_ token: Token) -> String { source.string(token.range) }

    /// The text of a token for a message.
    func shown(_ token: Token) -> String {
        // LIMIT: bytes of the text that an error shows.
        let end = min(token.end, token.start + 80)
        return token.kind == .end
            ? "the end of the text" : source.string(token.start..<end) + (end < token.end ? "…" : "")
    }

    func unexpected(_ expected: String) -> TextError {
        // What stands in parentheses is better known by its first word.
        let found = token.kind == .leftParenthesis && next.kind == .keyword ? "(" + shown(next) : shown(token)
        return failure("unexpected token: expected \(expected), found \(found)")
    }

    // MARK: Words

    @inline(__always)
    func isKeyword(_ word: StaticString) -> Bool { token.kind == .keyword && source.matches(token.range, word) }

    /// Whether a form with this first word begins here.
    @inline(__always)
    func isForm(_ word: StaticString) -> Bool {
        token.kind == .leftParenthesis && next.kind == .keyword && source.matches(next.range, word)
    }

    /// Enters the form if it begins here.
    @inline(__always)
    mutating func openForm(_ word: StaticString) throws(TextError) -> Bool {
        guard isForm(word) else { return false }
        try advance()
        try advance()
        return true
    }

    mutating func takeKeyword(_ word: StaticString) throws(TextError) -> Bool {
        guard isKeyword(word) else { return false }
        try advance()
        return true
    }

    mutating func close() throws(TextError) {
        guard token.kind == .rightParenthesis else { throw unexpected(")") }
        try advance()
    }

    mutating func takeIdentifier() throws(TextError) -> Token? {
        guard token.kind == .identifier else { return nil }
        let identifier = token
        try advance()
        return identifier
    }

    /// The name behind an identifier token, without `$`.
    func identifierName(_ token: Token) throws(TextError) -> ExactName {
        guard source[token.start + 1] == UInt8(ascii: "\"") else {
            return ExactName(source.string(token.start + 1..<token.end))
        }
        let bytes = try lexer.string(token.start + 1..<token.end)
        guard !bytes.isEmpty else { throw failure(at: token.start, "empty identifier") }
        guard let name = String(validating: bytes, as: UTF8.self) else {
            throw failure(at: token.start, "malformed UTF-8 encoding in an identifier")
        }
        return ExactName(name)
    }

    // MARK: Strings

    mutating func takeString(to bytes: inout [UInt8]) throws(TextError) -> Bool {
        guard token.kind == .string else { return false }
        lexer.appendString(token.range, to: &bytes)
        try advance()
        return true
    }

    /// A string that must be there and be UTF-8.
    mutating func takeName(_ what: StaticString) throws(TextError) -> String {
        guard token.kind == .string else { throw unexpected("\(what) in quotes") }
        guard let name = String(validating: try lexer.string(token.range), as: UTF8.self) else {
            throw failure("malformed UTF-8 encoding in \(what)")
        }
        try advance()
        return name
    }

    // MARK: Numbers

    mutating func takeNumber<Value>(
        _ what: StaticString, _ read: (SourceText, Range<Int>) -> NumberResult<Value>
    ) throws(TextError) -> Value {
        guard token.kind == .number || token.kind == .keyword else { throw unexpected("\(what)") }
        switch read(source, token.range) {
        case .value(let value):
            try advance()
            return value
        case .malformed:
            throw failure("unknown operator: \(shown(token)) is not \(what)")
        case .outOfRange:
            throw failure("constant out of range: \(shown(token)) does not fit \(what)")
        }
    }

    mutating func takeUnsigned(_ what: StaticString, bits: Int = 32) throws(TextError) -> UInt64 {
        try takeNumber(what) { Numbers.unsigned($0, $1, bits: bits) }
    }

    mutating func takeU32(_ what: StaticString) throws(TextError) -> UInt32 {
        UInt32(truncatingIfNeeded: try takeUnsigned(what))
    }

    /// The value after the `=` of `offset=8`, when this is such a token.
    mutating func takeSetting(_ prefix: StaticString, bits: Int) throws(TextError) -> UInt64? {
        guard token.kind == .keyword, source.starts(token.range, with: prefix) else { return nil }
        let range = token.start + prefix.utf8CodeUnitCount..<token.end
        switch Numbers.unsigned(source, range, bits: bits) {
        case .value(let value):
            try advance()
            return value
        case .malformed: throw failure("unknown operator: \(shown(token)), expected a number after \(prefix)")
        case .outOfRange: throw failure("constant out of range: \(shown(token)) does not fit \(bits) bits")
        }
    }
}

/// An annotation that means something here (custom annotations, names, branch hints).
struct Annotation {
    enum Kind {
        case custom, name, branchHint

        init?(_ source: SourceText, _ range: Range<Int>) {
            if source.matches(range, "(@custom") {
                self = .custom
            } else if source.matches(range, "(@name") {
                self = .name
            } else if source.matches(range, "(@metadata.code.branch_hint") {
                self = .branchHint
            } else {
                return nil
            }
        }

        var text: String {
            switch self {
            case .custom: "@custom"
            case .name: "@name"
            case .branchHint: "@metadata.code.branch_hint"
            }
        }
    }

    var kind: Kind
    var start: Int
    /// Offset behind the annotation's name.
    var contents: Int
    /// Offset of the token after the annotation.
    var following: Int
}
