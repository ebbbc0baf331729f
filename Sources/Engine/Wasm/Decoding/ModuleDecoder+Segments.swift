// SPDX-License-Identifier: Apache-2.0
// Swiftlet: decoding of constant expressions, element and data segments, and of function bodies' frames.

extension ModuleDecoder {
    /// Reads a constant expression up to its `end`. Types are the validator's business.
    mutating func constantExpression() throws(WasmError) -> ConstantExpression {
        let first = try constantOperation()
        guard let first else { return .extended([]) }
        if reader.peekByte() == UInt8(Opcode.end.rawValue) {
            _ = try byte("end")
            switch first {
            case .value(let type, let bits): return .value(type, bits: bits)
            case .vector(let vector): return .vector(vector)
            case .globalGet(let index): return .globalGet(index)
            case .referenceNull(let type): return .referenceNull(type)
            case .referenceFunction(let index): return .referenceFunction(index)
            case .arithmetic, .reference: return .extended([first])
            }
        }
        var operations = [first]
        while let next = try constantOperation() { operations.append(next) }
        return .extended(operations)
    }

    /// The next instruction, nil for `end`.
    private mutating func constantOperation() throws(WasmError) -> ConstantOperation? {
        let start = reader.offset
        guard let operation = try readConstantOperation() else { return nil }
        return try admit(operation, at: start)
    }

    private mutating func readConstantOperation() throws(WasmError) -> ConstantOperation? {
        let start = reader.offset
        do throws(ReadFault) {
            let opcode = try reader.readOpcode()
            switch opcode {
            case .end: return nil
            case .i32Const: return .value(.i32, bits: UInt64(UInt32(bitPattern: try reader.readS32())))
            case .i64Const: return .value(.i64, bits: UInt64(bitPattern: try reader.readS64()))
            case .f32Const: return .value(.f32, bits: UInt64(try reader.readF32Bits()))
            case .f64Const: return .value(.f64, bits: try reader.readF64Bits())
            case .v128Const:
                guard features.contains(.simd) else { throw ReadFault.illegalOpcode }
                return .vector(try reader.readV128())
            case .globalGet: return .globalGet(try reader.readU32())
            case .refNull: return .referenceNull(ValueType(try reader.readHeapType(), isNullable: true))
            case .refFunc: return .referenceFunction(try reader.readU32())
            case .i32Add, .i32Sub, .i32Mul, .i64Add, .i64Sub, .i64Mul:
                if features.contains(.extendedConstantExpressions) { return .arithmetic(opcode) }
                throw .reported
            case .structNew, .structNewDefault, .arrayNew, .arrayNewDefault:
                return .reference(opcode, type: try reader.readU32(), count: 0)
            case .arrayNewFixed: return .reference(opcode, type: try reader.readU32(), count: try reader.readU32())
            case .refI31, .anyConvertExtern, .externConvertAny: return .reference(opcode, type: 0, count: 0)
            default:
                throw .reported
            }
        } catch {
            throw constantFault(error, at: start)
        }
    }

    /// Checks features and indices of a step, and makes its type index canonical.
    private func admit(_ operation: ConstantOperation, at start: Int) throws(WasmError) -> ConstantOperation {
        switch operation {
        case .referenceNull(let type):
            return .referenceNull(try admit(type, "heap type of ref.null", at: start))
        case .reference(let opcode, let index, let count):
            guard features.contains(.gc) else { throw unsupported(.gc, "a constant expression", at: start) }
            guard opcode != .refI31, opcode != .anyConvertExtern, opcode != .externConvertAny else { return operation }
            guard Int(index) < module.types.count else {
                throw WasmError(
                    .invalid, at: start, "unknown type \(index): of \(opcode) in a constant expression")
            }
            guard opcode != .arrayNewFixed || Int(count) <= limits.fixedArrayElements else {
                throw limit("elements of array.new_fixed", limits.fixedArrayElements)
            }
            return .reference(opcode, type: module.types[Int(index)].canonical, count: count)
        default: return operation
        }
    }

    private func constantFault(_ error: ReadFault, at start: Int) -> WasmError {
        let bytes = module.bytes.buffer
        guard start < reader.endOffset else { return fault(error, "constant expression") }
        let code = bytes[start..<reader.endOffset]
        switch error {
        case .reported:
            return WasmError(
                .invalid, at: start,
                "constant expression required: instruction 0x\(String(bytes[start], radix: 16)) is not constant")
        case .illegalOpcode:
            if let feature = LaterFeatures.ofOpcode(code), !features.isSuperset(of: feature) {
                return unsupported(feature, "a constant expression", at: start)
            }
            return WasmError(
                .malformed, at: start,
                "illegal opcode \(LaterFeatures.nameOfOpcode(code)): in a constant expression")
        case .malformedReferenceType:
            if let feature = reader.peekByte().flatMap(LaterFeatures.ofTypeByte) {
                return unsupported(feature, "ref.null")
            }
            return fault(error, "ref.null")
        default:
            return fault(error, "constant expression")
        }
    }

    mutating func decodeElementSection() throws(WasmError) {
        let count = try self.count("element segments", limits.elementSegments)
        module.elements.reserveCapacity(plausible(count))
        for _ in 0..<count { module.elements.append(try elementSegment()) }
    }

    /// The eight forms of §5.5.12: bit 0 = not active, bit 1 = explicit table or declarative, bit 2 = expressions.
    private mutating func elementSegment() throws(WasmError) -> ElementSegment {
        let start = reader.offset
        let form = try u32("element segment kind")
        guard form < 8 else {
            throw WasmError(.malformed, at: start, "malformed elements segment kind: \(form), expected 0 to 7")
        }
        let mode: ElementSegment.Mode
        if form & 1 != 0 {
            mode = form & 2 != 0 ? .declarative : .passive
        } else {
            let table = form & 2 != 0 ? try u32("table index of an element segment") : 0
            mode = .active(table: table, offset: try constantExpression())
        }
        // Function indices are never null; expressions may be.
        var type = form & 4 != 0 ? ValueType.funcref : ValueType(.function, isNullable: false)
        if form & 3 != 0 {
            if form & 4 != 0 {
                type = try referenceType("type of an element segment")
            } else {
                let kindStart = reader.offset
                let kind = try byte("element kind")
                guard kind == 0 else {
                    throw WasmError(.malformed, at: kindStart, "malformed element kind: \(kind), expected 0")
                }
            }
        }
        let count = try self.count("element items", limits.elementItems, beyond: elementItemCount)
        elementItemCount += count
        var items: [ConstantExpression] = []
        items.reserveCapacity(plausible(count))
        for _ in 0..<count {
            items.append(form & 4 != 0 ? try constantExpression() : .referenceFunction(try u32("function index")))
        }
        return ElementSegment(type: type, mode: mode, items: items)
    }

    mutating func decodeDataSection() throws(WasmError) {
        let count = try self.count("data segments", limits.dataSegments)
        module.data.reserveCapacity(plausible(count))
        for _ in 0..<count {
            let start = reader.offset
            let form = try u32("data segment kind")
            guard form < 3 else {
                throw WasmError(.malformed, at: start, "malformed data segment kind: \(form), expected 0 to 2")
            }
            let mode: DataSegment.Mode
            if form == 1 {
                mode = .passive
            } else {
                let memory = form == 2 ? try u32("memory index of a data segment") : 0
                mode = .active(memory: memory, offset: try constantExpression())
            }
            let length = Int(try u32("length of a data segment"))
            do throws(ReadFault) {
                module.data.append(DataSegment(mode: mode, bytes: try reader.skip(length)))
            } catch {
                throw fault(error, "bytes of a data segment")
            }
        }
    }

    mutating func decodeCodeSection() throws(WasmError) {
        let count = try self.count("function bodies", limits.functions)
        module.code.reserveCapacity(plausible(count))
        let section = reader
        for index in 0..<count {
            let length = Int(try u32("size of a function body"))
            guard length <= limits.functionBodyBytes else {
                throw limit("bytes in the body of function \(index)", limits.functionBodyBytes)
            }
            let range: ByteRange
            do throws(ReadFault) { range = try reader.skip(length) } catch { throw fault(error, "a function body") }
            let next = reader.offset
            reader = BinaryReader(module.bytes.buffer, in: range)
            let locals = try self.locals(ofBody: index)
            module.code.append(FunctionBody(locals: locals, code: reader.offset..<range.upperBound))
            reader = BinaryReader(module.bytes.buffer, in: next..<section.endOffset)
        }
    }

    private mutating func locals(ofBody index: Int) throws(WasmError) -> [(count: UInt32, type: ValueType)] {
        let runCount = Int(try u32("locals"))
        guard runCount > 0 else { return [] }
        var runs: [(count: UInt32, type: ValueType)] = []
        runs.reserveCapacity(plausible(runCount))
        var total: UInt64 = 0
        for _ in 0..<runCount {
            let start = reader.offset
            let count = try u32("number of locals")
            total += UInt64(count)
            guard total <= UInt64(UInt32.max) else {
                throw WasmError(.malformed, at: start, "too many locals: \(total) in function body \(index)")
            }
            runs.append((count, try valueType("type of locals")))
        }
        guard total <= UInt64(limits.locals) else {
            throw WasmError(
                .limit, at: reader.offset,
                "too many locals: \(total) in function body \(index), at most \(limits.locals) are allowed")
        }
        return runs
    }
}
