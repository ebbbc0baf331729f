// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what a killed supervisor left behind.

public import Linux

/// Finds and removes what is left of an instance's sandboxes after a crash: the cgroup tree is the register.
public struct Leftovers: Sendable, Equatable {
    /// `swiftlet-INSTANCE`, or a part of it: `swiftlet-INSTANCE/podUID`.
    public let cgroup: CGroup

    public init(cgroupPath: String) throws(SystemError) {
        cgroup = CGroup(path: cgroupPath, mounts: try CGroupMounts.detect())
    }

    /// Paths of the groups below, deepest first.
    public func groups() -> [CGroup] { cgroup.descendants() }

    /// Processes in the tree.
    public func processes() -> [Int32] { (groups() + [cgroup]).flatMap { $0.processes() } }

    /// Kills every process in the tree and removes it. Returns how many processes were killed.
    @discardableResult
    public func clean(timeoutMilliseconds: UInt32 = 5000) throws(SystemError) -> Int {
        if cgroup.removeEmpty() { return 0 }
        let found = processes()
        for group in groups() + [cgroup] { group.killAll() }
        try cgroup.remove(timeoutMilliseconds: timeoutMilliseconds)
        return found.count
    }
}
