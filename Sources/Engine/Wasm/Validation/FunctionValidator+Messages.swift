// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the validator's errors, kept away from its hot path.

extension FunctionValidator {
    /// Records an error at the current instruction.
    @inline(never)
    mutating func fail(_ message: String, _ kind: WasmError.Kind = .invalid) -> ReadFault {
        failure = WasmError(kind, at: instructionStart, message + place)
        return .reported
    }

    @inline(never)
    mutating func mismatch(_ expected: TypeCode, found: TypeCode?) -> ReadFault {
        fail("type mismatch: expected \(expected.name), found \(found?.name ?? "an empty stack")")
    }

    @inline(never)
    mutating func unknown(_ what: StaticString, _ index: UInt32, _ count: Int) -> ReadFault {
        fail("unknown \(what) \(index): there \(count == 1 ? "is 1" : "are \(count)")")
    }

    @inline(never)
    mutating func later(_ feature: FeatureSet, _ what: String) -> ReadFault {
        fail("feature \(feature) is not supported: \(what) needs it", .unsupported)
    }

    @inline(never)
    mutating func misplacedElse() -> ReadFault {
        fail("END opcode expected: else outside of an if", .malformed)
    }

    /// The argument is wrong, or the memory is not the usual one.
    @inline(never)
    mutating func checkOtherMemoryArgument(
        _ argument: MemoryArgument, _ naturalLog2: UInt8
    ) throws(ReadFault) -> TypeCode {
        guard argument.memory < tables.memoryCount else {
            throw unknown("memory", argument.memory, Int(tables.memoryCount))
        }
        if argument.alignLog2 > UInt32(naturalLog2) {
            throw fail(
                "alignment must not be larger than natural: 2^\(argument.alignLog2), at most 2^\(naturalLog2) bytes")
        }
        let address = tables.memories[Int(argument.memory)]
        guard address != .i32 || argument.offset <= 0xFFFF_FFFF else {
            throw fail("offset out of range: \(argument.offset), at most 4294967295")
        }
        return address
    }

    @inline(never)
    mutating func unsetLocal() -> ReadFault {
        fail("uninitialized local: a local of a type without null is read before it is set")
    }

    func list(_ types: UnsafePointer<TypeCode>, _ count: UInt32) -> String {
        (0..<Int(count)).map { types[$0].name }.joined(separator: ", ")
    }

    /// `12`, or `12 (main)` where the name section knows it.
    var functionLabel: String {
        guard let name = NameSection(module).function(UInt32(functionIndex)) else { return "\(functionIndex)" }
        return "\(functionIndex) (\(name.prefix(100)))"
    }

    /// ` at i32.add in function 12`, to end a message with.
    var place: String {
        var copy = BinaryReader(module.bytes.buffer, in: instructionStart..<reader.endOffset)
        let opcode = try? copy.readOpcode()
        let instruction = opcode.map { " at \($0)" } ?? ""
        return "\(instruction) in function \(functionLabel)"
    }

    /// What the instruction needs beyond the allowed features, where it is one that this engine knows.
    private var missingFeature: FeatureSet? {
        var copy = BinaryReader(module.bytes.buffer, in: instructionStart..<reader.endOffset)
        guard let opcode = try? copy.readOpcode() else { return nil }
        let missing = opcode.feature.subtracting(features)
        return missing.isEmpty ? nil : missing
    }

    /// A fault of the reader as an error.
    func describe(_ fault: ReadFault) -> WasmError {
        let bytes = module.bytes.buffer
        switch fault {
        case .illegalOpcode:
            let code = bytes[instructionStart..<reader.endOffset]
            let name = LaterFeatures.nameOfOpcode(code)
            if let feature = missingFeature ?? LaterFeatures.ofOpcode(code), !features.isSuperset(of: feature) {
                return WasmError(
                    .unsupported, at: instructionStart,
                    "feature \(feature) is not supported: opcode \(name) in function \(functionLabel) needs it")
            }
            return WasmError(.malformed, at: instructionStart, "illegal opcode \(name): in function \(functionLabel)")
        case .malformedValueType, .malformedReferenceType:
            if let byte = reader.peekByte(), let feature = LaterFeatures.ofTypeByte(byte) {
                return WasmError(
                    .unsupported, at: reader.offset,
                    "feature \(feature) is not supported: type 0x\(String(byte, radix: 16))\(place) needs it")
            }
            return WasmError(.malformed, at: reader.offset, fault.message + ":\(place)")
        case .unexpectedEnd:
            return WasmError(
                .malformed, at: reader.offset, "\(fault.message): END opcode expected before the body ends\(place)")
        default:
            return WasmError(.malformed, at: reader.offset, fault.message + ":\(place)")
        }
    }
}
