// SPDX-License-Identifier: Apache-2.0
// Swiftlet: translation of tail calls.

import CInterpreter
import Wasm

extension Translator {
    mutating func returnCall(_ index: UInt32) {
        let base = layOutArguments(of: environment.functionType(index))
        let handler = environment.isCrossInstance(index) ? SW_return_call_cross : SW_return_call
        code.append(
            handler: Int(handler), word(UInt16(truncatingIfNeeded: header), number(temporarySlot(base))))
        code.append(environment.functionAddress(index))
        isReachable = false
    }

    mutating func returnCallIndirect(type index: UInt32, table: UInt32) {
        let (element, elementPosition) = pop()
        let slot = slotOperand(element, elementPosition)
        let base = layOutArguments(of: environment.module.functionType(index))
        code.append(
            handler: Int(SW_return_call_indirect),
            word(
                UInt16(truncatingIfNeeded: header), number(temporarySlot(base)),
                imm32: environment.typeNumber(index)))
        code.append(environment.tableAddress(table))
        code.append(UInt64(slot))
        isReachable = false
    }

    /// Gives the arguments on top of the stack their slots; returns the position of the first.
    private mutating func layOutArguments(of type: FunctionType) -> Int {
        let base = stack.count - type.parameters.count
        for position in base..<stack.count { materialize(position) }
        return base
    }
}
