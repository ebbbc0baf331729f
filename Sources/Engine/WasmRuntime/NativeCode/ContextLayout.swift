// SPDX-License-Identifier: Apache-2.0
// Swiftlet: where the values of an instance stand behind its context; compiled code has these places built in.

import CInterpreter
public import Wasm

/// The words that follow `sw_context`, which depend on the module alone. All places are bytes from the context.
public struct ContextLayout: Sendable {
    /// One pointer to a `sw_function` per imported function.
    public let importedFunctions: Int
    /// One pointer to a `sw_memory` per memory.
    public let memories: Int
    /// One pointer to a `sw_table` per table.
    public let tables: Int
    /// One pointer to a `sw_tag` per tag.
    public let tags: Int
    /// One pointer to a `sw_type` per type index.
    public let types: Int
    /// Of the defined globals, the first of two words each; before them one pointer to the value per imported global.
    private let definedGlobals: Int
    private let importedGlobals: Int
    public let importedGlobalCount: Int
    public let importedFunctionCount: Int
    public let byteCount: Int

    public init(_ module: Module) {
        var functions = 0
        var globals = 0
        var memories = module.memories.count
        var tables = module.tables.count
        var tags = module.tags.count
        for entry in module.imports {
            switch entry.description {
            case .function: functions += 1
            case .global: globals += 1
            case .memory: memories += 1
            case .table: tables += 1
            case .tag: tags += 1
            }
        }
        importedFunctionCount = functions
        importedGlobalCount = globals
        // Vectors want multiples of 16.
        definedGlobals = (MemoryLayout<sw_context>.size + 15) & ~15
        var place = definedGlobals + module.globals.count * 16
        func take(_ count: Int) -> Int {
            defer { place += count * 8 }
            return place
        }
        importedGlobals = take(globals)
        self.memories = take(memories)
        self.tables = take(tables)
        importedFunctions = take(functions)
        self.tags = take(tags)
        types = take(module.types.count)
        byteCount = place
    }

    /// Where a global is: its value, or the pointer to it.
    public func global(_ index: Int) -> (place: Int, isPointer: Bool) {
        index < importedGlobalCount
            ? (importedGlobals + index * 8, true) : (definedGlobals + (index - importedGlobalCount) * 16, false)
    }
}
