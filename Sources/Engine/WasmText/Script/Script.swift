// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the specification's test scripts, `.wast`.

import Wasm

/// A script of the specification's test suite (interpreter/README, "Scripts"). Values and commands have the words of its
/// JSON form, so that one runner serves both.
public struct Script: Sendable {
    public var commands: [Command]

    /// A module as the script gives it.
    public enum ModuleSource: Sendable {
        /// From `(module binary …)`, or assembled from text that stands in the script.
        case binary([UInt8])
        /// Text in quotes, which the assertion is about.
        case quoted([UInt8])
        /// Text in the script that could not be assembled.
        case refused(TextError)
    }

    public struct Command: Sendable {
        /// `module`, `assert_return`, …
        public var type: String
        public var line: Int
        /// Of a module, or the module that `register` means.
        public var name: String?
        /// The name that `register` gives.
        public var registeredName: String?
        public var source: ModuleSource?
        /// The expected message.
        public var text: String?
        public var action: Action?
        public var expected: [Value] = []
        /// Of `module_instance`: the definition.
        public var definition: String?
    }

    public struct Action: Sendable {
        /// `invoke` or `get`.
        public var type: String
        public var module: String?
        public var field: String
        public var arguments: [Value] = []
    }

    public struct Value: Sendable {
        /// `i32`, …, `v128`, `externref`, `refnull`, or `either`.
        public var type: String
        /// Signed decimal of an integer, decimal of a float's bits, `nan:canonical`, `nan:arithmetic`, a host number.
        public var value: String?
        /// Of a vector: `i8` … `f64`, and the lanes.
        public var laneType: String?
        public var lanes: [String] = []
        public var alternatives: [Value] = []
    }

    public init(_ bytes: UnsafeRawBufferPointer) throws(TextError) {
        var parser = try ScriptParser(SourceText(bytes))
        try parser.parse()
        commands = parser.commands
    }
}

struct ScriptParser {
    var reader: TokenReader
    private(set) var commands: [Script.Command] = []
    /// Line of the last command, counted on from there.
    private var line = 1
    private var lineStart = 0

    init(_ source: SourceText) throws(TextError) { reader = try TokenReader(source) }

    mutating func parse() throws(TextError) {
        guard reader.token.kind != .leftParenthesis || isCommand else {
            // The fields of one module without `(module`.
            var assembler = ModuleAssembler(reader, limits: .standard)
            commands = [
                Script.Command(type: "module", line: 1, source: .binary(try assembler.assembleFields(from: 0).bytes))
            ]
            reader = assembler.reader
            guard reader.token.kind == .end else { throw reader.unexpected("the end of the text") }
            return
        }
        while reader.token.kind == .leftParenthesis { try parseCommand() }
        guard reader.token.kind == .end else { throw reader.unexpected("( of a command") }
    }

    private var isCommand: Bool {
        ["module", "register", "invoke", "get"].contains { reader.text(reader.next) == $0 }
            || reader.text(reader.next).hasPrefix("assert_")
    }

    private mutating func currentLine() -> Int {
        while lineStart < reader.token.start {
            if reader.source[lineStart] == 0x0A { line += 1 }
            lineStart += 1
        }
        return line
    }

    private mutating func parseCommand() throws(TextError) {
        var command = Script.Command(type: "", line: currentLine())
        try reader.advance()
        guard reader.token.kind == .keyword else { throw reader.unexpected("a command") }
        command.type = reader.text(reader.token)
        if command.type == "module" { return try parseModule(command) }
        let start = reader.token.start
        try reader.advance()
        switch command.type {
        case "register":
            command.registeredName = try reader.takeName("a module's name")
            command.name = try takeModule()
        case "invoke", "get":
            command.action = try parseAction(command.type)
            command.type = "action"
        case "assert_return":
            command.action = try parseNestedAction()
            while reader.token.kind == .leftParenthesis { command.expected.append(try parseValue()) }
        case "assert_exception": command.action = try parseNestedAction()
        case "assert_trap", "assert_exhaustion", "assert_unlinkable", "assert_invalid", "assert_malformed",
            "assert_invalid_custom", "assert_malformed_custom":
            if reader.isForm("module") {
                if command.type == "assert_trap" { command.type = "assert_uninstantiable" }
                command.source = try parseNestedModule()
            } else {
                command.action = try parseNestedAction()
            }
            command.text = try reader.takeName("the expected message")
        default: throw reader.failure(at: start, "unknown command \(command.type)")
        }
        try reader.close()
        commands.append(command)
    }

    private mutating func takeModule() throws(TextError) -> String? {
        guard let identifier = try reader.takeIdentifier() else { return nil }
        return try reader.identifierName(identifier).string
    }

    // MARK: Modules

    /// At `module`.
    private mutating func parseModule(_ start: Script.Command) throws(TextError) {
        var command = start
        if reader.source.matches(reader.next.range, "instance") {
            try reader.advance()
            try reader.advance()
            command.type = "module_instance"
            command.name = try takeModule()
            command.definition = try takeModule()
            try reader.close()
        } else {
            if reader.source.matches(reader.next.range, "definition") {
                command.type = "module_definition"
                try reader.advance()
            }
            if reader.next.kind == .identifier {
                command.name = try reader.identifierName(reader.next).string
            }
            command.source = try parseModuleSource()
        }
        commands.append(command)
    }

    private mutating func parseNestedModule() throws(TextError) -> Script.ModuleSource {
        try reader.advance()
        return try parseModuleSource()
    }

    /// From the word before the identifier to behind the parenthesis.
    private mutating func parseModuleSource() throws(TextError) -> Script.ModuleSource {
        try reader.advance()
        let start = reader.token.start
        let identifier = try reader.takeIdentifier()
        if try reader.takeKeyword("quote") {
            var text: [UInt8] = []
            while reader.token.kind == .string {
                _ = try reader.takeString(to: &text)
                // Tokens of two strings are apart.
                text.append(UInt8(ascii: " "))
            }
            try reader.close()
            return .quoted(text)
        }
        if let binary = try reader.takeBinary() { return .binary(binary) }
        var assembler = ModuleAssembler(reader, limits: .standard)
        do throws(TextError) {
            try assembler.takeModuleName(identifier)
            let binary = try assembler.assembleFields(from: start).bytes
            reader = assembler.reader
            try reader.close()
            return .binary(binary)
        } catch {
            try reader.seek(to: start)
            try assembler.reader.seek(to: start)
            try assembler.skipForm()
            try reader.seek(to: assembler.reader.token.start)
            try reader.close()
            return .refused(error)
        }
    }

    // MARK: Actions

    private mutating func parseNestedAction() throws(TextError) -> Script.Action {
        for type: StaticString in ["invoke", "get"] where reader.isForm(type) {
            try reader.advance()
            try reader.advance()
            let action = try parseAction("\(type)")
            try reader.close()
            return action
        }
        throw reader.unexpected("(invoke or (get")
    }

    private mutating func parseAction(_ type: String) throws(TextError) -> Script.Action {
        let module = try takeModule()
        var action = Script.Action(type: type, module: module, field: try reader.takeName("the name of an export"))
        while type == "invoke", reader.token.kind == .leftParenthesis { action.arguments.append(try parseValue()) }
        return action
    }
}
