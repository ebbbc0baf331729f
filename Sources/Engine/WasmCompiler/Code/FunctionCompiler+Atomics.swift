// SPDX-License-Identifier: Apache-2.0
// Swiftlet: atomic instructions of the threads proposal, sequentially consistent.

import CInterpreter
import CLLVM
import Wasm

extension FunctionCompiler {
    mutating func compileAtomic(_ opcode: Opcode) throws {
        guard let shape = opcode.atomicShape, let index = opcode.atomicIndex else { throw NotCompiled() }
        if shape == .fence {
            _ = try reader.readByte()
            LLVMBuildFence(emit.builder, LLVMAtomicOrderingSequentiallyConsistent, 0, "")
            return
        }
        let argument = try reader.readMemoryArgument()
        let bits = UInt32(8) << opcode.atomicWidthLog2
        let type = LLVMIntTypeInContext(unit.context, bits) as LLVMTypeRef
        let result = unit.type(opcode.atomicType)
        switch shape {
        case .notify, .wait: try wait(index, argument, opcode)
        case .load:
            let load: LLVMValueRef = LLVMBuildLoad2(emit.builder, type, atomicPlace(pop(), argument, opcode), "")
            makeAtomic(load, opcode)
            push(widened(load, result))
        case .store:
            let value = narrowed(pop(), type)
            let store: LLVMValueRef = LLVMBuildStore(emit.builder, value, atomicPlace(pop(), argument, opcode))
            makeAtomic(store, opcode)
        case .update:
            let value = narrowed(pop(), type)
            let place = atomicPlace(pop(), argument, opcode)
            let operations = [
                LLVMAtomicRMWBinOpAdd, LLVMAtomicRMWBinOpSub, LLVMAtomicRMWBinOpAnd, LLVMAtomicRMWBinOpOr,
                LLVMAtomicRMWBinOpXor, LLVMAtomicRMWBinOpXchg,
            ]
            let old: LLVMValueRef = LLVMBuildAtomicRMW(
                emit.builder, operations[(index - 0x1E) / 7], place, value,
                LLVMAtomicOrderingSequentiallyConsistent, 0)
            push(widened(old, result))
        case .compareExchange: compareExchange(argument, opcode, type, result)
        case .fence: break
        }
    }

    private func makeAtomic(_ access: LLVMValueRef, _ opcode: Opcode) {
        LLVMSetOrdering(access, LLVMAtomicOrderingSequentiallyConsistent)
        LLVMSetAlignment(access, 1 << opcode.atomicWidthLog2)
    }

    private func narrowed(_ value: LLVMValueRef, _ type: LLVMTypeRef) -> LLVMValueRef {
        LLVMTypeOf(value) == type ? value : emit.truncated(value, type)
    }

    private func widened(_ value: LLVMValueRef, _ type: LLVMTypeRef) -> LLVMValueRef {
        LLVMTypeOf(value) == type ? value : emit.zeroExtended(value, type)
    }

    private mutating func compareExchange(
        _ argument: MemoryArgument, _ opcode: Opcode, _ type: LLVMTypeRef, _ result: LLVMTypeRef
    ) {
        var replacement = narrowed(pop(), type)
        let expected = pop()
        let place = atomicPlace(pop(), argument, opcode)
        let narrow = narrowed(expected, type)
        if type != result {
            // An expected value that does not fit the place is in no place: what is there is exchanged for itself.
            let fits = emit.compare(LLVMIntEQ, emit.zeroExtended(narrow, result), expected)
            replacement = emit.select(fits, replacement, narrow)
        }
        let exchange: LLVMValueRef = LLVMBuildAtomicCmpXchg(
            emit.builder, place, narrow, replacement, LLVMAtomicOrderingSequentiallyConsistent,
            LLVMAtomicOrderingSequentiallyConsistent, 0)
        push(widened(LLVMBuildExtractValue(emit.builder, exchange, 0, ""), result))
    }

    private mutating func wait(_ index: Int, _ argument: MemoryArgument, _ opcode: Opcode) throws {
        let timeout = index == 0 ? emit.int64(0) : pop()
        let value = widened(pop(), unit.i64)
        let (_, offset) = checkedAtomicPlace(pop(), argument, opcode)
        let result = emit.callHelper(
            context, MachineLayout.Calls.wait, unit.i64,
            [memoryPointer(Int(argument.memory)), emit.int32(UInt32(index)), offset, value, timeout])
        push(emit.truncated(result, unit.i32))
    }

    private mutating func atomicPlace(
        _ address: LLVMValueRef, _ argument: MemoryArgument, _ opcode: Opcode
    ) -> LLVMValueRef { checkedAtomicPlace(address, argument, opcode).place }

    /// An aligned address inside of the memory; the alignment is looked at first.
    private mutating func checkedAtomicPlace(
        _ address: LLVMValueRef, _ argument: MemoryArgument, _ opcode: Opcode
    ) -> (place: LLVMValueRef, offset: LLVMValueRef) {
        let memory = Int(argument.memory)
        let width = UInt64(1) << opcode.atomicWidthLog2
        let index = memoryOperand(address, memory)
        let at = emit.add(index, emit.int64(argument.offset))
        if memories[memory].address == .i64 {
            trap(if: emit.compare(LLVMIntULT, at, index), .outOfBoundsMemoryAccess)
        }
        if width > 1 {
            let rest = emit.and(at, emit.int64(width - 1))
            trap(if: emit.compare(LLVMIntNE, rest, emit.int64(0)), .unalignedAtomic)
        }
        let whole = memoryByteCount(memory)
        let room = emit.binary(LLVMSub, whole, emit.int64(width))
        let isOutside = emit.or(
            emit.compare(LLVMIntULT, whole, emit.int64(width)), emit.compare(LLVMIntUGT, at, room))
        trap(if: isOutside, .outOfBoundsMemoryAccess)
        let base =
            memory == 0
            ? emit.constant(context, MachineLayout.Context.memoryBase)
            : emit.constant(memoryPointer(memory), MachineLayout.Memory.base)
        return (emit.place(base, at), at)
    }
}
