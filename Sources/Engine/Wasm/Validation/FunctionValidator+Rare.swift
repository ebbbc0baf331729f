// SPDX-License-Identifier: Apache-2.0
// Swiftlet: validation of reference, table and bulk memory instructions.

extension FunctionValidator {
    mutating func validateRare(_ rule: ValidationRule) throws(ReadFault) {
        switch rule {
        case .returnCall, .returnCallIndirect: try validateTailCall(rule)
        case .throw, .throwRef, .tryTable: try validateException(rule)
        case .try, .catch, .catchAll, .rethrow, .delegate: try validateLegacyException(rule)
        case .selectTyped: try validateTypedSelect()
        case .memorySize:
            try push(try memory())
        case .memoryGrow:
            let address = try memory()
            try pop(address)
            try push(address)
        case .refNull: try push(try admit(ValueType(try reader.readHeapType(), isNullable: true)))
        case .reference: try validateReference()
        case .atomicPrefix: try validateAtomic()
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
            let address = try memory()
            guard segment < count else { throw unknown("data segment", segment, Int(count)) }
            try popRanges(count: .i32, from: .i32, to: address)
        case .dataDrop:
            let segment = try reader.readU32()
            let count = try dataCount(segment)
            guard segment < count else { throw unknown("data segment", segment, Int(count)) }
        case .memoryCopy:
            let target = try memory()
            let source = try memory()
            try popRanges(count: smallerAddress(target, source), from: source, to: target)
        case .memoryFill:
            let address = try memory()
            try popRanges(count: address, from: .i32, to: address)
        case .elemDrop: _ = try element(try reader.readU32())
        default: try validateTableInstruction(rule)
        }
    }

    private mutating func validateTableInstruction(_ rule: ValidationRule) throws(ReadFault) {
        switch rule {
        case .tableGet:
            let (type, address) = try addressedTable()
            try pop(address)
            try push(type)
        case .tableSet:
            let (type, address) = try addressedTable()
            try pop(type)
            try pop(address)
        case .tableInit:
            let segment = try reader.readU32()
            let (type, address) = try addressedTable()
            let source = try element(segment)
            guard tables.matches(source, type) else { throw mismatch(type, found: source) }
            try popRanges(count: .i32, from: .i32, to: address)
        case .tableCopy:
            let (target, targetAddress) = try addressedTable()
            let (source, sourceAddress) = try addressedTable()
            guard tables.matches(source, target) else { throw mismatch(target, found: source) }
            try popRanges(
                count: smallerAddress(targetAddress, sourceAddress), from: sourceAddress, to: targetAddress)
        case .tableGrow:
            let (type, address) = try addressedTable()
            try pop(address)
            try pop(type)
            try push(address)
        case .tableSize: try push(try addressedTable().address)
        case .tableFill:
            let (type, address) = try addressedTable()
            try pop(address)
            try pop(type)
            try pop(address)
        default: throw .illegalOpcode
        }
    }

    private mutating func popRanges(
        count: TypeCode, from source: TypeCode, to target: TypeCode
    ) throws(ReadFault) {
        try pop(count)
        try pop(source)
        try pop(target)
    }

    /// The type of a count that must fit both.
    private func smallerAddress(_ a: TypeCode, _ b: TypeCode) -> TypeCode { a == .i32 || b == .i32 ? .i32 : a }

    /// The address type of the memory named next.
    private mutating func memory() throws(ReadFault) -> TypeCode {
        let index = try reader.readU32()
        guard index < tables.memoryCount else { throw unknown("memory", index, Int(tables.memoryCount)) }
        return tables.memories[Int(index)]
    }

    /// Element and address type of the table named next.
    private mutating func addressedTable() throws(ReadFault) -> (type: TypeCode, address: TypeCode) {
        let index = try reader.readU32()
        return (try table(index), tables.tableAddresses[Int(index)])
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
