// SPDX-License-Identifier: Apache-2.0
// Swiftlet: `swiftlet run` by a user without rights.

import Glibc
import Linux
import TestSupport
import Testing

private let swiftlet = BuiltProducts.program("swiftlet")

/// `swiftlet run` as user 65534, which has no rights and no groups.
private func runAsNobody(
    _ arguments: [String], before: [String] = [], input: String? = nil
) throws -> (code: Int32?, output: String, errors: String) {
    let result = try Program.run(
        Unprivileged.command[0], Unprivileged.command.dropFirst() + before + [swiftlet, "run"] + arguments,
        input: input)
    return (result.status.code, result.output, result.errors)
}

private func program(_ name: String) -> String { SharedData.path("testdata/programs/\(name)") }

@Suite(
    .serialized, .enabled(if: Unprivileged.canRun(swiftlet), "\(Unprivileged.requirements)"),
    .enabled(if: SharedData.isPresent, "needs shared data"))
struct `swiftlet run without root` {
    @Test func `runs a module without a word where the kernel gives user namespaces`() throws {
        let result = try runAsNobody([program("wasip1/hello_c.wasm")])
        #expect(result.code == 0 && result.output == "Hello World!\n")
        if Unprivileged.hasUserNamespaces { #expect(result.errors == "") }
    }

    @Test func `has namespaces, no capability, no root directory and the filter`() throws {
        let directory = TemporaryDirectory()
        chmod(directory.path, 0o755)
        let path = directory.write(TinyModule.bytes(body: [0x03, 0x40, 0x0C, 0, 0x0B]), to: "loop.wasm")
        let command = try Program(Unprivileged.command[0], Unprivileged.command.dropFirst() + [swiftlet, "run", path])
        let sandbox = try #require(findSandbox(of: command.processID))
        #expect(status("Uid", of: sandbox)?.hasPrefix("65534 ") == true)
        #expect(status("Seccomp", of: sandbox) == "2" && status("NoNewPrivs", of: sandbox) == "1")
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            // Without a user namespace nobody may empty the bounding set; with no_new_privs it gives nothing.
            if set == "CapBnd", !Unprivileged.hasUserNamespaces { continue }
            #expect(status(set, of: sandbox) == "0000000000000000", "\(set)")
        }
        if Unprivileged.hasUserNamespaces {
            for namespace in ["user", "mnt", "pid", "ipc", "uts"] {
                let own = try Files.linkTarget("/proc/\(getpid())/ns/\(namespace)")
                #expect(try Files.linkTarget("/proc/\(sandbox)/ns/\(namespace)") != own, "\(namespace)")
            }
            #expect(try Files.names(in: "/proc/\(sandbox)/root").isEmpty)
        }
        command.signal(SIGTERM)
        command.signal(SIGTERM)
        #expect(command.wait(seconds: 20) != nil)
        #expect(isGone(sandbox))
    }

    @Test func `gives directories, writable and read-only`() throws {
        let directory = TemporaryDirectory()
        chown(directory.path, 65534, 65534)
        let write = try runAsNobody(["--dir", "\(directory.path):.", program("own-built/own_env_fs.wasm"), "a"])
        #expect(write.output.contains("read back: hello file"), "\(write)")
        let other = TemporaryDirectory()
        chown(other.path, 65534, 65534)
        let read = try runAsNobody(["--dir", "\(other.path):.:ro", program("own-built/own_env_fs.wasm"), "a"])
        #expect(read.code != 0 || !read.output.contains("read back: hello file"))
        #expect(try Files.names(in: other.path) == [])
    }

    @Test func `gives no more than the user may`() throws {
        let directory = TemporaryDirectory()
        let secret = directory.write(Array("secret".utf8), to: "secret")
        chmod(directory.path, 0o755)
        for (mode, isReadable) in [(0o644, true), (0o600, false)] as [(mode_t, Bool)] {
            chmod(secret, mode)
            let result = try runAsNobody(["--dir", "\(directory.path):/", program("wasip1/cat_rust.wasm"), "/secret"])
            #expect((result.code == 0 && result.output == "secret") == isReadable, "\(result)")
            #expect(result.output.contains("secret") == isReadable)
        }
        chmod(directory.path, 0o700)
        let closed = try runAsNobody(["--dir", "\(directory.path):/", program("wasip1/cat_rust.wasm"), "/secret"])
        #expect(closed.code == 125 && closed.errors.contains(directory.path) && closed.errors.contains("EACCES"))
    }

    @Test func `holds memory without a cgroup, and says what nobody holds`() throws {
        let hog = BuiltProducts.guest("memory-hog")
        try #require(BuiltProducts.exists(hog))
        let result = try runAsNobody(["--memory", "32Mi", "--cpus", "0.5", "--timeout", "60s", hog])
        // Refused by memory.grow: the guest ends by itself, having had less than its limit.
        #expect(result.code == 3, "\(result)")
        let taken = result.output.split(separator: " ").last.flatMap { Int($0.prefix { $0 != "\n" }) }
        #expect((20...32).contains(try #require(taken)))
        #expect(result.errors.contains("no cgroup (") && result.errors.contains("not held: CPU (50000 µs"))
    }

    @Test func `holds limits in a cgroup that was delegated to the user`() throws {
        let mounts = try CGroupMounts.detect()
        guard geteuid() == 0, mounts.isUnified, let root = mounts.unified else { return }
        let hog = BuiltProducts.guest("memory-hog")
        let delegated = CGroup(path: "swiftlet-delegated-\(getpid())", mounts: mounts)
        try delegated.create(ResourceLimits(memoryBytes: 1 << 30, cpuShares: 1024, processes: 1000))
        defer { try? delegated.remove() }
        let path = "\(root)/\(delegated.path)"
        for name in ["", "/cgroup.procs", "/cgroup.subtree_control", "/cgroup.threads"] {
            chown(path + name, 65534, 65534)
        }
        // The shell enters the delegated group itself, as systemd puts a unit's first process there.
        let enter = ["/bin/sh", "-c", "echo $$ >\(path)/cgroup.procs && exec \"$@\"", "sh"]
        let options = ["--memory", "32Mi", "--cpus", "0.5", "--timeout", "90s"]
        let words = enter + Unprivileged.command + [swiftlet, "run"] + options + [hog]
        let result = try Program.run(words[0], Array(words.dropFirst()), seconds: 120)
        #expect(result.status.code == 137 && result.errors.contains("out of memory"), "\(result)")
        #expect(!result.errors.contains("warning"))
        #expect(delegated.children().map(\.path) == ["\(delegated.path)/supervisors"])
    }

    // MARK: - Looking

    private func findSandbox(of command: pid_t) -> pid_t? {
        for _ in 0..<1000 {
            for process in (try? ProcessTable.all()) ?? []
            where ProcessTable.entry(of: process)?.parent == command && status("Seccomp", of: process) == "2" {
                return process
            }
            usleep(10_000)
        }
        return nil
    }

    private func isGone(_ process: pid_t) -> Bool {
        for _ in 0..<500 {
            guard let entry = ProcessTable.entry(of: process), entry.state != UInt8(ascii: "Z") else { return true }
            usleep(10_000)
        }
        return false
    }

    private func status(_ field: String, of process: pid_t) -> String? {
        guard let text = try? Files.readText("/proc/\(process)/status") else { return nil }
        for line in text.split(separator: "\n") where line.hasPrefix("\(field):") {
            return line.dropFirst(field.count + 1).split { $0 == "\t" || $0 == " " }.joined(separator: " ")
        }
        return nil
    }
}
