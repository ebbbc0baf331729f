// SPDX-License-Identifier: Apache-2.0
// Swiftlet: validation of typed references and casts (core specification 3.0 §3.4.2, §3.4.13).

extension FunctionValidator {
    /// The instructions that rule ``ValidationRule/reference`` stands for; the first byte has been read.
    mutating func validateReference() throws(ReadFault) {
        reader = BinaryReader(module.bytes.buffer, in: instructionStart..<reader.endOffset)
        let opcode = try reader.readOpcode()
        let missing = opcode.feature.subtracting(features)
        guard missing.isEmpty else { throw later(missing, "\(opcode)") }
        switch opcode {
        case .callRef:
            let type = try calleeType()
            try popAll(type.parameters, type.parameterCount)
            try pushAll(type.results, type.resultCount)
        case .returnCallRef: try validateTailCall(of: try calleeType())
        case .refEq:
            try pop(ValueType.eqref.rawValue)
            try pop(ValueType.eqref.rawValue)
            try push(.i32)
        case .refAsNonNull: try push(nonNull(try popReference()))
        case .brOnNull:
            let type = try popReference()
            let frame = frames[try label()]
            try popAll(frame.labelTypes, frame.labelCount)
            try pushAll(frame.labelTypes, frame.labelCount)
            try push(nonNull(type))
        case .brOnNonNull:
            let type = try popReference()
            let frame = frames[try label()]
            guard frame.labelCount > 0 else { throw mismatch(nonNull(type), found: nil) }
            try push(nonNull(type))
            try popAll(frame.labelTypes, frame.labelCount)
            try pushAll(frame.labelTypes, frame.labelCount)
            _ = try popAny()
        case .refTest, .refTestNull:
            _ = try castTarget(isNullable: opcode == .refTestNull)
            try push(.i32)
        case .refCast, .refCastNull: try push(try castTarget(isNullable: opcode == .refCastNull))
        case .brOnCast, .brOnCastFail: try validateCastBranch(opcode)
        default: try validateAggregate(opcode)
        }
    }

    /// Pops any reference; below an unreachable point it is one of unknown type.
    mutating func popReference() throws(ReadFault) -> TypeCode {
        let type = try popAny()
        guard type.isReferenceOrAny else { throw fail("type mismatch: expected a reference, found \(type.name)") }
        return type == .any ? .anyReference : type
    }

    private func nonNull(_ code: TypeCode) -> TypeCode { ValueType(bits: code).nonNull.rawValue }

    /// The type of `call_ref`, its function popped.
    private mutating func calleeType() throws(ReadFault) -> TypeShape {
        let index = try reader.readU32()
        let type = try functionType(index)
        try pop(ValueType(.concrete(tables.types[Int(index)].canonical), isNullable: true).rawValue)
        return type
    }

    // MARK: Casts

    private mutating func heapType() throws(ReadFault) -> HeapType {
        let code = try admit(ValueType(try reader.readHeapType(), isNullable: true))
        return ValueType(bits: code).heap ?? .any
    }

    /// Reads the type of a test or cast and pops its operand, which may be anything of the same hierarchy.
    private mutating func castTarget(isNullable: Bool) throws(ReadFault) -> TypeCode {
        let heap = try heapType()
        try pop(ValueType(tables.top(of: heap), isNullable: true).rawValue)
        return ValueType(heap, isNullable: isNullable).rawValue
    }

    private mutating func validateCastBranch(_ opcode: Opcode) throws(ReadFault) {
        let flags = try reader.readByte()
        guard flags < 4 else { throw fail("malformed br_on_cast flags: \(flags), expected 0 to 3", .malformed) }
        let frame = frames[try label()]
        let source = ValueType(try heapType(), isNullable: flags & 1 != 0)
        let target = ValueType(try heapType(), isNullable: flags & 2 != 0)
        guard tables.matches(target.rawValue, source.rawValue) else {
            throw fail("type mismatch: \(opcode) from \(source) to \(target), which does not match it")
        }
        try pop(source.rawValue)
        // What is left when the value is not of the target type.
        let rest = target.isNullable ? source.nonNull : source
        let (taken, fallThrough) = opcode == .brOnCast ? (target, rest) : (rest, target)
        guard frame.labelCount > 0 else { throw mismatch(taken.rawValue, found: nil) }
        try push(taken.rawValue)
        try popAll(frame.labelTypes, frame.labelCount)
        try pushAll(frame.labelTypes, frame.labelCount)
        _ = try popAny()
        try push(fallThrough.rawValue)
    }
}
