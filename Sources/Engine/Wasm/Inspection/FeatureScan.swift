// SPDX-License-Identifier: Apache-2.0
// Swiftlet: which features a module really uses.

enum FeatureScan {
    /// The features beyond WebAssembly 1.0 that occur in a valid module. Reads all code once.
    static func features(of module: Module) -> FeatureSet {
        var features = declared(by: module)
        for body in module.code {
            var reader = BinaryReader(body, of: module)
            while !reader.isAtEnd {
                // On a validated body there is no fault; on another one the scan of this function ends.
                guard let opcode = try? reader.readOpcode() else { break }
                features.formUnion(opcode.feature)
                guard let used = try? operands(of: opcode, &reader, module) else { break }
                features.formUnion(used)
            }
        }
        return features
    }

    /// Moves over the immediates and tells what they need.
    private static func operands(
        of opcode: Opcode, _ reader: inout BinaryReader, _ module: Module
    ) throws(ReadFault) -> FeatureSet {
        switch opcode.immediates {
        case .blockType:
            return needed(by: try reader.readBlockType(), module)
        case .tryTable:
            let type = try reader.readBlockType()
            var count = try reader.readU32()
            while count > 0 {
                _ = try reader.readCatchClause()
                count -= 1
            }
            return needed(by: type, module)
        case .callIndirect:
            _ = try reader.readU32()
            return try reader.readU32() > 0 ? .referenceTypes : []
        case .heapType:
            let heap = try reader.readHeapType()
            // `ref.null func` and `ref.null extern` belong to version 2.0; casts are counted already.
            return .needed(for: ValueType(heap, isNullable: true))
        default:
            try reader.skipImmediates(of: opcode)
            return []
        }
    }

    private static func needed(by type: BlockType, _ module: Module) -> FeatureSet {
        switch type {
        case .empty: return []
        case .value(let type): return .needed(for: type)
        case .function(let index):
            let type = module.functionType(index)
            return type.parameters.isEmpty && type.results.count < 2 ? [] : .multiValue
        }
    }

    private static func declared(by module: Module) -> FeatureSet {
        var features: FeatureSet = []
        for type in module.types { features.formUnion(needed(by: type)) }
        for body in module.code {
            for run in body.locals { features.formUnion(.needed(for: run.type)) }
        }
        let importsTag = module.imports.contains { if case .tag = $0.description { true } else { false } }
        if importsTag || !module.tags.isEmpty { features.insert(.exceptions) }
        if module.dataCount != nil { features.insert(.bulkMemory) }
        var tableCount = module.tables.count
        var importedGlobals: [Bool] = []
        var addresses = module.tables.map(\.address) + module.memories.map(\.address)
        var memoryCount = module.memories.count
        for item in module.imports {
            switch item.description {
            case .table(let type):
                tableCount += 1
                features.formUnion(needed(by: type))
                addresses.append(type.address)
            case .memory(let type):
                memoryCount += 1
                addresses.append(type.address)
                if type.isShared { features.insert(.threads) }
            case .global(let type):
                importedGlobals.append(type.isMutable)
                features.formUnion(.needed(for: type.value))
            default: break
            }
        }
        if memoryCount > 1 { features.insert(.multiMemory) }
        if module.memories.contains(where: \.isShared) { features.insert(.threads) }
        if addresses.contains(.i64) { features.insert(.memory64) }
        if tableCount > 1 { features.insert(.referenceTypes) }
        for type in module.tables { features.formUnion(needed(by: type)) }
        if module.tableInitializers.contains(where: { $0 != nil }) { features.insert(.functionReferences) }
        for global in module.globals {
            features.formUnion(.needed(for: global.type.value))
            features.formUnion(needed(by: global.initial))
        }
        let isMutable = importedGlobals + module.globals.map(\.type.isMutable)
        let exportsMutable = module.exports.contains {
            if case .global(let index) = $0.description, Int(index) < isMutable.count { return isMutable[Int(index)] }
            return false
        }
        if importedGlobals.contains(true) || exportsMutable { features.insert(.mutableGlobals) }
        for segment in module.elements {
            if case .passive = segment.mode { features.insert(.bulkMemory) }
            if case .declarative = segment.mode { features.insert(.referenceTypes) }
            if case .active(_, let offset) = segment.mode { features.formUnion(needed(by: offset)) }
            // A list of function indices has this type, and no need of the feature.
            if segment.type != ValueType(.function, isNullable: false) {
                features.formUnion(.needed(for: segment.type))
            }
            for item in segment.items { features.formUnion(needed(by: item)) }
        }
        for segment in module.data {
            if case .active(_, let offset) = segment.mode { features.formUnion(needed(by: offset)) }
        }
        return features
    }

    private static func needed(by type: TableType) -> FeatureSet {
        type.element == .funcref ? [] : FeatureSet.needed(for: type.element).union(.referenceTypes)
    }

    private static func needed(by type: DefinedType) -> FeatureSet {
        switch type.composite {
        case .structure, .array: return .gc
        case .function(let function):
            var features: FeatureSet = function.results.count > 1 ? .multiValue : []
            if !type.isFinal || type.supertype != nil || type.groupCount != 1 { features.insert(.gc) }
            for type in function.parameters + function.results { features.formUnion(.needed(for: type)) }
            return features
        }
    }

    private static func needed(by expression: ConstantExpression) -> FeatureSet {
        switch expression {
        case .referenceNull(let type): return .needed(for: type)
        case .extended(let operations):
            var features: FeatureSet = []
            for operation in operations {
                switch operation {
                case .arithmetic: features.insert(.extendedConstantExpressions)
                case .reference: features.insert(.gc)
                case .referenceNull(let type): features.formUnion(.needed(for: type))
                default: break
                }
            }
            return features
        default: return []
        }
    }
}
