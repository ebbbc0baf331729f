// SPDX-License-Identifier: Apache-2.0
// Swiftlet: decoding of the type section: recursive groups, subtypes, and the canonical index of each type.

extension ModuleDecoder {
    mutating func decodeTypeSection() throws(WasmError) {
        let count = try self.count("types", limits.types)
        module.types.reserveCapacity(plausible(count))
        for _ in 0..<count {
            let start = reader.offset
            guard reader.peekByte() == 0x4E else {
                try decodeGroup(of: 1)
                continue
            }
            _ = try byte("type")
            guard features.contains(.gc) else { throw unsupported(.gc, "type form 0x4e", at: start) }
            try decodeGroup(of: try self.count("types", limits.types, beyond: module.types.count))
        }
    }

    /// Reads the types of a recursive group, which may name each other, and gives them their canonical indices.
    private mutating func decodeGroup(of count: Int) throws(WasmError) {
        let start = module.types.count
        visibleTypeCount = start + count
        guard visibleTypeCount <= limits.types else { throw limit("types", limits.types) }
        for _ in 0..<count {
            var type = try subtype()
            type.canonical = UInt32(module.types.count)
            type.groupStart = UInt32(start)
            type.groupCount = UInt32(count)
            module.types.append(type)
        }
        guard count > 0 else { return }
        let key = TypeGroupKey(module.types[start...], start: UInt32(start))
        guard let first = canonicalGroups[key] else {
            canonicalGroups[key] = UInt32(start)
            return
        }
        // The same group again: its types are those of the first one.
        for offset in 0..<count {
            var type = module.types[Int(first) + offset]
            type.groupStart = UInt32(start)
            module.types[start + offset] = type
        }
    }

    private mutating func subtype() throws(WasmError) -> DefinedType {
        let start = reader.offset
        let form = try byte("type")
        guard form == 0x50 || form == 0x4F else {
            return DefinedType(try composite(form, at: start))
        }
        guard features.contains(.gc) else {
            throw unsupported(.gc, "type form 0x\(String(form, radix: 16))", at: start)
        }
        let supertypes = try u32("supertypes")
        guard supertypes <= 1 else {
            throw WasmError(.invalid, at: start, "sub type: \(supertypes) supertypes declared, at most 1 is allowed")
        }
        var supertype: UInt32?
        if supertypes == 1 {
            let place = reader.offset
            let index = try u32("supertype")
            guard Int(index) < module.types.count else {
                throw WasmError(
                    .invalid, at: place, "unknown type \(index): as supertype of type \(module.types.count)")
            }
            supertype = module.types[Int(index)].canonical
        }
        let formStart = reader.offset
        let composite = try composite(try byte("type"), at: formStart)
        return DefinedType(composite, supertype: supertype, isFinal: form == 0x4F)
    }

    private mutating func composite(_ form: UInt8, at start: Int) throws(WasmError) -> DefinedType.Composite {
        switch form {
        case 0x60:
            let parameters = try valueTypes("parameters", limits.parameters)
            let results = try valueTypes("results", limits.results)
            return .function(FunctionType(parameters: parameters, results: results))
        case 0x5E, 0x5F:
            guard features.contains(.gc) else {
                throw unsupported(.gc, "type form 0x\(String(form, radix: 16))", at: start)
            }
            if form == 0x5E { return .array(try fieldType()) }
            let count = try self.count("fields", limits.structureFields)
            var fields: [FieldType] = []
            fields.reserveCapacity(plausible(count))
            for _ in 0..<count { fields.append(try fieldType()) }
            return .structure(fields)
        case 0x4C, 0x4D:
            throw unsupported(.customDescriptors, "type form 0x\(String(form, radix: 16))", at: start)
        default:
            throw WasmError(
                .malformed, at: start,
                "malformed type form: integer representation too long or unknown, expected 0x60, found "
                    + "0x\(String(form, radix: 16))")
        }
    }

    private mutating func fieldType() throws(WasmError) -> FieldType {
        let storage: StorageType
        switch reader.peekByte() {
        case 0x78:
            _ = try byte("field")
            storage = .i8
        case 0x77:
            _ = try byte("field")
            storage = .i16
        default: storage = .value(try valueType("type of a field"))
        }
        return FieldType(storage: storage, isMutable: try mutability("field"))
    }

    mutating func mutability(_ what: StaticString) throws(WasmError) -> Bool {
        let start = reader.offset
        let mutability = try byte("mutability")
        guard mutability < 2 else {
            throw WasmError(.malformed, at: start, "malformed mutability: \(mutability) of a \(what), expected 0 or 1")
        }
        return mutability == 1
    }

    private mutating func valueTypes(_ what: StaticString, _ allowed: Int) throws(WasmError) -> [ValueType] {
        let count = try self.count(what, allowed)
        guard count > 0 else { return [] }
        var types: [ValueType] = []
        types.reserveCapacity(plausible(count))
        for _ in 0..<count { types.append(try valueType(what)) }
        return types
    }

    // MARK: Types anywhere in the module

    /// A value type with canonical indices.
    mutating func valueType(_ what: StaticString) throws(WasmError) -> ValueType {
        let start = reader.offset
        let type: ValueType
        do throws(ReadFault) { type = try reader.readValueType() } catch { throw typeFault(error, what) }
        return type.isReference || type == .v128 ? try admit(type, what, at: start) : type
    }

    mutating func referenceType(_ what: StaticString) throws(WasmError) -> ValueType {
        let start = reader.offset
        let type: ValueType
        do throws(ReadFault) { type = try reader.readReferenceType() } catch { throw typeFault(error, what) }
        return try admit(type, what, at: start)
    }

    /// Checks that the features know the type and that its index exists; makes the index canonical.
    func admit(_ type: ValueType, _ what: StaticString, at start: Int) throws(WasmError) -> ValueType {
        let missing = FeatureSet.needed(for: type).subtracting(features)
        guard missing.isEmpty else { throw unsupported(missing, "type \(type)", at: start) }
        guard let index = type.typeIndex else { return type }
        guard Int(index) < visibleTypeCount else {
            throw WasmError(
                .invalid, at: start, "unknown type \(index): as \(what) in \(place); \(visibleTypeCount) are known here"
            )
        }
        return module.canonical(type)
    }

    /// 0x40 0x00 before the type of a table with an initial value (core specification 3.0 §5.5.7).
    mutating func tableInitializerMark() throws(WasmError) {
        let start = reader.offset
        guard features.contains(.functionReferences) else {
            throw unsupported(.functionReferences, "table with an initial value", at: start)
        }
        _ = try byte("table")
        guard try byte("table") == 0 else {
            throw WasmError(.malformed, at: start, "malformed table: 40 00 expected before an initial value")
        }
    }
}

extension FeatureSet {
    /// What a value type needs beyond the reference types of version 2.0.
    static func needed(for type: ValueType) -> FeatureSet {
        guard let heap = type.heap else { return type == .v128 ? .simd : [] }
        switch heap {
        case .function, .external: return type.isNullable ? [] : .functionReferences
        case .concrete: return .functionReferences
        case .exception, .noException: return .exceptions
        default: return .gc
        }
    }
}

/// What two recursive groups must have in common to be the same (core specification 3.0 §3.1.3): their structure, where
/// references inside the group are counted from its start and others are canonical.
public struct TypeGroupKey: Hashable, Sendable {
    private var words: [UInt32] = []
    private static let isLocal: UInt32 = 1 << 31

    /// The types' indices at or above `start` are those of the group.
    public init(_ types: ArraySlice<DefinedType>, start: UInt32) {
        words.reserveCapacity(types.count * 4)
        for type in types {
            append(type.supertype.map { ValueType(.concrete($0), isNullable: false) } ?? .i32, start)
            switch type.composite {
            case .function(let function):
                words.append(type.isFinal ? 1 : 0)
                words.append(UInt32(function.parameters.count))
                for type in function.parameters { append(type, start) }
                for type in function.results { append(type, start) }
                words.append(.max)
            case .structure(let fields):
                words.append(type.isFinal ? 3 : 2)
                words.append(UInt32(fields.count))
                for field in fields { append(field, start) }
            case .array(let element):
                words.append(type.isFinal ? 5 : 4)
                append(element, start)
            }
        }
    }

    private mutating func append(_ field: FieldType, _ start: UInt32) {
        switch field.storage {
        case .i8: words.append(1)
        case .i16: words.append(2)
        case .value(let type): append(type, start)
        }
        words.append(field.isMutable ? 1 : 0)
    }

    private mutating func append(_ type: ValueType, _ start: UInt32) {
        guard let index = type.typeIndex, index >= start else { return words.append(type.rawValue) }
        words.append(type.replacingIndex(index - start).rawValue | Self.isLocal)
    }
}
