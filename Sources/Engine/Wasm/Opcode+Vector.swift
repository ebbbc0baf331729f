// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the shape of the vector instructions (core specification §3.3.8, §5.4.9).

/// How a vector instruction takes its operands; the first parameter is the deepest one.
public enum VectorShape: Sendable, Hashable {
    /// `(i32) -> (v128)` with a memory argument.
    case load
    /// `(i32, v128) -> ()` with a memory argument.
    case store
    /// `(i32, v128) -> (v128)` with a memory argument and a lane.
    case loadLane
    /// `(i32, v128) -> ()` with a memory argument and a lane.
    case storeLane
    /// `() -> (v128)` with 16 bytes.
    case constant
    /// `(v128, v128) -> (v128)` with 16 lanes.
    case shuffle
    /// `(scalar) -> (v128)`
    case splat
    /// `(v128) -> (scalar)` with a lane.
    case extractLane
    /// `(v128, scalar) -> (v128)` with a lane.
    case replaceLane
    case unary
    case binary
    case ternary
    /// `(v128, i32) -> (v128)`
    case shift
    /// `(v128) -> (i32)`
    case test
}

extension Opcode {
    /// The number behind the prefix 0xFD; nil for other instructions.
    public var vectorIndex: Int? {
        rawValue >= Opcode.v128Load.rawValue && rawValue < 0x400 ? Int(rawValue) - 0x200 : nil
    }

    /// The shape of an instruction with prefix 0xFD; nil for others.
    public var vectorShape: VectorShape? {
        guard let index = vectorIndex else { return nil }
        return switch index {
        case 0x00...0x0A, 0x5C, 0x5D: .load
        case 0x0B: .store
        case 0x0C: .constant
        case 0x0D: .shuffle
        case 0x0F...0x14: .splat
        case 0x17, 0x1A, 0x1C, 0x1E, 0x20, 0x22: .replaceLane
        case 0x15...0x21: .extractLane
        case 0x52, 0x105...0x10C, 0x113: .ternary
        case 0x53, 0x63, 0x64, 0x83, 0x84, 0xA3, 0xA4, 0xC3, 0xC4: .test
        case 0x54...0x57: .loadLane
        case 0x58...0x5B: .storeLane
        case 0x6B...0x6D, 0x8B...0x8D, 0xAB...0xAD, 0xCB...0xCD: .shift
        case 0x4D, 0x5E...0x62, 0x67...0x6A, 0x74, 0x75, 0x7A, 0x7C...0x81, 0x87...0x8A, 0x94: .unary
        case 0xA0, 0xA1, 0xA7...0xAA, 0xC0, 0xC1, 0xC7...0xCA, 0xE0...0xE3, 0xEC...0xEF: .unary
        case 0xF8...0xFF, 0x101...0x104: .unary
        default: .binary
        }
    }

    /// How many lanes an instruction with a lane number chooses from.
    public var laneCount: UInt8 {
        switch vectorIndex {
        case 0x15, 0x16, 0x17, 0x54, 0x58: 16
        case 0x18, 0x19, 0x1A, 0x55, 0x59: 8
        case 0x1B, 0x1C, 0x1F, 0x20, 0x56, 0x5A: 4
        case 0x1D, 0x1E, 0x21, 0x22, 0x57, 0x5B: 2
        default: 0
        }
    }

    /// The scalar type of a splat, or of reading or replacing a lane.
    public var laneType: ValueType {
        switch vectorIndex ?? -1 {
        case 0x12, 0x1D, 0x1E: .i64
        case 0x13, 0x1F, 0x20: .f32
        case 0x14, 0x21, 0x22: .f64
        default: .i32
        }
    }

    var vectorFeature: FeatureSet { vectorIndex.map { $0 < 0x100 ? .simd : .relaxedSIMD } ?? [] }

    var vectorAccessWidthLog2: UInt32 {
        switch vectorIndex ?? -1 {
        case 0x00, 0x0B: 4
        case 0x01...0x06, 0x0A, 0x57, 0x5B, 0x5D: 3
        case 0x09, 0x56, 0x5A, 0x5C: 2
        case 0x08, 0x55, 0x59: 1
        default: 0
        }
    }

    var vectorImmediates: Immediates {
        switch vectorShape {
        case .load, .store: .memoryArgument
        case .loadLane, .storeLane: .memoryArgumentAndLane
        case .constant: .v128
        case .shuffle: .lanes
        case .extractLane, .replaceLane: .lane
        default: .none
        }
    }

    var vectorSignature: OpcodeSignature? {
        switch vectorShape {
        case .load: OpcodeSignature(parameters: [.i32], result: .v128)
        case .store, .storeLane: OpcodeSignature(parameters: [.i32, .v128], result: nil)
        case .loadLane: OpcodeSignature(parameters: [.i32, .v128], result: .v128)
        case .constant: OpcodeSignature(parameters: [], result: .v128)
        case .shuffle, .binary: OpcodeSignature(parameters: [.v128, .v128], result: .v128)
        case .splat: OpcodeSignature(parameters: [laneType], result: .v128)
        case .extractLane: OpcodeSignature(parameters: [.v128], result: laneType)
        case .replaceLane: OpcodeSignature(parameters: [.v128, laneType], result: .v128)
        case .unary: OpcodeSignature(parameters: [.v128], result: .v128)
        case .ternary: OpcodeSignature(parameters: [.v128, .v128, .v128], result: .v128)
        case .shift: OpcodeSignature(parameters: [.v128, .i32], result: .v128)
        case .test: OpcodeSignature(parameters: [.v128], result: .i32)
        case nil: nil
        }
    }
}
