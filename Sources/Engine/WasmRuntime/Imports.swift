// SPDX-License-Identifier: Apache-2.0
// Swiftlet: finding what a module imports.

import CInterpreter
public import Wasm

/// What a module's imports can be served with: host modules, and single values (which come first).
public struct Imports {
    public var hosts: [any HostModule]
    private var externs: [Name: [Name: Extern]] = [:]

    /// Names are equal byte by byte (core specification §2.2.4), other than Swift's strings.
    private struct Name: Hashable {
        let text: String
        init(_ text: String) { self.text = text }
        static func == (a: Name, b: Name) -> Bool { a.text.utf8.elementsEqual(b.text.utf8) }
        func hash(into hasher: inout Hasher) { for byte in text.utf8 { hasher.combine(byte) } }
    }

    public init(hosts: [any HostModule] = []) { self.hosts = hosts }

    public mutating func define(_ module: String, _ name: String, _ value: Extern) {
        externs[Name(module), default: [:]][Name(name)] = value
    }

    /// Defines all exports of an instance under a module name (the test suite's `register`).
    public mutating func define(_ module: String, exportsOf instance: Instance) {
        for export in instance.module.exports {
            if let value = instance.export(export.name) { define(module, export.name, value) }
        }
    }

    /// One value per import in order, or everything that is wrong.
    ///
    /// `types` are the store's numbers of the module's types.
    func resolve(_ module: Module, types: [UInt32], in store: Store) throws(LinkError) -> [Extern] {
        var found: [Extern] = []
        var problems: [LinkError.Problem] = []
        for entry in module.imports {
            if let value = externs[Name(entry.module)]?[Name(entry.name)] ?? host(entry, types, store) {
                if Self.matches(value, entry.description, types, store) {
                    found.append(value)
                } else {
                    problems.append(
                        LinkError.Problem(
                            module: entry.module, name: entry.name, expected: Self.describe(entry.description, module),
                            found: Self.describe(value)))
                }
            } else {
                var problem = LinkError.Problem(
                    module: entry.module, name: entry.name, expected: Self.describe(entry.description, module))
                problem.suggestion = suggestion(for: entry)
                problems.append(problem)
            }
        }
        guard problems.isEmpty else { throw LinkError(problems: problems) }
        return found
    }

    private func host(_ entry: Import, _ types: [UInt32], _ store: Store) -> Extern? {
        guard case .function(let index) = entry.description else { return nil }
        for host in hosts {
            if let function = host.function(
                module: entry.module, name: entry.name, type: store.types.functionType(types[Int(index)]))
            {
                return .function(store.makeFunction(function))
            }
        }
        return nil
    }

    // MARK: Matching (core specification §4.5.3)

    private static func matches(
        _ value: Extern, _ wanted: Import.Description, _ types: [UInt32], _ store: Store
    ) -> Bool {
        switch (value, wanted) {
        case (.function(let function), .function(let index)):
            return store.types.isSubtype(function.pointer.pointee.type, of: types[Int(index)])
        case (.table(let table), .table(let type)):
            return table.type.element == TypeRegistry.renumber(type.element, types)
                && table.type.address == type.address && matches(table.type.limits, type.limits)
        case (.memory(let memory), .memory(let type)):
            return memory.type.address == type.address && memory.type.isShared == type.isShared
                && matches(memory.type.limits, type.limits)
        case (.global(let global), .global(let type)):
            // A global that may be set must have just the type, one that may not can be narrower.
            let wanted = TypeRegistry.renumber(type.value, types)
            guard global.type.isMutable == type.isMutable else { return false }
            return global.type.value == wanted || !type.isMutable && store.types.matches(global.type.value, wanted)
        case (.tag(let tag), .tag(let index)): return tag.pointer.pointee.type == types[Int(index)]
        default: return false
        }
    }

    private static func matches(_ actual: Limits, _ wanted: Limits) -> Bool {
        guard actual.minimum >= wanted.minimum else { return false }
        guard let wantedMaximum = wanted.maximum else { return true }
        return actual.maximum.map { $0 <= wantedMaximum } ?? false
    }

    private static func describe(_ wanted: Import.Description, _ module: Module) -> String {
        switch wanted {
        case .function(let index): "function \(module.functionType(index))"
        case .table(let type): describe(type)
        case .memory(let type): describe(type)
        case .global(let type): "\(type.isMutable ? "mutable" : "immutable") global \(type.value)"
        case .tag(let index): "tag \(module.functionType(index))"
        }
    }

    private static func describe(_ value: Extern) -> String {
        switch value {
        case .function(let function): "function \(function.type)"
        case .table(let table): describe(table.type)
        case .memory(let memory): describe(memory.type)
        case .global(let global): "\(global.type.isMutable ? "mutable" : "immutable") global \(global.type.value)"
        case .tag(let tag): tag.store.map { "tag \($0.types.functionType(tag.pointer.pointee.type))" } ?? "tag"
        }
    }

    private static func describe(_ type: TableType) -> String {
        "\(describe(type.address))table of \(describe(type.limits)) \(type.element)"
    }

    private static func describe(_ type: MemoryType) -> String {
        "\(type.isShared ? "shared " : "")\(describe(type.address))memory of \(describe(type.limits)) pages"
    }

    private static func describe(_ address: AddressType) -> String { address == .i64 ? "64-bit " : "" }

    private static func describe(_ limits: Limits) -> String {
        limits.maximum.map { "\(limits.minimum) to \($0)" } ?? "at least \(limits.minimum)"
    }

    // MARK: Suggestions

    /// The nearest name that is known under the module, or the nearest module.
    private func suggestion(for entry: Import) -> String? {
        let names =
            hosts.flatMap { $0.functionNames(inModule: entry.module) }
            + (externs[Name(entry.module)] ?? [:]).keys.map(\.text)
        if names.isEmpty {
            let modules = hosts.flatMap(\.moduleNames) + externs.keys.map(\.text)
            return Suggestion.nearest(to: entry.module, in: modules).map { "module \($0)" }
        }
        return Suggestion.nearest(to: entry.name, in: names.filter { $0 != entry.name }).map { "\(entry.module).\($0)" }
    }
}

/// Imports that cannot be served, all of them.
public struct LinkError: Error, Sendable, Hashable {
    public struct Problem: Sendable, Hashable {
        public var module: String
        public var name: String
        /// What the module declares: "function (i32) -> (i32)".
        public var expected: String
        /// What there is under the name; nil = nothing.
        public var found: String?
        /// The nearest known name.
        public var suggestion: String?
    }

    public var problems: [Problem]
}

extension LinkError: CustomStringConvertible {
    /// One line per problem. "unknown import" and "incompatible import type" are the specification suite's phrases.
    public var description: String {
        problems.map { problem in
            let name = "\(problem.module).\(problem.name)"
            if let found = problem.found {
                return "incompatible import type: \(name): expected \(problem.expected), found \(found)"
            }
            let hint = problem.suggestion.map { "; did you mean \($0)?" } ?? ""
            return "unknown import: \(name): expected \(problem.expected)\(hint)"
        }.joined(separator: "\n")
    }
}
