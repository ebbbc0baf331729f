// SPDX-License-Identifier: Apache-2.0
// Swiftlet: which instruction of the module a place in the text comes from, in two or three bytes each.

/// The positions of one range: pairs of an unsigned text offset and a signed module offset in LEB128, each the
/// difference to the pair before; the first one to the range's start and to zero.
enum PositionCoding {
    static func encode(_ positions: ArraySlice<NativePosition>, start: UInt32, into bytes: inout [UInt8]) {
        var text = start
        var module = Int64(0)
        for position in positions {
            var delta = position.textOffset - text
            repeat {
                let low = UInt8(delta & 0x7F)
                delta >>= 7
                bytes.append(delta == 0 ? low : low | 0x80)
            } while delta != 0
            appendSigned(Int64(position.moduleOffset) - module, to: &bytes)
            text = position.textOffset
            module = Int64(position.moduleOffset)
        }
    }

    private static func appendSigned(_ value: Int64, to bytes: inout [UInt8]) {
        var rest = value
        while true {
            let low = UInt8(rest & 0x7F)
            rest >>= 7
            if rest == (low & 0x40 == 0 ? 0 : -1) {
                bytes.append(low)
                return
            }
            bytes.append(low | 0x80)
        }
    }

    /// The module offset of the last position at or before `textOffset`; nil where there is none.
    ///
    /// The bytes are not under the checksum that loading looks at: any bytes give an answer or none.
    static func moduleOffset(
        of textOffset: UInt32, in bytes: UnsafeRawBufferPointer, start: UInt32
    ) -> UInt32? {
        var reader = Reader(bytes: bytes)
        var text = Int64(start)
        var module = Int64(0)
        var found: UInt32?
        while let textDelta = reader.next(), let moduleDelta = reader.next() {
            text += textDelta.unsigned
            guard text <= Int64(textOffset) else { break }
            module += moduleDelta.signed
            guard let offset = UInt32(exactly: module) else { return nil }
            found = offset
        }
        return found
    }

    private struct Reader {
        let bytes: UnsafeRawBufferPointer
        var offset = 0

        /// The next number, read both ways; nil at the end and for more than five bytes.
        mutating func next() -> (unsigned: Int64, signed: Int64)? {
            var value = Int64(0)
            var shift = Int64(0)
            while offset < bytes.count && shift < 35 {
                let byte = bytes[offset]
                offset += 1
                value |= Int64(byte & 0x7F) << shift
                shift += 7
                guard byte & 0x80 == 0 else { continue }
                return (value, byte & 0x40 == 0 ? value : value - (1 << shift))
            }
            return nil
        }
    }
}
