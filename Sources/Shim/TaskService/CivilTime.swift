// SPDX-License-Identifier: Apache-2.0
// Swiftlet: points in time as RFC 3339 has them.

/// A point in time, for people and for other programs.
public struct CivilTime: Sendable, Equatable {
    public var nanosecondsSince1970: UInt64

    public init(nanosecondsSince1970: UInt64) { self.nanosecondsSince1970 = nanosecondsSince1970 }

    /// `2026-11-22T12:43:53.000000007Z`: always nine digits, so that lines line up and sort.
    public var rfc3339Nano: String { String(decoding: bytes(hasFraction: true), as: UTF8.self) }

    /// `2026-11-22T12:43:53Z`.
    public var rfc3339: String { String(decoding: bytes(hasFraction: false), as: UTF8.self) }

    /// Thirty bytes with the fraction. By hand: this runs for every line of every log.
    func bytes(hasFraction: Bool) -> [UInt8] {
        let seconds = Int(nanosecondsSince1970 / 1_000_000_000)
        let (days, second) = seconds.quotientAndRemainder(dividingBy: 86_400)
        let (year, month, day) = Self.date(daysSince1970: days)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(30)
        Self.append(year, digits: 4, to: &bytes)
        for (separator, value) in [("-", month), ("-", day), ("T", second / 3600), (":", second / 60 % 60)]
            as [(Unicode.Scalar, Int)]
        {
            bytes.append(UInt8(ascii: separator))
            Self.append(value, digits: 2, to: &bytes)
        }
        bytes.append(UInt8(ascii: ":"))
        Self.append(second % 60, digits: 2, to: &bytes)
        if hasFraction {
            bytes.append(UInt8(ascii: "."))
            Self.append(Int(nanosecondsSince1970 % 1_000_000_000), digits: 9, to: &bytes)
        }
        bytes.append(UInt8(ascii: "Z"))
        return bytes
    }

    private static func append(_ value: Int, digits: Int, to bytes: inout [UInt8]) {
        var divisor = 1
        for _ in 1..<digits { divisor *= 10 }
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
            divisor /= 10
        }
    }

    /// The Gregorian date. Years are counted from March, so that the leap day is the last of its year; 400 years have
    /// 146097 days.
    private static func date(daysSince1970: Int) -> (year: Int, month: Int, day: Int) {
        let days = daysSince1970 + 719_468
        let (era, dayOfEra) = days.quotientAndRemainder(dividingBy: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }
}
