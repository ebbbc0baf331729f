// SPDX-License-Identifier: Apache-2.0
// Swiftlet: vector instructions: which family, and which lanes.

import CLLVM
import Wasm

extension FunctionCompiler {
    mutating func compileVector(_ opcode: Opcode) throws {
        let number = Int(opcode.rawValue) - 0x200
        switch number {
        case 0x00...0x0B, 0x54...0x5D: try vectorMemory(number)
        case 0x0C: push(try vectorConstant())
        case 0x0D: try shuffleBytes()
        case 0x0E, 0x100: try swizzle()
        case 0x0F...0x14:
            let shape = Self.shapes[number - 0x0F]
            var value = pop()
            if shape.bits < 32 { value = emit.truncated(value, unit.laneType(shape)) }
            pushVector(emit.splat(value, shape.count))
        case 0x15...0x22: try laneAccess(number - 0x15)
        case 0x23...0x4C, 0xD6...0xDB: compareLanes(number)
        case 0x4D...0x53: bitwise(number - 0x4D)
        case 0x5E, 0x5F, 0xF8...0xFF, 0x101...0x104: convertLanes(number)
        case 0x100...0x113: try relaxed(number)
        case 0xE0...0xF7, 0x67...0x6A, 0x74, 0x75, 0x7A, 0x94: floatLanes(number)
        case 0x60...0xDF: try integerLanes(number)
        default: throw NotCompiled()
        }
    }

    static let shapes: [LaneShape] = [.i8x16, .i16x8, .i32x4, .i64x2, .f32x4, .f64x2]

    mutating func popLanes(_ shape: LaneShape) -> LLVMValueRef { emit.lanes(pop(), shape) }
    mutating func pushVector(_ value: LLVMValueRef) { push(emit.bits(value, as: unit.v128)) }

    /// Two operands, the deeper first.
    mutating func popPair(_ shape: LaneShape) -> (LLVMValueRef, LLVMValueRef) {
        let b = popLanes(shape)
        return (popLanes(shape), b)
    }

    private mutating func vectorConstant() throws -> LLVMValueRef {
        let range = try reader.skip(16)
        let bytes = UnsafeRawBufferPointer(rebasing: unit.source.bytes.buffer[range])
        return emit.constants(
            unit.i64, [bytes.loadUnaligned(as: UInt64.self), bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)])
    }

    private mutating func shuffleBytes() throws {
        let range = try reader.skip(16)
        let lanes = unit.source.bytes.buffer[range].map { Int($0) }
        let (a, b) = popPair(.i8x16)
        pushVector(emit.shuffle(a, b, lanes))
    }

    /// Bytes of the first operand chosen by the second; 0 for numbers above 15.
    private mutating func swizzle() throws {
        let (a, b) = popPair(.i8x16)
        if unit.target.triple.hasPrefix("x86_64") {
            // pshufb looks at bit 7: saturation brings all numbers above 15 there.
            let high = emit.constants(unit.i8, Array(repeating: 0x70, count: 16))
            let numbers = emit.intrinsic("llvm.uadd.sat", [LLVMTypeOf(b)], [b, high])
            pushVector(emit.intrinsic("llvm.x86.ssse3.pshuf.b.128", [], [a, numbers]))
        } else {
            pushVector(emit.intrinsic("llvm.aarch64.neon.tbl1", [LLVMTypeOf(a)], [a, b]))
        }
    }

    // MARK: Memory

    private mutating func vectorMemory(_ number: Int) throws {
        let argument = try reader.readMemoryArgument()
        switch number {
        case 0x00: pushVector(loadVector(unit.v128, argument))
        case 0x0B:
            let value = pop()
            let address = place(pop(), argument, byteCount: 16)
            emit.store(value, address, .memory, alignment: 1)
        case 0x01...0x06:
            // 8x8, 16x4, 32x2, each signed and unsigned.
            let shape = Self.shapes[(number - 1) / 2]
            let narrow = loadVector(unit.vector(unit.laneType(shape), shape.count / 2), argument)
            let wide = unit.type(Self.shapes[(number - 1) / 2 + 1])
            pushVector(emit.cast(number & 1 == 1 ? LLVMSExt : LLVMZExt, narrow, wide))
        case 0x07...0x0A:
            let shape = Self.shapes[number - 7]
            pushVector(emit.splat(loadVector(unit.laneType(shape), argument), shape.count))
        case 0x5C, 0x5D:
            let shape: LaneShape = number == 0x5C ? .i32x4 : .i64x2
            let value = loadVector(unit.laneType(shape), argument)
            pushVector(emit.replacing(emit.zero(unit.type(shape)), 0, by: value))
        default: try laneMemory(number, argument)
        }
    }

    private mutating func loadVector(_ type: LLVMTypeRef, _ argument: MemoryArgument) -> LLVMValueRef {
        let address = place(pop(), argument, byteCount: byteCount(type))
        return emit.load(type, address, .memory, alignment: 1)
    }

    private mutating func laneMemory(_ number: Int, _ argument: MemoryArgument) throws {
        let lane = Int(try reader.readByte())
        let isStore = number >= 0x58
        let shape = Self.shapes[(number - 0x54) & 3]
        let vector = popLanes(shape)
        let address = place(pop(), argument, byteCount: shape.bits / 8)
        if isStore {
            emit.store(emit.lane(vector, lane), address, .memory, alignment: 1)
        } else {
            let value = emit.load(unit.laneType(shape), address, .memory, alignment: 1)
            pushVector(emit.replacing(vector, lane, by: value))
        }
    }

    /// extract_s, extract_u, replace for bytes and 16 bits; extract, replace for the others.
    private mutating func laneAccess(_ number: Int) throws {
        let lane = Int(try reader.readByte())
        let isNarrow = number < 6
        let shape = Self.shapes[isNarrow ? number / 3 : 2 + (number - 6) / 2]
        let isReplace = isNarrow ? number % 3 == 2 : (number - 6) % 2 == 1
        if isReplace {
            var value = pop()
            if isNarrow { value = emit.truncated(value, unit.laneType(shape)) }
            let vector = popLanes(shape)
            pushVector(emit.replacing(vector, lane, by: value))
        } else {
            let value = emit.lane(popLanes(shape), lane)
            push(isNarrow ? emit.cast(number % 3 == 0 ? LLVMSExt : LLVMZExt, value, unit.i32) : value)
        }
    }

    // MARK: Bits

    private mutating func compareLanes(_ number: Int) {
        let flags: LLVMValueRef
        let shape: LaneShape
        switch number {
        case 0x23...0x40:
            shape = Self.shapes[(number - 0x23) / 10]
            let (a, b) = popPair(shape)
            flags = emit.compare(Self.integerPredicates[(number - 0x23) % 10], a, b)
        case 0xD6...0xDB:
            shape = .i64x2
            let (a, b) = popPair(shape)
            flags = emit.compare(
                [LLVMIntEQ, LLVMIntNE, LLVMIntSLT, LLVMIntSGT, LLVMIntSLE, LLVMIntSGE][number - 0xD6], a, b)
        default:
            shape = number < 0x47 ? .f32x4 : .f64x2
            let (a, b) = popPair(shape)
            flags = emit.compare(Self.floatPredicates[(number - 0x41) % 6], a, b)
        }
        pushVector(emit.cast(LLVMSExt, flags, unit.type(shape.integers)))
    }

    /// not and andnot or xor bitselect any_true
    private mutating func bitwise(_ number: Int) {
        let b = pop()
        switch number {
        case 0: push(emit.not(b))
        case 1: push(emit.and(pop(), b))
        case 2: push(emit.and(pop(), emit.not(b)))
        case 3: push(emit.or(pop(), b))
        case 4: push(emit.binary(LLVMXor, pop(), b))
        case 5: select(by: b)
        default:
            let whole = LLVMIntTypeInContext(unit.context, 128) as LLVMTypeRef
            pushFlag(emit.compare(LLVMIntNE, emit.bits(b, as: whole), emit.zero(whole)))
        }
    }

    /// Bits of the first operand where the mask has ones, of the second elsewhere.
    mutating func select(by mask: LLVMValueRef) {
        let b = pop()
        let a = pop()
        push(emit.or(emit.and(a, mask), emit.and(b, emit.not(mask))))
    }
}
