// SPDX-License-Identifier: Apache-2.0
// Swiftlet: translation of accesses to memories that are not the usual one: further ones, and those addressed with 64
// bits.

import CInterpreter
import Wasm

extension Translator {
    /// Memory 0, addressed with 32 bits: its base and size are in registers.
    func isUsual(_ argument: MemoryArgument) -> Bool {
        argument.memory == 0 && environment.addressType(ofMemory: 0) == .i32
    }

    /// Whether the handlers for 64-bit addresses in memory 0 can express it.
    private func isInFirstMemory(_ argument: MemoryArgument) -> Bool {
        argument.memory == 0 && argument.offset <= UInt64(UInt32.max)
    }

    /// - Parameter index: of the instruction in the list of loads.
    mutating func loadElsewhere(_ index: Int, _ type: ValueType, _ argument: MemoryArgument) {
        let (address, position) = pop()
        let slot = temporarySlot(position)
        if isInFirstMemory(argument) {
            let from = operand(address, position)
            push(.temporary, type)
            emitProducer(
                Int(SW_i32_load_64) + index * 4 + (from == nil ? 2 : 0), type, to: slot,
                word(number(slot), from ?? 0, imm32: UInt32(truncatingIfNeeded: argument.offset)))
            return
        }
        let from = slotOperand(address, position)
        push(.temporary, type)
        emitProducer(
            Int(SW_i32_load_any) + index * 2, type, to: slot, word(number(slot), from),
            environment.memoryAddress(argument.memory), argument.offset)
    }

    mutating func storeElsewhere(_ opcode: Opcode, _ argument: MemoryArgument) {
        let (value, valuePosition) = pop()
        let (address, addressPosition) = pop()
        if isInFirstMemory(argument) {
            let index = Int(opcode.rawValue) - Int(Opcode.i32Store.rawValue)
            let a = slotOperand(address, addressPosition)
            let b = operand(value, valuePosition)
            code.append(
                handler: Int(SW_i32_store_64) + index * 2 + (b == nil ? 1 : 0),
                word(a, b ?? 0, imm32: UInt32(truncatingIfNeeded: argument.offset)))
            return
        }
        // A slot has the bits of any type, so the width alone matters.
        let handlers = [SW_store8_any, SW_store16_any, SW_store32_any, SW_store64_any]
        let a = slotOperand(address, addressPosition)
        let b = slotOperand(value, valuePosition)
        code.append(handler: Int(handlers[Int(opcode.accessWidthLog2)]), word(a, b))
        code.append(environment.memoryAddress(argument.memory))
        code.append(argument.offset)
    }

    /// memory.fill and memory.copy.
    mutating func bulk(_ opcode: Opcode) throws(ReadFault) {
        let memory = try reader.readU32()
        let source = opcode == .memoryCopy ? try reader.readU32() : nil
        let (count, countPosition) = pop()
        let (second, secondPosition) = pop()
        let (target, targetPosition) = pop()
        let a = slotOperand(target, targetPosition)
        let b = slotOperand(second, secondPosition)
        let c = slotOperand(count, countPosition)
        code.append(handler: Int(source == nil ? SW_memory_fill : SW_memory_copy), word(a, b, c))
        code.append(environment.memoryAddress(memory))
        if let source { code.append(environment.memoryAddress(source)) }
    }

    mutating func memorySize() throws(ReadFault) {
        let memory = try reader.readU32()
        let type = environment.addressType(ofMemory: memory).value
        if memory == 0 {
            pushResult(Int(SW_memory_size), type)
        } else {
            emitSlowOperation(.memorySize, memory, 0, 0, type)
        }
    }
}
