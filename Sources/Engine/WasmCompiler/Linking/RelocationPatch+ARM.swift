// SPDX-License-Identifier: Apache-2.0
// Swiftlet: references in arm64 code.

import NativeImage

/// See: ELF for the Arm 64-bit Architecture, §5.7 "Relocation".
extension RelocationPatch {
    enum ARM {
        static let none: UInt32 = 0
        static let noneOld: UInt32 = 256
        static let absolute64: UInt32 = 257
        static let absolute32: UInt32 = 258
        static let relative64: UInt32 = 260
        static let relative32: UInt32 = 261
        static let pageHigh21: UInt32 = 275
        static let addLow12: UInt32 = 277
        static let access8Low12: UInt32 = 278
        static let jump26: UInt32 = 282
        static let call26: UInt32 = 283
        static let access16Low12: UInt32 = 284
        static let access32Low12: UInt32 = 285
        static let access64Low12: UInt32 = 286
        static let access128Low12: UInt32 = 299
        static let tablePage: UInt32 = 311
        static let tableLow12: UInt32 = 312
    }

    func applyARM(to bytes: inout [UInt8]) throws(RelocationProblem) {
        switch type {
        case ARM.none, ARM.noneOld: break
        case ARM.relative32: try writeDistance32(distance, to: &bytes)
        case ARM.relative64: try write(distance, to: &bytes)
        case ARM.call26, ARM.jump26:
            try check(distance, bits: 28, alignment: 4)
            try change(&bytes, field: 0x3FF_FFFF, to: UInt32(truncatingIfNeeded: distance >> 2) & 0x3FF_FFFF)
        case ARM.pageHigh21:
            // The text starts on a page of 4096 bytes, so distances of pages are those of addresses.
            let pages = (value & ~0xFFF) &- (Int64(address) & ~0xFFF)
            try check(pages, bits: 33, alignment: 4096)
            let immediate = UInt32(truncatingIfNeeded: pages >> 12)
            try change(&bytes, field: 0x60FF_FFE0, to: (immediate & 3) << 29 | (immediate >> 2 & 0x7FFFF) << 5)
        case ARM.addLow12, ARM.access8Low12: try changeLow12(&bytes, shift: 0)
        case ARM.access16Low12: try changeLow12(&bytes, shift: 1)
        case ARM.access32Low12: try changeLow12(&bytes, shift: 2)
        case ARM.access64Low12: try changeLow12(&bytes, shift: 3)
        case ARM.access128Low12: try changeLow12(&bytes, shift: 4)
        case ARM.tablePage, ARM.tableLow12: throw .notRelaxable("R_AARCH64_ADR_GOT_PAGE")
        case ARM.absolute64: throw .absolute("R_AARCH64_ABS64")
        case ARM.absolute32: throw .absolute("R_AARCH64_ABS32")
        default: throw .unknownType(type, .arm64)
        }
    }

    /// The address within its page, as the immediate of an `add`, or of a load or store of 2^`shift` bytes.
    private func changeLow12(_ bytes: inout [UInt8], shift: Int64) throws(RelocationProblem) {
        let low = value & 0xFFF
        guard low & ((1 << shift) - 1) == 0 else { throw .misaligned(value, alignment: 1 << shift) }
        try change(&bytes, field: 0xFFF << 10, to: UInt32(low >> shift) << 10)
    }

    private func check(_ distance: Int64, bits: Int64, alignment: Int64) throws(RelocationProblem) {
        let limit = Int64(1) << (bits - 1)
        guard distance >= -limit && distance < limit else { throw .outOfRange(distance, bits: Int(bits)) }
        guard distance & (alignment - 1) == 0 else { throw .misaligned(distance, alignment: alignment) }
    }

    private func change(_ bytes: inout [UInt8], field: UInt32, to value: UInt32) throws(RelocationProblem) {
        guard end - offset >= 4 else { throw .beyondSection }
        guard offset & 3 == 0 else { throw .misaligned(Int64(offset), alignment: 4) }
        var instruction: UInt32 = 0
        for index in 0..<4 { instruction |= UInt32(bytes[offset + index]) << UInt32(8 * index) }
        try write(instruction & ~field | value, to: &bytes)
    }
}
