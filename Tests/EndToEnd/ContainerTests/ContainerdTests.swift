// SPDX-License-Identifier: Apache-2.0
// Swiftlet: ctr, the built shim, and a containerd of the test's own.
import Glibc
import OCI
import TestSupport
import Testing

@Suite(.serialized, Containerd.needs) struct ContainerdTests {
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

    @Test(.enabled(if: installed("script") != nil, "needs script(1)"))
    func `a guest has a terminal when it is asked for, and so has an exec`() throws {
        let containerd = try Containerd()
        // ctr asks for one only on a terminal, which script(1) gives it. Each of the two adds a carriage return; script tells
        // the end of its own input with a NUL before.
        func onTerminal(_ words: [String]) throws -> Ran {
            let ctr = [try #require(installed("ctr")), "-a", "\(containerd.space.path)/c.sock"]
            let command = (ctr + words).joined(separator: " ")
            return try run(try #require(installed("script")), ["-qec", command, "/dev/null"])
        }
        let words = ["run", "--rm", "-t"] + Containerd.runtime + [TestImage.reference, "t"]
        let hello = try onTerminal(words)
        #expect(hello.code == 0 && hello.output.hasSuffix("hello from wasm\r\r\n"), "\(hello)")
        #expect(try containerd.runTask(["-d", "--null-io"], "s", ["/ignore-stop.wasm"]).code == 0)
        let exec = try onTerminal(["task", "exec", "-t", "--exec-id", "x", "s", "/exit-code.wasm", "5"])
        #expect(exec.code == 5 && exec.output.hasSuffix("exiting with 5\r\r\n"), "\(exec)")
        #expect(try containerd.ctr(["task", "kill", "-s", "9", "s"]).code == 0)
        #expect(isTrue(within: 10) { containerd.tasks() == ["s": "STOPPED"] })
        _ = try containerd.ctr(["task", "rm", "s"])
        #expect(isTrue(within: 10) { containerd.isClean() })
    }

    @Test(.enabled(if: installed("busybox") != nil && installed("runc") != nil, "needs busybox and runc"))
    func `native programs of the same image run beside guests`() throws {
        let containerd = try Containerd()
        let hello = try containerd.runTask(["--rm"], "n", ["/busybox", "echo", "native"])
        #expect(hello.code == 0 && hello.output == "native\n", "\(hello)")
        #expect(try containerd.runTask(["--rm"], "e", ["/busybox", "sh", "-c", "exit 9"]).code == 9)
        let missing = try containerd.runTask(["--rm"], "m", ["/busybox", "/none"])
        #expect(missing.code != 0, "\(missing)")
        #expect(try containerd.runTask(["-d", "--null-io"], "s", ["/busybox", "sleep", "1000"]).code == 0)
        let exec = try containerd.ctr([
            "task", "exec", "--exec-id", "x", "s", "/busybox", "sh", "-c", "echo in; exit 4",
        ])
        #expect(exec.code == 4 && exec.output == "in\n", "\(exec)")
        #expect(try containerd.ctr(["task", "pause", "s"]).code == 0)
        #expect(containerd.tasks() == ["s": "PAUSED"])
        #expect(try containerd.ctr(["task", "resume", "s"]).code == 0)
        #expect(try containerd.ctr(["task", "metrics", "s"]).output.contains("pids.current"))
        #expect(try containerd.ctr(["task", "ps", "s"]).output.split(separator: "\n").count == 2)
        #expect(try containerd.ctr(["task", "kill", "-s", "9", "s"]).code == 0)
        #expect(isTrue(within: 10) { containerd.tasks() == ["s": "STOPPED"] })
        _ = try containerd.ctr(["task", "rm", "s"])
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

    /// Executable mappings of native code in the first sandbox of a task.
    private func native(_ containerd: Containerd, _ task: String) -> [Substring] {
        let sandbox = names(in: "/proc").first { process in
            Int32(process) != nil
                && text("/proc/\(process)/cmdline").hasPrefix("swiftlet-sandbox\0default/\(task)/")
        }
        return text("/proc/\(sandbox ?? "none")/maps").split(separator: "\n").filter {
            $0.contains("\(containerd.space.path)/native/") && $0.contains("r-xp")
        }
    }

    @Test(.enabled(if: BuiltProducts.exists(BuiltProducts.program("swiftlet-aot")), "needs the built swiftlet-aot"))
    func `native code is made first where an annotation asks for it, else while a container runs`() throws {
        let containerd = try Containerd()
        let aot = ["--annotation", "swiftlet.dev/engine=aot"]
        let hello = try containerd.runTask(["--rm"] + aot, "h", [])
        #expect(hello.code == 0 && hello.output == "hello from wasm\n", "\(hello)")
        let images = "\(containerd.space.path)/native/images"
        #expect(names(in: images).count == 1)

        let words = ["-d", "--null-io"]
        #expect(try containerd.runTask(words, "first", ["/ignore-stop.wasm"]).code == 0)
        #expect(native(containerd, "first").isEmpty)
        #expect(isTrue(within: 60) { names(in: images).count == 2 }, "the shim compiles beside its container")
        // Another container has another copy of the file.
        #expect(try containerd.runTask(words, "second", ["/ignore-stop.wasm"]).code == 0)
        #expect(!native(containerd, "second").isEmpty)
        let plain = ["--annotation", "swiftlet.dev/engine=interpreter"]
        #expect(try containerd.runTask(words + plain, "third", ["/ignore-stop.wasm"]).code == 0)
        #expect(native(containerd, "third").isEmpty)
        for task in ["first", "second", "third"] {
            _ = try containerd.ctr(["task", "kill", "-s", "9", task])
            #expect(isTrue(within: 10) { containerd.tasks()[task] == "STOPPED" })
            _ = try containerd.ctr(["task", "rm", task])
        }
        #expect(isTrue(within: 10) { containerd.isClean() })
        #expect(!exists("/sys/fs/cgroup/swiftlet-compiler") && !exists("/sys/fs/cgroup/memory/swiftlet-compiler"))
    }

    @Test(.enabled(if: BuiltProducts.exists(BuiltProducts.program("swiftlet-aot")), "needs the built swiftlet-aot"))
    func `a module that cannot be compiled is refused where native code is asked for, with the reason`() throws {
        let containerd = try Containerd(environment: ["SWIFTLET_AOT": "/bin/false"])
        let aot = ["--annotation", "swiftlet.dev/engine=aot"]
        let refused = try containerd.runTask(["--rm"] + aot, "h", [])
        #expect(refused.code != 0 && refused.errors.contains("engine aot: h: "), "\(refused)")
        #expect(try containerd.runTask(["--rm"], "plain", []).output == "hello from wasm\n")
        #expect(isTrue(within: 10) { containerd.isClean() })
    }

    private func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

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
