// SPDX-License-Identifier: Apache-2.0
// Swiftlet: an IPv4 address as a number.

/// An IPv4 address in host byte order.
public struct IPv4Address: Sendable, Hashable, Comparable, CustomStringConvertible, LosslessStringConvertible {
    public var rawValue: UInt32

    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Dotted decimal with exactly four parts and no leading zeros (those mean octal to some).
    public init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                part.utf8.count == 1 || part.utf8.first != 0x30, let byte = UInt8(part)
            else { return nil }
            value = value << 8 | UInt32(byte)
        }
        rawValue = value
    }

    public var description: String {
        "\(rawValue >> 24).\(rawValue >> 16 & 0xFF).\(rawValue >> 8 & 0xFF).\(rawValue & 0xFF)"
    }

    public static func < (left: IPv4Address, right: IPv4Address) -> Bool { left.rawValue < right.rawValue }

    public static let loopback = IPv4Address(rawValue: 0x7F00_0001)
    public static let any = IPv4Address(rawValue: 0)
}

/// A TCP port at an address.
public struct SocketTarget: Sendable, Hashable, CustomStringConvertible {
    public var address: IPv4Address
    public var port: UInt16

    public init(_ address: IPv4Address, _ port: UInt16) {
        self.address = address
        self.port = port
    }

    public var description: String { "\(address):\(port)" }
}
