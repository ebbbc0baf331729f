// SPDX-License-Identifier: Apache-2.0
// Swiftlet: locals, globals, constants and references.

import CInterpreter
import CLLVM
import Wasm
import WasmRuntime

extension FunctionCompiler {
    mutating func compileVariable(_ opcode: Opcode) throws {
        switch opcode {
        case .localGet:
            let local = locals[Int(try reader.readU32())]
            push(LLVMBuildLoad2(emit.builder, local.type, local.cell, ""))
        case .localSet: LLVMBuildStore(emit.builder, pop(), locals[Int(try reader.readU32())].cell)
        case .localTee:
            if let top = stack.last { LLVMBuildStore(emit.builder, top, locals[Int(try reader.readU32())].cell) }
        case .globalGet:
            let (address, type, alias) = try global()
            push(emit.load(unit.type(type), address, alias, alignment: 8))
        case .globalSet:
            let (address, _, alias) = try global()
            emit.storeSlot(pop(), address, alias)
        case .i32Const: push(emit.int32(UInt32(bitPattern: try reader.readS32())))
        case .i64Const: push(emit.int64(UInt64(bitPattern: try reader.readS64())))
        case .f32Const: push(emit.float32(try reader.readF32Bits()))
        case .f64Const: push(emit.float64(try reader.readF64Bits()))
        default: try compileReference(opcode)
        }
    }

    private mutating func global() throws -> (address: LLVMValueRef, type: ValueType, alias: AliasClass) {
        let index = Int(try reader.readU32())
        let type = globals[index]
        try Self.check(type.value, unit.source)
        let (place, isPointer) = unit.layout.global(index)
        if isPointer { return (emit.constant(context, place), type.value, type.isMutable ? .sharedGlobal : .constant) }
        return (emit.place(context, place), type.value, type.isMutable ? .global(index) : .constant)
    }

    private mutating func compileReference(_ opcode: Opcode) throws {
        switch opcode {
        case .refNull:
            let heap = try reader.readHeapType()
            try Self.check(ValueType(heap, isNullable: true), unit.source)
            push(emit.int64(0))
        case .refIsNull: pushFlag(emit.compare(LLVMIntEQ, pop(), emit.int64(0)))
        case .refFunc:
            let index = Int(try reader.readU32())
            let imported = unit.layout.importedFunctionCount
            if index < imported {
                push(emit.constant(context, unit.layout.importedFunctions + index * 8, unit.i64))
            } else {
                let functions = emit.constant(context, MachineLayout.Context.functions, unit.i64)
                let offset = (index - imported) * MachineLayout.Function.byteCount
                push(emit.add(functions, emit.int64(UInt64(offset))))
            }
        case .refAsNonNull:
            guard let top = stack.last else { return }
            trap(if: emit.compare(LLVMIntEQ, top, emit.int64(0)), .nullReference)
        case .brOnNull:
            let depth = try reader.readU32()
            let value = pop()
            try branchIf(emit.compare(LLVMIntEQ, value, emit.int64(0)), depth)
            push(value)
        case .brOnNonNull:
            let depth = try reader.readU32()
            guard let value = stack.last else { return }
            try branchIf(emit.compare(LLVMIntNE, value, emit.int64(0)), depth)
            _ = pop()
        case .tableGet:
            let table = try reader.readU32()
            try Self.check(tables[Int(table)].element, unit.source)
            let index = tableOperand(pop(), table)
            push(operation(opcode, table, 0, index))
        case .tableSet:
            let table = try reader.readU32()
            try Self.check(tables[Int(table)].element, unit.source)
            let value = pop()
            _ = operation(opcode, table, 0, tableOperand(pop(), table), value)
        default: throw NotCompiled()
        }
    }

    /// An index or count of a table as 64 bits.
    func tableOperand(_ value: LLVMValueRef, _ table: UInt32) -> LLVMValueRef {
        tables[Int(table)].address == .i32 ? emit.zeroExtended(value, unit.i64) : value
    }

    /// An instruction that Swift executes.
    mutating func operation(
        _ opcode: Opcode, _ first: UInt32, _ second: UInt32, _ a: LLVMValueRef? = nil, _ b: LLVMValueRef? = nil,
        _ c: LLVMValueRef? = nil
    ) -> LLVMValueRef {
        let zero = emit.int64(0)
        return emit.callHelper(
            context, MachineLayout.Calls.operation, unit.i64,
            [
                emit.int32(UInt32(opcode.rawValue)), emit.int32(first), emit.int32(second), a ?? zero, b ?? zero,
                c ?? zero,
            ])
    }
}
