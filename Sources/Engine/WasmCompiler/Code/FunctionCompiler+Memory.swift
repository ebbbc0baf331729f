// SPDX-License-Identifier: Apache-2.0
// Swiftlet: loads, stores, and operations on whole memories and tables.

import CInterpreter
import CLLVM
import Wasm
import WasmRuntime

extension FunctionCompiler {
    mutating func compileMemory(_ opcode: Opcode) throws {
        switch opcode {
        case .memorySize:
            let memory = Int(try reader.readU32())
            let pages = emit.binary(LLVMLShr, memoryByteCount(memory), emit.int64(16))
            push(memories[memory].address == .i32 ? emit.truncated(pages, unit.i32) : pages)
        case .memoryGrow:
            let memory = try reader.readU32()
            let old = operation(opcode, memory, 0, memoryOperand(pop(), Int(memory)))
            push(memories[Int(memory)].address == .i32 ? emit.truncated(old, unit.i32) : old)
        case .i32Load: try load(unit.i32)
        case .i64Load: try load(unit.i64)
        case .f32Load: try load(unit.f32)
        case .f64Load: try load(unit.f64)
        case .i32Load8S: try load(unit.i8, LLVMSExt, unit.i32)
        case .i32Load8U: try load(unit.i8, LLVMZExt, unit.i32)
        case .i32Load16S: try load(unit.i16, LLVMSExt, unit.i32)
        case .i32Load16U: try load(unit.i16, LLVMZExt, unit.i32)
        case .i64Load8S: try load(unit.i8, LLVMSExt, unit.i64)
        case .i64Load8U: try load(unit.i8, LLVMZExt, unit.i64)
        case .i64Load16S: try load(unit.i16, LLVMSExt, unit.i64)
        case .i64Load16U: try load(unit.i16, LLVMZExt, unit.i64)
        case .i64Load32S: try load(unit.i32, LLVMSExt, unit.i64)
        case .i64Load32U: try load(unit.i32, LLVMZExt, unit.i64)
        case .i32Store, .i64Store, .f32Store, .f64Store: try store(nil)
        case .i32Store8, .i64Store8: try store(unit.i8)
        case .i32Store16, .i64Store16: try store(unit.i16)
        case .i64Store32: try store(unit.i32)
        default: throw NotCompiled()
        }
    }

    private mutating func load(_ type: LLVMTypeRef, _ extend: LLVMOpcode? = nil, _ result: LLVMTypeRef? = nil) throws {
        let argument = try reader.readMemoryArgument()
        let address = place(pop(), argument, byteCount: byteCount(type))
        let value = emit.load(type, address, .memory, alignment: 1)
        if let extend, let result { push(emit.cast(extend, value, result)) } else { push(value) }
    }

    private mutating func store(_ type: LLVMTypeRef?) throws {
        let argument = try reader.readMemoryArgument()
        var value = pop()
        if let type { value = emit.truncated(value, type) }
        let address = place(pop(), argument, byteCount: byteCount(LLVMTypeOf(value)))
        emit.store(value, address, .memory, alignment: 1)
    }

    func byteCount(_ type: LLVMTypeRef) -> Int { Int(LLVMStoreSizeOfType(unit.machine.dataLayout, type)) }

    /// Where an access goes. Memory 0 with 32-bit addresses is surrounded by pages that fault; others are checked.
    mutating func place(_ address: LLVMValueRef, _ argument: MemoryArgument, byteCount: Int) -> LLVMValueRef {
        let memory = Int(argument.memory)
        var index = memoryOperand(address, memory)
        if memory == 0, let memoryBase {
            if argument.offset > 0 { index = emit.sum(index, emit.int64(argument.offset)) }
            return emit.place(memoryBase, index)
        }
        let whole = memoryByteCount(memory)
        let needed = argument.offset.addingReportingOverflow(UInt64(byteCount))
        // The last byte's place may not be beyond 2^64 either.
        guard !needed.overflow else {
            trap(if: LLVMConstInt(unit.i1, 1, 0), .outOfBoundsMemoryAccess)
            return LLVMConstNull(unit.pointer)
        }
        let room = emit.binary(LLVMSub, whole, emit.int64(needed.partialValue))
        let isTooSmall = emit.compare(LLVMIntULT, whole, emit.int64(needed.partialValue))
        trap(if: emit.or(isTooSmall, emit.compare(LLVMIntUGT, index, room)), .outOfBoundsMemoryAccess)
        let base = emit.constant(memoryPointer(memory), MachineLayout.Memory.base)
        return emit.place(base, emit.add(index, emit.int64(argument.offset)))
    }

    func memoryPointer(_ memory: Int) -> LLVMValueRef {
        memory == 0
            ? emit.constant(context, MachineLayout.Context.memory)
            : emit.constant(context, unit.layout.memories + memory * 8)
    }

    func memoryByteCount(_ memory: Int) -> LLVMValueRef {
        emit.load(
            unit.i64, emit.place(memoryPointer(memory), MachineLayout.Memory.byteCount), .table, alignment: 8)
    }

    /// An address or count of a memory as 64 bits.
    func memoryOperand(_ value: LLVMValueRef, _ memory: Int) -> LLVMValueRef {
        memories[memory].address == .i32 ? emit.zeroExtended(value, unit.i64) : value
    }

    // MARK: Bulk

    mutating func compileBulk(_ opcode: Opcode) throws {
        switch opcode {
        case .memoryCopy: try copyMemory()
        case .memoryFill: try fillMemory()
        case .memoryInit:
            let segment = try reader.readU32()
            let memory = try reader.readU32()
            let count = emit.zeroExtended(pop(), unit.i64)
            let from = emit.zeroExtended(pop(), unit.i64)
            _ = operation(opcode, segment, memory, memoryOperand(pop(), Int(memory)), from, count)
        case .dataDrop, .elemDrop: _ = operation(opcode, try reader.readU32(), 0)
        case .tableInit:
            let segment = try reader.readU32()
            let table = try reader.readU32()
            let count = emit.zeroExtended(pop(), unit.i64)
            let from = emit.zeroExtended(pop(), unit.i64)
            _ = operation(opcode, segment, table, tableOperand(pop(), table), from, count)
        case .tableCopy:
            let to = try reader.readU32()
            let from = try reader.readU32()
            let isNarrow = tables[Int(to)].address == .i32 || tables[Int(from)].address == .i32
            let count = isNarrow ? emit.zeroExtended(pop(), unit.i64) : pop()
            let source = tableOperand(pop(), from)
            _ = operation(opcode, to, from, tableOperand(pop(), to), source, count)
        case .tableGrow:
            let table = try reader.readU32()
            try Self.check(tables[Int(table)].element, unit.source)
            let count = tableOperand(pop(), table)
            let old = operation(opcode, table, 0, pop(), count)
            push(tables[Int(table)].address == .i32 ? emit.truncated(old, unit.i32) : old)
        case .tableSize:
            let table = Int(try reader.readU32())
            let place = emit.constant(context, unit.layout.tables + table * 8)
            let count = emit.load(unit.i32, emit.place(place, MachineLayout.Table.count), .table, alignment: 4)
            push(tables[table].address == .i32 ? count : emit.zeroExtended(count, unit.i64))
        case .tableFill:
            let table = try reader.readU32()
            try Self.check(tables[Int(table)].element, unit.source)
            let count = tableOperand(pop(), table)
            let value = pop()
            _ = operation(opcode, table, 0, tableOperand(pop(), table), value, count)
        default: throw NotCompiled()
        }
    }

    /// The address of a range that is inside of a memory, or a trap.
    private mutating func range(_ start: LLVMValueRef, _ count: LLVMValueRef, _ memory: Int) -> LLVMValueRef {
        let whole = memoryByteCount(memory)
        let isTooLong = emit.compare(LLVMIntUGT, count, whole)
        let isBeyond = emit.compare(LLVMIntUGT, start, emit.binary(LLVMSub, whole, count))
        trap(if: emit.or(isTooLong, isBeyond), .outOfBoundsMemoryAccess)
        let base =
            memory == 0
            ? emit.constant(context, MachineLayout.Context.memoryBase)
            : emit.constant(memoryPointer(memory), MachineLayout.Memory.base)
        return emit.place(base, start)
    }

    private mutating func copyMemory() throws {
        let to = Int(try reader.readU32())
        let from = Int(try reader.readU32())
        let isNarrow = memories[to].address == .i32 || memories[from].address == .i32
        let count = isNarrow ? emit.zeroExtended(pop(), unit.i64) : pop()
        let source = memoryOperand(pop(), from)
        let target = memoryOperand(pop(), to)
        let targetPlace = range(target, count, to)
        let sourcePlace = range(source, count, from)
        if let known = smallConstant(count) {
            let move: LLVMValueRef = LLVMBuildMemMove(
                emit.builder, targetPlace, 1, sourcePlace, 1, emit.int64(known))
            unit.mark(move, .memory)
        } else {
            _ = emit.callHelper(
                context, MachineLayout.Calls.copy, unit.void, [targetPlace, sourcePlace, count])
        }
    }

    private mutating func fillMemory() throws {
        let memory = Int(try reader.readU32())
        let count = memoryOperand(pop(), memory)
        let value = pop()
        let target = range(memoryOperand(pop(), memory), count, memory)
        if let known = smallConstant(count) {
            let fill: LLVMValueRef = LLVMBuildMemSet(
                emit.builder, target, emit.truncated(value, unit.i8), emit.int64(known), 1)
            unit.mark(fill, .memory)
        } else {
            _ = emit.callHelper(context, MachineLayout.Calls.fill, unit.void, [target, value, count])
        }
    }

    /// A count so small that moves beat a call. Fast instruction selection would call the C library instead.
    private func smallConstant(_ count: LLVMValueRef) -> UInt64? {
        guard unit.level == .full, LLVMIsAConstantInt(count) != nil else { return nil }
        let value = LLVMConstIntGetZExtValue(count)
        return value <= 64 ? value : nil
    }
}
