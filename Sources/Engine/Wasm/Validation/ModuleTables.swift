// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a module's index spaces as flat arrays, so that validating an instruction allocates and counts nothing.

/// A function type as two runs of type codes.
struct TypeShape {
    var parameters: UnsafePointer<TypeCode>
    var results: UnsafePointer<TypeCode>
    var parameterCount: UInt32
    var resultCount: UInt32
}

/// A defined type as the validator needs it.
struct TypeEntry {
    enum Kind: UInt8 {
        case function, structure, array

        /// The abstract type above.
        var heap: HeapType {
            switch self {
            case .function: .function
            case .structure: .structure
            case .array: .array
            }
        }

        var name: String {
            switch self {
            case .function: "a function"
            case .structure: "a structure"
            case .array: "an array"
            }
        }
    }

    var kind: Kind
    /// Canonical index of the declared supertype, or `none`.
    var supertype: UInt32
    var canonical: UInt32
    /// Of an aggregate: what its fields or elements are on the operand stack, as parameters.
    var shape: TypeShape

    static let none = UInt32.max
}

/// The index spaces of a module (core specification §2.5.1): imports first, then definitions.
struct ModuleTables: ~Copyable {
    // SAFETY: all buffers are allocated in init, live until deinit, and are read within their counts only.
    let types: UnsafeMutableBufferPointer<TypeEntry>
    /// Type index of each function; each is below `types.count`.
    let functions: UnsafeMutableBufferPointer<UInt32>
    /// Type code of each global, with `mutableBit` when it may be set.
    let globals: UnsafeMutableBufferPointer<TypeCode>
    /// Element type of each table and of each element segment.
    let tables: UnsafeMutableBufferPointer<TypeCode>
    let elements: UnsafeMutableBufferPointer<TypeCode>
    /// Whether a function may be named by `ref.func`: it occurs outside function bodies.
    let isDeclared: UnsafeMutableBufferPointer<Bool>
    /// Address type of each table and of each memory.
    let tableAddresses: UnsafeMutableBufferPointer<TypeCode>
    let memories: UnsafeMutableBufferPointer<TypeCode>
    var memoryCount: UInt32 { UInt32(memories.count) }
    /// Type index of each tag; each is that of a function.
    let tags: UnsafeMutableBufferPointer<UInt32>
    /// Number of data segments when the data count section announces it.
    let dataCount: UInt32?
    private let typeCodes: UnsafeMutableBufferPointer<TypeCode>

    static let mutableBit: TypeCode = 1 << 31

    /// The function type indices must have been checked.
    init(_ module: Module) {
        var codes: [TypeCode] = []
        for type in module.types {
            switch type.composite {
            case .function(let function):
                codes.append(contentsOf: function.parameters.lazy.map(\.rawValue))
                codes.append(contentsOf: function.results.lazy.map(\.rawValue))
            case .structure(let fields): codes.append(contentsOf: fields.lazy.map(\.storage.unpacked.rawValue))
            case .array(let element): codes.append(element.storage.unpacked.rawValue)
            }
        }
        typeCodes = Self.copy(codes)
        var next = UnsafePointer(typeCodes.baseAddress.unsafelyUnwrapped)
        types = Self.copy(module.types.map { Self.entry($0, &next) })

        var functions: [UInt32] = []
        var globals: [TypeCode] = []
        var tables: [TypeCode] = []
        var tableAddresses: [TypeCode] = []
        var memories: [TypeCode] = []
        var tags: [UInt32] = []
        for item in module.imports {
            switch item.description {
            case .function(let typeIndex): functions.append(typeIndex)
            case .table(let type):
                tables.append(type.element.rawValue)
                tableAddresses.append(type.address.value.rawValue)
            case .memory(let type): memories.append(type.address.value.rawValue)
            case .tag(let typeIndex): tags.append(typeIndex)
            case .global(let type): globals.append(Self.global(type))
            }
        }
        functions.append(contentsOf: module.functionTypeIndices)
        self.functions = Self.copy(functions)
        self.globals = Self.copy(globals + module.globals.map { Self.global($0.type) })
        self.tables = Self.copy(tables + module.tables.map(\.element.rawValue))
        self.tableAddresses = Self.copy(tableAddresses + module.tables.map(\.address.value.rawValue))
        self.tags = Self.copy(tags + module.tags)
        self.memories = Self.copy(memories + module.memories.map(\.address.value.rawValue))
        elements = Self.copy(module.elements.map(\.type.rawValue))
        dataCount = module.dataCount
        isDeclared = Self.copy([Bool](repeating: false, count: functions.count))
        declareFunctions(of: module)
    }

    deinit {
        types.deallocate()
        functions.deallocate()
        globals.deallocate()
        tables.deallocate()
        tableAddresses.deallocate()
        memories.deallocate()
        tags.deallocate()
        elements.deallocate()
        isDeclared.deallocate()
        typeCodes.deallocate()
    }

    /// The entry of a type whose codes begin at `next`.
    private static func entry(_ type: DefinedType, _ next: inout UnsafePointer<TypeCode>) -> TypeEntry {
        let kind: TypeEntry.Kind
        let parameterCount: Int
        var resultCount = 0
        switch type.composite {
        case .function(let function):
            kind = .function
            (parameterCount, resultCount) = (function.parameters.count, function.results.count)
        case .structure(let fields): (kind, parameterCount) = (.structure, fields.count)
        case .array: (kind, parameterCount) = (.array, 1)
        }
        let results = next + parameterCount
        let shape = TypeShape(
            parameters: next, results: results, parameterCount: UInt32(parameterCount),
            resultCount: UInt32(resultCount))
        next = results + resultCount
        return TypeEntry(
            kind: kind, supertype: type.supertype ?? TypeEntry.none, canonical: type.canonical, shape: shape)
    }

    private static func global(_ type: GlobalType) -> TypeCode {
        type.value.rawValue | (type.isMutable ? mutableBit : 0)
    }

    /// A copy that has an address even when it is empty.
    private static func copy<T>(_ array: [T]) -> UnsafeMutableBufferPointer<T> {
        let storage = UnsafeMutablePointer<T>.allocate(capacity: max(array.count, 1))
        array.withUnsafeBufferPointer { source in
            if let base = source.baseAddress { storage.initialize(from: base, count: source.count) }
        }
        return UnsafeMutableBufferPointer(start: storage, count: array.count)
    }

    private func declareFunctions(of module: Module) {
        func declare(_ index: UInt32) {
            if Int(index) < isDeclared.count { isDeclared[Int(index)] = true }
        }
        func declare(_ expression: ConstantExpression) {
            switch expression {
            case .referenceFunction(let index): declare(index)
            case .extended(let operations):
                for case .referenceFunction(let index) in operations { declare(index) }
            default: break
            }
        }
        for global in module.globals { declare(global.initial) }
        for case let initial? in module.tableInitializers { declare(initial) }
        for segment in module.elements {
            for item in segment.items { declare(item) }
        }
        for item in module.exports {
            if case .function(let index) = item.description { declare(index) }
        }
    }
}
