// SPDX-License-Identifier: Apache-2.0
// Swiftlet: from the spelling of a number to its bits (core specification §6.3.2).

/// What became of a spelling.
enum NumberResult<Value> {
    case value(Value)
    /// Not a number of this kind at all.
    case malformed
    case outOfRange
}

enum Numbers {
    // LIMIT: bytes of one float, which is copied for the C library; exact rounding of doubles needs at most 770 digits.
    static let floatByteCountMaximum = 4096

    private enum Sign { case none, plus, minus }

    private static func sign(_ text: SourceText, _ offset: inout Int) -> Sign {
        switch text[offset] {
        case UInt8(ascii: "+"):
            offset += 1
            return .plus
        case UInt8(ascii: "-"):
            offset += 1
            return .minus
        default: return .none
        }
    }

    private static func skipHexPrefix(_ text: SourceText, _ offset: inout Int, _ end: Int) -> Bool {
        guard offset + 1 < end, text[offset] == UInt8(ascii: "0"), text[offset + 1] | 0x20 == UInt8(ascii: "x") else {
            return false
        }
        offset += 2
        return true
    }

    // MARK: Integers

    /// Digits with underscores between them; too large ones are `outOfRange`.
    private static func magnitude(_ text: SourceText, _ range: Range<Int>) -> NumberResult<UInt64> {
        var offset = range.lowerBound
        let isHex = skipHexPrefix(text, &offset, range.upperBound)
        let radix: UInt64 = isHex ? 16 : 10
        var value: UInt64 = 0
        var isTooLarge = false
        var wantsDigit = true
        while offset < range.upperBound {
            let byte = text[offset]
            offset += 1
            if byte == UInt8(ascii: "_") {
                if wantsDigit { return .malformed }
                wantsDigit = true
                continue
            }
            guard let digit = hexDigit(byte), isHex || digit < 10 else { return .malformed }
            if isHex == false, byte > UInt8(ascii: "9") { return .malformed }
            wantsDigit = false
            let (product, overflow) = value.multipliedReportingOverflow(by: radix)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
            isTooLarge = isTooLarge || overflow || carry
            value = sum
        }
        if wantsDigit { return .malformed }
        return isTooLarge ? .outOfRange : .value(value)
    }

    /// An unsigned integer of `bits` bits; signs are not allowed.
    static func unsigned(_ text: SourceText, _ range: Range<Int>, bits: Int) -> NumberResult<UInt64> {
        let result = magnitude(text, range)
        if case .value(let value) = result, bits < 64, value >> UInt64(bits) != 0 { return .outOfRange }
        return result
    }

    /// An integer that is read as unsigned or, with a sign, as signed; the result is its `bits` low bits.
    static func integer(_ text: SourceText, _ range: Range<Int>, bits: Int) -> NumberResult<UInt64> {
        var offset = range.lowerBound
        let sign = sign(text, &offset)
        guard case .value(let value) = magnitude(text, offset..<range.upperBound) else {
            return magnitude(text, offset..<range.upperBound)
        }
        let mask = bits == 64 ? UInt64.max : (1 << UInt64(bits)) - 1
        let half: UInt64 = 1 << UInt64(bits - 1)
        switch sign {
        case .minus: return value <= half ? .value((0 &- value) & mask) : .outOfRange
        // With a plus the number is still an uninterpreted one: +4294967295 is in range.
        case .plus, .none: return value <= mask ? .value(value) : .outOfRange
        }
    }

    // MARK: Floats

    /// The bits of a float of 32 or 64 bits.
    static func float(_ text: SourceText, _ range: Range<Int>, bits: Int) -> NumberResult<UInt64> {
        var offset = range.lowerBound
        let sign = sign(text, &offset)
        let signBit: UInt64 = sign == .minus ? 1 << UInt64(bits - 1) : 0
        let rest = offset..<range.upperBound
        let fraction: UInt64 = bits == 32 ? 23 : 52
        let infinity: UInt64 = bits == 32 ? 0x7F80_0000 : 0x7FF0_0000_0000_0000
        if text.matches(rest, "inf") { return .value(signBit | infinity) }
        if text.matches(rest, "nan") { return .value(signBit | infinity | 1 << (fraction - 1)) }
        if text.starts(rest, with: "nan:0x") {
            switch magnitude(text, offset + 4..<range.upperBound) {
            case .value(let payload):
                return payload != 0 && payload >> fraction == 0 ? .value(signBit | infinity | payload) : .outOfRange
            case .malformed: return .malformed
            case .outOfRange: return .outOfRange
            }
        }
        guard let spelling = spelling(text, rest) else { return .malformed }
        guard spelling.utf8.count <= floatByteCountMaximum else { return .outOfRange }
        // Both conversions round once, to nearest even, from the exact decimal or hexadecimal value.
        if bits == 32 {
            guard let value = Float(spelling) else { return .malformed }
            return value.isInfinite ? .outOfRange : .value(signBit | UInt64(value.bitPattern))
        }
        guard let value = Double(spelling) else { return .malformed }
        return value.isInfinite ? .outOfRange : .value(signBit | value.bitPattern)
    }

    /// The spelling without underscores and with the parts that may be left out; nil when it is not a float.
    private static func spelling(_ text: SourceText, _ range: Range<Int>) -> String? {
        var offset = range.lowerBound
        let end = range.upperBound
        // One byte more than allowed is enough to see that it is too long.
        if range.count > 2 * floatByteCountMaximum { return String(repeating: "0", count: floatByteCountMaximum + 1) }
        let isHex = skipHexPrefix(text, &offset, end)
        var result: [UInt8] = isHex ? Array("0x".utf8) : []
        guard digits(text, &offset, end, isHex: isHex, to: &result) else { return nil }
        if offset < end, text[offset] == UInt8(ascii: ".") {
            offset += 1
            result.append(UInt8(ascii: "."))
            if offset < end, isDigit(text[offset], isHex: isHex) {
                guard digits(text, &offset, end, isHex: isHex, to: &result) else { return nil }
            } else {
                result.append(UInt8(ascii: "0"))
            }
        }
        let exponentLetter = isHex ? UInt8(ascii: "p") : UInt8(ascii: "e")
        if offset < end, text[offset] | 0x20 == exponentLetter {
            offset += 1
            result.append(exponentLetter)
            if text[offset] == UInt8(ascii: "-") { result.append(UInt8(ascii: "-")) }
            _ = sign(text, &offset)
            guard digits(text, &offset, end, isHex: false, to: &result) else { return nil }
        } else if isHex {
            result += Array("p0".utf8)
        }
        return offset == end ? String(decoding: result, as: UTF8.self) : nil
    }

    private static func isDigit(_ byte: UInt8, isHex: Bool) -> Bool {
        isHex ? hexDigit(byte) != nil : byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }

    /// Appends digits, at least one, without the underscores between them.
    private static func digits(
        _ text: SourceText, _ offset: inout Int, _ end: Int, isHex: Bool, to result: inout [UInt8]
    ) -> Bool {
        var wantsDigit = true
        while offset < end {
            let byte = text[offset]
            if isDigit(byte, isHex: isHex) {
                result.append(byte)
                wantsDigit = false
            } else if byte == UInt8(ascii: "_"), !wantsDigit {
                wantsDigit = true
            } else {
                break
            }
            offset += 1
        }
        return !wantsDigit
    }
}
