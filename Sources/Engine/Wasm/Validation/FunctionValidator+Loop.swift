// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the validator's instruction loop.

extension FunctionValidator {
    /// Validates instructions until the function's own `end`.
    mutating func run() throws(ReadFault) {
        while frameCount > 0 {
            instructionStart = reader.offset
            var opcode = Int(try reader.readByte())
            var entry = table.entries[opcode]
            if entry.rule == .prefix {
                let index = try reader.readU32()
                guard index < 0x20 else { throw .illegalOpcode }
                opcode = 0x100 + Int(index)
                entry = table.entries[opcode]
            } else if entry.rule == .vectorPrefix {
                opcode = try vectorIndex(try reader.readU32())
                entry = table.entries[opcode]
            }
            switch entry.rule {
            case .unary:
                try replaceTop(entry.operand, by: entry.result)
            case .binary:
                try pop(entry.operand)
                try replaceTop(entry.operand, by: entry.result)
            case .load:
                try replaceTop(try checkMemoryArgument(entry.alignLog2), by: entry.result)
            case .store:
                let address = try checkMemoryArgument(entry.alignLog2)
                try pop(entry.operand)
                try pop(address)
            case .localGet:
                let type = try local()
                if type >= .unsetBit { throw unsetLocal() }
                try push(type)
            case .localSet:
                let type = try localToSet()
                try pop(type)
            case .localTee:
                let type = try localToSet()
                try replaceTop(type, by: type)
            case .i32Const:
                _ = try reader.readS32()
                try push(.i32)
            case .i64Const:
                _ = try reader.readS64()
                try push(.i64)
            case .f32Const:
                _ = try reader.skip(4)
                try push(.f32)
            case .f64Const:
                _ = try reader.skip(8)
                try push(.f64)
            case .drop: _ = try popAny()
            case .nop: break
            case .unknown:
                table.learn(opcode)
                reader = BinaryReader(module.bytes.buffer, in: instructionStart..<reader.endOffset)
            case .illegal, .prefix, .vectorPrefix: throw .illegalOpcode
            default: try validateOther(entry.rule)
            }
        }
    }

    @inline(__always)
    private mutating func local() throws(ReadFault) -> TypeCode {
        let index = try reader.readU32()
        guard index < localCount else { throw unknown("local", index, Int(localCount)) }
        return locals[Int(index)]
    }

    /// The type of a local that is being set; reading it is allowed from here to the end of the block.
    @inline(__always)
    private mutating func localToSet() throws(ReadFault) -> TypeCode {
        let index = try reader.readU32()
        guard index < localCount else { throw unknown("local", index, Int(localCount)) }
        let type = locals[Int(index)]
        return type < .unsetBit ? type : noteSet(Int(index))
    }

    /// Checks the immediate of a load or store; returns the type of the address.
    @inline(__always)
    mutating func checkMemoryArgument(_ naturalLog2: UInt8) throws(ReadFault) -> TypeCode {
        let argument = try reader.readMemoryArgument()
        if argument.memory != 0 || !isFirstMemory32 || argument.alignLog2 > UInt32(naturalLog2)
            || argument.offset > 0xFFFF_FFFF
        {
            return try checkOtherMemoryArgument(argument, naturalLog2)
        }
        return .i32
    }

    /// Control, calls, variables; the rest is in ``validateRare(_:)``.
    private mutating func validateOther(_ rule: ValidationRule) throws(ReadFault) {
        switch rule {
        case .unreachable: setUnreachable()
        case .block, .loop: try validateBlock(rule)
        case .if:
            let (start, end) = try blockType()
            try pop(.i32)
            try popAll(start.types, start.count)
            try pushFrame(.if, start: start, end: end)
        case .else:
            let frame = try popFrame()
            guard frame.rule == .if else { throw misplacedElse() }
            try pushFrame(
                .else, start: (frame.startTypes, frame.startCount), end: (frame.endTypes, frame.endCount))
        case .end: try validateEnd()
        case .br:
            let frame = frames[try label()]
            try popAll(frame.labelTypes, frame.labelCount)
            setUnreachable()
        case .brIf:
            let frame = frames[try label()]
            try pop(.i32)
            try popAll(frame.labelTypes, frame.labelCount)
            try pushAll(frame.labelTypes, frame.labelCount)
        case .brTable: try validateBranchTable()
        case .return:
            try popAll(frames[0].endTypes, frames[0].endCount)
            setUnreachable()
        case .call:
            try apply(try calledType())
        case .callIndirect: try apply(try indirectlyCalledType())
        case .globalGet:
            try push(try global() & ~ModuleTables.mutableBit)
        case .globalSet:
            let type = try global()
            guard type & ModuleTables.mutableBit != 0 else { throw fail("immutable global: it cannot be set") }
            try pop(type & ~ModuleTables.mutableBit)
        case .select: try validateSelect()
        case .vectorShift, .ternary, .laneRead, .laneWrite, .laneLoad, .laneStore, .shuffle, .v128Const:
            try validateVector()
        default: try validateRare(rule)
        }
    }

    private mutating func validateBlock(_ rule: ValidationRule) throws(ReadFault) {
        let (start, end) = try blockType()
        try popAll(start.types, start.count)
        try pushFrame(rule, start: start, end: end)
    }

    private mutating func validateEnd() throws(ReadFault) {
        let frame = try popFrame()
        if frame.rule == .if {
            // Without else the parameters become the results.
            let isSame =
                frame.startCount == frame.endCount
                && (0..<Int(frame.startCount)).allSatisfy {
                    tables.matches(frame.startTypes[$0], frame.endTypes[$0])
                }
            guard isSame else {
                throw fail(
                    "type mismatch: an if without else must give back its parameters "
                        + "[\(list(frame.startTypes, frame.startCount))], its type says "
                        + "[\(list(frame.endTypes, frame.endCount))]")
            }
        }
        if frameCount > 0 { try pushAll(frame.endTypes, frame.endCount) }
    }

    /// The immediate of a call.
    mutating func calledType() throws(ReadFault) -> TypeShape {
        let index = try reader.readU32()
        guard Int(index) < tables.functions.count else {
            throw unknown("function", index, tables.functions.count)
        }
        return tables.types[Int(tables.functions[Int(index)])].shape
    }

    private mutating func apply(_ type: TypeShape) throws(ReadFault) {
        try popAll(type.parameters, type.parameterCount)
        try pushAll(type.results, type.resultCount)
    }

    mutating func blockType() throws(ReadFault) -> (TypeList, TypeList) {
        let nothing = (types: UnsafePointer(singleTypes), count: UInt32(0))
        switch try reader.readBlockType() {
        case .empty: return (nothing, nothing)
        case .value(let type):
            return (nothing, (singleType(try admit(type)), 1))
        case .function(let index):
            let type = try functionType(index)
            return ((type.parameters, type.parameterCount), (type.results, type.resultCount))
        }
    }

    /// The function type at a type index.
    mutating func functionType(_ index: UInt32) throws(ReadFault) -> TypeShape {
        guard Int(index) < tables.types.count else { throw unknown("type", index, tables.types.count) }
        let type = tables.types[Int(index)]
        guard type.kind == .function else {
            throw fail("type mismatch: type \(index) is \(type.kind.name), expected a function")
        }
        return type.shape
    }

    private mutating func global() throws(ReadFault) -> TypeCode {
        let index = try reader.readU32()
        guard Int(index) < tables.globals.count else { throw unknown("global", index, tables.globals.count) }
        return tables.globals[Int(index)]
    }

    /// The immediates of an indirect call; pops the element's index.
    mutating func indirectlyCalledType() throws(ReadFault) -> TypeShape {
        let typeIndex = try reader.readU32()
        let index = try reader.readU32()
        let table = try self.table(index)
        guard tables.matches(table, .funcref) else { throw mismatch(.funcref, found: table) }
        let type = try functionType(typeIndex)
        try pop(tables.tableAddresses[Int(index)])
        return type
    }

    mutating func table(_ index: UInt32) throws(ReadFault) -> TypeCode {
        guard Int(index) < tables.tables.count else { throw unknown("table", index, tables.tables.count) }
        return tables.tables[Int(index)]
    }

    private mutating func validateSelect() throws(ReadFault) {
        try pop(.i32)
        let first = try popAny()
        let second = try popAny()
        guard first.isNumberOrAny && second.isNumberOrAny else {
            throw fail("type mismatch: select without a type works on numbers, found \(first.name) and \(second.name)")
        }
        guard first == second || first == .any || second == .any else { throw mismatch(second, found: first) }
        try push(first == .any ? second : first)
    }

    /// `br_table`: every label must carry as many values as the default one, each of a fitting type.
    private mutating func validateBranchTable() throws(ReadFault) {
        let count = try reader.readU32()
        guard Int(count) <= limits.branchTableTargets else {
            // A count beyond the bytes that are left is broken rather than large.
            guard Int(count) <= reader.remaining else { throw .unexpectedEnd }
            throw fail("br_table: \(count) labels, at most \(limits.branchTableTargets) are allowed", .limit)
        }
        try pop(.i32)
        let start = reader
        for _ in 0..<count { _ = try reader.readU32() }
        let target = frames[try label()]
        let end = reader
        reader = start
        for _ in 0..<count {
            let other = frames[try label()]
            guard other.labelCount == target.labelCount else {
                throw fail(
                    "type mismatch: the labels of br_table carry \(other.labelCount) and \(target.labelCount) values")
            }
            try checkTop(other.labelTypes, other.labelCount)
        }
        reader = end
        try popAll(target.labelTypes, target.labelCount)
        setUnreachable()
    }

    /// Checks the topmost operands and leaves them in place.
    private mutating func checkTop(_ types: UnsafePointer<TypeCode>, _ count: UInt32) throws(ReadFault) {
        if count == 0 || isOnTop(types, count) { return }
        for depth in 0..<Int(count) {
            let position = top - 1 - depth
            let expected = types[Int(count) - 1 - depth]
            guard position >= frameBase else {
                if frames[frameCount - 1].isUnreachable { return }
                throw mismatch(expected, found: nil)
            }
            guard tables.matches(operands[position], expected) else {
                throw mismatch(expected, found: operands[position])
            }
        }
    }
}
