// SPDX-License-Identifier: Apache-2.0
// Swiftlet: translation of atomic instructions.

import CInterpreter
import Wasm

extension Translator {
    /// All operands go through slots: an atomic operation costs more than the moves.
    mutating func atomic(_ opcode: Opcode) throws(ReadFault) {
        guard let shape = opcode.atomicShape, let index = opcode.atomicIndex else { throw .illegalOpcode }
        if shape == .fence {
            _ = try reader.readByte()
            code.append(handler: Int(SW_atomic_fence), 0)
            return
        }
        let argument = try reader.readMemoryArgument()
        let (operandCount, result): (Int, ValueType?) =
            switch shape {
            case .notify: (2, .i32)
            case .wait: (3, .i32)
            case .load: (1, opcode.atomicType)
            case .store: (2, nil)
            case .update: (2, opcode.atomicType)
            case .compareExchange: (3, opcode.atomicType)
            case .fence: (0, nil)
            }
        var slots: [UInt16] = [0, 0, 0]
        for operand in (0..<operandCount).reversed() {
            let (value, position) = pop()
            slots[operand] = slotOperand(value, position)
        }
        code.append(handler: Int(SW_atomic), word(UInt16(index), slots[0], slots[1], slots[2]))
        code.append(environment.memoryAddress(argument.memory))
        code.append(argument.offset)
        let target = temporarySlot(stack.count)
        code.append(word(number(target), UInt16(opcode.atomicWidthLog2)))
        noteWrite(target)
        if let result { push(.temporary, result) }
    }
}
