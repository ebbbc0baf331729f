// SPDX-License-Identifier: Apache-2.0
// Swiftlet: capabilities(7).

internal import CLinux

/// Some capabilities, one bit for each.
public struct CapabilitySet: OptionSet, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static let setGroupIdentity = CapabilitySet(rawValue: 1 << 6)
    public static let setUserIdentity = CapabilitySet(rawValue: 1 << 7)
    public static let setCapabilities = CapabilitySet(rawValue: 1 << 8)
    public static let changeRoot = CapabilitySet(rawValue: 1 << 18)
    public static let systemAdministration = CapabilitySet(rawValue: 1 << 21)
}

/// Capabilities of the calling thread.
public enum Capabilities {
    /// Whether the capability is in the effective set.
    public static func has(_ capability: CapabilitySet) -> Bool { effective().contains(capability) }

    /// The effective set; empty where it cannot be read.
    public static func effective() -> CapabilitySet {
        var set: UInt64 = 0
        return swl_capget_effective(&set) == 0 ? CapabilitySet(rawValue: set) : []
    }
}
