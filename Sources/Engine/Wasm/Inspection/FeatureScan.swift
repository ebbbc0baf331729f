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
            if case .function(let index) = try reader.readBlockType(), Int(index) < module.types.count {
                let type = module.types[Int(index)]
                return type.parameters.isEmpty && type.results.count < 2 ? [] : .multiValue
            }
            return []
        case .callIndirect:
            _ = try reader.readU32()
            return try reader.readU32() > 0 ? .referenceTypes : []
        default:
            try reader.skipImmediates(of: opcode)
            return []
        }
    }

    private static func declared(by module: Module) -> FeatureSet {
        var features: FeatureSet = []
        if module.types.contains(where: { $0.results.count > 1 }) { features.insert(.multiValue) }
        if module.dataCount != nil { features.insert(.bulkMemory) }
        var tableCount = module.tables.count
        var importedGlobals: [Bool] = []
        for item in module.imports {
            switch item.description {
            case .table(let type):
                tableCount += 1
                if type.element != .funcref { features.insert(.referenceTypes) }
            case .global(let type): importedGlobals.append(type.isMutable)
            default: break
            }
        }
        if tableCount > 1 || module.tables.contains(where: { $0.element != .funcref }) {
            features.insert(.referenceTypes)
        }
        let isMutable = importedGlobals + module.globals.map(\.type.isMutable)
        let exportsMutable = module.exports.contains {
            if case .global(let index) = $0.description, Int(index) < isMutable.count { return isMutable[Int(index)] }
            return false
        }
        if importedGlobals.contains(true) || exportsMutable { features.insert(.mutableGlobals) }
        var expressions = module.globals.map(\.initial)
        for segment in module.elements {
            if case .passive = segment.mode { features.insert(.bulkMemory) }
            if case .declarative = segment.mode { features.insert(.referenceTypes) }
            if case .active(_, let offset) = segment.mode { expressions.append(offset) }
        }
        for segment in module.data {
            if case .active(_, let offset) = segment.mode { expressions.append(offset) }
        }
        if expressions.contains(where: isExtended) { features.insert(.extendedConstantExpressions) }
        return features
    }

    private static func isExtended(_ expression: ConstantExpression) -> Bool {
        if case .extended = expression { true } else { false }
    }
}
