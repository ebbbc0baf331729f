// SPDX-License-Identifier: Apache-2.0
// Swiftlet: references in x86-64 code.

import NativeImage

/// See: System V ABI, AMD64 architecture processor supplement, §4.4 "Relocation" and §B.2 "Optimize GOTPCRELX
/// Relocations".
extension RelocationPatch {
    enum X86 {
        static let none: UInt32 = 0
        static let absolute64: UInt32 = 1
        static let relative32: UInt32 = 2
        static let procedure32: UInt32 = 4
        static let table32: UInt32 = 9
        static let absolute32: UInt32 = 10
        static let absolute32Signed: UInt32 = 11
        static let tableRelaxable: UInt32 = 41
        static let tableRelaxableREX: UInt32 = 42
    }

    func applyX86(to bytes: inout [UInt8]) throws(RelocationProblem) {
        switch type {
        case X86.none: break
        case X86.relative32, X86.procedure32: try writeDistance32(distance, to: &bytes)
        case X86.tableRelaxable, X86.tableRelaxableREX: try relax(&bytes)
        case X86.table32: throw .notRelaxable("R_X86_64_GOTPCREL")
        case X86.absolute64: throw .absolute("R_X86_64_64")
        case X86.absolute32: throw .absolute("R_X86_64_32")
        case X86.absolute32Signed: throw .absolute("R_X86_64_32S")
        default: throw .unknownType(type, .x86_64)
        }
    }

    /// An instruction that would load the symbol's address from a table computes it, or goes there directly.
    private func relax(_ bytes: inout [UInt8]) throws(RelocationProblem) {
        guard offset - start >= 2 && end - offset >= 4 else { throw .beyondSection }
        let opcode = bytes[offset - 2]
        let modRM = bytes[offset - 1]
        switch (opcode, modRM) {
        case (0x8B, _) where modRM & 0xC7 == 0x05:  // mov reg, [rip + x] → lea reg, [rip + x]
            bytes[offset - 2] = 0x8D
            try writeDistance32(distance, to: &bytes)
        case (0xFF, 0x15):  // call [rip + x] → call x, with a prefix that changes nothing
            bytes[offset - 2] = 0x67
            bytes[offset - 1] = 0xE8
            try writeDistance32(distance, to: &bytes)
        case (0xFF, 0x25):  // jmp [rip + x] → jmp x, one byte earlier; nop
            bytes[offset - 2] = 0xE9
            guard let number = Int32(exactly: distance &+ 1) else { throw .outOfRange(distance &+ 1, bits: 32) }
            for index in 0..<4 {
                bytes[offset - 1 + index] = UInt8(truncatingIfNeeded: number >> Int32(8 * index))
            }
            bytes[offset + 3] = 0x90
        default:
            throw .notRelaxable("R_X86_64_GOTPCRELX at opcode 0x\(String(opcode, radix: 16))")
        }
    }
}
