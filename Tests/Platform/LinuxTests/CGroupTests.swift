// SPDX-License-Identifier: Apache-2.0
// Swiftlet: cgroups, read from samples and made in the real kernel.

import Glibc
import Testing

import Linux

@Suite struct `Cgroup mounts` {
    @Test func `are found per controller in version 1`() {
        let text = """
            30 25 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - tmpfs tmpfs ro
            31 30 0:27 / /sys/fs/cgroup/memory rw,relatime shared:10 - cgroup cgroup rw,memory
            32 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
            33 30 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate
            """
        let mounts = CGroupMounts(mountInfo: text) { _ in ["hugetlb"] }
        #expect(mounts.controllers["memory"] == "/sys/fs/cgroup/memory")
        #expect(mounts.controllers["cpu"] == "/sys/fs/cgroup/cpu,cpuacct")
        #expect(!mounts.isUnified && mounts.has("cpuacct") && !mounts.has("pids"))
    }

    @Test func `are one in version 2`() {
        let text = "29 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime - cgroup2 cgroup2 rw\n"
        let mounts = CGroupMounts(mountInfo: text) { path in
            path == "/sys/fs/cgroup/cgroup.controllers" ? ["cpu", "memory", "pids"] : []
        }
        #expect(mounts.isUnified && mounts.has("memory") && !mounts.has("cpuacct"))
    }

    @Test func `shares become weights at the ends of both scales`() {
        #expect(ResourceLimits(cpuShares: 2).cpuWeight == 1)
        #expect(ResourceLimits(cpuShares: 262_144).cpuWeight == 10_000)
        #expect(ResourceLimits(cpuShares: 1024).cpuWeight == 39)
        #expect(ResourceLimits(cpuShares: 0).cpuWeight == 1)
    }
}

/// A group of its own for a test, when the machine lets us make one.
private func testGroup(_ name: String) throws -> CGroup? {
    let mounts = try CGroupMounts.detect()
    guard geteuid() == 0, mounts.has("memory"), mounts.has("pids") else { return nil }
    return CGroup(path: "swiftlet-test-\(getpid())/\(name)", mounts: mounts)
}

@Suite(.serialized) struct `A cgroup` {
    @Test func `kills what passes its memory limit, and counts it`() throws {
        guard let group = try testGroup("memory") else { return }
        try group.create(ResourceLimits(memoryBytes: 24 << 20, cpuQuotaMicroseconds: 90_000, processes: 8))
        defer { try? CGroup(path: "swiftlet-test-\(getpid())", mounts: group.mounts).remove() }
        #expect(group.outOfMemoryKills() == 0)
        let gate = try DescriptorPair.pipe()
        let child = try ChildProcess.spawn(
            SpawnRequest(
                path: "/bin/sh", arguments: ["sh", "-c", "read x; exec tail /dev/zero"],
                descriptors: [.init(gate.first.rawValue, as: 0)]))
        try group.add(child.processIdentifier)
        #expect(group.processes() == [child.processIdentifier])
        try Descriptors.writeAll(gate.second.rawValue, "go\n")
        #expect(try child.wait().cause == .signaled(signal: SIGKILL))
        #expect(group.outOfMemoryKills() == 1)
        try group.remove()
        #expect(group.memoryBytes() == nil)
    }

    @Test func `is entered before the program begins, in every hierarchy`() throws {
        guard let group = try testGroup("entered") else { return }
        let top = CGroup(path: "swiftlet-test-\(getpid())", mounts: group.mounts)
        try group.create(ResourceLimits(memoryBytes: 24 << 20, processes: 8), inAll: true)
        defer { try? top.remove() }
        let lines = try membership(through: try group.entrance()).split(separator: "\n")
        for controller in group.mounts.isUnified ? [""] : ["memory", "cpu", "cpuacct", "pids", "freezer"] {
            let line = lines.first {
                $0.split(separator: ":", omittingEmptySubsequences: false)[1].split(
                    separator: ",", omittingEmptySubsequences: false
                ).contains { $0 == controller }
            }
            #expect(line?.hasSuffix(":/\(group.path)") == true, "\(controller): \(lines)")
        }
        #expect(group.removeEmpty() && !top.descendants().contains(group))
    }

    @Test(arguments: [Namespaces(), .process])
    func `a process is born in a group of version 2`(namespaces: Namespaces) throws {
        let mounts = try CGroupMounts.detect()
        guard geteuid() == 0, let unified = mounts.unified else { return }
        let name = "swiftlet-test-born-\(getpid())"
        try Files.makeDirectory("\(unified)/\(name)")
        defer { rmdir("\(unified)/\(name)") }
        let door = try Files.open("\(unified)/\(name)", O_RDONLY | O_DIRECTORY)
        let text = try membership(through: CGroupEntrance(unified: door.release()), namespaces)
        #expect(text.contains("0::/\(name)\n"), "\(text)")
    }

    @Test func `one that cannot be entered is the failure of the start`() throws {
        var request = SpawnRequest(path: "/bin/true", arguments: ["true"])
        request.cgroup = CGroupEntrance(tasks: [try Files.open("/dev/full", O_WRONLY).release()])
        #expect(throws: SystemError(call: "cgroup", path: "/bin/true", errno: Errno(rawValue: ENOSPC))) {
            let child = try ChildProcess.spawn(request)
            _ = try child.wait()
        }
    }

    /// /proc/self/cgroup of a program that is started through the door.
    private func membership(through entrance: CGroupEntrance, _ namespaces: Namespaces = []) throws -> String {
        let output = try Files.memory(name: "membership")
        var request = SpawnRequest(
            path: "/bin/cat", arguments: ["cat", "/proc/self/cgroup"], descriptors: [.init(output.rawValue, as: 1)])
        request.cgroup = entrance
        request.namespaces = namespaces
        let child = try ChildProcess.spawn(request)
        #expect(try child.wait().cause == .exited(code: 0))
        lseek(output.rawValue, 0, SEEK_SET)
        return String(decoding: try Files.read(output.rawValue, limit: 1 << 16), as: UTF8.self)
    }

    @Test func `freezes, thaws, and is removed with those below`() throws {
        guard let group = try testGroup("pod/container") else { return }
        let top = CGroup(path: "swiftlet-test-\(getpid())", mounts: group.mounts)
        try group.create(ResourceLimits())
        defer { try? top.remove() }
        let child = try ChildProcess.spawn(SpawnRequest(path: "/bin/sleep", arguments: ["sleep", "50"]))
        try group.add(child.processIdentifier)
        #expect(top.descendants().map(\.path) == ["\(top.path)/pod/container", "\(top.path)/pod"])
        try group.setFrozen(true)
        try child.kill(SIGKILL)
        try group.setFrozen(false)
        #expect(try child.wait().cause == .signaled(signal: SIGKILL))
        try top.remove()
        #expect(top.descendants().isEmpty)
    }
}

@Suite struct `A delegated part of version 2` {
    private func mounts(_ membership: String, manageable: Set<String>) -> CGroupMounts {
        let text = "29 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime - cgroup2 cgroup2 rw\n"
        let read: (String) -> [String] = { path in
            path == "/sys/fs/cgroup/cgroup.controllers" ? ["cpu", "memory", "pids"] : ["memory", "pids"]
        }
        var mounts = CGroupMounts(mountInfo: text, readWords: read)
        mounts.enterDelegation(membership: membership, readWords: read) { manageable.contains($0) }
        return mounts
    }

    @Test func `is the topmost group that the user may manage`() {
        let user = "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service"
        let found = mounts(
            "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope\n",
            manageable: [user, "\(user)/app.slice", "\(user)/app.slice/run-1.scope"])
        #expect(found.unified == user)
        #expect(found.has("memory") && !found.has("cpu"))
    }

    @Test(arguments: [
        "0::/user.slice/user-1000.slice/session-3.scope\n", "0::/\n", "1:name=systemd:/init.scope\n", "",
    ])
    func `is nothing where nothing was delegated`(_ membership: String) {
        let found = mounts(membership, manageable: ["/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service"])
        #expect(found.unified == "/sys/fs/cgroup" && found.has("cpu"))
    }
}
