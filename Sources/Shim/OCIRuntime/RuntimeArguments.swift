// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the command line that OCI runtimes share: runc's.

/// `swiftlet-oci [GLOBAL OPTIONS] COMMAND [OPTIONS] [OPERANDS]`.
///
/// See: runc(8) and its pages. `--name value`, `--name=value`, `-n value`; one dash is as good as two.
package struct RuntimeArguments: Sendable, Equatable {
    package enum Command: String, Sendable, CaseIterable {
        case create, start, state, kill, delete, run, exec, list, ps, pause, resume, update, events, features, spec
        case checkpoint, restore, help, version
    }

    package var command: Command
    /// By long name; a flag has the value `true`.
    package var global: [String: [String]] = [:]
    package var options: [String: [String]] = [:]
    package var operands: [String] = []
    /// The command's name and what came after it, word by word, for whoever it is handed to.
    package var commandWords: [String] = []

    /// - Parameter arguments: without the program's name.
    package init(parsing arguments: [String]) throws(RuntimeFailure) {
        var rest = arguments[...]
        command = .help
        var name: String?
        while let word = rest.first {
            guard word.hasPrefix("-"), word != "-", word != "--" else {
                name = word
                break
            }
            rest.removeFirst()
            try Self.takeOption(word, &rest, OptionTable.global, "", into: &global)
        }
        if Self.isSet(global["version"]) {
            command = .version
            return
        }
        if Self.isSet(global["help"]) { return }
        guard let name else { return }
        guard let command = Command(rawValue: name) else {
            throw RuntimeFailure("unknown command \"\(name)\"; see --help")
        }
        self.command = command
        commandWords = Array(rest)
        rest.removeFirst()
        let table = OptionTable.command(command)
        // The words after these commands' first operand belong to somebody else.
        let stopsAtOperand = command == .exec || command == .ps
        while let word = rest.popFirst() {
            if word == "--" {
                operands += rest
                break
            }
            guard word.hasPrefix("-"), word != "-" else {
                operands.append(word)
                if stopsAtOperand {
                    operands += rest
                    break
                }
                continue
            }
            try Self.takeOption(word, &rest, table, "\(name): ", into: &options)
        }
        if Self.isSet(options["help"]) { self.command = .help }
    }

    private static func takeOption(
        _ word: String, _ rest: inout ArraySlice<String>, _ table: [OptionRule], _ place: String,
        into values: inout [String: [String]]
    ) throws(RuntimeFailure) {
        let body = word.drop { $0 == "-" }
        let parts = body.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let name = parts.first, let rule = table.first(where: { $0.name == name || $0.short == name }) else {
            throw RuntimeFailure("\(place)unknown option \(word)")
        }
        if let reason = rule.refusal { throw RuntimeFailure("\(place)option --\(rule.name): \(reason)") }
        var value = "true"
        if parts.count > 1 {
            value = parts[1]
        } else if rule.takesValue {
            guard let next = rest.popFirst() else {
                throw RuntimeFailure("\(place)option --\(rule.name) needs a value")
            }
            value = next
        }
        if !rule.takesValue, value != "true", value != "false" {
            throw RuntimeFailure("\(place)option --\(rule.name): expected true or false, found \"\(value)\"")
        }
        values[rule.name, default: []].append(value)
    }

    private static func isSet(_ values: [String]?) -> Bool { values?.last == "true" }

    /// The last value given.
    package func value(_ name: String) -> String? { options[name]?.last }

    package func flag(_ name: String) -> Bool { Self.isSet(options[name]) }

    /// The container that the command is about.
    package func containerID() throws(RuntimeFailure) -> String {
        guard let id = operands.first else { throw RuntimeFailure("\(command): the container's id is missing") }
        try Self.check(id)
        return id
    }

    /// The id and nothing after it.
    package func onlyContainerID() throws(RuntimeFailure) -> String {
        let id = try containerID()
        guard operands.count == 1 else { throw RuntimeFailure("\(command): unexpected \"\(operands[1])\"") }
        return id
    }

    /// Letters, digits, `_`, `+`, `-`, `.`; as runc has it, except that an id does not start with a dot.
    static func check(_ id: String) throws(RuntimeFailure) {
        func isFine(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                || byte == 0x5f || byte == 0x2b || byte == 0x2d || byte == 0x2e
        }
        guard (1...200).contains(id.utf8.count), id.utf8.allSatisfy(isFine), !id.hasPrefix(".") else {
            throw RuntimeFailure("invalid container id \"\(id)\": expected letters, digits, _ + - .")
        }
    }

    /// An option's value as a number.
    package func integer<Value: FixedWidthInteger>(_ name: String, _ type: Value.Type) throws(RuntimeFailure) -> Value?
    {
        guard let text = value(name) else { return nil }
        guard let number = Value(text) else {
            throw RuntimeFailure("\(command): option --\(name): expected a number, found \"\(text)\"")
        }
        return number
    }
}
