// SPDX-License-Identifier: Apache-2.0
// Swiftlet: translation, one opcode at a time.

import CInterpreter
import Wasm

extension Translator {
    mutating func step(_ opcode: Opcode) throws(ReadFault) {
        guard isReachable else { return try skip(opcode) }
        switch opcode {
        case .unreachable:
            code.append(handler: Int(SW_unreachable), 0)
            isReachable = false
        case .nop: break
        case .block, .loop, .if: beginConstruct(opcode, try reader.readBlockType())
        case .else: beginElse()
        case .end: endConstruct()
        case .throw, .throwRef, .tryTable, .try, .catch, .catchAll, .delegate, .rethrow: try exception(opcode)
        case .br:
            branch(to: Int(try reader.readU32()))
            isReachable = false
        case .brIf: branchIf(to: Int(try reader.readU32()))
        case .brTable: try branchTable()
        case .return:
            emitReturn()
            isReachable = false
        case .call: call(try reader.readU32())
        case .callIndirect:
            let type = try reader.readU32()
            callIndirect(type: type, table: try reader.readU32())
        case .returnCall: returnCall(try reader.readU32())
        case .returnCallIndirect:
            let type = try reader.readU32()
            returnCallIndirect(type: type, table: try reader.readU32())
        case .callRef, .returnCallRef, .refEq, .refAsNonNull, .brOnNull, .brOnNonNull: try stepReference(opcode)
        case .drop: _ = pop()
        case .select: select()
        case .selectTyped:
            try reader.skipImmediates(of: opcode)
            select()
        case .localGet:
            let local = Int(try reader.readU32())
            push(.local(local), localTypes[local])
        case .localSet: setLocal(Int(try reader.readU32()), keeps: false)
        case .localTee: setLocal(Int(try reader.readU32()), keeps: true)
        case .globalGet: globalGet(try reader.readU32())
        case .globalSet: globalSet(try reader.readU32())
        case .i32Const: push(.constant(UInt64(UInt32(bitPattern: try reader.readS32()))), .i32)
        case .i64Const: push(.constant(UInt64(bitPattern: try reader.readS64())), .i64)
        case .f32Const: push(.constant(UInt64(try reader.readF32Bits())), .f32)
        case .f64Const: push(.constant(try reader.readF64Bits()), .f64)
        case .refNull: push(.constant(0), ValueType(try reader.readHeapType(), isNullable: true))
        case .refIsNull:
            let (value, position) = pop()
            compareWithZero(value, position, base: Int(SW_i64_eq))
        case .refFunc: push(.constant(environment.functionAddress(try reader.readU32())), .funcref)
        default: try stepMemoryOrNumeric(opcode)
        }
    }

    private mutating func stepMemoryOrNumeric(_ opcode: Opcode) throws(ReadFault) {
        let raw = Int(opcode.rawValue)
        switch raw {
        case 0x28...0x35: load(opcode, try reader.readMemoryArgument())
        case 0x36...0x3E: store(opcode, try reader.readMemoryArgument())
        case 0x3F: try memorySize()
        case 0x45: equalsZero(compare: Int(SW_i32_eq))
        case 0x50: equalsZero(compare: Int(SW_i64_eq))
        case 0x46...0x4F: integerBinary(Int(SW_i32_eq) + (raw - 0x46) * 10, .i32, compares: true)
        case 0x51...0x5A: integerBinary(Int(SW_i64_eq) + (raw - 0x51) * 10, .i32, compares: true)
        case 0x5B...0x66: floatBinary(Int(SW_f32_eq) + (raw - 0x5B) * 6, .i32, compares: true)
        case 0x67...0x69: unary(Int(SW_i32_clz) + (raw - 0x67) * 4, .i32)
        case 0x6A...0x78: integerBinary(Int(SW_i32_add) + (raw - 0x6A) * 10, .i32, compares: false)
        case 0x79...0x7B: unary(Int(SW_i64_clz) + (raw - 0x79) * 4, .i64)
        case 0x7C...0x8A: integerBinary(Int(SW_i64_add) + (raw - 0x7C) * 10, .i64, compares: false)
        case 0x8B...0x91: unary(Int(SW_f32_abs) + (raw - 0x8B) * 4, .f32)
        case 0x92...0x98: floatBinary(Int(SW_f32_add) + (raw - 0x92) * 6, .f32, compares: false)
        case 0x99...0x9F: unary(Int(SW_f64_abs) + (raw - 0x99) * 4, .f64)
        case 0xA0...0xA6: floatBinary(Int(SW_f64_add) + (raw - 0xA0) * 6, .f64, compares: false)
        case 0xAD: extendUnsigned()
        case 0xA7...0xC4:
            unary(Int(SW_i32_wrap_i64) + (raw - 0xA7) * 4, Self.conversionResults[raw - 0xA7])
        case 0x100...0x107:
            unary(Int(SW_i32_trunc_sat_f32_s) + (raw - 0x100) * 4, raw < 0x104 ? .i32 : .i64)
        case 0x10A, 0x10B: try bulk(opcode)
        case 0x400..<0x500: try atomic(opcode)
        case 0x200..<0x400: try vector(opcode)
        case 0x500...0x51E: try stepReference(opcode)
        default: try slowOperation(opcode)
        }
    }

    /// Result types of opcodes 0xA7 ... 0xC4.
    private static let conversionResults: [ValueType] =
        [.i32, .i32, .i32, .i32, .i32, .i64, .i64, .i64, .i64, .i64, .i64]
        + [.f32, .f32, .f32, .f32, .f32, .f64, .f64, .f64, .f64, .f64, .i32, .i64, .f32, .f64]
        + [.i32, .i32, .i64, .i64, .i64]

    /// Unreachable code is only followed as far as its nesting goes.
    private mutating func skip(_ opcode: Opcode) throws(ReadFault) {
        switch opcode {
        case .block, .loop, .if:
            _ = try reader.readBlockType()
            skippedDepth += 1
        case .try, .tryTable:
            try reader.skipImmediates(of: opcode)
            skippedDepth += 1
        case .catch where skippedDepth == 0: beginCatch(try reader.readU32())
        case .catchAll where skippedDepth == 0: beginCatch(nil)
        case .delegate:
            let depth = Int(try reader.readU32())
            if skippedDepth == 0 { delegate(to: depth) } else { skippedDepth -= 1 }
        case .else where skippedDepth == 0: beginElse()
        case .end where skippedDepth == 0: endConstruct()
        case .end: skippedDepth -= 1
        default: try reader.skipImmediates(of: opcode)
        }
    }
}
