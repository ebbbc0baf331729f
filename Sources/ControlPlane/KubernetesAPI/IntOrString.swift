// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a field that is a number or a string.

/// A number, or a string such as a port name or a percentage (util/intstr).
public enum IntOrString: Codable, Sendable, Hashable, CustomStringConvertible, ExpressibleByIntegerLiteral,
    ExpressibleByStringLiteral
{
    case int(Int32)
    case string(String)

    public init(integerLiteral value: Int32) { self = .int(value) }
    public init(stringLiteral value: String) { self = .string(value) }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int32.self) {
            self = .int(number)
        } else {
            self = .string(try container.decode(String.self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .int(let number): try container.encode(number)
        case .string(let text): try container.encode(text)
        }
    }

    public var description: String {
        switch self {
        case .int(let number): String(number)
        case .string(let text): text
        }
    }

    /// The percentage of a string such as `25%`; `nil` for anything else.
    public var percentage: Int? {
        guard case .string(let text) = self, text.last == "%" else { return nil }
        let digits = text.dropLast()
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(digits)
    }

    /// The number itself, or the percentage of `total`, rounded up or down; `nil` for a string that is no percentage.
    public func scaled(to total: Int, roundingUp: Bool) -> Int? {
        if case .int(let number) = self { return Int(number) }
        guard let percentage, percentage <= 1_000_000, (0...Int(Int32.max)).contains(total) else { return nil }
        let product = percentage * total
        return roundingUp ? (product + 99) / 100 : product / 100
    }
}
