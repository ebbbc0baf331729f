// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the wall around a workload, in the order in which it is built.

internal import Glibc
public import LaunchProtocol
internal import Linux

/// Confines the calling process, which must have one thread. It fails closed: an error means that the process must end.
///
/// What this user or kernel cannot give, and the workload can run without, comes back as a warning.
public enum Confinement {
    /// Confines everything, the filter last. Afterwards only what `SyscallPolicy` names can be called.
    ///
    /// - Parameter kept: descriptors to keep beside 0–2, the control socket and those of the spec.
    /// - Parameter allowsThreads: whether the module may create threads.
    /// - Returns: what is missing, for the supervisor.
    public static func apply(
        _ spec: LaunchSpec, keeping kept: [Int32] = [], allowsThreads: Bool = false
    ) throws(ConfinementError) -> [String] {
        var warnings: [String] = []
        try closeOthers(spec.descriptors + kept + [LaunchSpec.controlDescriptor])
        let capabilities = Capabilities.effective()
        try Privileges.dropGroups(capabilities)
        let landlock = PathRestriction.version()
        try isolateFiles(spec, capabilities, landlock: landlock, &warnings)
        try Privileges.forbidNewPrivileges()
        if landlock > 0 { try PathRestriction.apply(spec, version: landlock) }
        try Privileges.drop(capabilities, to: spec.identity)
        try Privileges.limitResources(spec.limits)
        try Privileges.becomeUndumpable()
        Privileges.denyWriteExecute()
        if spec.endsWithSupervisor { try Privileges.endWithSupervisor() }
        let hasStreamSockets = (0...2).contains { isSocket($0) }
        try SyscallFilter.load(
            SyscallPolicy(for: spec, hasStreamSockets: hasStreamSockets, hasThreads: allowsThreads))
        return warnings
    }

    /// - Parameter capabilities: those that the process has.
    private static func isolateFiles(
        _ spec: LaunchSpec, _ capabilities: CapabilitySet, landlock: Int32, _ warnings: inout [String]
    ) throws(ConfinementError) {
        if capabilities.contains(.systemAdministration) {
            try FileSystemView.detach(spec.preopens)
        } else if !spec.preopens.isEmpty {
            warnings.append(
                landlock > 0
                    ? "not root: directories are held by Landlock, not by mounts of their own"
                    : "not root and no Landlock: directories are held by the engine alone")
        }
        if capabilities.contains(.changeRoot) {
            try FileSystemView.enterEmptyRoot()
        } else if landlock == 0 {
            warnings.append("not root and no Landlock: the root directory stays visible")
        }
        if landlock == 0 { warnings.append("this kernel has no Landlock: paths and ports are held by fewer walls") }
    }

    /// Closes every descriptor above 2 that is not in `kept`, whatever the supervisor leaked.
    static func closeOthers(_ kept: [Int32]) throws(ConfinementError) {
        var first: UInt32 = 3
        do {
            for descriptor in kept.sorted() where descriptor >= first {
                if descriptor > first { try Descriptors.closeRange(first, UInt32(descriptor) - 1) }
                first = UInt32(descriptor) + 1
            }
            try Descriptors.closeRange(first)
        } catch { throw ConfinementError("descriptors", error) }
    }

    private static func isSocket(_ descriptor: Int32) -> Bool {
        guard let status = try? Descriptors.status(descriptor) else { return false }
        return status.st_mode & S_IFMT == S_IFSOCK
    }

    /// What libseccomp makes of a policy, 8 bytes for each instruction (struct sock_filter): the source of
    /// CSyscallFilters.
    package static func compileFilter(_ policy: SyscallPolicy) throws(ConfinementError) -> [UInt64] {
        try SyscallFilter.compile(policy)
    }

    /// Loads the filter alone; for tests of the policy.
    package static func loadFilter(_ policy: SyscallPolicy) throws(ConfinementError) {
        try Privileges.forbidNewPrivileges()
        try SyscallFilter.load(policy)
    }
}
