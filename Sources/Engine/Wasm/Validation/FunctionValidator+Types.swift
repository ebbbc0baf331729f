// SPDX-License-Identifier: Apache-2.0
// Swiftlet: types inside function bodies: canonical indices, block types of one value, locals without a default.

extension FunctionValidator {
    /// Numbers and abstract references, whose code indexes `singleTypes`.
    static var singleTypeCount: Int { 0x400 }

    /// Checks that the features know a type and that its index exists; its code has the canonical index.
    @inline(__always)
    mutating func admit(_ type: ValueType) throws(ReadFault) -> TypeCode {
        type.rawValue >= ValueType.f64.rawValue && type.rawValue <= ValueType.i32.rawValue
            ? type.rawValue : try admitRare(type)
    }

    private mutating func admitRare(_ type: ValueType) throws(ReadFault) -> TypeCode {
        let missing = FeatureSet.needed(for: type).subtracting(features)
        guard missing.isEmpty else { throw later(missing, "type \(type)") }
        guard let index = type.typeIndex else { return type.rawValue }
        guard Int(index) < tables.types.count else { throw unknown("type", index, tables.types.count) }
        return type.replacingIndex(tables.types[Int(index)].canonical).rawValue
    }

    /// A list of one type that lives as long as the validator.
    mutating func singleType(_ code: TypeCode) -> UnsafePointer<TypeCode> {
        if Int(code) < Self.singleTypeCount { return UnsafePointer(singleTypes) + Int(code) }
        if let known = concreteSingles[code] { return UnsafePointer(known) }
        let list = UnsafeMutablePointer<TypeCode>.allocate(capacity: 1)
        list.initialize(to: code)
        concreteSingles[code] = list
        return UnsafePointer(list)
    }

    // MARK: Locals without a default (core specification 3.0 §3.4.3)

    /// The local has a value from here to the end of the block.
    @inline(never)
    mutating func noteSet(_ local: Int) -> TypeCode {
        locals[local] &= ~TypeCode.unsetBit
        setLocals.append(UInt32(local))
        return locals[local]
    }

    @inline(never)
    mutating func unsetLocals(from count: Int) {
        for local in setLocals[count...] { locals[Int(local)] |= .unsetBit }
        setLocals.removeLast(setLocals.count - count)
    }
}
