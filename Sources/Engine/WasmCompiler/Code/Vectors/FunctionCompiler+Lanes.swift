// SPDX-License-Identifier: Apache-2.0
// Swiftlet: arithmetic of lanes.

import CLLVM
import Wasm

extension FunctionCompiler {
    // MARK: Integers

    /// The four integer shapes have 32 numbers each from 0x60 on, the same operation at the same place.
    mutating func integerLanes(_ number: Int) throws {
        let shape = Self.shapes[(number - 0x60) / 32]
        let type = unit.type(shape)
        switch (number - 0x60) % 32 {
        case 0x00: pushVector(emit.intrinsic("llvm.abs", [type], [popLanes(shape), LLVMConstInt(unit.i1, 0, 0)]))
        case 0x01: pushVector(LLVMBuildNeg(emit.builder, popLanes(shape), ""))
        case 0x02 where shape == .i8x16: pushVector(emit.intrinsic("llvm.ctpop", [type], [popLanes(shape)]))
        case 0x02 where shape == .i16x8: multiplyQ15()
        case 0x03:
            let zeros = signs(emit.compare(LLVMIntEQ, popLanes(shape), emit.zero(type)), shape)
            pushFlag(emit.compare(LLVMIntEQ, zeros, emit.zero(mask(shape))))
        case 0x04:
            let signs = signs(emit.compare(LLVMIntSLT, popLanes(shape), emit.zero(type)), shape)
            push(emit.zeroExtended(signs, unit.i32))
        case 0x05, 0x06: narrow(from: Self.shapes[shape.rawValue + 1], isSigned: number & 1 == 1)
        case 0x07...0x0A where shape != .i8x16: extend((number - 0x60) % 32 - 7, shape)
        case 0x0B: shift(LLVMShl, shape)
        case 0x0C: shift(LLVMAShr, shape)
        case 0x0D: shift(LLVMLShr, shape)
        case 0x0E: lanewise(LLVMAdd, shape)
        case 0x11: lanewise(LLVMSub, shape)
        case 0x15: lanewise(LLVMMul, shape)
        case 0x0F: intrinsic("llvm.sadd.sat", shape)
        case 0x10: intrinsic("llvm.uadd.sat", shape)
        case 0x12: intrinsic("llvm.ssub.sat", shape)
        case 0x13: intrinsic("llvm.usub.sat", shape)
        case 0x16: intrinsic("llvm.smin", shape)
        case 0x17: intrinsic("llvm.umin", shape)
        case 0x18: intrinsic("llvm.smax", shape)
        case 0x19: intrinsic("llvm.umax", shape)
        case 0x1A where shape == .i32x4: dot()
        case 0x1B: average(shape)
        case 0x1C...0x1F where shape == .i8x16: addNeighbours(number - 0x7C)
        case 0x1C...0x1F: multiplyWide((number - 0x60) % 32 - 0x1C, shape)
        default: throw NotCompiled()
        }
    }

    private mutating func lanewise(_ opcode: LLVMOpcode, _ shape: LaneShape) {
        let (a, b) = popPair(shape)
        pushVector(emit.binary(opcode, a, b))
    }

    private mutating func intrinsic(_ name: String, _ shape: LaneShape) {
        let (a, b) = popPair(shape)
        pushVector(emit.intrinsic(name, [unit.type(shape)], [a, b]))
    }

    private func mask(_ shape: LaneShape) -> LLVMTypeRef { LLVMIntTypeInContext(unit.context, UInt32(shape.count)) }

    /// One bit per lane.
    private func signs(_ flags: LLVMValueRef, _ shape: LaneShape) -> LLVMValueRef {
        emit.bits(flags, as: mask(shape))
    }

    private mutating func shift(_ opcode: LLVMOpcode, _ shape: LaneShape) {
        let count = emit.and(pop(), emit.int32(UInt32(shape.bits - 1)))
        let lane = unit.laneType(shape)
        let sized =
            shape.bits < 32
            ? emit.truncated(count, lane) : shape.bits == 64 ? emit.zeroExtended(count, lane) : count
        let value = popLanes(shape)
        pushVector(emit.binary(opcode, value, emit.splat(sized, shape.count)))
    }

    /// Two vectors of wider lanes, saturated.
    private mutating func narrow(from wide: LaneShape, isSigned: Bool) {
        let (a, b) = popPair(wide)
        let both = emit.shuffle(a, b, Array(0..<wide.count * 2))
        let type = LLVMTypeOf(both) as LLVMTypeRef
        let half = wide.bits / 2
        let low = isSigned ? UInt64(bitPattern: -(1 << (half - 1))) : 0
        let high: UInt64 = isSigned ? (1 << (half - 1)) - 1 : (1 << half) - 1
        func limit(_ value: UInt64) -> LLVMValueRef {
            emit.constants(unit.laneType(wide), Array(repeating: value, count: wide.count * 2))
        }
        let above = emit.intrinsic("llvm.smax", [type], [both, limit(low)])
        let inside = emit.intrinsic("llvm.smin", [type], [above, limit(high)])
        let narrow = unit.vector(unit.laneType(Self.shapes[wide.rawValue - 1]), wide.count * 2)
        pushVector(emit.truncated(inside, narrow))
    }

    /// low_s high_s low_u high_u
    private func half(_ value: LLVMValueRef, _ form: Int, _ shape: LaneShape) -> LLVMValueRef {
        let first = form & 1 == 0 ? 0 : shape.count
        let part = emit.shuffle(value, value, Array(first..<first + shape.count))
        return emit.cast(form < 2 ? LLVMSExt : LLVMZExt, part, unit.type(shape))
    }

    private mutating func extend(_ form: Int, _ shape: LaneShape) {
        let value = popLanes(Self.shapes[shape.rawValue - 1])
        pushVector(half(value, form, shape))
    }

    private mutating func multiplyWide(_ form: Int, _ shape: LaneShape) {
        let (a, b) = popPair(Self.shapes[shape.rawValue - 1])
        pushVector(emit.binary(LLVMMul, half(a, form, shape), half(b, form, shape)))
    }

    /// The sum of the even and the odd lanes of a vector of wide products or wide numbers.
    func sumOfNeighbours(_ wide: LLVMValueRef, _ count: Int) -> LLVMValueRef {
        let even = emit.shuffle(wide, wide, (0..<count).map { $0 * 2 })
        let odd = emit.shuffle(wide, wide, (0..<count).map { $0 * 2 + 1 })
        return emit.add(even, odd)
    }

    /// i16x8 signed and unsigned, i32x4 signed and unsigned.
    private mutating func addNeighbours(_ form: Int) {
        let narrow = Self.shapes[form / 2]
        let wide = unit.vector(unit.laneType(Self.shapes[form / 2 + 1]), narrow.count)
        let value = emit.cast(form & 1 == 0 ? LLVMSExt : LLVMZExt, popLanes(narrow), wide)
        pushVector(sumOfNeighbours(value, narrow.count / 2))
    }

    private mutating func dot() {
        let (a, b) = popPair(.i16x8)
        let wide = unit.vector(unit.i32, 8)
        let products = emit.binary(LLVMMul, emit.cast(LLVMSExt, a, wide), emit.cast(LLVMSExt, b, wide))
        pushVector(sumOfNeighbours(products, 4))
    }

    private mutating func average(_ shape: LaneShape) {
        let (a, b) = popPair(shape)
        let lane = unit.laneType(Self.shapes[shape.rawValue + 1])
        let wide = unit.vector(lane, shape.count)
        let ones = emit.constants(lane, Array(repeating: 1, count: shape.count))
        let sum = emit.sum(emit.sum(emit.zeroExtended(a, wide), emit.zeroExtended(b, wide)), ones)
        pushVector(emit.truncated(emit.binary(LLVMLShr, sum, ones), unit.type(shape)))
    }

    /// Fixed-point multiplication: (a * b + 2^14) >> 15, saturated.
    mutating func multiplyQ15() {
        let (a, b) = popPair(.i16x8)
        let wide = unit.vector(unit.i32, 8)
        func all(_ value: UInt64) -> LLVMValueRef { emit.constants(unit.i32, Array(repeating: value, count: 8)) }
        let product = emit.binary(LLVMMul, emit.cast(LLVMSExt, a, wide), emit.cast(LLVMSExt, b, wide))
        let rounded = emit.binary(LLVMAShr, emit.add(product, all(1 << 14)), all(15))
        let limited = emit.intrinsic("llvm.smin", [wide], [rounded, all(0x7FFF)])
        pushVector(emit.truncated(limited, unit.type(.i16x8)))
    }

    // MARK: Floats

    mutating func floatLanes(_ number: Int) {
        switch number {
        case 0x67...0x6A: floatUnaryLanes(number - 0x67 + 2, .f32x4)
        case 0x74, 0x75: floatUnaryLanes(number - 0x74 + 2, .f64x2)
        case 0x7A: floatUnaryLanes(4, .f64x2)
        case 0x94: floatUnaryLanes(5, .f64x2)
        default:
            let shape: LaneShape = number < 0xEC ? .f32x4 : .f64x2
            switch (number - 0xE0) % 12 {
            case 0: floatUnaryLanes(0, shape)
            case 1: floatUnaryLanes(1, shape)
            case 3: floatUnaryLanes(6, shape)
            // add sub mul div min max
            case let operation where operation < 10:
                let (a, b) = popPair(shape)
                pushVector(floatBinary(operation + 3, a, b, unit.type(shape)))
            case let operation:
                // pmin and pmax are the comparison alone.
                let (a, b) = popPair(shape)
                let takesSecond = emit.compare(LLVMRealOLT, operation == 10 ? b : a, operation == 10 ? a : b)
                pushVector(emit.select(takesSecond, b, a))
            }
        }
    }

    private mutating func floatUnaryLanes(_ operation: Int, _ shape: LaneShape) {
        let value = popLanes(shape)
        pushVector(floatUnary(operation, value, unit.type(shape)))
    }

    // MARK: Conversions

    mutating func convertLanes(_ number: Int) {
        let two = [0, 1]
        switch number {
        case 0x5E:
            let narrow = emit.cast(LLVMFPTrunc, exact(popLanes(.f64x2)), unit.vector(unit.f32, 2))
            pushVector(emit.shuffle(narrow, emit.zero(LLVMTypeOf(narrow)), [0, 1, 2, 3]))
        case 0x5F:
            let value = popLanes(.f32x4)
            pushVector(emit.cast(LLVMFPExt, exact(emit.shuffle(value, value, two)), unit.type(.f64x2)))
        case 0xFA: pushVector(emit.cast(LLVMSIToFP, popLanes(.i32x4), unit.type(.f32x4)))
        case 0xFB: pushVector(emit.cast(LLVMUIToFP, popLanes(.i32x4), unit.type(.f32x4)))
        case 0xFE, 0xFF:
            let value = popLanes(.i32x4)
            let low = emit.shuffle(value, value, two)
            pushVector(emit.cast(number == 0xFE ? LLVMSIToFP : LLVMUIToFP, low, unit.type(.f64x2)))
        case 0xF8, 0xF9, 0x101, 0x102:
            let isSigned = number == 0xF8 || number == 0x101
            pushVector(saturate(popLanes(.f32x4), unit.type(.i32x4), isSigned: isSigned))
        default:
            let isSigned = number == 0xFC || number == 0x103
            let narrow = saturate(popLanes(.f64x2), unit.vector(unit.i32, 2), isSigned: isSigned)
            pushVector(emit.shuffle(narrow, emit.zero(LLVMTypeOf(narrow)), [0, 1, 2, 3]))
        }
    }

    private func saturate(_ value: LLVMValueRef, _ type: LLVMTypeRef, isSigned: Bool) -> LLVMValueRef {
        emit.intrinsic(isSigned ? "llvm.fptosi.sat" : "llvm.fptoui.sat", [type, LLVMTypeOf(value)], [value])
    }

    // MARK: Relaxed

    /// Always the result that is the same on every machine (appendix "Profiles", deterministic).
    mutating func relaxed(_ number: Int) throws {
        switch number {
        case 0x105...0x108:
            // Without the instruction it would be a call of the C library.
            guard unit.target.hasFusedMultiplyAdd else { throw NotCompiled() }
            let shape: LaneShape = number < 0x107 ? .f32x4 : .f64x2
            let c = popLanes(shape)
            let (a, b) = popPair(shape)
            let factor: LLVMValueRef = number & 1 == 1 ? a : LLVMBuildFNeg(emit.builder, a, "")
            pushVector(emit.intrinsic("llvm.fma", [unit.type(shape)], [factor, b, c]))
        case 0x109...0x10C: select(by: pop())
        case 0x10D...0x110:
            let shape: LaneShape = number < 0x10F ? .f32x4 : .f64x2
            let (a, b) = popPair(shape)
            pushVector(floatBinary(number & 1 == 1 ? 11 : 12, a, b, unit.type(shape)))
        case 0x111: multiplyQ15()
        case 0x112: pushVector(dotBytes())
        default:
            let sum = popLanes(.i32x4)
            let pairs = emit.cast(LLVMSExt, dotBytes(), unit.vector(unit.i32, 8))
            pushVector(emit.add(sumOfNeighbours(pairs, 4), sum))
        }
    }

    private mutating func dotBytes() -> LLVMValueRef {
        let (a, b) = popPair(.i8x16)
        let wide = unit.vector(unit.i16, 16)
        let products = emit.binary(LLVMMul, emit.cast(LLVMSExt, a, wide), emit.cast(LLVMSExt, b, wide))
        return sumOfNeighbours(products, 8)
    }
}
