// SPDX-License-Identifier: Apache-2.0
// Swiftlet: translation of numeric, variable and memory instructions.

import CInterpreter
import Wasm

extension Translator {
    // MARK: Numbers

    mutating func unary(_ base: Int, _ result: ValueType) {
        let (value, position) = pop()
        if let slot = operand(value, position) {
            pushResult(base, result, slot)
        } else {
            pushResult(base + 2, result)
        }
    }

    /// A zero-extended i32 is an i64 already.
    mutating func extendUnsigned() {
        guard let last = stack.indices.last else { return }
        stack[last].type = .i64
    }

    /// Comparisons of the same type in the order of the opcodes: eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u.
    static let mirrored = [0, 1, 4, 5, 2, 3, 8, 9, 6, 7]
    static let inverted = [1, 0, 8, 9, 6, 7, 4, 5, 2, 3]

    /// The handler that computes the same with its operands exchanged, if there is one.
    private func exchanged(_ base: Int, compares: Bool) -> Int? {
        if compares {
            let index = (base - Int(SW_i32_eq)) / 10
            return Int(SW_i32_eq) + (index / 10 * 10 + Self.mirrored[index % 10]) * 10
        }
        switch (base - Int(SW_i32_add)) / 10 % 15 {
        case 0, 2, 7, 8, 9: return base  // add, mul, and, or, xor
        default: return nil
        }
    }

    mutating func integerBinary(_ base: Int, _ result: ValueType, compares: Bool) {
        var base = base
        var (right, rightPosition) = pop()
        var (left, leftPosition) = pop()
        let target = leftPosition
        if left.isConstant, !right.isConstant, let other = exchanged(base, compares: compares) {
            base = other
            swap(&left, &right)
            swap(&leftPosition, &rightPosition)
        }
        if case .constant(let bits) = left.kind {
            emitConstant(bits, left.type, to: temporarySlot(leftPosition))
            left.kind = .temporary
        }
        let before = accumulators
        if case .constant(let bits) = right.kind {
            let immediate = Int32(truncatingIfNeeded: bits)
            if left.type == .i32 || UInt64(bitPattern: Int64(immediate)) == bits {
                let slot = operand(left, leftPosition)
                emitBinary(base, slot == nil ? 4 : 3, result, target, slot ?? 0, 0, immediate, compares, before)
                return
            }
            emitConstant(bits, right.type, to: temporarySlot(rightPosition))
            right.kind = .temporary
        }
        emitRegisterBinary(base, result, left, leftPosition, right, rightPosition, target, compares)
    }

    mutating func floatBinary(_ base: Int, _ result: ValueType, compares: Bool) {
        var (right, rightPosition) = pop()
        var (left, leftPosition) = pop()
        if case .constant(let bits) = left.kind {
            emitConstant(bits, left.type, to: temporarySlot(leftPosition))
            left.kind = .temporary
        }
        if case .constant(let bits) = right.kind {
            emitConstant(bits, right.type, to: temporarySlot(rightPosition))
            right.kind = .temporary
        }
        emitRegisterBinary(base, result, left, leftPosition, right, rightPosition, leftPosition, compares)
    }

    mutating func emitRegisterBinary(
        _ base: Int, _ result: ValueType, _ left: StackValue, _ leftPosition: Int, _ right: StackValue,
        _ rightPosition: Int, _ target: Int, _ compares: Bool
    ) {
        let before = accumulators
        if isInAccumulator(left, leftPosition) {
            _ = operand(left, leftPosition)
            emitBinary(base, 1, result, target, 0, slotOperand(right, rightPosition), 0, compares, before)
        } else if isInAccumulator(right, rightPosition) {
            _ = operand(right, rightPosition)
            emitBinary(base, 2, result, target, slotOperand(left, leftPosition), 0, 0, compares, before)
        } else {
            let a = slotOperand(left, leftPosition)
            let b = slotOperand(right, rightPosition)
            emitBinary(base, 0, result, target, a, b, 0, compares, before)
        }
    }

    mutating func emitBinary(
        _ base: Int, _ form: Int, _ result: ValueType, _ target: Int, _ left: UInt16, _ right: UInt16,
        _ immediate: Int32, _ compares: Bool, _ before: SIMD4<Int32>
    ) {
        let slot = temporarySlot(target)
        let operands =
            form >= 3
            ? word(number(slot), left, imm32: UInt32(bitPattern: immediate)) : word(number(slot), left, right)
        emitProducer(base + form * 2, result, to: slot, operands)
        push(.temporary, result)
        guard compares || base == Int(SW_i32_add) else { return }
        var operation = FusableOperation(
            position: code.count - 16, end: code.count, slot: slot, base: base, form: form, left: left, right: right,
            immediate: immediate, accumulators: before)
        if compares {
            comparison = operation
            return
        }
        if form == 2 {
            // Which summand is in the accumulator does not matter.
            (operation.form, operation.right) = (1, left)
        }
        addition = operation
    }

    /// `eqz`; of an integer comparison just made it is the opposite comparison.
    mutating func equalsZero(compare base: Int) {
        let (value, position) = pop()
        if value.isTemporary, let last = comparison, last.end == code.count, last.slot == temporarySlot(position),
            last.base < Int(SW_br_i32_eq)
        {
            let index = (last.base - Int(SW_i32_eq)) / 10
            let opposite = Int(SW_i32_eq) + (index / 10 * 10 + Self.inverted[index % 10]) * 10
            code.setHandler(opposite + last.form * 2, at: last.position)
            producers[0].handler = opposite + last.form * 2
            comparison?.base = opposite
            push(.temporary, .i32)
            return
        }
        compareWithZero(value, position, base: base)
    }

    mutating func compareWithZero(_ value: StackValue, _ position: Int, base: Int) {
        // Giving a constant its slot takes the accumulator, and it stays so when a branch swallows the comparison.
        let slot = operand(value, position)
        let before = accumulators
        emitBinary(base, slot == nil ? 4 : 3, .i32, position, slot ?? 0, 0, 0, true, before)
    }

    /// The same for an operand that stays where it is, in a slot or (nil) the accumulator.
    mutating func compareWithZero(in slot: UInt16?, to position: Int, base: Int) {
        emitBinary(base, slot == nil ? 4 : 3, .i32, position, slot ?? 0, 0, 0, true, accumulators)
    }

    mutating func select() {
        let (condition, conditionPosition) = pop()
        let (second, secondPosition) = pop()
        let (first, firstPosition) = pop()
        let a = slotOperand(first, firstPosition)
        let b = slotOperand(second, secondPosition)
        let test = operand(condition, conditionPosition)
        let base = Int(SW_select_I_s) + RegisterClass(first.type).rawValue * 4
        pushResult(base + (test == nil ? 2 : 0), first.type, a, b, test ?? 0)
    }

    // MARK: Variables

    mutating func setLocal(_ local: Int, keeps: Bool) {
        let (value, position) = pop()
        let slot = localSlot(local)
        let registers = RegisterClass(value.type)
        if case .local(local) = value.kind {
            if keeps { push(.local(local), value.type) }
            return
        }
        let hadReaders = lazyCounts[local] > 0
        if hadReaders { flush(local: local) }
        switch value.kind {
        case .constant(let bits):
            emitConstant(bits, value.type, to: slot)
            // It must not be taken for a temporary that nobody needs.
            producers[registers.rawValue].position = -1
            comparison = nil
        case .temporary
        where producers[registers.rawValue].end == code.count && !hadReaders
            && producers[registers.rawValue].slot == temporarySlot(position)
            && producers[registers.rawValue].position >= 0:
            // The instruction just emitted writes the local itself.
            code.set16(number(slot), at: producers[registers.rawValue].position + 8)
            producers[registers.rawValue].position = -1
            noteWrite(slot, isVector: registers == .vector)
            accumulators[registers.rawValue] = Int32(truncatingIfNeeded: slot)
            comparison = nil
            addition = nil
        case .temporary: emitMove(from: temporarySlot(position), to: slot, registers)
        case .local(let other): emitMove(from: localSlot(other), to: slot, registers)
        }
        if keeps {
            if value.isConstant { push(value.kind, value.type) } else { push(.local(local), value.type) }
        }
    }

    mutating func globalGet(_ index: UInt32) {
        let type = environment.globalType(index)
        let slot = temporarySlot(stack.count)
        push(.temporary, type)
        emitProducer(
            Int(SW_global_get_I) + RegisterClass(type).rawValue * 2, type, to: slot, word(number(slot)),
            environment.globalAddress(index))
    }

    mutating func globalSet(_ index: UInt32) {
        let (value, position) = pop()
        let slot = operand(value, position)
        let handler = Int(SW_global_set_I) + RegisterClass(value.type).rawValue * 2 + (slot == nil ? 1 : 0)
        code.append(handler: handler, word(slot ?? 0))
        code.append(environment.globalAddress(index))
    }

    // MARK: Memory

    mutating func load(_ opcode: Opcode, _ argument: MemoryArgument) {
        let types: [ValueType] = [.i32, .i64, .f32, .f64, .i32, .i32, .i32, .i32]
        let index = Int(opcode.rawValue) - 0x28
        let type = index < types.count ? types[index] : .i64
        guard isUsual(argument) else { return loadElsewhere(index, type, argument) }
        let offset = UInt32(truncatingIfNeeded: argument.offset)
        let (address, position) = pop()
        if let sum = sum(making: address, position), offset <= 0xFFFF {
            swallow(sum)
            let slot = temporarySlot(position)
            let operands = word(number(slot), sum.left, sum.right, UInt16(offset))
            push(.temporary, type)
            emitProducer(Int(SW_i32_load_sum) + index * 4 + sum.form * 2, type, to: slot, operands)
            return
        }
        let from = operand(address, position)
        let slot = temporarySlot(position)
        let operands = word(number(slot), from ?? 0, imm32: offset)
        push(.temporary, type)
        emitProducer(Int(SW_i32_load) + index * 4 + (from == nil ? 2 : 0), type, to: slot, operands)
    }

    /// The addition that made the address, if it was the last instruction.
    func sum(making address: StackValue, _ position: Int) -> FusableOperation? {
        guard address.isTemporary, let addition, addition.end == code.count,
            addition.slot == temporarySlot(position), addition.form < 2
        else { return nil }
        return addition
    }

    /// Forgets the code from `position` on; what follows stands there and belongs to the instruction being translated.
    mutating func takeBack(to position: Int) {
        code.truncate(to: position)
        var index = offsets.count - 1
        while index >= 0, offsets[index].code > position {
            offsets[index].code = position
            index -= 1
        }
    }

    /// Takes back the addition that a load computes itself.
    mutating func swallow(_ sum: FusableOperation) {
        takeBack(to: sum.position)
        accumulators = sum.accumulators
        producers[0].position = -1
        // The load ends where the addition did; it must not be taken for it.
        addition = nil
    }

    mutating func store(_ opcode: Opcode, _ argument: MemoryArgument) {
        guard isUsual(argument) else { return storeElsewhere(opcode, argument) }
        let offset = UInt32(truncatingIfNeeded: argument.offset)
        let base = Int(SW_i32_store) + (Int(opcode.rawValue) - 0x36) * 5
        var (value, valuePosition) = pop()
        var (address, addressPosition) = pop()
        if case .constant(let bits) = address.kind {
            emitConstant(bits, .i32, to: temporarySlot(addressPosition))
            address.kind = .temporary
        }
        let isInteger = RegisterClass(value.type) == .integer
        if case .constant(let bits) = value.kind {
            let wide = value.type == .i32 ? Int64(Int32(truncatingIfNeeded: bits)) : Int64(bitPattern: bits)
            if isInteger, let immediate = Int16(exactly: wide) {
                let slot = operand(address, addressPosition)
                let operands = word(slot ?? 0, UInt16(bitPattern: immediate), imm32: offset)
                code.append(handler: base + (slot == nil ? 4 : 3), operands)
                return
            }
            emitConstant(bits, value.type, to: temporarySlot(valuePosition))
            value.kind = .temporary
        }
        let isAddressHeld = isInAccumulator(address, addressPosition)
        let isValueHeld = isInAccumulator(value, valuePosition)
        var form = 0
        if isAddressHeld, !isInteger, isValueHeld {
            form = 3
        } else if isAddressHeld {
            form = 1
        } else if isValueHeld {
            form = 2
        }
        let a = form & 1 != 0 ? (operand(address, addressPosition) ?? 0) : slotOperand(address, addressPosition)
        let b = form & 2 != 0 ? (operand(value, valuePosition) ?? 0) : slotOperand(value, valuePosition)
        code.append(handler: base + form, word(a, b, imm32: offset))
    }

    // MARK: The rest, executed in Swift

    /// Operands popped, and whether there is a result, per instruction of ``SlowOperation``.
    mutating func slowOperation(_ opcode: Opcode) throws(ReadFault) {
        var first: UInt32 = 0
        var second: UInt32 = 0
        var operandCount = 0
        var result: ValueType?
        switch opcode {
        case .tableGet:
            first = try reader.readU32()
            (operandCount, result) = (1, environment.tableType(first))
        case .tableSet: (first, operandCount) = (try reader.readU32(), 2)
        case .tableSize:
            first = try reader.readU32()
            result = environment.addressType(ofTable: first).value
        case .tableGrow:
            first = try reader.readU32()
            (operandCount, result) = (2, environment.addressType(ofTable: first).value)
        case .tableFill: (first, operandCount) = (try reader.readU32(), 3)
        case .memoryGrow:
            first = try reader.readU32()
            (operandCount, result) = (1, environment.addressType(ofMemory: first).value)
        case .memoryInit, .tableInit, .tableCopy:
            first = try reader.readU32()
            second = try reader.readU32()
            operandCount = 3
        case .dataDrop, .elemDrop: first = try reader.readU32()
        default: throw .illegalOpcode
        }
        emitSlowOperation(opcode, first, second, operandCount, result)
    }

    mutating func emitSlowOperation(
        _ opcode: Opcode, _ first: UInt32, _ second: UInt32, _ operandCount: Int, _ result: ValueType?
    ) {
        var slots: [UInt16] = [0, 0, 0]
        for index in (0..<operandCount).reversed() {
            let (value, position) = pop()
            slots[index] = slotOperand(value, position)
        }
        code.append(handler: Int(SW_slow), word(opcode.rawValue, slots[0], slots[1], slots[2]))
        code.append(UInt64(first) | UInt64(second) << 32)
        let target = temporarySlot(stack.count)
        code.append(UInt64(number(target)))
        noteWrite(target)
        if let result { push(.temporary, result) }
    }
}
