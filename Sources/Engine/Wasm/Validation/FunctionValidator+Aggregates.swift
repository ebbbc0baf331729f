// SPDX-License-Identifier: Apache-2.0
// Swiftlet: validation of structures, arrays and i31 (core specification 3.0 §3.4.14 to §3.4.17).

extension FunctionValidator {
    mutating func validateAggregate(_ opcode: Opcode) throws(ReadFault) {
        switch opcode {
        case .structNew, .structNewDefault, .structGet, .structGetS, .structGetU, .structSet:
            try validateStructure(opcode)
        case .refI31:
            try pop(.i32)
            try push(ValueType(.i31, isNullable: false).rawValue)
        case .i31GetS, .i31GetU:
            try pop(ValueType(.i31, isNullable: true).rawValue)
            try push(.i32)
        case .anyConvertExtern: try convert(from: .external, to: .any)
        case .externConvertAny: try convert(from: .any, to: .external)
        case .arrayLen:
            try pop(ValueType(.array, isNullable: true).rawValue)
            try push(.i32)
        case .arrayNew, .arrayNewDefault, .arrayNewFixed, .arrayNewData, .arrayNewElem:
            try validateArrayCreation(opcode)
        case .arrayGet, .arrayGetS, .arrayGetU, .arraySet, .arrayFill: try validateElementAccess(opcode)
        case .arrayCopy, .arrayInitData, .arrayInitElem: try validateBulk(opcode)
        default: throw .illegalOpcode
        }
    }

    private mutating func convert(from source: HeapType, to target: HeapType) throws(ReadFault) {
        let type = try popReference()
        let isNullable = ValueType(bits: type).isNullable
        guard tables.matches(type, ValueType(source, isNullable: true).rawValue) else {
            throw mismatch(ValueType(source, isNullable: true).rawValue, found: type)
        }
        try push(ValueType(target, isNullable: isNullable).rawValue)
    }

    /// The code of a reference to a type of the module.
    private func reference(_ index: UInt32, isNullable: Bool) -> TypeCode {
        ValueType(.concrete(tables.types[Int(index)].canonical), isNullable: isNullable).rawValue
    }

    private mutating func kind(_ index: UInt32, is expected: TypeEntry.Kind) throws(ReadFault) {
        guard Int(index) < tables.types.count else { throw unknown("type", index, tables.types.count) }
        let kind = tables.types[Int(index)].kind
        guard kind == expected else {
            throw fail("type mismatch: type \(index) is \(kind.name), expected \(expected.name)")
        }
    }

    private func isDefaultable(_ field: FieldType) -> Bool { field.storage.unpacked.isDefaultable }

    /// `get` reads full fields, `get_s` and `get_u` packed ones.
    private mutating func checkAccess(_ field: FieldType, isPlain: Bool, isSigned: Bool) throws(ReadFault) {
        if isPlain && field.storage.isPacked {
            throw fail("type mismatch: a packed field (\(field.storage)) is read with get_s or get_u")
        }
        if isSigned && !field.storage.isPacked {
            throw fail("type mismatch: a field of type \(field.storage) is read without a sign")
        }
    }

    // MARK: Structures

    private mutating func validateStructure(_ opcode: Opcode) throws(ReadFault) {
        let index = try reader.readU32()
        try kind(index, is: .structure)
        let fields = module.types[Int(index)].fields ?? []
        switch opcode {
        case .structNew:
            let shape = tables.types[Int(index)].shape
            try popAll(shape.parameters, shape.parameterCount)
            try push(reference(index, isNullable: false))
        case .structNewDefault:
            if let field = fields.first(where: { !isDefaultable($0) }) {
                throw fail("type mismatch: field type is not defaultable: \(field.storage)")
            }
            try push(reference(index, isNullable: false))
        default:
            let number = try reader.readU32()
            guard Int(number) < fields.count else { throw unknown("field", number, fields.count) }
            let field = fields[Int(number)]
            if opcode == .structSet {
                guard field.isMutable else { throw fail("immutable field: field \(number) of type \(index)") }
                try pop(field.storage.unpacked.rawValue)
                try pop(reference(index, isNullable: true))
            } else {
                try checkAccess(field, isPlain: opcode == .structGet, isSigned: opcode != .structGet)
                try pop(reference(index, isNullable: true))
                try push(field.storage.unpacked.rawValue)
            }
        }
    }

    // MARK: Arrays

    private mutating func element(ofArray index: UInt32) throws(ReadFault) -> FieldType {
        try kind(index, is: .array)
        return module.types[Int(index)].element ?? FieldType(storage: .i8, isMutable: false)
    }

    private mutating func validateArrayCreation(_ opcode: Opcode) throws(ReadFault) {
        let index = try reader.readU32()
        let element = try element(ofArray: index)
        let type = element.storage.unpacked
        switch opcode {
        case .arrayNew:
            try pop(.i32)
            try pop(type.rawValue)
        case .arrayNewDefault:
            guard isDefaultable(element) else {
                throw fail("type mismatch: array type is not defaultable: \(element.storage)")
            }
            try pop(.i32)
        case .arrayNewFixed:
            let count = try reader.readU32()
            guard Int(count) <= limits.fixedArrayElements else {
                throw fail(
                    "array.new_fixed: \(count) elements, at most \(limits.fixedArrayElements) are allowed", .limit)
            }
            for _ in 0..<count {
                if isBottomless { break }
                try pop(type.rawValue)
            }
        case .arrayNewData:
            try checkDataElement(element, try reader.readU32())
            try pop(.i32)
            try pop(.i32)
        default:
            try checkReferenceElement(element, try reader.readU32())
            try pop(.i32)
            try pop(.i32)
        }
        try push(reference(index, isNullable: false))
    }

    private mutating func checkDataElement(_ element: FieldType, _ segment: UInt32) throws(ReadFault) {
        let count = try dataCount(segment)
        guard segment < count else { throw unknown("data segment", segment, Int(count)) }
        guard !element.storage.unpacked.isReference else {
            throw fail("type mismatch: array type is not numeric or vector: its elements are \(element.storage)")
        }
    }

    private mutating func checkReferenceElement(_ element: FieldType, _ segment: UInt32) throws(ReadFault) {
        let source = try self.element(segment)
        guard tables.matches(source, element.storage.unpacked.rawValue), !element.storage.isPacked else {
            throw mismatch(element.storage.unpacked.rawValue, found: source)
        }
    }

    private mutating func checkMutable(_ element: FieldType, _ index: UInt32) throws(ReadFault) {
        guard element.isMutable else { throw fail("immutable array: the elements of type \(index) cannot be set") }
    }

    private mutating func validateElementAccess(_ opcode: Opcode) throws(ReadFault) {
        let index = try reader.readU32()
        let element = try element(ofArray: index)
        let type = element.storage.unpacked.rawValue
        switch opcode {
        case .arraySet:
            try checkMutable(element, index)
            try pop(type)
            try pop(.i32)
            try pop(reference(index, isNullable: true))
        case .arrayFill:
            try checkMutable(element, index)
            try pop(.i32)
            try pop(type)
            try pop(.i32)
            try pop(reference(index, isNullable: true))
        default:
            try checkAccess(element, isPlain: opcode == .arrayGet, isSigned: opcode != .arrayGet)
            try pop(.i32)
            try pop(reference(index, isNullable: true))
            try push(type)
        }
    }

    private mutating func validateBulk(_ opcode: Opcode) throws(ReadFault) {
        let index = try reader.readU32()
        let element = try element(ofArray: index)
        try checkMutable(element, index)
        let other = try reader.readU32()
        try pop(.i32)
        try pop(.i32)
        switch opcode {
        case .arrayCopy:
            let source = try self.element(ofArray: other)
            let fits =
                source.storage.isPacked || element.storage.isPacked
                ? source.storage == element.storage
                : tables.matches(source.storage.unpacked.rawValue, element.storage.unpacked.rawValue)
            guard fits else {
                throw fail(
                    "array types do not match: elements are \(source.storage), expected \(element.storage)")
            }
            try pop(reference(other, isNullable: true))
        case .arrayInitData: try checkDataElement(element, other)
        default: try checkReferenceElement(element, other)
        }
        try pop(.i32)
        try pop(reference(index, isNullable: true))
    }
}
