// SPDX-License-Identifier: Apache-2.0
// Swiftlet: capabilities(7).

internal import CLinux

/// Capabilities of the calling thread.
public enum Capabilities {
    public enum Capability: UInt64, Sendable {
        case setGroupIdentity = 6
        case setUserIdentity = 7
        case setCapabilities = 8
        case changeRoot = 18
        case systemAdministration = 21
    }

    /// Whether the capability is in the effective set.
    public static func has(_ capability: Capability) -> Bool { effective() & (1 << capability.rawValue) != 0 }

    /// The effective set, one bit for each.
    public static func effective() -> UInt64 {
        var set: UInt64 = 0
        return swl_capget_effective(&set) == 0 ? set : 0
    }
}
