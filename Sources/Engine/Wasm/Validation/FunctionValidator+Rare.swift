// SPDX-License-Identifier: Apache-2.0
// Swiftlet: validation of reference, table and bulk memory instructions.

extension FunctionValidator {
    mutating func validateRare(_ rule: ValidationRule) throws(ReadFault) {
        switch rule {
        case .returnCall, .returnCallIndirect: try validateTailCall(rule)
        case .selectTyped: try validateTypedSelect()
        case .memorySize:
            try memory()
            try push(.i32)
        case .memoryGrow:
            try memory()
            try pop(.i32)
            try push(.i32)
        case .refNull: try push(try admit(ValueType(try reader.readHeapType(), isNullable: true)))
        case .reference: try validateReference()
        case .refIsNull:
            let type = try popAny()
            guard type.isReferenceOrAny else {
                throw fail("type mismatch: expected a reference, found \(type.name)")
            }
            try push(.i32)
        case .refFunc: try validateReferenceToFunction()
        case .memoryInit:
            let segment = try reader.readU32()
            let count = try dataCount(segment)
            try memory()
            guard segment < count else { throw unknown("data segment", segment, Int(count)) }
            try popThreeIntegers()
        case .dataDrop:
            let segment = try reader.readU32()
            let count = try dataCount(segment)
            guard segment < count else { throw unknown("data segment", segment, Int(count)) }
        case .memoryCopy:
            try memory()
            try memory()
            try popThreeIntegers()
        case .memoryFill:
            try memory()
            try popThreeIntegers()
        case .elemDrop: _ = try element(try reader.readU32())
        default: try validateTableInstruction(rule)
        }
    }

    private mutating func validateTableInstruction(_ rule: ValidationRule) throws(ReadFault) {
        switch rule {
        case .tableGet:
            let type = try table(try reader.readU32())
            try pop(.i32)
            try push(type)
        case .tableSet:
            let type = try table(try reader.readU32())
            try pop(type)
            try pop(.i32)
        case .tableInit:
            let segment = try reader.readU32()
            let type = try table(try reader.readU32())
            let source = try element(segment)
            guard tables.matches(source, type) else { throw mismatch(type, found: source) }
            try popThreeIntegers()
        case .tableCopy:
            let target = try table(try reader.readU32())
            let source = try table(try reader.readU32())
            guard tables.matches(source, target) else { throw mismatch(target, found: source) }
            try popThreeIntegers()
        case .tableGrow:
            let type = try table(try reader.readU32())
            try pop(.i32)
            try pop(type)
            try push(.i32)
        case .tableSize:
            _ = try table(try reader.readU32())
            try push(.i32)
        case .tableFill:
            let type = try table(try reader.readU32())
            try pop(.i32)
            try pop(type)
            try pop(.i32)
        default: throw .illegalOpcode
        }
    }

    private mutating func popThreeIntegers() throws(ReadFault) {
        try pop(.i32)
        try pop(.i32)
        try pop(.i32)
    }

    private mutating func memory() throws(ReadFault) {
        let index = try reader.readU32()
        guard index < tables.memoryCount else { throw unknown("memory", index, Int(tables.memoryCount)) }
    }

    mutating func element(_ index: UInt32) throws(ReadFault) -> TypeCode {
        guard Int(index) < tables.elements.count else {
            throw unknown("elem segment", index, tables.elements.count)
        }
        return tables.elements[Int(index)]
    }

    /// Single-pass validation needs the number of segments before the data section, hence the data count section.
    mutating func dataCount(_ segment: UInt32) throws(ReadFault) -> UInt32 {
        if let count = tables.dataCount { return count }
        throw fail("data count section required: the body names data segment \(segment)", .malformed)
    }

    private mutating func validateTypedSelect() throws(ReadFault) {
        let count = try reader.readU32()
        guard count == 1 else { throw fail("invalid result arity: select lists \(count) types, expected 1") }
        let type = try admit(try reader.readValueType())
        try pop(.i32)
        try pop(type)
        try pop(type)
        try push(type)
    }

    private mutating func validateReferenceToFunction() throws(ReadFault) {
        let index = try reader.readU32()
        guard Int(index) < tables.functions.count else {
            throw unknown("function", index, tables.functions.count)
        }
        guard tables.isDeclared[Int(index)] else {
            throw fail(
                "undeclared function reference: function \(index) occurs in no export, global or element segment")
        }
        let type = tables.functions[Int(index)]
        try push(ValueType(.concrete(module.types[Int(type)].canonical), isNullable: false).rawValue)
    }
}
