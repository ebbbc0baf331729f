// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what of the wall the supervisor builds, with the rights of its user.

internal import Glibc
package import LaunchProtocol
package import Linux

/// Namespaces and cgroup of a sandbox: all that this user may have, and a word about the rest.
package enum Isolation {
    /// Without root, the other namespaces belong to a user namespace of the sandbox's own, in which it is root until it
    /// gives that up. The mount namespace is what lets it make mounts of its granted directories then.
    static var namespaces: Namespaces {
        if Capabilities.has(.systemAdministration) { return [.process, .ipc, .uts] }
        // Root without the capability wants to become other users, whom a user namespace would not know.
        return geteuid() == 0 ? [] : [.user, .mount, .process, .ipc, .uts]
    }

    /// Whether the kernel or its administrator refuses user namespaces; anything else is a real failure.
    static func canDoWithout(_ namespaces: Namespaces, _ error: SystemError) -> Bool {
        guard namespaces.contains(.user), error.call == "clone" || error.call == "user namespace" else { return false }
        let refusals: [Int32] = [EPERM, EACCES, ENOSPC, EUSERS, EINVAL, ENOSYS, EROFS]
        return refusals.contains(error.errno.rawValue)
    }

    static func warning(withoutNamespaces error: SystemError) -> String {
        "not root, and no user namespace (\(error.call): \(error.errno)): process numbers, IPC and mounts are shared "
            + "with the user's other processes"
    }

    /// Makes the cgroup with its limits. Where this user may not, the engine and the process hold what they can: `spec`
    /// then has the limits, and the text says what nobody holds.
    static func makeCGroup(
        _ request: LaunchRequest, _ spec: inout LaunchSpec
    ) throws(WorkloadError) -> (CGroup?, warnings: [String]) {
        guard let path = request.cgroupPath else {
            if request.limits.isEmpty { return (nil, []) }
            throw WorkloadError("resource limits need a cgroup")
        }
        do {
            let cgroup = CGroup(path: path, mounts: try CGroupMounts.detect())
            var limits = request.limits
            let lost = geteuid() == 0 ? nil : dropUndelegated(&limits, cgroup.mounts)
            try cgroup.create(limits, inAll: request.accountsAll)
            return (cgroup, lost.map { [$0] } ?? [])
        } catch {
            guard geteuid() != 0, isRefusal(error) else { throw WorkloadError("cgroup \(path)", error) }
            return (nil, hold(request.limits, without: error, in: &spec))
        }
    }

    /// A user's part of the hierarchy may lack controllers.
    package static func dropUndelegated(_ limits: inout ResourceLimits, _ mounts: CGroupMounts) -> String? {
        guard mounts.isUnified else { return nil }
        if !mounts.has("pids") { limits.processes = nil }
        guard !mounts.has("cpu") else { return nil }
        limits.cpuShares = nil
        guard let quota = limits.cpuQuotaMicroseconds else { return nil }
        limits.cpuQuotaMicroseconds = nil
        return "the cpu controller is not delegated to this user: not held: "
            + cpu(quota, limits.cpuPeriodMicroseconds)
    }

    private static func cpu(_ quota: UInt64, _ period: UInt64) -> String { "CPU (\(quota) µs of \(period) µs)" }

    /// No right to make groups, no hierarchy at all, or none with the controller.
    private static func isRefusal(_ error: SystemError) -> Bool {
        [EACCES, EPERM, EROFS, ENODEV, ENOENT, EBUSY].contains(error.errno.rawValue)
    }

    /// Puts the limits that work without a cgroup into the spec. An exec has none of its own, and nothing to tell.
    package static func hold(
        _ limits: ResourceLimits, without error: SystemError, in spec: inout LaunchSpec
    ) -> [String] {
        var parts: [String] = []
        if let bytes = limits.memoryBytes {
            spec.limits.memoryBytes = min(spec.limits.memoryBytes, bytes)
            parts.append("memory is held by the engine and an rlimit (memory.grow fails, nothing is OOMKilled)")
        }
        // Not worth a word: without any cgroup all weights are equal, and a sandbox can start no process at all.
        if let quota = limits.cpuQuotaMicroseconds {
            parts.append("not held: " + cpu(quota, limits.cpuPeriodMicroseconds))
        }
        return parts.isEmpty ? [] : ["no cgroup (\(error)): " + parts.joined(separator: "; ")]
    }
}
