// SPDX-License-Identifier: Apache-2.0
// Swiftlet: validation of vector instructions (core specification §3.3.8).

extension ValidationTable {
    /// Vector instructions use the rules of numbers where their shape is the same.
    static func vectorEntry(_ opcode: Opcode, _ shape: VectorShape) -> ValidationEntry {
        let alignLog2 = UInt8(opcode.accessWidthLog2)
        let lane = opcode.laneType
        return switch shape {
        case .load: ValidationEntry(rule: .load, result: .v128, alignLog2: alignLog2)
        case .store: ValidationEntry(rule: .store, operand: .v128, alignLog2: alignLog2)
        case .loadLane: ValidationEntry(rule: .laneLoad, alignLog2: alignLog2)
        case .storeLane: ValidationEntry(rule: .laneStore, alignLog2: alignLog2)
        case .constant: ValidationEntry(rule: .v128Const)
        case .shuffle: ValidationEntry(rule: .shuffle)
        case .splat: ValidationEntry(rule: .unary, operand: lane, result: .v128)
        case .extractLane: ValidationEntry(rule: .laneRead, operand: .v128, result: lane)
        case .replaceLane: ValidationEntry(rule: .laneWrite, operand: lane, result: .v128)
        case .unary: ValidationEntry(rule: .unary, operand: .v128, result: .v128)
        case .binary: ValidationEntry(rule: .binary, operand: .v128, result: .v128)
        case .ternary: ValidationEntry(rule: .ternary)
        case .shift: ValidationEntry(rule: .vectorShift)
        case .test: ValidationEntry(rule: .unary, operand: .v128, result: .i32)
        }
    }
}

extension FunctionValidator {
    /// The place of `0xFD index` in the table.
    func vectorIndex(_ index: UInt32) throws(ReadFault) -> Int {
        guard index < 0x120, features.contains(index < 0x100 ? .simd : .relaxedSIMD) else { throw .illegalOpcode }
        return 0x200 + Int(index)
    }

    /// What has no counterpart among numbers. The opcode is read again for its lanes.
    mutating func validateVector() throws(ReadFault) {
        var again = BinaryReader(module.bytes.buffer, in: instructionStart..<reader.endOffset)
        let opcode = try again.readOpcode()
        switch opcode.vectorShape {
        case .shift:
            try pop(.i32)
            try replaceTop(.v128, by: .v128)
        case .ternary:
            try pop(.v128)
            try pop(.v128)
            try replaceTop(.v128, by: .v128)
        case .extractLane:
            try lane(below: opcode.laneCount)
            try replaceTop(.v128, by: opcode.laneType.rawValue)
        case .replaceLane:
            try lane(below: opcode.laneCount)
            try pop(opcode.laneType.rawValue)
            try replaceTop(.v128, by: .v128)
        case .loadLane:
            let address = try checkMemoryArgument(UInt8(opcode.accessWidthLog2))
            try lane(below: opcode.laneCount)
            try pop(.v128)
            try replaceTop(address, by: .v128)
        case .storeLane:
            let address = try checkMemoryArgument(UInt8(opcode.accessWidthLog2))
            try lane(below: opcode.laneCount)
            try pop(.v128)
            try pop(address)
        case .shuffle:
            // Lanes of both operands after each other.
            for _ in 0..<16 { try lane(below: 32) }
            try pop(.v128)
            try replaceTop(.v128, by: .v128)
        case .constant:
            _ = try reader.skip(16)
            try push(.v128)
        default: throw .illegalOpcode
        }
    }

    private mutating func lane(below count: UInt8) throws(ReadFault) {
        let lane = try reader.readByte()
        guard lane < count else { throw fail("invalid lane index: \(lane), at most \(count - 1)") }
    }
}
