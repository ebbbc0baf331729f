// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the state of an instance, from which others are made.

import CInterpreter
public import Wasm

/// Why there is no image of an instance.
public struct InstanceImageError: Error, Sendable, CustomStringConvertible {
    public let description: String
}

/// What an instance was at one moment: its memories, globals, tables and segments. Instances that are made of it,
/// ``Instance/init(_:in:imports:native:)-(InstanceImage,_,_,_)``, begin there instead of with the module's segments and
/// its start function, share the memory's pages until they write to them, and go back by ``Instance/reset()``.
///
/// What is not in it: the host's state, such as descriptors; the state of other instances.
public final class InstanceImage {
    public let module: Module
    let memories: [MemoryImage]
    /// Of each defined global two words.
    let globals: [UInt64]
    let tables: [[UInt64]]
    let elements: [[UInt64]]
    let isDataDropped: [Bool]

    /// Copies the state of an instance that does not run.
    ///
    /// - Parameters:
    ///   - instance: all its memories, tables and mutable globals must be its own, and no reference in them but to its
    ///     functions.
    ///   - allowsHostCalls: whether host functions may have been called before. What they answered (a descriptor, the
    ///     time, random bytes) is in the image then, the same for every instance made of it.
    public init(of instance: Instance, allowsHostCalls: Bool = false) throws {
        let state = instance.state
        module = state.module
        guard state.store.nesting == 0 else { throw InstanceImageError("the guest is running") }
        guard allowsHostCalls || state.store.hostCallCount == 0 else {
            throw InstanceImageError("the guest has called the host, whose answers are in its state")
        }
        try Self.checkOwnership(state)
        let references = FunctionNumbers(state)
        memories = try state.memories.map { try MemoryImage($0) }
        globals = try Self.globals(state, references)
        tables = try state.tables.map { table in
            try (0..<Int(table.count)).map {
                try references.number(table.pointer.pointee.elements[$0], "table", table.type.element)
            }
        }
        elements = try zip(state.elements, state.module.elements).map { values, segment in
            try values.map { try references.number($0, "element segment", segment.type) }
        }
        isDataDropped = state.isDataDropped
    }

    private static func checkOwnership(_ state: InstanceState) throws {
        for entry in state.module.imports {
            switch entry.description {
            case .function, .tag: continue
            case .global(let type) where !type.isMutable: continue
            case .global: throw notOwn("global", entry)
            case .memory: throw notOwn("memory", entry)
            case .table: throw notOwn("table", entry)
            }
        }
        if state.memories.contains(where: { $0.pointer.pointee.is_shared }) {
            throw InstanceImageError("a shared memory may be changing now")
        }
    }

    private static func notOwn(_ kind: String, _ entry: Import) -> InstanceImageError {
        InstanceImageError("imported \(kind) \(entry.module).\(entry.name) is not the instance's")
    }

    private static func globals(_ state: InstanceState, _ references: FunctionNumbers) throws -> [UInt64] {
        var words: [UInt64] = []
        for index in state.layout.importedGlobalCount..<state.globals.count {
            let global = state.globals[index]
            words.append(try references.number(global.value, "global \(index)", global.type.value))
            words.append(global.upperHalf)
        }
        return words
    }
}

/// References to functions as numbers that mean the same in every instance of the module: index + 1, null is 0.
private struct FunctionNumbers {
    private var numbers: [UInt64: UInt64] = [:]

    init(_ state: InstanceState) {
        for index in state.functions.indices { numbers[state.functionAddress(UInt32(index))] = UInt64(index) + 1 }
    }

    /// A value of type `type`: references to functions by number, numbers and vectors as they are.
    func number(_ value: UInt64, _ place: String, _ type: ValueType) throws -> UInt64 {
        guard type.isReference, value != 0 else { return value }
        guard let number = numbers[value] else {
            throw InstanceImageError("\(place) has a reference to something else than a function of the instance")
        }
        return number
    }
}

extension InstanceImageError {
    init(_ description: String) { self.description = description }
}
