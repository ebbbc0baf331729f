// SPDX-License-Identifier: Apache-2.0
// Swiftlet: floating-point arithmetic, exact to the bit except for what the specification leaves open about NaNs.

import CLLVM
import Wasm

extension FunctionCompiler {
    /// abs neg ceil floor trunc nearest sqrt add sub mul div min max copysign
    mutating func floatOperation(_ operation: Int, _ type: LLVMTypeRef) {
        if operation < 7 {
            push(floatUnary(operation, pop(), type))
        } else {
            let b = pop()
            push(floatBinary(operation, pop(), b, type))
        }
    }

    /// The same for a vector type.
    func floatUnary(_ operation: Int, _ value: LLVMValueRef, _ type: LLVMTypeRef) -> LLVMValueRef {
        switch operation {
        case 0: emit.intrinsic("llvm.fabs", [type], [value])
        case 1: LLVMBuildFNeg(emit.builder, value, "")
        case 2: emit.intrinsic("llvm.ceil", [type], [exact(value)])
        case 3: emit.intrinsic("llvm.floor", [type], [exact(value)])
        case 4: emit.intrinsic("llvm.trunc", [type], [exact(value)])
        case 5: emit.intrinsic("llvm.roundeven", [type], [exact(value)])
        default: emit.intrinsic("llvm.sqrt", [type], [value])
        }
    }

    func floatBinary(
        _ operation: Int, _ a: LLVMValueRef, _ b: LLVMValueRef, _ type: LLVMTypeRef
    ) -> LLVMValueRef {
        switch operation {
        case 7: emit.binary(LLVMFAdd, exact(a), exact(b))
        case 8: emit.binary(LLVMFSub, exact(a), exact(b))
        case 9: emit.binary(LLVMFMul, exact(a), exact(b))
        case 10: emit.binary(LLVMFDiv, exact(a), exact(b))
        case 11: extreme(a, b, type, isMinimum: true)
        case 12: extreme(a, b, type, isMinimum: false)
        default: emit.intrinsic("llvm.copysign", [type], [a, b])
        }
    }

    /// min and max: a NaN wins (the sum of both is a quiet one), -0 is less than +0.
    private func extreme(
        _ a: LLVMValueRef, _ b: LLVMValueRef, _ type: LLVMTypeRef, isMinimum: Bool
    ) -> LLVMValueRef {
        let integers = integerType(like: type)
        let (x, y) = (emit.bits(a, as: integers), emit.bits(b, as: integers))
        let equal = emit.bits(isMinimum ? emit.or(x, y) : emit.and(x, y), as: type)
        let nan = emit.binary(LLVMFAdd, a, b)
        let predicate = isMinimum ? LLVMRealOLT : LLVMRealOGT
        let rest = emit.select(emit.compare(LLVMRealUNO, a, b), nan, equal)
        let second = emit.select(emit.compare(predicate, b, a), b, rest)
        return emit.select(emit.compare(predicate, a, b), a, second)
    }

    private func integerType(like type: LLVMTypeRef) -> LLVMTypeRef {
        if LLVMGetTypeKind(type) == LLVMVectorTypeKind {
            return LLVMVectorType(integerType(like: LLVMGetElementType(type)), LLVMGetVectorSize(type))
        }
        return type == unit.f32 ? unit.i32 : unit.i64
    }

    /// An operand that the optimiser may not see through.
    ///
    /// LLVM takes every NaN for a quiet one: it leaves out the multiplication by 1, the addition of -0 and a pair of
    /// conversions, which would make a signalling NaN quiet. Only a constant, or a conversion or rounding that is an
    /// operand itself, allows that.
    func exact(_ value: LLVMValueRef) -> LLVMValueRef {
        let isConstant = LLVMIsAConstant(value) != nil
        guard isConstant || LLVMIsAFPExtInst(value) != nil || LLVMIsAFPTruncInst(value) != nil else { return value }
        guard !isConstant || isNeutral(value) else { return value }
        return emit.intrinsic("llvm.arithmetic.fence", [LLVMTypeOf(value)], [value])
    }

    /// Zeros, ones and NaNs of either sign, and vectors, whose elements nobody looks at.
    private func isNeutral(_ constant: LLVMValueRef) -> Bool {
        guard LLVMIsAConstantFP(constant) != nil else { return true }
        var losesBits: LLVMBool = 0
        let value = LLVMConstRealGetDouble(constant, &losesBits)
        return value == 0 || abs(value) == 1 || value.isNaN
    }
}
