// SPDX-License-Identifier: Apache-2.0
// Swiftlet: executes the script of a specification suite.

import NativeSupport
import TestSupport
import Wasm
import WasmRuntime
import WasmText

/// Runs one suite: every command of its script. The messages of refused modules are compared beside the validator
/// (WasmTests); here it counts that they are refused.
struct SpecRunner {
    struct Failure: CustomStringConvertible {
        var line: Int
        var message: String
        var description: String { "line \(line): \(message)" }
    }

    let suite: SpecSuite
    let store: Store
    var imports: Imports
    /// Instances by name; nil = the module needs a feature that the engine does not have.
    private var instances: [String: Instance?] = [:]
    private var definitions: [String: Module?] = [:]
    private var current: Instance?
    private var currentDefinition: Module?

    private(set) var passed = 0
    private(set) var failures: [Failure] = []
    private(set) var skipped: [String: Int] = [:]
    private var reason = "no module"
    /// Names registered for modules that were skipped; who imports from them is skipped too.
    private var unavailable: Set<String> = []

    /// Compiles the modules; nil = the interpreter runs them.
    private let native: NativeTier?
    /// Functions that were compiled, and those that were not.
    private(set) var functions = (native: 0, interpreted: 0)

    init(_ suite: SpecSuite, stress: HeapStress = .none, fuel: UInt64? = nil, native: NativeTier? = nil) throws {
        self.suite = suite
        self.native = native
        var limits = StoreLimits()
        limits.valueStackBytes = 1 << 20
        limits.allowsNativeCode = native != nil
        limits.fuel = fuel
        store = try Store(limits: limits)
        if stress != .none { try store.setHeapStress(stress) }
        imports = try spectest(store)
    }

    mutating func run() {
        let exceptions = Exceptions.lines[suite.path] ?? [:]
        for command in suite.commands {
            if let reason = exceptions[command.line] { skip(reason) } else { run(command) }
        }
    }

    private mutating func run(_ command: SpecSuite.Command) {
        switch command.type {
        case "module":
            current = nil
            guard let module = load(command) else { return name(command.name, nil) }
            currentDefinition = module
            do {
                current = try instantiate(module)
                name(command.name, current)
                passed += 1
            } catch { fail(command, "module: \(error)") }
        case "module_definition":
            currentDefinition = load(command)
            if let name = command.name { definitions[name] = .some(currentDefinition) }
        case "module_instance": instantiateDefinition(command)
        case "register":
            guard let instance = instance(command.name) else {
                unavailable.insert(command.as ?? "")
                return skip(reason)
            }
            unavailable.remove(command.as ?? "")
            imports.define(command.as ?? "", exportsOf: instance)
            passed += 1
        case "action", "assert_return", "assert_trap", "assert_exhaustion", "assert_exception": act(command)
        case "assert_unlinkable", "assert_uninstantiable": refuse(command)
        case "assert_invalid", "assert_malformed", "assert_malformed_custom", "assert_invalid_custom":
            refuseToLoad(command)
        default: skip("\(command.type) is for another test or feature")
        }
    }

    // MARK: Modules

    private mutating func instantiate(_ module: Module) throws(InstantiationError) -> Instance {
        guard let native else { return try Instance(module, in: store, imports: imports) }
        let code: NativeCode
        do {
            let made = try native.code(for: module)
            code = made.code
            functions.native += module.code.count - made.interpreted
            functions.interpreted += made.interpreted
        } catch { fatalError("\(suite.path): \(error)") }
        let instance = try Instance(module, in: store, imports: imports, native: code)
        if let mismatch = instance.nativeMismatch { fatalError("\(suite.path): \(mismatch)") }
        return instance
    }

    private mutating func load(_ command: SpecSuite.Command) -> Module? {
        do {
            let module = try Module.decode(ModuleBytes(try bytes(of: command)))
            try module.validate()
            if let entry = module.imports.first(where: { unavailable.contains($0.module) }) {
                reason = "imports from \(entry.module), which is skipped"
                skip(reason)
                return nil
            }
            return module
        } catch let error as WasmError where error.kind == .unsupported {
            reason = Self.feature(error)
            skip(reason)
        } catch {
            fail(command, "\(error)")
        }
        return nil
    }

    /// A module that must be refused before it is instantiated.
    private mutating func refuseToLoad(_ command: SpecSuite.Command) {
        do {
            let module = try Module.decode(ModuleBytes(try bytes(of: command)))
            try module.validate()
            fail(command, "\(command.type): expected \(command.text ?? ""), but it was accepted")
        } catch let error as WasmError where error.kind == .unsupported {
            skip(Self.feature(error))
        } catch is WasmError {
            passed += 1
        } catch is TextError where command.type != "assert_invalid" {
            passed += 1
        } catch is RefusedText where command.type == "assert_invalid_custom" {
            passed += 1
        } catch {
            fail(command, "\(error)")
        }
    }

    /// The binary of the module, assembled where it is text.
    private func bytes(of command: SpecSuite.Command) throws -> [UInt8] {
        switch command.source {
        case .binary(let bytes): return bytes
        case .text(let text): return try text.withUnsafeBytes { try TextFormat.assemble($0).bytes }
        case .refused(let error): throw RefusedText(description: error)
        case nil: break
        }
        let bytes = try suite.bytes(of: command)
        return command.isBinary ? bytes : try bytes.withUnsafeBytes { try TextFormat.assemble($0).bytes }
    }

    /// Text outside of quotes, which is never what an assertion is about.
    private struct RefusedText: Error, CustomStringConvertible {
        var description: String
    }

    /// "feature simd is not supported", without the place.
    private static func feature(_ error: WasmError) -> String {
        String(error.message.prefix { $0 != ":" })
    }

    private mutating func name(_ name: String?, _ instance: Instance?) {
        if let name { instances[name] = .some(instance) }
    }

    private mutating func instantiateDefinition(_ command: SpecSuite.Command) {
        let module = command.module.map { definitions[$0] ?? nil } ?? currentDefinition
        guard let module else { return skip(reason) }
        do {
            current = try instantiate(module)
            name(command.instance, current)
            passed += 1
        } catch { fail(command, "module_instance: \(error)") }
    }

    private func instance(_ name: String?) -> Instance? {
        guard let name else { return current }
        return instances[name] ?? nil
    }

    private mutating func refuse(_ command: SpecSuite.Command) {
        guard let module = load(command) else { return }
        do {
            _ = try instantiate(module)
            fail(command, "\(command.type): expected \(command.text ?? ""), but it was instantiated")
        } catch {
            let text = String(describing: error)
            let isRightKind: Bool =
                switch error {
                case .link: command.type == "assert_unlinkable"
                case .trapped: command.type == "assert_uninstantiable"
                default: false
                }
            if isRightKind, text.contains(command.text ?? "") {
                passed += 1
            } else {
                fail(command, "\(command.type): expected \(command.text ?? ""), found \(text)")
            }
        }
    }

    // MARK: Actions

    private mutating func act(_ command: SpecSuite.Command) {
        guard let action = command.action, let instance = instance(action.module) else { return skip(reason) }
        var arguments: [UInt64] = []
        for value in action.args ?? [] {
            guard let slots = SpecValue.slots(value, store) else { return skip("argument of type \(value.type)") }
            arguments += slots
        }
        let outcome: Invocation?
        if action.type == "get" {
            outcome =
                if case .global(let global)? = instance.export(action.field) { .returned([global.value]) } else { nil }
        } else {
            outcome = instance.invoke(action.field, arguments)
        }
        guard let outcome else { return fail(command, "no export \(action.field)") }
        check(command, outcome)
    }

    private mutating func check(_ command: SpecSuite.Command, _ outcome: Invocation) {
        switch (command.type, outcome) {
        case ("assert_return", .returned(let results)), ("action", .returned(let results)):
            let expected = command.expected ?? []
            if command.type == "action" || SpecValue.matches(results[...], expected, store) {
                passed += 1
            } else {
                fail(command, "expected \(expected.map(SpecValue.text)), found \(results)")
            }
        case ("assert_trap", .trapped(let trap)), ("assert_exhaustion", .trapped(let trap)):
            // The suite's message may be longer: "uninitialized element 2".
            if (command.text ?? "").hasPrefix(trap.reason.description) || command.text == "undefined" {
                passed += 1
            } else {
                fail(command, "expected trap \(command.text ?? ""), found \(trap.reason)")
            }
        case ("assert_exception", .trapped(let trap)) where trap.exception != nil: passed += 1
        default: fail(command, "\(command.type) \(command.text ?? ""): found \(outcome)")
        }
    }

    private mutating func skip(_ reason: String) { skipped[reason, default: 0] += 1 }

    private mutating func fail(_ command: SpecSuite.Command, _ message: String) {
        failures.append(Failure(line: command.line, message: "\(command.action?.field ?? ""): \(message)"))
    }
}
