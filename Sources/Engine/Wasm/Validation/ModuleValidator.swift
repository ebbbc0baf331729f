// SPDX-License-Identifier: Apache-2.0
// Swiftlet: validation of everything outside function bodies (core specification §3.4 and §3.5).

extension Module {
    /// Validates the whole module, bodies included (core specification §3).
    ///
    /// Reads the bodies from the module's bytes and keeps nothing: the cost is time linear in the module's size and
    /// memory linear in the deepest operand stack.
    ///
    /// - Throws: `invalid` for a broken rule, `malformed` for broken bytes in a body, `unsupported`, `limit`.
    public func validate(
        features: FeatureSet = .supported, limits: DecodingLimits = .standard
    ) throws(WasmError) {
        try ModuleValidator(module: self, features: features, limits: limits).validate()
    }

    /// Decodes and validates.
    public static func load(
        _ bytes: ModuleBytes, features: FeatureSet = .supported, limits: DecodingLimits = .standard
    ) throws(WasmError) -> Module {
        let module = try decode(bytes, features: features, limits: limits)
        try module.validate(features: features, limits: limits)
        return module
    }
}

struct ModuleValidator {
    let module: Module
    let features: FeatureSet
    let limits: DecodingLimits

    func validate() throws(WasmError) {
        try checkTypeIndices()
        let tables = ModuleTables(module)
        try checkSupertypes(tables)
        try checkSizes(tables)
        try checkTables(tables)
        try checkGlobals(tables)
        try checkSegments(tables)
        try checkStart(tables)
        try checkExports(tables)
        var functions = FunctionValidator(module: module, tables: tables, features: features, limits: limits)
        try functions.validateAll()
    }

    /// An error in a section; its offset is the section's start, since items keep no place of their own.
    func invalid(_ section: Section.Identifier, _ message: String) -> WasmError {
        let place = module.sections.first { $0.identifier == section }?.payload.lowerBound ?? 0
        return WasmError(.invalid, at: place, message)
    }

    private func checkTypeIndices() throws(WasmError) {
        func check(_ index: UInt32, _ section: Section.Identifier, _ what: () -> String) throws(WasmError) {
            guard Int(index) < module.types.count else {
                throw invalid(
                    section, "unknown type \(index): of \(what()); the module has \(module.types.count) types")
            }
            guard module.types[Int(index)].function != nil else {
                throw invalid(
                    section, "type mismatch: type \(index) of \(what()) is \(module.types[Int(index)]), not a function")
            }
        }
        for item in module.imports {
            switch item.description {
            case .function(let type): try check(type, .import, { "import \(item.module).\(item.name)" })
            case .tag(let type):
                try check(type, .import, { "import \(item.module).\(item.name)" })
                try checkTag(type, .import)
            default: break
            }
        }
        let imported = module.importedFunctionCount
        for (index, type) in module.functionTypeIndices.enumerated() {
            try check(type, .function, { "function \(imported + index)" })
        }
        for (index, type) in module.tags.enumerated() {
            try check(type, .tag, { "defined tag \(index)" })
            try checkTag(type, .tag)
        }
    }

    /// An exception carries the parameters of its tag and nothing comes back.
    private func checkTag(_ type: UInt32, _ section: Section.Identifier) throws(WasmError) {
        let results = module.functionType(type).results
        guard results.isEmpty else {
            throw invalid(section, "non-empty tag result type: type \(type) is \(module.functionType(type))")
        }
    }

    private func checkSizes(_ tables: borrowing ModuleTables) throws(WasmError) {
        for item in module.imports {
            switch item.description {
            case .table(let type): try check(type, of: "imported table \(item.module).\(item.name)", .import)
            case .memory(let type): try check(type, of: "imported memory \(item.module).\(item.name)", .import)
            default: break
            }
        }
        for type in module.tables { try check(type, of: "table", .table) }
        for type in module.memories { try check(type, of: "memory", .memory) }
        if tables.memoryCount > 1 && !features.contains(.multiMemory) {
            let section = module.memories.isEmpty ? Section.Identifier.import : .memory
            let place = module.sections.first { $0.identifier == section }?.payload.lowerBound ?? 0
            throw WasmError(
                .unsupported, at: place,
                "feature multi-memory is not supported: multiple memories (\(tables.memoryCount)) need it")
        }
    }

    private func check(
        _ type: MemoryType, of what: @autoclosure () -> String, _ section: Section.Identifier
    ) throws(WasmError) {
        let (most, rule): (UInt64, String) =
            switch type.address {
            case .i32: (65_536, "memory size must be at most 65536 pages (4GiB)")
            case .i64: (1 << 48, "memory size must be at most 2^48 pages")
            }
        try check(type.limits, most, rule, of: what(), section)
        guard !type.isShared || type.limits.maximum != nil else {
            let place = module.sections.first { $0.identifier == section }?.payload.lowerBound ?? 0
            throw WasmError(.invalid, at: place, "shared memory must have maximum: \(what())")
        }
    }

    private func check(
        _ type: TableType, of what: @autoclosure () -> String, _ section: Section.Identifier
    ) throws(WasmError) {
        try check(
            type.limits, type.address == .i32 ? 0xFFFF_FFFF : .max, "table size must be at most 2^32-1", of: what(),
            section)
    }

    private func check(
        _ size: Limits, _ most: UInt64, _ rule: String, of what: @autoclosure () -> String,
        _ section: Section.Identifier
    ) throws(WasmError) {
        if let largest = [size.minimum, size.maximum ?? 0].max(), largest > most {
            throw invalid(section, "\(rule): \(what()) declares \(largest)")
        }
        if let maximum = size.maximum, size.minimum > maximum {
            throw invalid(
                section,
                "size minimum must not be greater than maximum: \(what()) declares \(size.minimum) and \(maximum)")
        }
    }

    private func checkGlobals(_ tables: borrowing ModuleTables) throws(WasmError) {
        let imported = tables.globals.count - module.globals.count
        for (index, global) in module.globals.enumerated() {
            // A global sees the ones before it only.
            try check(
                global.initial, is: global.type.value, visibleGlobals: imported + index, tables, .global,
                of: { "global \(imported + index)" })
        }
    }

    /// A table without an initial value starts with null, which its type must allow.
    private func checkTables(_ tables: borrowing ModuleTables) throws(WasmError) {
        let importedGlobals = tables.globals.count - module.globals.count
        let imported = tables.tables.count - module.tables.count
        for (index, type) in module.tables.enumerated() {
            let name = { "table \(imported + index)" }
            if let initial = module.tableInitializers[index] {
                try check(initial, is: type.element, visibleGlobals: importedGlobals, tables, .table, of: name)
            } else if !type.element.isNullable {
                throw invalid(.table, "type mismatch: \(name()) of \(type.element) needs an initial value")
            }
        }
    }

    private func checkSegments(_ tables: borrowing ModuleTables) throws(WasmError) {
        for (index, segment) in module.elements.enumerated() {
            let name = { "element segment \(index)" }
            if case .active(let table, let offset) = segment.mode {
                guard Int(table) < tables.tables.count else {
                    throw invalid(.element, "unknown table \(table): of \(name())")
                }
                guard tables.matches(segment.type.rawValue, tables.tables[Int(table)]) else {
                    throw invalid(
                        .element,
                        "type mismatch: \(name()) has \(segment.type), table \(table) has "
                            + tables.tables[Int(table)].name)
                }
                try check(
                    offset, is: ValueType(rawValue: tables.tableAddresses[Int(table)]),
                    visibleGlobals: tables.globals.count, tables, .element, of: name)
            }
            for item in segment.items {
                try check(item, is: segment.type, visibleGlobals: tables.globals.count, tables, .element, of: name)
            }
        }
        for (index, segment) in module.data.enumerated() {
            guard case .active(let memory, let offset) = segment.mode else { continue }
            guard memory < tables.memoryCount else {
                throw invalid(.data, "unknown memory \(memory): of data segment \(index)")
            }
            try check(
                offset, is: ValueType(rawValue: tables.memories[Int(memory)]),
                visibleGlobals: tables.globals.count, tables, .data, of: { "data segment \(index)" })
        }
    }

    private func checkStart(_ tables: borrowing ModuleTables) throws(WasmError) {
        guard let start = module.start else { return }
        guard Int(start) < tables.functions.count else {
            throw invalid(.start, "unknown function \(start): as start function")
        }
        let type = module.functionType(tables.functions[Int(start)])
        guard type.parameters.isEmpty && type.results.isEmpty else {
            throw invalid(.start, "start function: function \(start) has type \(type), expected () -> ()")
        }
    }

    private func checkExports(_ tables: borrowing ModuleTables) throws(WasmError) {
        var names = Set<ExactName>(minimumCapacity: module.exports.count)
        for item in module.exports {
            let (kind, index, count): (String, UInt32, Int) =
                switch item.description {
                case .function(let index): ("function", index, tables.functions.count)
                case .table(let index): ("table", index, tables.tables.count)
                case .memory(let index): ("memory", index, Int(tables.memoryCount))
                case .global(let index): ("global", index, tables.globals.count)
                case .tag(let index): ("tag", index, tables.tags.count)
                }
            guard Int(index) < count else {
                throw invalid(
                    .export, "unknown \(kind) \(index): exported as \"\(item.name)\"; the module has \(count)")
            }
            guard names.insert(ExactName(item.name)).inserted else {
                throw invalid(.export, "duplicate export name: \"\(item.name)\"")
            }
        }
    }
}
