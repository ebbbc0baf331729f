// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the types of a store: one number and one descriptor for equal types of all its modules.

import CInterpreter
import Wasm

/// Every type that a store's instances use, canonical across modules (core specification 3.0 §3.1.3, iso-recursive).
///
/// Value types that come out of here carry the store's numbers in place of type indices.
struct TypeRegistry: ~Copyable {
    struct Entry {
        /// With the store's numbers for indices.
        var definition: DefinedType
        var descriptor: TypeDescriptor
    }

    private(set) var entries: [Entry] = []
    private var groups: [TypeGroupKey: UInt32] = [:]
    private var arena = DescriptorArena()
    /// Of objects that hold a host reference.
    let boxType: UnsafePointer<sw_type>

    init() { boxType = UnsafePointer(arena.makeBox()) }

    func pointer(_ number: UInt32) -> UnsafeMutablePointer<sw_type> { entries[Int(number)].descriptor.pointer }

    func definition(_ number: UInt32) -> DefinedType { entries[Int(number)].definition }

    /// Byte offsets of a structure's fields in its objects.
    func fieldOffset(_ number: UInt32, _ field: UInt32) -> UInt32 {
        entries[Int(number)].descriptor.pointer.pointee.fields[Int(field)].offset
    }

    func functionType(_ number: UInt32) -> FunctionType {
        entries[Int(number)].definition.function ?? FunctionType(parameters: [], results: [])
    }

    /// The number of a function type that belongs to no module; concrete types in it have the store's numbers.
    mutating func number(of type: FunctionType) -> UInt32 {
        add([DefinedType(.function(type))][...], firstIndex: nil) { $0 }
    }

    /// The numbers of a module's types.
    mutating func numbers(of module: Module) -> [UInt32] {
        var numbers: [UInt32] = []
        numbers.reserveCapacity(module.types.count)
        while numbers.count < module.types.count {
            let start = numbers.count
            let type = module.types[start]
            let count = Int(max(type.groupCount, 1))
            if Int(type.canonical) < start {
                for offset in 0..<count { numbers.append(numbers[Int(type.canonical) + offset]) }
                continue
            }
            let first = add(module.types[start..<start + count], firstIndex: UInt32(start)) { numbers[Int($0)] }
            for offset in 0..<count { numbers.append(first + UInt32(offset)) }
        }
        return numbers
    }

    /// Adds a recursive group unless it is known, and gives the number of its first type. Indices from `firstIndex` on
    /// are those of the group; `earlier` translates the ones before.
    private mutating func add(
        _ types: ArraySlice<DefinedType>, firstIndex: UInt32?, earlier: (UInt32) -> UInt32
    ) -> UInt32 {
        let start = UInt32(entries.count)
        let group = types.map { type in
            Self.renumber(type) { index in
                guard let firstIndex, index >= firstIndex else { return earlier(index) }
                return start + index - firstIndex
            }
        }
        let key = TypeGroupKey(group[...], start: start)
        if let known = groups[key] { return known }
        groups[key] = start
        for definition in group {
            let number = UInt32(entries.count)
            var base: UnsafePointer<sw_type>?
            if let supertype = definition.supertype { base = UnsafePointer(pointer(supertype)) }
            let descriptor = arena.make(definition, number: number, supertype: base)
            entries.append(Entry(definition: definition, descriptor: descriptor))
        }
        return start
    }

    /// See ``Store/makeRecordType(_:)``.
    mutating func makeRecordType(_ slots: [ValueType]) -> UnsafePointer<sw_type> {
        UnsafePointer(arena.makeRecord(slots))
    }

    // MARK: Renumbering

    /// A module's type with the store's numbers.
    static func renumber(_ type: ValueType, _ numbers: [UInt32]) -> ValueType {
        guard let index = type.typeIndex else { return type }
        return ValueType(.concrete(numbers[Int(index)]), isNullable: type.isNullable)
    }

    private static func renumber(_ type: DefinedType, _ map: (UInt32) -> UInt32) -> DefinedType {
        func value(_ type: ValueType) -> ValueType {
            type.typeIndex.map { ValueType(.concrete(map($0)), isNullable: type.isNullable) } ?? type
        }
        func field(_ field: FieldType) -> FieldType {
            guard case .value(let type) = field.storage else { return field }
            return FieldType(storage: .value(value(type)), isMutable: field.isMutable)
        }
        let composite: DefinedType.Composite =
            switch type.composite {
            case .function(let function):
                .function(
                    FunctionType(parameters: function.parameters.map(value), results: function.results.map(value)))
            case .structure(let fields): .structure(fields.map(field))
            case .array(let element): .array(field(element))
            }
        return DefinedType(composite, supertype: type.supertype.map(map), isFinal: type.isFinal)
    }

    // MARK: Subtyping

    func isSubtype(_ number: UInt32, of target: UInt32) -> Bool {
        sw_type_matches(pointer(number), pointer(target))
    }

    /// Whether a value of type `sub` may stand where `base` is wanted (core specification 3.0 §3.3).
    func matches(_ sub: ValueType, _ base: ValueType) -> Bool {
        if sub == base { return true }
        guard let subHeap = sub.heap, let baseHeap = base.heap, base.isNullable || !sub.isNullable else { return false }
        if case .concrete(let number) = subHeap, case .concrete(let target) = baseHeap {
            return isSubtype(number, of: target)
        }
        return HeapType.matches(subHeap, baseHeap) { kind($0) }
    }

    private func kind(_ number: UInt32) -> HeapType {
        switch definition(number).composite {
        case .function: .function
        case .structure: .structure
        case .array: .array
        }
    }
}
