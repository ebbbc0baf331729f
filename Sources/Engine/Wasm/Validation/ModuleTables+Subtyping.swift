// SPDX-License-Identifier: Apache-2.0
// Swiftlet: matching of value types (core specification 3.0 §3.3).

extension ModuleTables {
    /// Whether a value of type `found` may stand where `expected` is wanted. Both have canonical indices.
    @inline(__always)
    func matches(_ found: TypeCode, _ expected: TypeCode) -> Bool {
        found == expected || found == .any || isProperSubtype(found, expected)
    }

    @inline(never)
    private func isProperSubtype(_ found: TypeCode, _ expected: TypeCode) -> Bool {
        let (sub, base) = (ValueType(bits: found), ValueType(bits: expected))
        guard sub.isReference, base.isReference, base.isNullable || !sub.isNullable else { return false }
        if found == .anyReference { return true }
        guard let subHeap = sub.heap, let baseHeap = base.heap else { return false }
        return matches(subHeap, baseHeap)
    }

    /// Heap subtyping (§3.3.3).
    func matches(_ sub: HeapType, _ base: HeapType) -> Bool {
        if case .concrete(let index) = sub, case .concrete(let target) = base {
            return index == target || isDeclaredSubtype(index, of: target)
        }
        return HeapType.matches(sub, base) { types[Int($0)].kind.heap }
    }

    /// Whether `target` is on the chain of declared supertypes of `index`.
    private func isDeclaredSubtype(_ index: UInt32, of target: UInt32) -> Bool {
        // Supertypes have smaller indices, so the walk ends; its length is limited by ``DecodingLimits/subtypingDepth``.
        var current = types[Int(index)].supertype
        while current != TypeEntry.none {
            if current == target { return true }
            current = types[Int(current)].supertype
        }
        return false
    }

    /// The most general type of a heap type's hierarchy.
    func top(of heap: HeapType) -> HeapType {
        switch heap {
        case .any, .eq, .i31, .structure, .array, .none: .any
        case .function, .noFunction: .function
        case .external, .noExternal: .external
        case .exception, .noException: .exception
        case .concrete(let index): types[Int(index)].kind == .function ? .function : .any
        }
    }
}

extension HeapType {
    /// Heap subtyping (§3.3.3) but between two concrete types; `kind` tells which abstract type a concrete one is of.
    public static func matches(_ sub: HeapType, _ base: HeapType, kind: (UInt32) -> HeapType) -> Bool {
        if sub == base { return true }
        switch (sub, base) {
        case (.concrete(let index), _): return matches(kind(index), base, kind: kind)
        case (.none, .concrete(let index)): return kind(index) != .function
        case (.noFunction, .concrete(let index)): return kind(index) == .function
        case (.none, .any), (.none, .eq), (.none, .i31), (.none, .structure), (.none, .array): return true
        case (.i31, .eq), (.structure, .eq), (.array, .eq): return true
        case (.i31, .any), (.structure, .any), (.array, .any), (.eq, .any): return true
        case (.noFunction, .function), (.noExternal, .external), (.noException, .exception): return true
        default: return false
        }
    }
}
