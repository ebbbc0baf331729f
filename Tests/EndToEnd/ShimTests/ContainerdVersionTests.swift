// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the shim under each version of containerd, as the mock follows it.
import Glibc
import MockContainerd
import OCI
import TTRPC
import TaskAPI
import TestSupport
import Testing

@Suite(.serialized, .enabled(if: Pod.isBuilt, "needs root, the built shim and sandbox, and hack/build-guests.sh"))
struct `containerd's versions` {
    /// A daemon with its folder; both go away with the value.
    private final class Setting {
        let daemon: MockContainerd
        let path = "/tmp/swl-mock-\(getpid())-\(UInt32.random(in: 0 ... .max))"

        init(_ version: ContainerdVersion) throws {
            daemon = try MockContainerd(version, path: path, shim: Pod.shim)
        }

        deinit {
            daemon.stop()
            // Version 1 and version 2 of cgroups.
            rmdir("/sys/fs/cgroup/pids/swiftlet-mock-\(getpid())")
            rmdir("/sys/fs/cgroup/swiftlet-mock-\(getpid())")
            removeTree(path)
        }

        func task(
            _ id: String, _ guest: String, _ arguments: [String] = [], group: String? = nil, streams: [String]? = nil,
            hasTerminal: Bool = false
        ) throws -> MockTask {
            var annotations = SandboxAnnotations()
            annotations.module = BuiltProducts.guest(guest)
            var spec = RuntimeSpec(
                process: ProcessSpec(args: [guest] + arguments),
                root: RootSpec(path: "\(BuiltProducts.packageRoot)/.build/guests", isReadOnly: true),
                annotations: annotations.annotations,
                linux: LinuxSpec(cgroupsPath: "/swiftlet-mock-\(getpid())/\(id)"))
            if let group { spec.annotations["io.kubernetes.cri.sandbox-id"] = group }
            return try MockTask(
                daemon, id, config: spec.json.bytes, streams: streams ?? ["", "", ""], hasTerminal: hasTerminal)
        }

        /// Names of shims and sandboxes of this daemon's tasks that run, and what is left of their bundles.
        func leftovers() -> [String] {
            names(in: "\(path)/io.containerd.runtime.v2.task/default") + names(in: "\(path)/s")
        }
    }

    @Test(arguments: ContainerdVersion.allCases)
    func `a task goes from created to deleted, and its events come in order`(version: ContainerdVersion) throws {
        let setting = try Setting(version)
        let task = try setting.task("life", "exit-code", ["3"])
        #expect(try task.status() == .created)
        #expect(try task.run() == 3)
        #expect(try task.delete().exitStatus == 3)
        #expect(isTrue(within: 5) { setting.daemon.topics(about: "life").last == "delete" })
        #expect(setting.daemon.topics(about: "life") == ["create", "start", "exit", "delete"])
        #expect(setting.leftovers().isEmpty, "\(setting.leftovers())")
        // Once more is fine: containerd may not know that it has been.
        #expect(try setting.daemon.cleanUp("life").exitStatus == 137)
    }

    @Test(arguments: ContainerdVersion.allCases)
    func `a task is found again by a daemon that comes back, and an end meanwhile is told`(
        version: ContainerdVersion
    ) throws {
        let setting = try Setting(version)
        let task = try setting.task("back", "ignore-stop")
        try task.start()
        setting.daemon.stop()
        try task.kill(SIGKILL)
        #expect(try task.wait() == 137)
        try setting.daemon.start()
        #expect(try task.reload() == task.pid)
        #expect(try task.status() == .stopped)
        #expect(isTrue(within: 15) { setting.daemon.topics(about: "back").contains("exit") })
        try task.delete()
        #expect(setting.leftovers().isEmpty, "\(setting.leftovers())")
    }

    @Test(arguments: ContainerdVersion.allCases)
    func `tasks of a pod share a shim, which leaves with the last`(version: ContainerdVersion) throws {
        let setting = try Setting(version)
        let first = try setting.task("pod", "ignore-stop", group: "pod")
        let second = try setting.task("member", "ignore-stop", group: "pod")
        #expect(try first.shimProcess() == second.shimProcess())
        try first.start()
        try second.start()
        #expect(try second.exec("probe", ProcessSpec(args: ["/exit-code.wasm", "5"])) == 5)
        for task in [second, first] {
            try task.kill(SIGKILL, all: true)
            #expect(try task.wait() == 137)
            try task.delete(isLast: task === first)
        }
        #expect(setting.leftovers().isEmpty, "\(setting.leftovers())")
    }

    @Test(arguments: ContainerdVersion.allCases)
    func `after a shim's death delete leaves nothing, and tells 137`(version: ContainerdVersion) throws {
        let setting = try Setting(version)
        let task = try setting.task("dead", "ignore-stop")
        try task.start()
        let process = try task.shimProcess()
        kill(process, SIGKILL)
        let answer = try task.cleanUpAfterDeath()
        #expect(answer.exitStatus == 137 && answer.pid == task.pid)
        #expect(isTrue(within: 5) { kill(Int32(task.pid), 0) != 0 })
        #expect(setting.leftovers().isEmpty, "\(setting.leftovers())")
    }

    @Test(arguments: [ContainerdVersion.v1_6, .v2_2])
    func `without an address for events they go through containerd's program, in order`(
        version: ContainerdVersion
    ) throws {
        let setting = try Setting(version)
        setting.daemon.tellsEventAddress = false
        setting.daemon.publishBinary = "\(setting.path)/publish"
        // The event itself is on stdin: an Any, whose first field is its type.
        let script = "#!/bin/sh\n[ $(wc -c) -gt 20 ] && echo \"$@\" >>\(setting.path)/published\n"
        let descriptor = open(setting.daemon.publishBinary, O_WRONLY | O_CREAT, 0o755)
        write(descriptor, script, script.utf8.count)
        close(descriptor)
        let task = try setting.task("told", "exit-code", ["0"])
        #expect(try task.run() == 0)
        try task.delete()
        let words = "--address \(setting.path)/c.sock publish --topic /tasks/"
        let lines = ["create", "start", "exit", "delete"].map { words + $0 + " --namespace default\n" }
        #expect(isTrue(within: 5) { text("\(setting.path)/published") == lines.joined() })
        #expect(text("\(setting.path)/published") == lines.joined())
        #expect(setting.daemon.events.isEmpty)
    }

    @Test func `the address for events may be in the bootstrap parameters alone`() throws {
        let setting = try Setting(.v2_4)
        setting.daemon.tellsEventAddress = false
        let task = try setting.task("told", "exit-code", ["0"])
        #expect(try task.run() == 0)
        try task.delete()
        #expect(setting.daemon.topics(about: "told") == ["create", "start", "exit", "delete"])
    }

    @Test(arguments: [ContainerdVersion.v1_6, .v2_4])
    func `a terminal has the size that it is given`(version: ContainerdVersion) throws {
        let setting = try Setting(version)
        let output = "\(setting.path)/output"
        #expect(mkfifo(output, 0o600) == 0)
        let reader = open(output, O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        let task = try setting.task("tty", "hello", streams: ["", output, ""], hasTerminal: true)
        _ = try task.call("ResizePty", ResizePtyRequest(id: "tty", width: 100, height: 30))
        #expect(try task.run() == 0)
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = read(reader, &bytes, bytes.count)
        #expect(String(decoding: bytes.prefix(max(0, count)), as: UTF8.self) == "hello from wasm\r\n")
        // The caller's window may change while it has not heard of the end.
        _ = try task.call("ResizePty", ResizePtyRequest(id: "tty", width: 80, height: 25))
        try task.delete()
        let without = try setting.task("none", "ignore-stop")
        #expect(throws: CallFailure.self) { try without.call("ResizePty", ResizePtyRequest(id: "none", width: 1)) }
        try without.delete()
        #expect(setting.leftovers().isEmpty, "\(setting.leftovers())")
    }

    @Test(arguments: ContainerdVersion.allCases)
    func `a task that cannot be made is refused with its reason and leaves nothing`(version: ContainerdVersion) throws {
        let setting = try Setting(version)
        let failure = #expect(throws: CallFailure.self) { try setting.task("none", "no-such-guest") }
        #expect(failure?.description.contains("no-such-guest") == true)
        #expect(setting.leftovers().isEmpty, "\(setting.leftovers())")
    }
}
