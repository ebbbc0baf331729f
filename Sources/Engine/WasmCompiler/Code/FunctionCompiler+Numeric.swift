// SPDX-License-Identifier: Apache-2.0
// Swiftlet: integer arithmetic and conversions (core specification §4.3).

import CLLVM
import Wasm

extension FunctionCompiler {
    /// Opcodes are in the same order for both widths; a family is told by its distance from the first.
    mutating func compileNumeric(_ opcode: Opcode) throws {
        let raw = opcode.rawValue
        switch raw {
        case Opcode.i32Eqz.rawValue: pushFlag(emit.compare(LLVMIntEQ, pop(), emit.int32(0)))
        case Opcode.i64Eqz.rawValue: pushFlag(emit.compare(LLVMIntEQ, pop(), emit.int64(0)))
        case Opcode.i32Eq.rawValue...Opcode.i32GeU.rawValue:
            compareIntegers(Self.integerPredicates[Int(raw - Opcode.i32Eq.rawValue)])
        case Opcode.i64Eq.rawValue...Opcode.i64GeU.rawValue:
            compareIntegers(Self.integerPredicates[Int(raw - Opcode.i64Eq.rawValue)])
        case Opcode.f32Eq.rawValue...Opcode.f32Ge.rawValue:
            compareFloats(Self.floatPredicates[Int(raw - Opcode.f32Eq.rawValue)])
        case Opcode.f64Eq.rawValue...Opcode.f64Ge.rawValue:
            compareFloats(Self.floatPredicates[Int(raw - Opcode.f64Eq.rawValue)])
        case Opcode.i32Clz.rawValue...Opcode.i32Popcnt.rawValue:
            countBits(Int(raw - Opcode.i32Clz.rawValue), unit.i32)
        case Opcode.i64Clz.rawValue...Opcode.i64Popcnt.rawValue:
            countBits(Int(raw - Opcode.i64Clz.rawValue), unit.i64)
        case Opcode.i32Add.rawValue...Opcode.i32Rotr.rawValue:
            integerBinary(Int(raw - Opcode.i32Add.rawValue), unit.i32)
        case Opcode.i64Add.rawValue...Opcode.i64Rotr.rawValue:
            integerBinary(Int(raw - Opcode.i64Add.rawValue), unit.i64)
        case Opcode.f32Abs.rawValue...Opcode.f32Copysign.rawValue:
            floatOperation(Int(raw - Opcode.f32Abs.rawValue), unit.f32)
        case Opcode.f64Abs.rawValue...Opcode.f64Copysign.rawValue:
            floatOperation(Int(raw - Opcode.f64Abs.rawValue), unit.f64)
        default: try convert(opcode)
        }
    }

    static let integerPredicates = [
        LLVMIntEQ, LLVMIntNE, LLVMIntSLT, LLVMIntULT, LLVMIntSGT, LLVMIntUGT, LLVMIntSLE, LLVMIntULE, LLVMIntSGE,
        LLVMIntUGE,
    ]
    static let floatPredicates = [LLVMRealOEQ, LLVMRealUNE, LLVMRealOLT, LLVMRealOGT, LLVMRealOLE, LLVMRealOGE]

    private mutating func compareIntegers(_ predicate: LLVMIntPredicate) {
        let b = pop()
        pushFlag(emit.compare(predicate, pop(), b))
    }

    private mutating func compareFloats(_ predicate: LLVMRealPredicate) {
        let b = pop()
        pushFlag(emit.compare(predicate, pop(), b))
    }

    private mutating func countBits(_ operation: Int, _ type: LLVMTypeRef) {
        let value = pop()
        switch operation {
        case 0: push(emit.intrinsic("llvm.ctlz", [type], [value, LLVMConstInt(unit.i1, 0, 0)]))
        case 1: push(emit.intrinsic("llvm.cttz", [type], [value, LLVMConstInt(unit.i1, 0, 0)]))
        default: push(emit.intrinsic("llvm.ctpop", [type], [value]))
        }
    }

    /// add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr
    private mutating func integerBinary(_ operation: Int, _ type: LLVMTypeRef) {
        let b = pop()
        let a = pop()
        let mask = LLVMConstInt(type, type == unit.i32 ? 31 : 63, 0) as LLVMValueRef
        switch operation {
        case 0: push(emit.add(a, b))
        case 1: push(emit.binary(LLVMSub, a, b))
        case 2: push(emit.binary(LLVMMul, a, b))
        case 3...6: push(divide(operation, a, b, type))
        case 7: push(emit.and(a, b))
        case 8: push(emit.or(a, b))
        case 9: push(emit.binary(LLVMXor, a, b))
        // Counts are modulo the width.
        case 10: push(emit.binary(LLVMShl, a, emit.and(b, mask)))
        case 11: push(emit.binary(LLVMAShr, a, emit.and(b, mask)))
        case 12: push(emit.binary(LLVMLShr, a, emit.and(b, mask)))
        case 13: push(emit.intrinsic("llvm.fshl", [type], [a, a, b]))
        default: push(emit.intrinsic("llvm.fshr", [type], [a, a, b]))
        }
    }

    private mutating func divide(
        _ operation: Int, _ a: LLVMValueRef, _ b: LLVMValueRef, _ type: LLVMTypeRef
    ) -> LLVMValueRef {
        let zero = emit.zero(type)
        let minusOne = LLVMConstAllOnes(type) as LLVMValueRef
        trap(if: emit.compare(LLVMIntEQ, b, zero), .integerDivideByZero)
        switch operation {
        case 3:
            let least = LLVMConstInt(type, type == unit.i32 ? 1 << 31 : 1 << 63, 0) as LLVMValueRef
            let overflows = emit.and(emit.compare(LLVMIntEQ, a, least), emit.compare(LLVMIntEQ, b, minusOne))
            trap(if: overflows, .integerOverflow)
            return emit.binary(LLVMSDiv, a, b)
        case 4: return emit.binary(LLVMUDiv, a, b)
        case 5:
            // The least number's remainder by -1 is 0, where the processor would fault.
            let isMinusOne = emit.compare(LLVMIntEQ, b, minusOne)
            return emit.binary(LLVMSRem, a, emit.select(isMinusOne, LLVMConstInt(type, 1, 0), b))
        default: return emit.binary(LLVMURem, a, b)
        }
    }

    // MARK: Conversions

    private mutating func convert(_ opcode: Opcode) throws {
        switch opcode {
        case .i32WrapI64: push(emit.truncated(pop(), unit.i32))
        case .i64ExtendI32S: push(emit.cast(LLVMSExt, pop(), unit.i64))
        case .i64ExtendI32U: push(emit.zeroExtended(pop(), unit.i64))
        case .i32Extend8S: push(emit.cast(LLVMSExt, emit.truncated(pop(), unit.i8), unit.i32))
        case .i32Extend16S: push(emit.cast(LLVMSExt, emit.truncated(pop(), unit.i16), unit.i32))
        case .i64Extend8S: push(emit.cast(LLVMSExt, emit.truncated(pop(), unit.i8), unit.i64))
        case .i64Extend16S: push(emit.cast(LLVMSExt, emit.truncated(pop(), unit.i16), unit.i64))
        case .i64Extend32S: push(emit.cast(LLVMSExt, emit.truncated(pop(), unit.i32), unit.i64))
        case .i32ReinterpretF32: push(emit.bits(pop(), as: unit.i32))
        case .i64ReinterpretF64: push(emit.bits(pop(), as: unit.i64))
        case .f32ReinterpretI32: push(emit.bits(pop(), as: unit.f32))
        case .f64ReinterpretI64: push(emit.bits(pop(), as: unit.f64))
        case .f32ConvertI32S, .f32ConvertI64S: push(emit.cast(LLVMSIToFP, pop(), unit.f32))
        case .f32ConvertI32U, .f32ConvertI64U: push(emit.cast(LLVMUIToFP, pop(), unit.f32))
        case .f64ConvertI32S, .f64ConvertI64S: push(emit.cast(LLVMSIToFP, pop(), unit.f64))
        case .f64ConvertI32U, .f64ConvertI64U: push(emit.cast(LLVMUIToFP, pop(), unit.f64))
        case .f32DemoteF64: push(emit.cast(LLVMFPTrunc, exact(pop()), unit.f32))
        case .f64PromoteF32: push(emit.cast(LLVMFPExt, exact(pop()), unit.f64))
        default: try truncate(opcode)
        }
    }

    private mutating func truncate(_ opcode: Opcode) throws {
        let first: UInt16
        switch opcode.rawValue {
        case Opcode.i32TruncF32S.rawValue...Opcode.i32TruncF64U.rawValue: first = Opcode.i32TruncF32S.rawValue
        case Opcode.i64TruncF32S.rawValue...Opcode.i64TruncF64U.rawValue: first = Opcode.i64TruncF32S.rawValue - 4
        case Opcode.i32TruncSatF32S.rawValue...Opcode.i64TruncSatF64U.rawValue:
            first = Opcode.i32TruncSatF32S.rawValue
        default: throw NotCompiled()
        }
        // i32 from f32 s, u, from f64 s, u; then i64.
        let form = opcode.rawValue - first
        let isSigned = form & 1 == 0
        let isDouble = form & 2 != 0
        let type = form & 4 == 0 ? unit.i32 : unit.i64
        let source = isDouble ? unit.f64 : unit.f32
        let value = pop()
        if opcode.rawValue >= 0x100 {
            push(emit.intrinsic(isSigned ? "llvm.fptosi.sat" : "llvm.fptoui.sat", [type, source], [value]))
            return
        }
        let (low, includesLow, high) = Self.bounds(isSigned: isSigned, is64: type == unit.i64, isDouble: isDouble)
        func constant(_ number: Double) -> LLVMValueRef {
            isDouble ? emit.float64(number.bitPattern) : emit.float32(Float(number).bitPattern)
        }
        trap(if: emit.compare(LLVMRealUNO, value, value), .invalidConversionToInteger)
        let isInside = emit.and(
            emit.compare(includesLow ? LLVMRealOGE : LLVMRealOGT, value, constant(low)),
            emit.compare(LLVMRealOLT, value, constant(high)))
        trap(if: emit.not(isInside), .integerOverflow)
        push(emit.cast(isSigned ? LLVMFPToSI : LLVMFPToUI, value, type))
    }

    /// The numbers next to the integer range, so that comparing is exact.
    private static func bounds(
        isSigned: Bool, is64: Bool, isDouble: Bool
    ) -> (low: Double, includesLow: Bool, high: Double) {
        guard isSigned else { return (-1, false, is64 ? 0x1p64 : 0x1p32) }
        if is64 { return (-0x1p63, true, 0x1p63) }
        return isDouble ? (-0x1.00000002p31, false, 0x1p31) : (-0x1p31, true, 0x1p31)
    }
}
