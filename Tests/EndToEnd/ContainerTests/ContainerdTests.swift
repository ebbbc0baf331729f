// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a containerd of the test's own, driven by ctr, with the built shim.
import Glibc
import OCI
import TestSupport
import Testing

private let shim = BuiltProducts.program("containerd-shim-swiftlet-v1")
private let needs: ConditionTrait = .enabled(
    if: Workspace.isBuilt && BuiltProducts.exists(shim) && installed("containerd") != nil && installed("ctr") != nil,
    "needs root, containerd with ctr, the built shim and sandbox, and hack/build-guests.sh")

/// A daemon with its own folders and socket. It is stopped, with what it started, when the value goes away.
private final class Containerd {
    let space = Workspace()
    private var daemon: Program?
    private let ctrPath: String
    static let runtime = ["--runtime", "io.containerd.swiftlet.v1"]

    init() throws {
        ctrPath = try #require(installed("ctr"))
        let plugins = [
            "grpc.v1.cri", "snapshotter.v1.btrfs", "snapshotter.v1.zfs", "snapshotter.v1.devmapper",
            "snapshotter.v1.aufs", "internal.v1.opt", "internal.v1.tracing", "tracing.processor.v1.otlp",
        ].map { "\"io.containerd.\($0)\"" }.joined(separator: ",")
        try write(
            """
            version = 2
            root = "\(space.path)/ctrd"
            state = "\(space.path)/ctrd-state"
            disabled_plugins = [\(plugins)]
            [grpc]
              address = "\(space.path)/c.sock"
            """, to: "\(space.path)/config.toml")
        try start()
        _ = try ctr(["image", "import", try TestImage.make(in: space)])
    }

    deinit {
        if daemon != nil {
            for task in tasks() {
                _ = try? ctr(["task", "kill", "-s", "9", task.key])
                _ = try? ctr(["task", "rm", "-f", task.key])
            }
        }
        stop(SIGTERM)
        for process in shims() { kill(process, SIGKILL) }
        for line in text("/proc/self/mountinfo").split(separator: "\n").reversed() {
            let fields = line.split(separator: " ")
            if fields.count > 4, fields[4].hasPrefix(space.path) { umount2(String(fields[4]), Int32(MNT_DETACH)) }
        }
    }

    func start() throws {
        var environment = Program.currentEnvironment
        let folder = shim.split(separator: "/").dropLast().joined(separator: "/")
        environment["PATH"] = "/\(folder):" + (environment["PATH"] ?? "/usr/bin:/bin") + ":/usr/sbin"
        daemon = try Program(
            try #require(installed("containerd")), ["-c", "\(space.path)/config.toml"], environment: environment)
        guard try isTrue(within: 20, { try ctr(["version"]).code == 0 }) else {
            throw Unexpected("containerd does not answer: \(daemon?.standardError ?? "")")
        }
    }

    func stop(_ signal: Int32) {
        guard let daemon else { return }
        daemon.signal(signal)
        if daemon.wait(seconds: 10) == nil { daemon.signal(SIGKILL) }
        self.daemon = nil
    }

    func ctr(_ words: [String], seconds: Double = 30) throws -> Ran {
        try run(ctrPath, ["-a", "\(space.path)/c.sock"] + words, seconds: seconds)
    }

    func runTask(_ words: [String], _ id: String, _ arguments: [String]) throws -> Ran {
        try ctr(["run"] + words + Self.runtime + [TestImage.reference, id] + arguments)
    }

    /// Status by task.
    func tasks() -> [String: String] {
        var tasks: [String: String] = [:]
        for line in ((try? ctr(["task", "ls"]).output) ?? "").split(separator: "\n").dropFirst() {
            let fields = line.split(separator: " ").map(String.init)
            if fields.count == 3 { tasks[fields[0]] = fields[2] }
        }
        return tasks
    }

    /// Shims that were started in this test's folders.
    func shims() -> [Int32] {
        names(in: "/proc").compactMap { Int32($0) }.filter { process in
            guard text("/proc/\(process)/cmdline").hasPrefix("swiftlet-shim") else { return false }
            return text("/proc/\(process)/environ").contains("\(space.path)/c.sock")
        }
    }

    func isClean() -> Bool { shims().isEmpty && !text("/proc/self/mountinfo").contains("\(space.path)/ctrd-state") }
}

@Suite(.serialized, needs) struct ContainerdTests {
    @Test func `ctr run prints, exits with the guest's code, and leaves nothing`() throws {
        let containerd = try Containerd()
        let hello = try containerd.runTask(["--rm"], "h", [])
        #expect(hello.code == 0 && hello.output == "hello from wasm\n", "\(hello)")
        let code = try containerd.runTask(["--rm", "--net-host"], "e", ["/exit-code.wasm", "42"])
        #expect(code.code == 42, "\(code)")
        #expect(try containerd.runTask(["--rm"], "t", ["/trap.wasm"]).code == 134)
        let missing = try containerd.runTask(["--rm"], "m", ["/no.wasm"])
        #expect(missing.code != 0 && missing.errors.contains("no such file or directory"), "\(missing)")
        #expect(isTrue(within: 10) { containerd.isClean() })
    }

    @Test func `exec, pause, metrics, kill, and the events in their order`() throws {
        let containerd = try Containerd()
        let events = try Program(try #require(installed("ctr")), ["-a", "\(containerd.space.path)/c.sock", "events"])
        usleep(300_000)
        #expect(try containerd.runTask(["-d", "--null-io"], "s", ["/ignore-stop.wasm"]).code == 0)
        let exec = try containerd.ctr(["task", "exec", "--exec-id", "x", "s", "/exit-code.wasm", "5"])
        #expect(exec.code == 5 && exec.output == "exiting with 5\n", "\(exec)")
        #expect(try containerd.ctr(["task", "pause", "s"]).code == 0)
        #expect(containerd.tasks() == ["s": "PAUSED"])
        #expect(try containerd.ctr(["task", "resume", "s"]).code == 0)
        #expect(try containerd.ctr(["task", "metrics", "s"]).output.contains("pids.current"))
        #expect(try containerd.ctr(["task", "ps", "s"]).code == 0)
        #expect(try containerd.ctr(["task", "kill", "-s", "9", "s"]).code == 0)
        #expect(isTrue(within: 10) { containerd.tasks() == ["s": "STOPPED"] })
        _ = try containerd.ctr(["task", "rm", "s"])
        let expected = [
            "/tasks/create", "/tasks/start", "/tasks/exec-added", "/tasks/exec-started", "/tasks/exit", "/tasks/paused",
            "/tasks/resumed", "/tasks/exit", "/tasks/delete",
        ]
        func topics() -> [String] {
            events.standardOutput.split(separator: "\n").compactMap { line in
                line.split(separator: " ").first { $0.hasPrefix("/tasks/") }.map(String.init)
            }
        }
        _ = isTrue(within: 10) { topics().filter { $0 == "/tasks/delete" }.count >= 2 }
        // The exec's own delete comes whenever ctr asks for it.
        let seen = topics()
        var rest = seen[...]
        for topic in expected {
            guard let index = rest.firstIndex(of: topic) else {
                Issue.record("\(topic) is missing, or too early: \(seen)")
                break
            }
            rest = rest[(index + 1)...]
        }
        events.signal(SIGKILL)
        #expect(isTrue(within: 10) { containerd.isClean() })
    }

    @Test func `containerd killed and started again finds its tasks`() throws {
        let containerd = try Containerd()
        #expect(try containerd.runTask(["-d", "--null-io"], "s", ["/ignore-stop.wasm"]).code == 0)
        let before = containerd.shims()
        containerd.stop(SIGKILL)
        #expect(containerd.shims() == before && before.count == 1)
        try containerd.start()
        #expect(containerd.tasks() == ["s": "RUNNING"])
        #expect(try containerd.ctr(["task", "exec", "--exec-id", "x", "s", "/exit-code.wasm", "3"]).code == 3)
        #expect(try containerd.ctr(["task", "kill", "-s", "9", "s"]).code == 0)
        #expect(isTrue(within: 10) { containerd.tasks() == ["s": "STOPPED"] })
        _ = try containerd.ctr(["task", "rm", "s"])
        #expect(isTrue(within: 10) { containerd.isClean() })
    }

    @Test func `a killed shim leaves nothing, and its name can be used again`() throws {
        let containerd = try Containerd()
        #expect(try containerd.runTask(["-d", "--null-io"], "s", ["/ignore-stop.wasm"]).code == 0)
        for process in containerd.shims() { kill(process, SIGKILL) }
        #expect(isTrue(within: 10) { containerd.tasks()["s"] != "RUNNING" })
        _ = try containerd.ctr(["task", "rm", "-f", "s"])
        _ = try containerd.ctr(["container", "rm", "s"])
        #expect(isTrue(within: 10) { containerd.isClean() })
        #expect(try containerd.runTask(["--rm"], "s", []).code == 0)
    }

    @Test(.enabled(if: installed("containerd-shim-runc-v2") != nil, "needs containerd-shim-runc-v2"))
    func `containerd's own shim takes swiftlet-oci for runc`() throws {
        let containerd = try Containerd()
        func run(_ id: String, _ words: [String]) throws -> Ran {
            try containerd.ctr(
                [
                    "run", "--rm", "--runc-binary", Workspace.runtime, "--runc-root", "\(containerd.space.path)/root",
                    TestImage.reference, id,
                ] + words)
        }
        let hello = try run("h", [])
        #expect(hello.code == 0 && hello.output == "hello from wasm\n", "\(hello)")
        #expect(try run("e", ["/exit-code.wasm", "7"]).code == 7)
        let missing = try run("m", ["/no.wasm"])
        #expect(missing.errors.contains("no such file or directory"), "\(missing)")
    }
}
