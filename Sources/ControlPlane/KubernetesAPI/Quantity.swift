// SPDX-License-Identifier: Apache-2.0
// Swiftlet: exact resource amounts such as 250m, 128Mi or 1e3.

/// An exact decimal amount with upstream's suffixes (apimachinery resource.Quantity).
///
/// The value is held in billionths, the finest step upstream knows. Finer fractions are rounded away from zero and
/// amounts beyond ±(2^63 - 1) are capped, both as upstream does. Two quantities are equal when their values are.
public struct Quantity: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The family of suffixes that the canonical text uses.
    public enum Format: Sendable {
        /// Ki, Mi, Gi, …
        case binarySI
        /// n, u, m, k, M, G, …
        case decimalSI
        /// e3, e6, …
        case decimalExponent
    }

    /// The amount in billionths.
    public let nanos: Int128
    public let format: Format

    // LIMIT: the largest amount, 2^63 - 1 units.
    private static let nanosMax = Int128(Int64.max) * 1_000_000_000

    init(cappingNanos nanos: Int128, format: Format) {
        self.nanos = min(max(nanos, -Self.nanosMax), Self.nanosMax)
        self.format = format
    }

    /// A whole amount.
    public init(_ units: Int64, format: Format = .decimalSI) {
        self.init(cappingNanos: Int128(units) * 1_000_000_000, format: format)
    }

    /// An amount of bytes, printed with binary suffixes.
    public init(bytes: Int64) {
        self.init(bytes, format: .binarySI)
    }

    /// An amount in thousandths, for example millicores.
    public init(milli: Int64) {
        self.init(cappingNanos: Int128(milli) * 1_000_000, format: .decimalSI)
    }

    public static let zero = Quantity(0)

    /// Whole units, rounded away from zero; the capped range always fits.
    public var value: Int64 { Int64(clamping: Self.roundedUp(nanos, per: 1_000_000_000)) }

    /// Thousandths, rounded away from zero and clamped to 64 bits.
    public var milliValue: Int64 { Int64(clamping: Self.roundedUp(nanos, per: 1_000_000)) }

    /// True when the amount has no fraction.
    public var isWhole: Bool { nanos % 1_000_000_000 == 0 }

    public static func == (left: Quantity, right: Quantity) -> Bool { left.nanos == right.nanos }
    public static func < (left: Quantity, right: Quantity) -> Bool { left.nanos < right.nanos }

    public static func + (left: Quantity, right: Quantity) -> Quantity {
        Quantity(cappingNanos: left.nanos + right.nanos, format: left.format)
    }

    public static func - (left: Quantity, right: Quantity) -> Quantity {
        Quantity(cappingNanos: left.nanos - right.nanos, format: left.format)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(nanos)
    }

    private static func roundedUp(_ nanos: Int128, per unit: Int128) -> Int128 {
        let (quotient, remainder) = nanos.quotientAndRemainder(dividingBy: unit)
        return remainder == 0 ? quotient : quotient + (nanos < 0 ? -1 : 1)
    }

    // MARK: - Canonical text

    /// The canonical text: no fraction, the largest suffix that keeps the number whole.
    public var description: String {
        guard nanos != 0 else { return "0" }
        switch format {
        case .binarySI:
            // Below 1024 units, and for fractions, binary suffixes would lose precision.
            let units = nanos / 1_000_000_000
            guard isWhole, units <= -1024 || units >= 1024 else { return decimalText(exponential: false) }
            return Self.binaryText(units)
        case .decimalSI: return decimalText(exponential: false)
        case .decimalExponent: return decimalText(exponential: true)
        }
    }

    private static func binaryText(_ units: Int128) -> String {
        var number = units
        var step = 0
        while step < binarySuffixes.count - 1, number % 1024 == 0 {
            number /= 1024
            step += 1
        }
        return "\(number)\(binarySuffixes[step])"
    }

    private func decimalText(exponential: Bool) -> String {
        var number = nanos
        var exponent = -9
        while exponent < 18, number % 1000 == 0 {
            number /= 1000
            exponent += 3
        }
        if exponential { return exponent == 0 ? "\(number)" : "\(number)e\(exponent)" }
        return "\(number)\(Self.decimalSuffixes[(exponent + 9) / 3])"
    }

    private static let binarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
    private static let decimalSuffixes = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"]
}

// MARK: - Parsing

/// Why a text is not a quantity.
public struct QuantityFormatError: Error, Sendable, Equatable, CustomStringConvertible {
    public let text: String

    public init(text: String) {
        self.text = text
    }

    public var description: String {
        "expected a quantity such as 250m, 0.5, 128Mi or 1e3, found \"\(text)\""
    }
}

extension Quantity {
    // LIMIT: significant digits accepted before the suffix; 10^38 fits 128 bits.
    private static let digitsMax = 38

    /// Parses `[+-]digits[.digits][suffix]`.
    public init(parsing text: String) throws(QuantityFormatError) {
        guard let quantity = Self.parse(Array(text.utf8)) else { throw QuantityFormatError(text: text) }
        self = quantity
    }

    /// Parses a quantity; `nil` when `text` is not one.
    public init?(_ text: String) {
        guard let quantity = Self.parse(Array(text.utf8)) else { return nil }
        self = quantity
    }

    private static func parse(_ bytes: [UInt8]) -> Quantity? {
        var index = 0
        var isNegative = false
        if let first = bytes.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
            isNegative = first == UInt8(ascii: "-")
            index = 1
        }
        var mantissa: UInt128 = 0
        var significantDigits = 0
        var fractionDigits = 0
        var hasDigit = false
        var hasPoint = false
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "."), !hasPoint {
                hasPoint = true
            } else if (0x30...0x39).contains(byte) {
                hasDigit = true
                if mantissa != 0 || byte != 0x30 { significantDigits += 1 }
                if hasPoint { fractionDigits += 1 }
                guard significantDigits <= digitsMax, fractionDigits <= digitsMax else { return nil }
                mantissa = mantissa * 10 + UInt128(byte - 0x30)
            } else {
                break
            }
            index += 1
        }
        guard hasDigit, let suffix = Suffix(bytes[index...]) else { return nil }
        let magnitude = nanos(mantissa, fractionDigits: fractionDigits, suffix: suffix)
        return Quantity(cappingNanos: isNegative ? -magnitude : magnitude, format: suffix.format)
    }

    private struct Suffix {
        var format: Format
        /// Power of 10, or of 2 for binary suffixes.
        var exponent: Int

        init?(_ bytes: ArraySlice<UInt8>) {
            let text = String(decoding: bytes, as: UTF8.self)
            if let index = Quantity.decimalSuffixes.firstIndex(of: text) {
                (format, exponent) = (.decimalSI, index * 3 - 9)
            } else if let index = Quantity.binarySuffixes.firstIndex(of: text) {
                (format, exponent) = (.binarySI, index * 10)
            } else {
                guard text.first == "e" || text.first == "E", text.utf8.count <= 6 else { return nil }
                guard let power = Int(text.dropFirst()) else { return nil }
                (format, exponent) = (.decimalExponent, power)
            }
        }
    }

    /// `mantissa` × 10^-fractionDigits × suffix in billionths, rounded up and capped.
    private static func nanos(_ mantissa: UInt128, fractionDigits: Int, suffix: Suffix) -> Int128 {
        guard mantissa != 0 else { return 0 }
        var power = 9 - fractionDigits
        var factor: UInt128 = 1
        if suffix.format == .binarySI { factor <<= UInt128(suffix.exponent) } else { power += suffix.exponent }
        if power > digitsMax { return nanosMax }
        if power < -digitsMax { return 1 }
        var divisor: UInt128 = 1
        for _ in 0..<abs(power) {
            if power > 0 {
                let (product, overflow) = factor.multipliedReportingOverflow(by: 10)
                if overflow { return nanosMax }
                factor = product
            } else {
                divisor *= 10
            }
        }
        let product = mantissa.multipliedFullWidth(by: factor)
        guard product.high < divisor else { return nanosMax }
        let (quotient, remainder) = divisor.dividingFullWidth(product)
        guard quotient < UInt128(nanosMax) else { return nanosMax }
        return Int128(quotient) + (remainder == 0 ? 0 : 1)
    }
}

extension Quantity: Codable {
    /// Accepts text and, as upstream does, a bare JSON number.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text: String
        if let string = try? container.decode(String.self) {
            text = string
        } else if let integer = try? container.decode(Int64.self) {
            text = String(integer)
        } else {
            text = "\(try container.decode(Double.self))"
        }
        guard let quantity = Quantity(text) else {
            let message = QuantityFormatError(text: text).description
            throw DecodingError.dataCorruptedError(in: container, debugDescription: message)
        }
        self = quantity
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
