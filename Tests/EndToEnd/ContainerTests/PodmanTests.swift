// SPDX-License-Identifier: Apache-2.0
// Swiftlet: podman with swiftlet-oci as its runtime, on a store of its own.
import Glibc
import OCI
import TestSupport
import Testing

private let needs: ConditionTrait = .enabled(
    if: Workspace.isBuilt && installed("podman") != nil,
    "needs root, podman, the built swiftlet-oci and swiftlet-sandbox, and hack/build-guests.sh")

/// podman with nothing of the machine's own: store, state and configuration are the test's.
private final class Podman {
    let space = Workspace()
    private let program: String

    init() throws {
        program = try #require(installed("podman"))
        // Its default limits are above what a container's own hard limits may be.
        try write(
            """
            [containers]
            default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
            [engine]
            cgroup_manager = "cgroupfs"
            events_logger = "none"
            """, to: "\(space.path)/containers.conf")
        try succeed(program, words(["load", "-q", "-i", try TestImage.make(in: space)]), environment: environment)
    }

    deinit {
        _ = try? call(["rm", "-a", "-f", "-t", "0"])
        for folder in ["store/overlay", "store/vfs"] { umount2("\(space.path)/\(folder)", Int32(MNT_DETACH)) }
    }

    private var environment: [String: String] {
        var environment = Program.currentEnvironment
        environment["CONTAINERS_CONF"] = "\(space.path)/containers.conf"
        return environment
    }

    private func words(_ words: [String]) -> [String] {
        ["--root", "\(space.path)/store", "--runroot", "\(space.path)/run", "--runtime", Workspace.runtime] + words
    }

    /// Output goes to files: a monitor that stays must not keep the test's pipes.
    func call(_ words: [String]) throws -> Ran {
        let files = ["\(space.path)/stdout", "\(space.path)/stderr"]
        let script = "exec \"$0\" \"$@\" </dev/null >\(files[0]) 2>\(files[1])"
        let ran = try run("/bin/sh", ["-c", script, program] + self.words(words), environment: environment)
        return Ran(code: ran.code, output: text(files[0]), errors: text(files[1]))
    }

    func status(_ name: String) throws -> String {
        try call(["inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", name]).output
    }
}

@Suite(.serialized, needs) struct PodmanTests {
    @Test func `runs, with the guest's output, exit code and trap`() throws {
        let podman = try Podman()
        let image = TestImage.reference
        let hello = try podman.call(["run", "--rm", "--network", "none", image])
        #expect(hello.code == 0 && hello.output == "hello from wasm\n", "\(hello)")
        let code = try podman.call(["run", "--rm", "--network", "host", "--entrypoint", "/exit-code.wasm", image, "42"])
        #expect(code.code == 42, "\(code)")
        let trap = try podman.call(["run", "--rm", "--network", "none", "--entrypoint", "/trap.wasm", image])
        #expect(trap.code == 134 && trap.errors.contains("unreachable"), "\(trap)")
        let missing = try podman.call(["run", "--rm", "--network", "none", "--entrypoint", "/no.wasm", image])
        #expect(missing.code == 127, "\(missing)")
        let terminal = try podman.call(["run", "-t", "--rm", "--network", "none", image])
        #expect(terminal.code == 0 && terminal.output == "hello from wasm\r\n", "\(terminal)")
    }

    @Test func `exec, healthcheck, pause, stop, logs`() throws {
        let podman = try Podman()
        let started = try podman.call([
            "run", "-d", "--name", "s", "--network", "none", "--memory", "64m", "--pids-limit", "50",
            "--health-cmd", #"["/exit-code.wasm","0"]"#, "--entrypoint", "/ignore-stop.wasm", TestImage.reference,
        ])
        #expect(started.code == 0, "\(started)")
        #expect(try podman.call(["exec", "s", "/exit-code.wasm", "5"]).code == 5)
        #expect(try podman.call(["healthcheck", "run", "s"]).code == 0)
        #expect(try podman.call(["pause", "s"]).code == 0)
        #expect(try podman.status("s") == "paused 0\n")
        #expect(try podman.call(["unpause", "s"]).code == 0)
        // The guest does not end when it is asked to.
        #expect(try podman.call(["stop", "-t", "1", "s"]).code == 0)
        #expect(try podman.status("s") == "exited 137\n")
        #expect(try podman.call(["logs", "s"]).output == "sleeping\n")
        #expect(try podman.call(["start", "s"]).code == 0)
        #expect(try podman.call(["kill", "s"]).code == 0)
        #expect(try podman.call(["rm", "-f", "-t", "0", "s"]).code == 0)
    }

    @Test(.enabled(if: installed("runc") != nil && installed("busybox") != nil, "needs runc and busybox"))
    func `a native entrypoint of the same image runs, too`() throws {
        let podman = try Podman()
        let ran = try podman.call([
            "run", "--rm", "--network", "none", "--entrypoint", "/busybox", TestImage.reference, "echo", "native",
        ])
        #expect(ran.code == 0 && ran.output == "native\n", "\(ran)")
    }
}
