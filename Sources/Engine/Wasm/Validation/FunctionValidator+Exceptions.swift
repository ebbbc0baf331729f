// SPDX-License-Identifier: Apache-2.0
// Swiftlet: validation of exceptions (core specification 3.0 §3.4.10), and of their older form, which Emscripten emits.

extension FunctionValidator {
    private static var exception: TypeCode { ValueType.exnref.nonNull.rawValue }

    mutating func validateException(_ rule: ValidationRule) throws(ReadFault) {
        switch rule {
        case .throw:
            let type = try tag(try reader.readU32())
            try popAll(type.parameters, type.parameterCount)
            setUnreachable()
        case .throwRef:
            try pop(ValueType.exnref.rawValue)
            setUnreachable()
        default:
            let (start, end) = try blockType()
            var count = try reader.readU32()
            while count > 0 {
                try validate(try reader.readCatchClause())
                count -= 1
            }
            try popAll(start.types, start.count)
            try pushFrame(.tryTable, start: start, end: end)
        }
    }

    private mutating func tag(_ index: UInt32) throws(ReadFault) -> TypeShape {
        guard Int(index) < tables.tags.count else { throw unknown("tag", index, tables.tags.count) }
        return tables.types[Int(tables.tags[Int(index)])].shape
    }

    /// The label must take what the clause passes: the values of the tag, then perhaps the exception.
    private mutating func validate(_ clause: CatchClause) throws(ReadFault) {
        var values: TypeList = (UnsafePointer(frames[0].endTypes), 0)
        if let index = clause.tag {
            let type = try tag(index)
            values = (type.parameters, type.parameterCount)
        }
        let frame = frames[try frameIndex(ofLabel: clause.label)]
        let valueCount = Int(values.count)
        let count = valueCount + (clause.passesReference ? 1 : 0)
        let fits =
            Int(frame.labelCount) == count
            && (0..<count).allSatisfy {
                tables.matches($0 < valueCount ? values.types[$0] : Self.exception, frame.labelTypes[$0])
            }
        guard fits else {
            let reference = clause.passesReference ? [Self.exception.name] : []
            let passed = (0..<valueCount).map { values.types[$0].name } + reference
            throw fail(
                "type mismatch: a catch clause passes [\(passed.joined(separator: ", "))], its label takes "
                    + "[\(list(frame.labelTypes, frame.labelCount))]")
        }
    }

    mutating func validateLegacyException(_ rule: ValidationRule) throws(ReadFault) {
        switch rule {
        case .try:
            let (start, end) = try blockType()
            try popAll(start.types, start.count)
            try pushFrame(.try, start: start, end: end)
        case .catch:
            let type = try tag(try reader.readU32())
            let frame = try popTry(isCatchAllowed: true)
            try pushFrame(
                .catch, start: (type.parameters, type.parameterCount), end: (frame.endTypes, frame.endCount))
        case .catchAll:
            let frame = try popTry(isCatchAllowed: true)
            try pushFrame(.catchAll, start: (frame.endTypes, 0), end: (frame.endTypes, frame.endCount))
        case .delegate:
            let depth = try reader.readU32()
            let frame = try popTry(isCatchAllowed: false)
            _ = try frameIndex(ofLabel: depth)
            try pushAll(frame.endTypes, frame.endCount)
        default:
            let target = frames[try label()].rule
            guard target == .catch || target == .catchAll else {
                throw fail("invalid rethrow label: the label is no catch clause")
            }
            setUnreachable()
        }
    }

    /// Closes the body of a `try`, or one of its `catch` clauses.
    private mutating func popTry(isCatchAllowed: Bool) throws(ReadFault) -> ControlFrame {
        let rule = frames[frameCount - 1].rule
        guard rule == .try || isCatchAllowed && rule == .catch else {
            throw fail("END opcode expected: catch or delegate outside of a try", .malformed)
        }
        return try popFrame()
    }
}
