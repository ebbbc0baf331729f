// SPDX-License-Identifier: Apache-2.0
// Swiftlet: validation of declared supertypes (core specification 3.0 §3.2.10).

extension ModuleValidator {
    /// Each declared supertype must exist, be open, and be matched in structure; chains are limited in length.
    func checkSupertypes(_ tables: borrowing ModuleTables) throws(WasmError) {
        guard module.types.contains(where: { $0.supertype != nil }) else { return }
        var depths = [UInt8](repeating: 0, count: module.types.count)
        for (index, type) in module.types.enumerated() {
            guard let base = type.supertype else { continue }
            let supertype = module.types[Int(base)]
            guard !supertype.isFinal else {
                throw invalid(.type, "sub type \(index) declares supertype \(base), which is final")
            }
            guard matches(type.composite, supertype.composite, tables) else {
                throw invalid(
                    .type, "sub type \(index) does not match its supertype \(base): \(type), expected \(supertype)")
            }
            let depth = Int(depths[Int(base)]) + 1
            guard depth <= min(limits.subtypingDepth, 255) else {
                let place = module.sections.first { $0.identifier == .type }?.payload.lowerBound ?? 0
                throw WasmError(
                    .limit, at: place,
                    "sub type \(index) has more than the \(limits.subtypingDepth) supertypes allowed")
            }
            depths[index] = UInt8(depth)
        }
    }

    private func matches(
        _ sub: DefinedType.Composite, _ base: DefinedType.Composite, _ tables: borrowing ModuleTables
    ) -> Bool {
        switch (sub, base) {
        case (.function(let sub), .function(let base)):
            guard sub.parameters.count == base.parameters.count, sub.results.count == base.results.count else {
                return false
            }
            for (mine, its) in zip(sub.parameters, base.parameters) {
                if !tables.matches(its.rawValue, mine.rawValue) { return false }
            }
            for (mine, its) in zip(sub.results, base.results) {
                if !tables.matches(mine.rawValue, its.rawValue) { return false }
            }
            return true
        case (.structure(let sub), .structure(let base)):
            guard sub.count >= base.count else { return false }
            for (mine, its) in zip(sub, base) where !matches(mine, its, tables) { return false }
            return true
        case (.array(let sub), .array(let base)): return matches(sub, base, tables)
        default: return false
        }
    }

    /// Mutable fields must be the same, immutable ones may be narrower (§3.3.7).
    private func matches(_ sub: FieldType, _ base: FieldType, _ tables: borrowing ModuleTables) -> Bool {
        guard sub.isMutable == base.isMutable else { return false }
        if sub.storage == base.storage { return true }
        guard !sub.isMutable, case .value(let mine) = sub.storage, case .value(let its) = base.storage else {
            return false
        }
        return tables.matches(mine.rawValue, its.rawValue)
    }
}
