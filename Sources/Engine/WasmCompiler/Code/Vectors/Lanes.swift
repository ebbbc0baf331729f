// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a vector as its lanes.

import CLLVM
import Wasm

/// How the 128 bits are divided.
enum LaneShape: Int {
    case i8x16, i16x8, i32x4, i64x2, f32x4, f64x2

    var count: Int { [16, 8, 4, 2, 4, 2][rawValue] }
    var bits: Int { 128 / count }
    /// The integers of the same width.
    var integers: LaneShape {
        switch self {
        case .f32x4: .i32x4
        case .f64x2: .i64x2
        default: self
        }
    }
}

extension Unit {
    func laneType(_ shape: LaneShape) -> LLVMTypeRef {
        switch shape {
        case .i8x16: i8
        case .i16x8: i16
        case .i32x4: i32
        case .i64x2: i64
        case .f32x4: f32
        case .f64x2: f64
        }
    }

    func type(_ shape: LaneShape) -> LLVMTypeRef { LLVMVectorType(laneType(shape), UInt32(shape.count)) }

    func vector(_ lane: LLVMTypeRef, _ count: Int) -> LLVMTypeRef { LLVMVectorType(lane, UInt32(count)) }
}

extension Emitter {
    func lanes(_ value: LLVMValueRef, _ shape: LaneShape) -> LLVMValueRef { bits(value, as: unit.type(shape)) }

    func constants(_ type: LLVMTypeRef, _ values: [UInt64]) -> LLVMValueRef {
        var values: [LLVMValueRef?] = values.map { LLVMConstInt(type, $0, 0) }
        return LLVMConstVector(&values, UInt32(values.count))
    }

    /// Chosen lanes of two vectors of one type.
    func shuffle(_ a: LLVMValueRef, _ b: LLVMValueRef, _ lanes: [Int]) -> LLVMValueRef {
        LLVMBuildShuffleVector(builder, a, b, constants(unit.i32, lanes.map { UInt64($0) }), "")
    }

    func splat(_ value: LLVMValueRef, _ count: Int) -> LLVMValueRef {
        let type = unit.vector(LLVMTypeOf(value), count)
        let first: LLVMValueRef = LLVMBuildInsertElement(builder, LLVMGetPoison(type), value, int32(0), "")
        return shuffle(first, LLVMGetPoison(type), Array(repeating: 0, count: count))
    }

    func lane(_ vector: LLVMValueRef, _ index: Int) -> LLVMValueRef {
        LLVMBuildExtractElement(builder, vector, int32(UInt32(index)), "")
    }

    func replacing(_ vector: LLVMValueRef, _ index: Int, by value: LLVMValueRef) -> LLVMValueRef {
        LLVMBuildInsertElement(builder, vector, value, int32(UInt32(index)), "")
    }
}
