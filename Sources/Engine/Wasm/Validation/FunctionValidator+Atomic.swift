// SPDX-License-Identifier: Apache-2.0
// Swiftlet: validation of atomic instructions (threads proposal, "Validation").

extension FunctionValidator {
    /// Behind the prefix 0xFE.
    mutating func validateAtomic() throws(ReadFault) {
        let index = try reader.readU32()
        guard index < 0x100, let opcode = Opcode(rawValue: 0x400 + UInt16(index)), let shape = opcode.atomicShape,
            features.contains(.threads)
        else { throw .illegalOpcode }
        if shape == .fence {
            guard try reader.readByte() == 0 else { throw fail("zero byte expected: atomic.fence", .malformed) }
            return
        }
        let address = try checkAtomicArgument(UInt8(opcode.atomicWidthLog2))
        let type = opcode.atomicType.rawValue
        switch shape {
        case .notify:
            try pop(.i32)
            try replaceTop(address, by: .i32)
        case .wait:
            try pop(.i64)
            try pop(type)
            try replaceTop(address, by: .i32)
        case .load: try replaceTop(address, by: type)
        case .store:
            try pop(type)
            try pop(address)
        case .update, .compareExchange:
            if shape == .compareExchange { try pop(type) }
            try pop(type)
            try replaceTop(address, by: type)
        case .fence: break
        }
    }

    private mutating func checkAtomicArgument(_ naturalLog2: UInt8) throws(ReadFault) -> TypeCode {
        var ahead = reader
        let argument = try ahead.readMemoryArgument()
        let address = try checkMemoryArgument(naturalLog2)
        guard argument.alignLog2 == UInt32(naturalLog2) else {
            throw fail("atomic alignment must be natural: 2^\(argument.alignLog2), expected 2^\(naturalLog2) bytes")
        }
        return address
    }
}
