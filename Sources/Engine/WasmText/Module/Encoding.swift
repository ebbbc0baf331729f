// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the binary format's numbers, names and vectors, written.

extension [UInt8] {
    /// LEB128 (core specification §5.2.2).
    @inline(__always)
    mutating func appendUnsigned(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }

    @inline(__always)
    mutating func appendIndex(_ value: UInt32) { appendUnsigned(UInt64(value)) }

    mutating func appendSigned(_ value: Int64) {
        var rest = value
        while rest >= 0x40 || rest < -0x40 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest) & 0x7F)
    }

    /// The low bytes, least significant first.
    mutating func appendLittleEndian(_ value: UInt64, byteCount: Int) {
        for index in 0..<byteCount { append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index))) }
    }

    mutating func appendName(_ name: String) {
        appendUnsigned(UInt64(name.utf8.count))
        append(contentsOf: name.utf8)
    }

    mutating func appendSized(_ bytes: [UInt8]) {
        appendUnsigned(UInt64(bytes.count))
        append(contentsOf: bytes)
    }

    /// An opcode as ``Wasm/Opcode`` numbers it.
    @inline(__always)
    mutating func appendOpcode(_ code: UInt16) {
        if code < 0x100 {
            append(UInt8(truncatingIfNeeded: code))
            return
        }
        let (prefix, base): (UInt8, UInt16) =
            switch code {
            case ..<0x200: (0xFC, 0x100)
            case ..<0x400: (0xFD, 0x200)
            case ..<0x500: (0xFE, 0x400)
            default: (0xFB, 0x500)
            }
        append(prefix)
        appendIndex(UInt32(code - base))
    }
}

/// The contents of a section that is a vector.
struct SectionBuffer {
    var count: UInt32 = 0
    var bytes: [UInt8] = []
}
