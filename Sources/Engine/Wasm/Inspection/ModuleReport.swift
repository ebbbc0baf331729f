// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what `swiftlet inspect` tells about a module.

/// What a module is, needs and offers, as a value.
public struct ModuleReport: Sendable {
    /// How the module wants to be run (WASI application ABI).
    public enum Kind: String, Sendable {
        /// Exports `_start`: runs once from start to end.
        case command
        /// Exports `_initialize`: is set up once, then its exports are called.
        case reactor
        /// Neither: its exports are called.
        case library
    }

    public struct Item: Sendable {
        /// Import module; empty for an export.
        public var module = ""
        public var name: String
        /// `function`, `table`, `memory`, `global` or `tag`.
        public var kind: String
        /// `(i32, i32) -> (i64)`, `funcref 10..20`, `17 pages..`, `mut i32`.
        public var type: String
        /// For an import: who provides it here, nil when nobody does.
        public var servedBy: String?
    }

    public struct SectionSize: Sendable {
        public var name: String
        public var bytes: Int
    }

    public var byteCount: Int
    public var kind: Kind
    public var name: String?
    public var imports: [Item]
    public var exports: [Item]
    public var memories: [MemoryType]
    public var tables: [TableType]
    /// Functions defined in the module, imports not counted.
    public var functionCount: Int
    public var globalCount: Int
    public var hasStartFunction: Bool
    /// What the module really uses beyond WebAssembly 1.0.
    public var features: FeatureSet
    /// What its compiler was allowed to use, by the `target_features` section.
    public var targetFeatures: [String]
    public var producers: [Producers.Entry]
    public var sections: [SectionSize]

    /// Describes a decoded and validated module.
    ///
    /// - Parameter servedBy: names the host interface that serves an import (`nil` when none does); the type is that of
    ///   a function import, nil for others.
    public init(_ module: Module, servedBy: (_ module: String, _ name: String, _ type: FunctionType?) -> String?) {
        byteCount = module.bytes.count
        name = NameSection(module).moduleName
        imports = module.imports.map { item in
            let (kind, type) = Self.describe(item, in: module)
            var function: FunctionType?
            if case .function(let index) = item.description, Int(index) < module.types.count {
                function = module.types[Int(index)].function
            }
            return Item(
                module: item.module, name: item.name, kind: kind, type: type,
                servedBy: servedBy(item.module, item.name, function))
        }
        let spaces = IndexSpaces(module)
        exports = module.exports.map { item in
            let (kind, type) = spaces.describe(item, in: module)
            return Item(name: item.name, kind: kind, type: type)
        }
        kind =
            switch (module.isFunctionExported("_start"), module.isFunctionExported("_initialize")) {
            case (true, _): .command
            case (false, true): .reactor
            case (false, false): .library
            }
        memories = spaces.memories
        tables = spaces.tables
        functionCount = module.functionTypeIndices.count
        globalCount = module.globals.count
        hasStartFunction = module.start != nil
        features = FeatureScan.features(of: module)
        targetFeatures = TargetFeatures(module).used
        producers = Producers(module).entries
        var customNames = module.customSections.map(\.name)[...]
        sections = module.sections.map { section in
            let name =
                section.identifier == .custom ? "custom \(customNames.popFirst() ?? "")" : section.identifier.name
            return SectionSize(name: name, bytes: section.payload.count)
        }
    }

    private static func describe(_ item: Import, in module: Module) -> (kind: String, type: String) {
        switch item.description {
        case .function(let index):
            ("function", Int(index) < module.types.count ? module.types[Int(index)].description : "?")
        case .table(let type): ("table", type.description)
        case .memory(let type): ("memory", type.description)
        case .global(let type): ("global", type.description)
        case .tag(let index): ("tag", module.functionType(index).description)
        }
    }
}

extension Module {
    /// Whether a function of this name is exported.
    func isFunctionExported(_ name: String) -> Bool {
        if case .function = export(named: name)?.description { return true }
        return false
    }
}

/// The types of all functions, tables, memories, globals and tags, imports first.
private struct IndexSpaces {
    var functions: [UInt32] = []
    var tables: [TableType] = []
    var memories: [MemoryType] = []
    var globals: [GlobalType] = []
    var tags: [UInt32] = []

    init(_ module: Module) {
        for item in module.imports {
            switch item.description {
            case .function(let index): functions.append(index)
            case .table(let type): tables.append(type)
            case .memory(let type): memories.append(type)
            case .global(let type): globals.append(type)
            case .tag(let index): tags.append(index)
            }
        }
        functions += module.functionTypeIndices
        tables += module.tables
        memories += module.memories
        globals += module.globals.map(\.type)
        tags += module.tags
    }

    func describe(_ item: Export, in module: Module) -> (kind: String, type: String) {
        func at<T>(_ index: UInt32, of list: [T], _ text: (T) -> String) -> String {
            Int(index) < list.count ? text(list[Int(index)]) : "?"
        }
        return switch item.description {
        case .function(let index):
            ("function", at(index, of: functions) { at($0, of: module.types, \.description) })
        case .table(let index): ("table", at(index, of: tables, \.description))
        case .memory(let index): ("memory", at(index, of: memories, \.description))
        case .global(let index): ("global", at(index, of: globals, \.description))
        case .tag(let index): ("tag", at(index, of: tags) { module.functionType($0).description })
        }
    }
}

extension Limits {
    /// `1..2`, or `1..` when it may grow without bound.
    var range: String { "\(minimum).." + (maximum.map { "\($0)" } ?? "") }
}

extension MemoryType: CustomStringConvertible {
    /// `17.. pages`, as reports and errors show it.
    public var description: String {
        "\(address == .i64 ? "i64 " : "")\(limits.range) pages\(isShared ? " shared" : "")"
    }
}

extension TableType: CustomStringConvertible {
    /// `funcref 10..20`, as reports and errors show it.
    public var description: String { "\(address == .i64 ? "i64 " : "")\(element) \(limits.range)" }
}

extension GlobalType: CustomStringConvertible {
    /// `mut i32` or `i32`, as reports and errors show it.
    public var description: String { (isMutable ? "mut " : "") + value.description }
}
