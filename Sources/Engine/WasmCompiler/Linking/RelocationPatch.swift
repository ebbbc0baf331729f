// SPDX-License-Identifier: Apache-2.0
// Swiftlet: one reference, written into the bytes.

import NativeImage

/// Why a reference cannot be written; the linker adds where.
enum RelocationProblem: Error, CustomStringConvertible {
    case unknownType(UInt32, NativeArchitecture)
    case absolute(String)
    case notRelaxable(String)
    case outOfRange(Int64, bits: Int)
    case misaligned(Int64, alignment: Int64)
    case beyondSection

    var description: String {
        switch self {
        case .unknownType(let type, let architecture):
            "relocation type \(type) of \(architecture) is not supported"
        case .absolute(let name):
            "\(name) needs an absolute address, but images are position-independent"
        case .notRelaxable(let name):
            "\(name) goes through a global offset table, but images have none; declare the symbol hidden or dso_local"
        case .outOfRange(let value, let bits):
            "expected a distance of \(bits) bits, found \(value)"
        case .misaligned(let value, let alignment):
            "expected a multiple of \(alignment), found \(value)"
        case .beyondSection: "expected to lie within the section"
        }
    }
}

/// A relocation with its symbol resolved. Addresses are distances from the text's start in memory.
struct RelocationPatch {
    let type: UInt32
    /// S: the symbol's address.
    let target: Int
    /// A.
    let addend: Int64
    /// Index into the bytes that are changed.
    private(set) var offset: Int
    /// P: the address of that place.
    private(set) var address: Int
    /// Index of the section's first byte, and of the first one after it.
    private(set) var start = 0
    private(set) var end: Int

    init(type: UInt32, target: Int, addend: Int64, offset: Int, address: Int, end: Int) {
        self.type = type
        self.target = target
        self.addend = addend
        self.offset = offset
        self.address = address
        self.end = end
    }

    mutating func place(_ offset: Int, in section: Range<Int>, address: Int) {
        start = section.lowerBound
        end = section.upperBound
        self.offset = start + offset
        self.address = address + self.offset
    }

    /// S + A.
    var value: Int64 { Int64(target) &+ addend }

    /// S + A - P.
    var distance: Int64 { value &- Int64(address) }

    func apply(to bytes: inout [UInt8], _ architecture: NativeArchitecture) throws(RelocationProblem) {
        switch architecture {
        case .x86_64: try applyX86(to: &bytes)
        case .arm64: try applyARM(to: &bytes)
        }
    }

    /// In sections that are only read, such as debug information, addresses become text offsets.
    func applyOutsideImage(to bytes: inout [UInt8], _ architecture: NativeArchitecture) throws(RelocationProblem) {
        switch (architecture, type) {
        case (.x86_64, X86.absolute64), (.arm64, ARM.absolute64):
            try write(UInt64(bitPattern: value), to: &bytes)
        case (.x86_64, X86.absolute32), (.x86_64, X86.absolute32Signed), (.arm64, ARM.absolute32):
            guard let number = UInt32(exactly: value) else { throw .outOfRange(value, bits: 32) }
            try write(number, to: &bytes)
        default: try apply(to: &bytes, architecture)
        }
    }

    func write<Number: FixedWidthInteger>(_ number: Number, to bytes: inout [UInt8]) throws(RelocationProblem) {
        let count = Number.bitWidth / 8
        guard count <= end - offset else { throw .beyondSection }
        for index in 0..<count { bytes[offset + index] = UInt8(truncatingIfNeeded: number >> Number(8 * index)) }
    }

    func writeDistance32(_ distance: Int64, to bytes: inout [UInt8]) throws(RelocationProblem) {
        guard let number = Int32(exactly: distance) else { throw .outOfRange(distance, bits: 32) }
        try write(number, to: &bytes)
    }
}
