// SPDX-License-Identifier: Apache-2.0
// Swiftlet: translation of vector instructions.

import CInterpreter
import Wasm

/// The constant that a following instruction may take as its operand.
struct VectorConstant {
    var end: Int
    var slot: Int
    var value: V128
    /// As they were before it.
    var accumulators: SIMD4<Int32>
    var producer: Producer
}

extension Translator {
    /// An instruction with prefix 0xFD. Its handlers start at one number; `VectorInstructions.h` says which forms follow.
    mutating func vector(_ opcode: Opcode) throws(ReadFault) {
        let base = Int(sw_vector_handler(UInt32(opcode.vectorIndex ?? 0)))
        switch opcode.vectorShape {
        case .load: vectorLoad(base, try reader.readMemoryArgument())
        case .store: vectorStore(try reader.readMemoryArgument())
        case .loadLane:
            let argument = try reader.readMemoryArgument()
            loadLane(base, argument, lane: try reader.readByte())
        case .storeLane:
            let argument = try reader.readMemoryArgument()
            storeLane(base, argument, lane: try reader.readByte())
        case .constant: pushVector(try reader.readV128())
        case .shuffle: shuffle(Shuffle(try reader.readV128()))
        case .splat, .unary: unary(base, .v128)
        case .test: unary(base, .i32)
        case .binary: vectorBinary(base)
        case .ternary: ternary(base)
        case .shift: shift(base)
        case .extractLane: extractLane(base, opcode.laneType, try reader.readByte())
        case .replaceLane: replaceLane(base, try reader.readByte())
        case nil: throw .illegalOpcode
        }
    }

    private mutating func pushVector(_ vector: V128) {
        let slot = temporarySlot(stack.count)
        let (before, producer) = (accumulators, producers[RegisterClass.vector.rawValue])
        push(.temporary, .v128)
        emitProducer(Int(SW_const128_V), .v128, to: slot, word(number(slot)), vector.low, vector.high)
        vectorConstant = VectorConstant(
            end: code.count, slot: slot, value: vector, accumulators: before, producer: producer)
    }

    private mutating func vectorBinary(_ base: Int) {
        guard let constant = vectorConstant, constant.end == code.count, let right = stack.last, right.isTemporary,
            temporarySlot(stack.count - 1) == constant.slot
        else { return floatBinary(base, .v128, compares: false) }
        // The constant becomes an operand, and what was in the accumulator before it may be the other one.
        _ = pop()
        takeBack(to: constant.end - 32)
        accumulators = constant.accumulators
        producers[RegisterClass.vector.rawValue] = constant.producer
        vectorConstant = nil
        let (left, position) = pop()
        let from = operand(left, position)
        let slot = temporarySlot(position)
        push(.temporary, .v128)
        emitProducer(
            base + (from == nil ? 8 : 6), .v128, to: slot, word(number(slot), from ?? 0), constant.value.low,
            constant.value.high)
    }

    // MARK: Operands

    /// A constant gets its slot, so that what follows finds slots and accumulators only.
    private mutating func withoutConstant(_ value: StackValue, _ position: Int) -> StackValue {
        guard case .constant(let bits) = value.kind else { return value }
        emitConstant(bits, value.type, to: temporarySlot(position))
        return StackValue(kind: .temporary, type: value.type)
    }

    private mutating func ternary(_ base: Int) {
        let (third, thirdPosition) = pop()
        let (second, secondPosition) = pop()
        let (first, firstPosition) = pop()
        let b = slotOperand(second, secondPosition)
        if isInAccumulator(first, firstPosition) {
            _ = operand(first, firstPosition)
            pushResult(base + 2, .v128, 0, b, slotOperand(third, thirdPosition))
        } else if isInAccumulator(third, thirdPosition) {
            _ = operand(third, thirdPosition)
            pushResult(base + 4, .v128, slotOperand(first, firstPosition), b)
        } else {
            let a = slotOperand(first, firstPosition)
            pushResult(base, .v128, a, b, slotOperand(third, thirdPosition))
        }
    }

    private mutating func shift(_ base: Int) {
        let (count, countPosition) = pop()
        let (vector, position) = pop()
        if case .constant(let bits) = count.kind {
            let slot = operand(vector, position)
            emitBinary(
                base, slot == nil ? 4 : 3, .v128, position, slot ?? 0, 0, Int32(truncatingIfNeeded: bits), false,
                accumulators)
        } else {
            emitRegisterBinary(base, .v128, vector, position, count, countPosition, position, false)
        }
    }

    private mutating func extractLane(_ base: Int, _ type: ValueType, _ lane: UInt8) {
        let (vector, position) = pop()
        let slot = operand(vector, position)
        pushResult(base + (slot == nil ? 2 : 0), type, slot ?? 0, UInt16(lane))
    }

    private mutating func replaceLane(_ base: Int, _ lane: UInt8) {
        let (scalar, scalarPosition) = pop()
        let (vector, position) = pop()
        let value = withoutConstant(scalar, scalarPosition)
        if isInAccumulator(vector, position) {
            _ = operand(vector, position)
            pushResult(base + 2, .v128, 0, slotOperand(value, scalarPosition), UInt16(lane))
        } else if isInAccumulator(value, scalarPosition) {
            _ = operand(value, scalarPosition)
            pushResult(base + 4, .v128, slotOperand(vector, position), 0, UInt16(lane))
        } else {
            let slot = slotOperand(vector, position)
            pushResult(base, .v128, slot, slotOperand(value, scalarPosition), UInt16(lane))
        }
    }

    // MARK: Shuffles

    /// The byte numbers of `i8x16.shuffle` for each operand, with bit 7 for bytes that the other one gives.
    private struct Shuffle {
        var left = V128(low: 0, high: 0)
        var right = V128(low: 0, high: 0)
        var usesLeft = false
        var usesRight = false

        init(_ lanes: V128) {
            (left.low, right.low) = split(lanes.low)
            (left.high, right.high) = split(lanes.high)
        }

        private mutating func split(_ lanes: UInt64) -> (left: UInt64, right: UInt64) {
            var result: (left: UInt64, right: UInt64) = (0, 0)
            for byte in stride(from: UInt64(0), to: 64, by: 8) {
                let lane = lanes >> byte & 0x1F
                if lane < 16 { usesLeft = true } else { usesRight = true }
                result.left |= (lane < 16 ? lane : 0x80) << byte
                result.right |= (lane < 16 ? 0x80 : lane - 16) << byte
            }
            return result
        }
    }

    private mutating func shuffle(_ shuffle: Shuffle) {
        let (right, rightPosition) = pop()
        let (left, leftPosition) = pop()
        let target = temporarySlot(leftPosition)
        guard shuffle.usesLeft && shuffle.usesRight else {
            let from = shuffle.usesLeft ? operand(left, leftPosition) : operand(right, rightPosition)
            let numbers = shuffle.usesLeft ? shuffle.left : shuffle.right
            push(.temporary, .v128)
            emitProducer(
                Int(SW_shuffle_one_s) + (from == nil ? 2 : 0), .v128, to: target, word(number(target), from ?? 0),
                numbers.low, numbers.high)
            return
        }
        var form = 0
        var (a, b): (UInt16, UInt16) = (0, 0)
        if isInAccumulator(left, leftPosition) {
            _ = operand(left, leftPosition)
            (form, b) = (1, slotOperand(right, rightPosition))
        } else if isInAccumulator(right, rightPosition) {
            _ = operand(right, rightPosition)
            (form, a) = (2, slotOperand(left, leftPosition))
        } else {
            (a, b) = (slotOperand(left, leftPosition), slotOperand(right, rightPosition))
        }
        push(.temporary, .v128)
        let handler = Int(SW_shuffle_ss) + form * 2
        let start = code.append(handler: handler, word(number(target), a, b))
        for numbers in [shuffle.left, shuffle.right] {
            code.append(numbers.low)
            code.append(numbers.high)
        }
        noteProducer(at: start, handler, .v128, to: target)
    }

    // MARK: Memory

    private mutating func vectorLoad(_ base: Int, _ argument: MemoryArgument) {
        let (address, position) = pop()
        let slot = temporarySlot(position)
        guard isUsual(argument) else {
            let from = slotOperand(address, position)
            push(.temporary, .v128)
            emitProducer(
                base + Int(sw_variants_vector_load) - 2, .v128, to: slot, word(number(slot), from),
                environment.memoryAddress(argument.memory), argument.offset)
            return
        }
        let offset = UInt32(truncatingIfNeeded: argument.offset)
        if let sum = sum(making: address, position), offset <= 0xFFFF {
            let operands = word(number(slot), sum.left, sum.right, UInt16(offset))
            swallow(sum)
            push(.temporary, .v128)
            emitProducer(base + 4 + sum.form * 2, .v128, to: slot, operands)
            return
        }
        let from = operand(address, position)
        push(.temporary, .v128)
        emitProducer(base + (from == nil ? 2 : 0), .v128, to: slot, word(number(slot), from ?? 0, imm32: offset))
    }

    private mutating func vectorStore(_ argument: MemoryArgument) {
        let (value, valuePosition) = pop()
        let (address, addressPosition) = pop()
        guard isUsual(argument) else {
            let from = slotOperand(address, addressPosition)
            emitElsewhere(Int(SW_v128_store_any), word(from, slotOperand(value, valuePosition)), argument)
            return
        }
        let place = withoutConstant(address, addressPosition)
        let isAddressHeld = isInAccumulator(place, addressPosition)
        let isValueHeld = isInAccumulator(value, valuePosition)
        let a = isAddressHeld ? operand(place, addressPosition) ?? 0 : slotOperand(place, addressPosition)
        let b = isValueHeld ? operand(value, valuePosition) ?? 0 : slotOperand(value, valuePosition)
        let form = (isAddressHeld ? 1 : 0) + (isValueHeld ? 2 : 0)
        code.append(
            handler: Int(SW_v128_store_ss) + form,
            word(a, b, imm32: UInt32(truncatingIfNeeded: argument.offset)))
    }

    private mutating func loadLane(_ base: Int, _ argument: MemoryArgument, lane: UInt8) {
        let (vector, vectorPosition) = pop()
        let (address, position) = pop()
        let vectorSlot = slotOperand(vector, vectorPosition)
        let slot = temporarySlot(position)
        guard isUsual(argument) else {
            let from = slotOperand(address, position)
            push(.temporary, .v128)
            emitProducer(
                base + Int(sw_variants_vector_lane_load) - 2, .v128, to: slot,
                word(number(slot), from, vectorSlot, UInt16(lane)), environment.memoryAddress(argument.memory),
                argument.offset)
            return
        }
        let from = operand(address, position)
        push(.temporary, .v128)
        emitProducer(
            base + (from == nil ? 2 : 0), .v128, to: slot,
            word(number(slot), from ?? 0, imm32: UInt32(truncatingIfNeeded: argument.offset)),
            word(vectorSlot, UInt16(lane)))
    }

    private mutating func storeLane(_ base: Int, _ argument: MemoryArgument, lane: UInt8) {
        let (vector, vectorPosition) = pop()
        let (address, position) = pop()
        let vectorSlot = slotOperand(vector, vectorPosition)
        guard isUsual(argument) else {
            let from = slotOperand(address, position)
            emitElsewhere(
                base + Int(sw_variants_vector_lane_store) - 1, word(from, vectorSlot, UInt16(lane)), argument)
            return
        }
        let from = operand(address, position)
        code.append(
            handler: base + (from == nil ? 1 : 0),
            word(from ?? 0, vectorSlot, imm32: UInt32(truncatingIfNeeded: argument.offset)))
        code.append(word(UInt16(lane)))
    }

    private mutating func emitElsewhere(_ handler: Int, _ operands: UInt64, _ argument: MemoryArgument) {
        code.append(handler: handler, operands)
        code.append(environment.memoryAddress(argument.memory))
        code.append(argument.offset)
    }
}
