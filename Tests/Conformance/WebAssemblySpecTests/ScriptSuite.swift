// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a suite from its script, `.wast`, read with our own text parser.

import TestSupport
import WasmText

enum ScriptSuite {
    /// The suite's script where there is one, else its JSON form.
    static func load(_ path: String) throws -> SpecSuite {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let file = "testdata/wasm-spec/\(path)/\(name).wast"
        guard let bytes = try? SharedData.bytes(file) else { return try SpecSuite.load(path) }
        let script = try bytes.withUnsafeBytes { try Script($0) }
        return SpecSuite(path: path, commands: script.commands.map(command))
    }

    private static func command(_ command: Script.Command) -> SpecSuite.Command {
        var result = SpecSuite.Command(type: command.type, line: command.line)
        result.name = command.name
        result.as = command.registeredName
        result.text = command.text
        result.expected = command.expected.map(value)
        result.action = command.action.map {
            SpecSuite.Action(type: $0.type, module: $0.module, field: $0.field, args: $0.arguments.map(value))
        }
        if command.type == "module_instance" {
            result.instance = command.name
            result.module = command.definition
        }
        switch command.source {
        case .binary(let bytes): result.source = .binary(bytes)
        case .quoted(let text): result.source = .text(text)
        case .refused(let error): result.source = .refused("\(error)")
        case nil: break
        }
        return result
    }

    private static func value(_ value: Script.Value) -> SpecSuite.Value {
        SpecSuite.Value(
            type: value.type, value: value.lanes.isEmpty ? value.value.map { .scalar($0) } : .lanes(value.lanes),
            laneType: value.laneType, values: value.alternatives.map(self.value))
    }
}
