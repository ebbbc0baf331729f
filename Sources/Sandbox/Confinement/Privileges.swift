// SPDX-License-Identifier: Apache-2.0
// Swiftlet: giving up identity, capabilities and resources.

internal import CLinux
internal import Glibc
internal import LaunchProtocol
internal import Linux

enum Privileges {
    private enum Option {
        static let setParentDeathSignal: Int32 = 1
        static let setDumpable: Int32 = 4
        static let dropBoundingCapability: Int32 = 24
        static let setNoNewPrivileges: Int32 = 38
        static let ambientCapabilities: Int32 = 47
        static let setMemoryDenyWriteExecute: Int32 = 65
    }

    /// No exec gives more than there is (prctl(2) PR_SET_NO_NEW_PRIVS).
    static func forbidNewPrivileges() throws(ConfinementError) {
        try control(Option.setNoNewPrivileges, 1, "no_new_privs")
    }

    /// Becomes the workload's user and group, and drops every capability in every set. Groups are dropped before.
    ///
    /// - Parameter capabilities: those that the process has.
    static func drop(_ capabilities: CapabilitySet, to identity: Identity) throws(ConfinementError) {
        if capabilities.contains(.setCapabilities) {
            // The kernel answers EINVAL above its last capability.
            for capability: UInt in 0..<64
            where swl_prctl(Option.dropBoundingCapability, capability, 0, 0, 0) == -EINVAL { break }
        }
        try check(swl_prctl(Option.ambientCapabilities, 4, 0, 0, 0), "ambient capabilities")
        if let group = identity.group, group != getegid() || group != getgid() {
            try check(swl_setresgid(group), "setresgid \(group)")
        }
        if let user = identity.user, user != geteuid() || user != getuid() {
            try check(swl_setresuid(user), "setresuid \(user)")
        }
        try check(swl_capset_none(), "capset")
        guard Capabilities.effective().isEmpty else { throw ConfinementError("capabilities are left after capset") }
    }

    /// Supplementary groups go, unless this is the user namespace of an unprivileged user: nobody may leave a group there,
    /// because one can be the reason for less (user_namespaces(7)). They mean nothing behind an empty root. While /proc
    /// can be seen, so before the root goes.
    static func dropGroups(_ capabilities: CapabilitySet) throws(ConfinementError) {
        guard capabilities.contains(.setGroupIdentity) else { return }
        let result = swl_setgroups_none()
        if result == -EPERM, (try? Files.readText("/proc/self/setgroups", limit: 64)) == "deny\n" { return }
        try check(result, "setgroups")
    }

    /// After a change of identity, which would clear it: the kernel kills us with the supervisor's thread.
    static func endWithSupervisor() throws(ConfinementError) {
        try control(Option.setParentDeathSignal, UInt(SIGKILL), "parent death signal")
    }

    /// No core file, no ptrace by others of the same user, no /proc/self files for them.
    static func becomeUndumpable() throws(ConfinementError) { try control(Option.setDumpable, 0, "non-dumpable") }

    /// Memory that was writable never becomes executable (Linux 6.3). A second lock: the filter allows no executable
    /// memory at all, so that an older kernel lacks nothing.
    static func denyWriteExecute() { _ = swl_prctl(Option.setMemoryDenyWriteExecute, 1, 0, 0, 0) }

    /// Limits that no cgroup holds (setrlimit(2)); never above what we were given.
    static func limitResources(_ limits: GuestLimits) throws(ConfinementError) {
        if let bytes = dataBytesMax(limits) { try limit(2, bytes, "data") }
        try limit(4, 0, "core")
        try limit(6, 0, "nproc")
        // The engine's own few and the guest's.
        try limit(7, UInt64(limits.openFiles) + 32, "nofile")
        try limit(8, 0, "memlock")
        try limit(12, 0, "msgqueue")
    }

    /// RLIMIT_DATA counts writable private memory, so a linear memory's used part, not its reserved one. It stands in for
    /// a cgroup: only a guest whose memory is limited in the spec has one. The engine's own part comes on top, so that
    /// the guest meets its limit first.
    package static func dataBytesMax(_ limits: GuestLimits) -> UInt64? {
        guard limits.memoryBytes < GuestLimits().memoryBytes else { return nil }
        return limits.memoryBytes + (64 << 20)
    }

    private static func limit(_ resource: Int32, _ value: UInt64, _ name: StaticString) throws(ConfinementError) {
        try check(swl_lower_limit(resource, value), "rlimit \(name)")
    }

    private static func control(_ option: Int32, _ value: UInt, _ name: StaticString) throws(ConfinementError) {
        try check(swl_prctl(option, value, 0, 0, 0), "\(name)")
    }

    private static func check(_ result: Int32, _ what: @autoclosure () -> String) throws(ConfinementError) {
        guard result < 0 else { return }
        throw ConfinementError("\(what()): \(Errno(rawValue: -result))")
    }
}
