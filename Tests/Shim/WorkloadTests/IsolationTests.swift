// SPDX-License-Identifier: Apache-2.0
// Swiftlet: limits that have no cgroup.

import Glibc
import LaunchProtocol
import Linux
import Testing

import Workload

@Suite struct `Limits without a cgroup` {
    private let refusal = SystemError(call: "mkdir", path: "/sys/fs/cgroup/x", errno: .permissionDenied)

    @Test func `are held by the engine where it can, and the rest is said`() {
        var spec = LaunchSpec(name: "a", moduleDescriptor: 3)
        let limits = ResourceLimits(
            memoryBytes: 64 << 20, cpuQuotaMicroseconds: 20_000, cpuShares: 102, processes: 256)
        let warnings = Isolation.hold(limits, without: refusal, in: &spec)
        #expect(spec.limits.memoryBytes == 64 << 20)
        #expect(warnings.count == 1)
        #expect(warnings.first?.contains("mkdir /sys/fs/cgroup/x: permission denied (EACCES)") == true)
        #expect(warnings.first?.contains("not held: CPU (20000 µs of 100000 µs)") == true)
    }

    @Test func `never widen what the engine holds already`() {
        var spec = LaunchSpec(name: "a", moduleDescriptor: 3)
        spec.limits.memoryBytes = 1 << 20
        _ = Isolation.hold(ResourceLimits(memoryBytes: 64 << 20), without: refusal, in: &spec)
        #expect(spec.limits.memoryBytes == 1 << 20)
    }

    @Test func `say nothing when nothing is missing`() {
        var spec = LaunchSpec(name: "a", moduleDescriptor: 3)
        let limits = ResourceLimits(cpuShares: 2, processes: 256)
        #expect(Isolation.hold(limits, without: refusal, in: &spec).isEmpty)
        #expect(spec.limits == GuestLimits())
    }

    @Test func `that a delegated group cannot hold are dropped, CPU with a word`() {
        let mounts = CGroupMounts(mountInfo: "29 23 0:26 / /c rw - cgroup2 cgroup2 rw\n") { _ in ["memory"] }
        var limits = ResourceLimits(
            memoryBytes: 1, cpuQuotaMicroseconds: 20_000, cpuShares: 102, processes: 256)
        let word = Isolation.dropUndelegated(&limits, mounts)
        #expect(limits == ResourceLimits(memoryBytes: 1))
        #expect(word?.contains("CPU (20000 µs of 100000 µs)") == true)
        var plain = ResourceLimits(memoryBytes: 1)
        #expect(Isolation.dropUndelegated(&plain, mounts) == nil)
    }
}
