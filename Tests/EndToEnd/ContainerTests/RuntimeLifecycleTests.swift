// SPDX-License-Identifier: Apache-2.0
// Swiftlet: swiftlet-oci by hand: every command, on bundles.
import Glibc
import OCI
import TestSupport
import Testing

private let needs: ConditionTrait = .enabled(
    if: Workspace.isBuilt, "needs root, the built swiftlet-oci and swiftlet-sandbox, and hack/build-guests.sh")

@Suite(.serialized, needs) struct RuntimeLifecycleTests {
    @Test func `run prints, exits with the guest's code, and leaves nothing`() throws {
        let space = Workspace()
        let bundle = try space.bundle("c", ["/exit-code.wasm", "42"])
        let ran = try space.runtime(["run", "-b", bundle, "c"])
        #expect(ran.code == 42 && ran.output == "exiting with 42\n", "\(ran)")
        #expect(try space.status("c") == nil)
        #expect(space.cgroups().isEmpty && names(in: "\(space.path)/root/wasm").isEmpty)
        let trapped = try space.runtime(["run", "-b", try space.bundle("t", ["/trap.wasm"]), "t"])
        #expect(trapped.code == 134 && trapped.errors.contains("unreachable"), "\(trapped)")
    }

    @Test func `create, start, kill, delete, with the state in between`() throws {
        let space = Workspace()
        let bundle = try space.bundle("c", ["/ignore-stop.wasm"])
        #expect(try space.detached(["create", "-b", bundle, "--pid-file", "\(space.path)/pid", "c"]).code == 0)
        #expect(try space.status("c") == "created")
        #expect(text("\(space.path)/pid") == "\(try space.pid("c"))")
        let again = try space.detached(["create", "-b", bundle, "c"])
        #expect(again.code == 1 && again.errors.contains("container with id exists"))
        #expect(try space.runtime(["exec", "c", "/hello.wasm"]).code == 255)
        #expect(try space.runtime(["start", "c"]).code == 0)
        #expect(try space.status("c") == "running")
        #expect(try space.runtime(["start", "c"]).errors.contains("already running"))
        #expect(try space.runtime(["delete", "c"]).errors.contains("not stopped: running"))
        #expect(try space.runtime(["kill", "c", "USR1"]).errors.contains("a guest has no signals"))
        let pid = try space.pid("c")
        #expect(try space.runtime(["ps", "-f", "json", "c"]).output == "[\(pid)]\n")
        #expect(try space.runtime(["list", "-q"]).output == "c\n")
        #expect(try space.runtime(["kill", "c", "KILL"]).code == 0)
        #expect(try isTrue(within: 10) { try space.status("c") == "stopped" })
        #expect(try space.runtime(["kill", "c", "TERM"]).errors.contains("container not running"))
        #expect(try space.runtime(["delete", "c"]).code == 0)
        #expect(try space.runtime(["delete", "c"]).code == 1)
        #expect(try space.runtime(["delete", "--force", "c"]).code == 0)
        #expect(space.cgroups().isEmpty)
    }

    @Test func `a stop asks the guest, a container that was never started just ends`() throws {
        let space = Workspace()
        let bundle = try space.bundle("c", ["/wasm-api.wasm"]) { spec in
            spec.annotations["swiftlet.dev/network"] = "default"
            spec.process?.env = ["PORT=8080"]
        }
        try space.detached(["create", "-b", bundle, "c"])
        #expect(try space.runtime(["start", "c"]).code == 0)
        let process = try space.pid("c")
        let own = try #require(networkNamespace(getpid()))
        #expect(try #require(networkNamespace(process)) != own)
        // The exec finds the server: it is in the same new network, and the loopback is up there.
        #expect(try isTrue(within: 10) { try space.runtime(["exec", "c", "/wasm-api.wasm", "check"]).code == 0 })
        #expect(try space.runtime(["kill", "c"]).code == 0)
        #expect(try isTrue(within: 10) { try space.status("c") == "stopped" })
        try space.detached(["create", "-b", bundle, "d"])
        #expect(try space.runtime(["kill", "d", "TERM"]).code == 0)
        #expect(try isTrue(within: 10) { try space.status("d") == "stopped" })
    }

    private func networkNamespace(_ process: Int32) -> UInt? {
        var information = stat()
        return stat("/proc/\(process)/ns/net", &information) == 0 ? information.st_ino : nil
    }

    @Test func `exec, pause, update, events`() throws {
        let space = Workspace()
        let bundle = try space.bundle("c", ["/ignore-stop.wasm"]) { $0.linux?.resources.memoryLimitBytes = 64 << 20 }
        #expect(try space.detached(["run", "-d", "-b", bundle, "c"]).code == 0)
        let exec = try space.runtime(["exec", "-e", "A=b", "c", "/exit-code.wasm", "9"])
        #expect(exec.code == 9 && exec.output == "exiting with 9\n", "\(exec)")
        try write(#"{"args":["/ignore-stop.wasm"],"cwd":"/"}"#, to: "\(space.path)/process.json")
        let detached = try space.detached(
            ["exec", "-d", "--pid-file", "\(space.path)/pid", "-p", "\(space.path)/process.json", "c"])
        #expect(detached.code == 0, "\(detached)")
        let other = try #require(Int32(text("\(space.path)/pid")))
        #expect(
            try JSON(parsing: space.runtime(["ps", "-f", "json", "c"]).output)
                == .array(
                    [try space.pid("c"), other].sorted().map { .integer($0) }))

        #expect(try space.runtime(["pause", "c"]).code == 0)
        #expect(try space.status("c") == "paused")
        #expect(try space.runtime(["exec", "c", "/hello.wasm"]).errors.contains("paused"))
        #expect(try space.runtime(["resume", "c"]).code == 0)
        #expect(try space.status("c") == "running")

        let update = try space.runtime(["update", "-r", "-", "c"], input: #"{"memory":{"limit":33554432}}"#)
        #expect(update.code == 0, "\(update)")
        let events = try JSON(parsing: space.runtime(["events", "--stats", "c"]).output)
        #expect(events["data"]?["memory"]?["usage"]?["limit"] == .number("33554432"), "\(events.text)")
        let missing = try space.runtime(["exec", "c", "/no.wasm"])
        #expect(missing.code == 255 && missing.errors.contains("no such file or directory"))

        // An exec does not outlive the container's own process.
        #expect(try space.runtime(["kill", "c", "9"]).code == 0)
        #expect(try isTrue(within: 10) { try space.status("c") == "stopped" && space.sandboxes("c").isEmpty })
        let deleted = try space.runtime(["delete", "c"])
        #expect(deleted.code == 0, "\(deleted)")
        #expect(space.cgroups().isEmpty)
    }

    @Test func `over its memory limit a container is killed`() throws {
        let space = Workspace()
        let bundle = try space.bundle("c", ["/memory-hog.wasm"]) { $0.linux?.resources.memoryLimitBytes = 24 << 20 }
        #expect(try space.runtime(["run", "-b", bundle, "c"]).code == 137)
        #expect(space.cgroups().isEmpty)
    }

    @Test func `hooks run in order with the state, and one that fails undoes the container`() throws {
        let space = Workspace()
        let log = "\(space.path)/hooks"
        func hook(_ name: String, _ tail: String = "") -> HooksSpec.Hook {
            .init(path: "/bin/sh", args: ["sh", "-c", "(echo -n '\(name) '; cat) >>\(log); echo >>\(log)\(tail)"])
        }
        let bundle = try space.bundle("c", ["/hello.wasm"]) { spec in
            for moment in HooksSpec.Moment.allCases where moment != .startContainer {
                spec.hooks[moment] = [hook(moment.rawValue)]
            }
        }
        #expect(try space.runtime(["run", "-b", bundle, "c"]).code == 0)
        let lines = text(log).split(separator: "\n")
        #expect(
            lines.map { $0.prefix { $0 != " " } }
                == ["prestart", "createRuntime", "createContainer", "poststart", "poststop"])
        let first = try JSON(parsing: String(lines[0].drop { $0 != "{" }))
        #expect(first["id"] == .string("c") && first["status"] == .string("creating"))
        #expect(first["pid"] != .number("0") && first["bundle"] == .string(bundle))

        let failing = try space.bundle("f", ["/hello.wasm"]) { $0.hooks[.createRuntime] = [hook("x", "; exit 3")] }
        let failed = try space.detached(["create", "-b", failing, "f"])
        #expect(
            failed.code == 1 && failed.errors.contains("createRuntime hook #0") && failed.errors.contains("status 3"))
        let slow = try space.bundle("s", ["/hello.wasm"]) {
            $0.hooks[.prestart] = [.init(path: "/bin/sleep", args: ["sleep", "60"], timeout: 1)]
        }
        #expect(try space.detached(["create", "-b", slow, "s"]).errors.contains("no end after 1 s"))
        #expect(try space.status("f") == nil && space.status("s") == nil)
        #expect(space.cgroups().isEmpty && space.sandboxes("s").isEmpty)
    }

    @Test func `bad invocations say what is wrong`() throws {
        let space = Workspace()
        #expect(try space.runtime(["state", "nobody"]).errors.contains("container \"nobody\" does not exist"))
        let bundle = try space.bundle("c", ["/hello.wasm"]) { $0.process?.isTerminal = true }
        #expect(try space.detached(["create", "-b", bundle, "c"]).errors.contains("console socket"))
        #expect(try space.detached(["create", "-b", "/nowhere", "c"]).errors.contains("/nowhere"))
        let handler = try space.bundle("h", ["/hello.wasm"]) { $0.annotations["run.oci.handler"] = "krun" }
        #expect(try space.detached(["create", "-b", handler, "h"]).errors.contains("found \"krun\""))
        let log = "\(space.path)/log.json"
        let logged = try space.runtime(["--log", log, "--log-format", "json", "start", "nobody"])
        #expect(logged.code == 1)
        #expect(try JSON(parsing: text(log))["msg"] == .string("container \"nobody\" does not exist"))
        let systemd = try space.runtime(
            ["--systemd-cgroup", "create", "-b", try space.bundle("p", ["/hello.wasm"]), "p"])
        #expect(systemd.errors.contains("slice:prefix:name"))
        #expect(names(in: "\(space.path)/root/wasm").isEmpty)
    }

    @Test(.enabled(if: installed("runc") != nil, "needs runc"))
    func `a native program is runc's, from create to delete`() throws {
        let space = Workspace()
        let bundle = try space.bundle("n", ["/sleep", "60"]) { spec in
            spec.mounts = [MountSpec(destination: "/proc", type: "proc", source: "proc")]
            spec.linux?.namespaces += [NamespaceSpec(type: "mount"), NamespaceSpec(type: "pid")]
        }
        guard let busybox = installed("busybox") else { return }
        try copy(busybox, to: "\(bundle)/rootfs/sleep", mode: 0o755)
        let created = try space.detached(["create", "-b", bundle, "n"])
        #expect(created.code == 0, "\(created)")
        #expect(try space.status("n") == "created")
        #expect(try space.runtime(["start", "n"]).code == 0)
        #expect(try space.runtime(["list"]).output.contains("running"))
        #expect(try space.detached(["create", "-b", try space.bundle("w", ["/hello.wasm"]), "n"]).code == 1)
        #expect(try space.runtime(["delete", "--force", "n"]).code == 0)
        #expect(try space.status("n") == nil)
        // crun's convention: by this name it runs Wasm and nothing else.
        symlink(Workspace.runtime, "\(space.path)/crun-wasm")
        let wasmOnly = try run(
            "\(space.path)/crun-wasm", ["--root", "\(space.path)/root", "create", "-b", bundle, "n"])
        #expect(wasmOnly.code == 1 && wasmOnly.errors.contains("native program"), "\(wasmOnly)")
    }

    @Test func `create killed at any moment leaves what delete --force removes`() throws {
        let space = Workspace()
        let bundle = try space.bundle("k", ["/ignore-stop.wasm"])
        for step in 0..<40 {
            try space.detached(["run", "-d", "-b", bundle, "k"], kill: UInt32(step * 400))
            let removed = try space.runtime(["delete", "--force", "k"])
            #expect(removed.code == 0, "step \(step): \(removed)")
            #expect(isTrue(within: 5) { space.sandboxes("k").isEmpty }, "step \(step)")
            #expect(names(in: "\(space.path)/root/wasm").isEmpty, "step \(step)")
            #expect(space.cgroups().isEmpty, "step \(step)")
        }
    }

    @Test func `500 random kills of its commands leave what delete --force removes`() throws {
        let space = Workspace()
        let bundle = try space.bundle("k", ["/ignore-stop.wasm"])
        var random = SeededGenerator(state: 5)
        for step in 0..<500 {
            let delay = UInt32.random(in: 0..<9000, using: &random)
            switch step % 4 {
            case 0: try space.detached(["create", "-b", bundle, "k"], kill: delay)
            case 1: try space.detached(["run", "-d", "-b", bundle, "k"], kill: delay)
            case 2:
                try space.detached(["create", "-b", bundle, "k"])
                try space.detached(["start", "k"], kill: delay)
            default:
                try space.detached(["run", "-d", "-b", bundle, "k"])
                try space.detached(["delete", "--force", "k"], kill: delay)
            }
            let removed = try space.runtime(["delete", "--force", "k"])
            #expect(removed.code == 0, "step \(step): \(removed)")
            #expect(names(in: "\(space.path)/root/wasm").isEmpty, "step \(step)")
            #expect(space.cgroups().isEmpty, "step \(step)")
        }
        #expect(isTrue(within: 5) { space.sandboxes("k").isEmpty })
    }

    @Test func `200 containers run at a time, and leave nothing`() throws {
        let space = Workspace()
        let bundle = try space.bundle("many", ["/hello.wasm"], cgroup: false)
        let programs = try (0..<200).map { number in
            try Program(Workspace.runtime, ["--root", "\(space.path)/root", "run", "-b", bundle, "many\(number)"])
        }
        for program in programs {
            #expect(program.wait(seconds: 60)?.code == 0, "\(program.standardError)")
            #expect(program.standardOutput == "hello from wasm\n")
        }
        #expect(names(in: "\(space.path)/root/wasm").isEmpty)
    }
}
