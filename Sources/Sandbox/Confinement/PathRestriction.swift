// SPDX-License-Identifier: Apache-2.0
// Swiftlet: Landlock (landlock(7)): the kernel refuses every path but those below the granted directories.

internal import CLinux
internal import Glibc
internal import LaunchProtocol
internal import Linux

enum PathRestriction {
    /// LANDLOCK_ACCESS_FS_* of linux/landlock.h by the version that brought them.
    private enum Access {
        static let readFile: UInt64 = 1 << 2
        static let readDirectory: UInt64 = 1 << 3
        static let refer: UInt64 = 1 << 13
        static let truncate: UInt64 = 1 << 14
        /// Execute, make devices, sockets and pipes, device ioctls: for nobody.
        static let never: UInt64 = 1 << 0 | 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 15
        static let readOnly = readFile | readDirectory

        /// Everything that a kernel with this Landlock version can refuse.
        static func handled(version: Int32) -> UInt64 {
            var bits: UInt64 = (1 << 13) - 1
            if version >= 2 { bits |= refer }
            if version >= 3 { bits |= truncate }
            if version >= 5 { bits |= 1 << 15 }
            return bits
        }
    }

    private static let pathBeneath: Int32 = 1

    /// Landlock's version here; 0 without Landlock.
    static func version() -> Int32 { max(0, swl_landlock_create_ruleset(nil, 0, 1)) }

    /// Restricts the calling thread for good. Needs no_new_privs.
    static func apply(_ spec: LaunchSpec, version: Int32) throws(ConfinementError) {
        let handled = Access.handled(version: version)
        var attributes = swl_landlock_ruleset(
            handled_access_fs: handled,
            // Without the grant there is no socket(2) in the filter either; listeners that were handed over work on.
            handled_access_net: version >= 4 && !spec.network.isAllowed ? 0b11 : 0,
            // Abstract sockets and signals: not beyond this sandbox.
            scoped: version >= 6 ? 0b11 : 0)
        // An older kernel refuses a structure with fields that it does not know.
        let size = version >= 6 ? 24 : version >= 4 ? 16 : 8
        let ruleset = swl_landlock_create_ruleset(&attributes, size, 0)
        guard ruleset >= 0 else { throw ConfinementError("landlock ruleset: \(Errno(rawValue: -ruleset))") }
        defer { close(ruleset) }
        for preopen in spec.preopens {
            let access = preopen.isReadOnly ? Access.readOnly : handled & ~Access.never
            var rule = swl_landlock_path(allowed_access: access & handled, parent_descriptor: preopen.descriptor)
            let result = swl_landlock_add_rule(ruleset, pathBeneath, &rule)
            guard result == 0 else {
                throw ConfinementError("landlock rule for \(preopen.guestPath): \(Errno(rawValue: -result))")
            }
        }
        let result = swl_landlock_restrict_self(ruleset)
        guard result == 0 else { throw ConfinementError("landlock: \(Errno(rawValue: -result))") }
    }
}
