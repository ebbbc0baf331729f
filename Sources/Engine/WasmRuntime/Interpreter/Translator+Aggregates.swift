// SPDX-License-Identifier: Apache-2.0
// Swiftlet: translation of structures, arrays and i31.

import CInterpreter
import Wasm

extension Translator {
    mutating func stepAggregate(_ opcode: Opcode) throws(ReadFault) {
        switch opcode {
        case .structGet, .structGetS, .structGetU:
            let type = try reader.readU32()
            structureGet(type, try reader.readU32(), isSigned: opcode == .structGetS)
        case .structSet:
            let type = try reader.readU32()
            structureSet(type, try reader.readU32())
        case .arrayGet, .arrayGetS, .arrayGetU: arrayGet(try reader.readU32(), isSigned: opcode == .arrayGetS)
        case .arraySet: arraySet(try reader.readU32())
        case .arrayLen: unary(Int(SW_array_len), .i32)
        case .refI31: unary(Int(SW_ref_i31), ValueType(.i31, isNullable: false))
        case .i31GetS: unary(Int(SW_i31_get_s), .i32)
        case .i31GetU: unary(Int(SW_i31_get_u), .i32)
        case .externConvertAny: unary(Int(SW_extern_convert_any), .externref)
        case .structNew, .structNewDefault, .arrayNew, .arrayNewDefault, .arrayNewFixed: try create(opcode)
        default: try rareReferenceOperation(opcode)
        }
    }

    // MARK: Fields

    /// Index in the list of field types that handlers read.
    private func getIndex(_ storage: StorageType, isSigned: Bool) -> Int {
        switch storage {
        case .i8: isSigned ? 0 : 1
        case .i16: isSigned ? 2 : 3
        case .value(.i32): 4
        case .value(.f32): 6
        case .value(.f64): 7
        case .value(.v128): 8
        case .value: 5
        }
    }

    private func setIndex(_ storage: StorageType) -> Int {
        switch storage {
        case .i8: return 0
        case .i16: return 1
        case .value(.i32): return 2
        case .value(.f32): return 4
        case .value(.f64): return 5
        case .value(.v128): return 6
        case .value(let type):
            switch TypeDescriptor.trace(type) {
            case Int(sw_traces_internal): return 7
            case Int(sw_traces_external): return 8
            default: return 3
            }
        }
    }

    private func field(_ type: UInt32, _ field: UInt32) -> (storage: StorageType, offset: UInt32) {
        let storage = environment.module.types[Int(type)].fields?[Int(field)].storage ?? .i8
        return (storage, environment.store.types.fieldOffset(environment.types[Int(type)], field))
    }

    private func element(_ type: UInt32) -> StorageType { environment.module.types[Int(type)].element?.storage ?? .i8 }

    private mutating func structureGet(_ type: UInt32, _ number: UInt32, isSigned: Bool) {
        let (storage, offset) = field(type, number)
        let (object, position) = pop()
        let from = operand(object, position)
        let slot = temporarySlot(position)
        let operands = word(self.number(slot), from ?? 0, imm32: offset)
        push(.temporary, storage.unpacked)
        let base = Int(SW_struct_get_i8_s) + getIndex(storage, isSigned: isSigned) * Int(sw_variants_struct_get)
        emitProducer(base + (from == nil ? 2 : 0), storage.unpacked, to: slot, operands)
    }

    private mutating func structureSet(_ type: UInt32, _ number: UInt32) {
        let (storage, offset) = field(type, number)
        let (value, valuePosition) = popMaterialized()
        let (object, objectPosition) = popMaterialized()
        let base = Int(SW_struct_set_i8) + setIndex(storage) * Int(sw_variants_struct_set)
        let isValueHeld = isInAccumulator(value, valuePosition)
        if isInAccumulator(object, objectPosition), RegisterClass(value.type) != .integer || !isValueHeld {
            _ = operand(object, objectPosition)
            code.append(handler: base + 1, word(0, slotOperand(value, valuePosition), imm32: offset))
        } else if isValueHeld {
            _ = operand(value, valuePosition)
            code.append(handler: base + 2, word(slotOperand(object, objectPosition), 0, imm32: offset))
        } else {
            let a = slotOperand(object, objectPosition)
            code.append(handler: base, word(a, slotOperand(value, valuePosition), imm32: offset))
        }
    }

    /// Pops a value; a constant gets its slot first.
    private mutating func popMaterialized() -> (value: StackValue, position: Int) {
        if let last = stack.last, last.isConstant { materialize(stack.count - 1) }
        return pop()
    }

    // MARK: Elements

    private mutating func arrayGet(_ type: UInt32, isSigned: Bool) {
        let storage = element(type)
        let (index, indexPosition) = popMaterialized()
        let (array, arrayPosition) = popMaterialized()
        var base = Int(SW_array_get_i8_s) + getIndex(storage, isSigned: isSigned) * Int(sw_variants_array_get)
        var (a, b) = (UInt16(0), UInt16(0))
        if isInAccumulator(array, arrayPosition) {
            _ = operand(array, arrayPosition)
            b = slotOperand(index, indexPosition)
            base += 2
        } else if isInAccumulator(index, indexPosition) {
            _ = operand(index, indexPosition)
            a = slotOperand(array, arrayPosition)
            base += 4
        } else {
            a = slotOperand(array, arrayPosition)
            b = slotOperand(index, indexPosition)
        }
        let slot = temporarySlot(arrayPosition)
        push(.temporary, storage.unpacked)
        emitProducer(base, storage.unpacked, to: slot, word(number(slot), a, b))
    }

    private mutating func arraySet(_ type: UInt32) {
        let storage = element(type)
        let (value, valuePosition) = popMaterialized()
        let (index, indexPosition) = popMaterialized()
        let (array, arrayPosition) = popMaterialized()
        let base = Int(SW_array_set_i8) + setIndex(storage) * Int(sw_variants_array_set)
        let slot = operand(value, valuePosition)
        let a = slotOperand(array, arrayPosition)
        let b = slotOperand(index, indexPosition)
        code.append(handler: base + (slot == nil ? 1 : 0), word(a, b, slot ?? 0))
    }

    // MARK: New objects

    /// Operands get their slots, since the collector looks for references there and nowhere else.
    private mutating func create(_ opcode: Opcode) throws(ReadFault) {
        let type = try reader.readU32()
        let definition = environment.module.types[Int(type)]
        var handler = Int(SW_struct_new)
        var operandCount = 0
        var count: UInt16 = 0
        switch opcode {
        case .structNew: operandCount = definition.fields?.count ?? 0
        case .structNewDefault: handler = Int(SW_struct_new_default)
        case .arrayNew: (handler, operandCount) = (Int(SW_array_new), 2)
        case .arrayNewDefault: (handler, operandCount) = (Int(SW_array_new_default), 1)
        default:
            operandCount = Int(try reader.readU32())
            (handler, count) = (Int(SW_array_new_fixed), UInt16(truncatingIfNeeded: operandCount))
        }
        let base = stack.count - operandCount
        for position in base..<stack.count { materialize(position) }
        let top = number(temporarySlot(stack.count))
        if opcode == .arrayNew || opcode == .arrayNewDefault { count = number(temporarySlot(stack.count - 1)) }
        truncateStack(to: base)
        let slot = temporarySlot(base)
        push(.temporary, ValueType(.concrete(type), isNullable: false))
        forgetProducers()
        emitProducer(
            handler, .anyref, to: slot, word(number(slot), number(slot), count, top),
            environment.descriptorAddress(type))
    }

    private mutating func rareReferenceOperation(_ opcode: Opcode) throws(ReadFault) {
        var first: UInt32 = 0
        var second: UInt32 = 0
        var operandCount = 1
        var result: ValueType?
        switch opcode {
        case .anyConvertExtern: result = .anyref
        case .arrayFill: (first, operandCount) = (try reader.readU32(), 4)
        case .arrayNewData, .arrayNewElem, .arrayCopy, .arrayInitData, .arrayInitElem:
            first = try reader.readU32()
            second = try reader.readU32()
            let isNew = opcode == .arrayNewData || opcode == .arrayNewElem
            operandCount = isNew ? 2 : opcode == .arrayCopy ? 5 : 4
            if isNew { result = ValueType(.concrete(first), isNullable: false) }
        default: throw .illegalOpcode
        }
        let base = stack.count - operandCount
        for position in base..<stack.count { materialize(position) }
        let top = number(temporarySlot(stack.count))
        truncateStack(to: base)
        let slot = temporarySlot(base)
        code.append(handler: Int(SW_reference_slow), word(opcode.rawValue, number(slot), 0, top))
        code.append(UInt64(first) | UInt64(second) << 32)
        forgetAccumulators()
        if let result { push(.temporary, result) }
    }
}
