// SPDX-License-Identifier: Apache-2.0
// Swiftlet: finds damage; keeps nobody out.

/// A 64-bit checksum, made for speed: start-up runs it over all tables.
///
/// Each step is reversible, so a change within one word always changes the result. It is no defence against somebody
/// who wants to deceive; that one is kept away from the files.
package struct Checksum {
    private var lanes: (UInt64, UInt64, UInt64, UInt64) = (
        0x9E37_79B9_7F4A_7C15, 0xC2B2_AE3D_27D4_EB4F, 0x1656_67B1_9E37_79F9, 0x85EB_CA77_C2B2_AE63
    )

    /// Of the bytes, with the eight at `hole` taken as zero.
    package static func of(_ bytes: UnsafeRawBufferPointer, hole: Int? = nil) -> UInt64 {
        var sum = Checksum()
        guard let hole else {
            sum.add(bytes, from: 0, to: bytes.count)
            return sum.finished(byteCount: bytes.count)
        }
        // The hole's block of 32 bytes is added by hand.
        let block = hole & ~31
        sum.add(bytes, from: 0, to: block)
        var copy: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        let blockEnd = min(block + 32, bytes.count)
        withUnsafeMutableBytes(of: &copy) { target in
            for index in block..<blockEnd where index < hole || index >= hole + 8 {
                target[index - block] = bytes[index]
            }
        }
        sum.add(copy)
        sum.add(bytes, from: blockEnd, to: bytes.count)
        return sum.finished(byteCount: bytes.count)
    }

    private mutating func add(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) {
        var offset = start
        while offset + 32 <= end {
            add(
                (
                    bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self),
                    bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self),
                    bytes.loadUnaligned(fromByteOffset: offset + 16, as: UInt64.self),
                    bytes.loadUnaligned(fromByteOffset: offset + 24, as: UInt64.self)
                ))
            offset += 32
        }
        guard offset < end else { return }
        var rest: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &rest) { target in
            for index in offset..<end { target[index - offset] = bytes[index] }
        }
        add(rest)
    }

    @inline(__always)
    private mutating func add(_ words: (UInt64, UInt64, UInt64, UInt64)) {
        lanes.0 = Self.mixed(lanes.0, words.0)
        lanes.1 = Self.mixed(lanes.1, words.1)
        lanes.2 = Self.mixed(lanes.2, words.2)
        lanes.3 = Self.mixed(lanes.3, words.3)
    }

    @inline(__always)
    private static func mixed(_ lane: UInt64, _ word: UInt64) -> UInt64 {
        let product = (lane ^ word) &* 0x9FB2_1C65_1E98_DF25
        return product ^ (product >> 29)
    }

    private func finished(byteCount: Int) -> UInt64 {
        var result = Self.mixed(lanes.0, UInt64(byteCount))
        result = Self.mixed(result, lanes.1)
        result = Self.mixed(result, lanes.2)
        return Self.mixed(result, lanes.3)
    }
}
