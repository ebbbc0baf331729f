// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a running sandbox seen from outside.

import Glibc
import Linux
import TestSupport
import Testing

private let swiftlet = BuiltProducts.program("swiftlet")

/// A `swiftlet run` of a loop, and the sandbox it started.
private final class Running {
    let directory = TemporaryDirectory()
    let command: Program
    let sandbox: pid_t

    init(_ options: [String] = []) throws {
        let path = directory.write(TinyModule.bytes(body: [0x03, 0x40, 0x0C, 0, 0x0B]), to: "loop.wasm")
        command = try Program(swiftlet, ["run"] + options + [path])
        var found: pid_t = 0
        for _ in 0..<500 where found == 0 {
            usleep(10_000)
            for process in try ProcessTable.all()
            where ProcessTable.entry(of: process)?.parent == command.processID
                && Running.status("Seccomp", of: process) == "2"
            {
                found = process
            }
        }
        sandbox = found
    }

    static func status(_ field: String, of process: pid_t) -> String? {
        guard let text = try? Files.readText("/proc/\(process)/status") else { return nil }
        for line in text.split(separator: "\n") where line.hasPrefix("\(field):") {
            return line.dropFirst(field.count + 1).split { $0 == "\t" || $0 == " " }.joined(separator: " ")
        }
        return nil
    }

    func status(_ field: String) -> String? { Self.status(field, of: sandbox) }

    /// Whether the sandbox is gone within five seconds.
    func isSandboxGone() -> Bool {
        for _ in 0..<500 {
            guard let entry = ProcessTable.entry(of: sandbox), entry.state != UInt8(ascii: "Z") else { return true }
            usleep(10_000)
        }
        return false
    }
}

@Suite(.serialized, .enabled(if: BuiltProducts.exists(swiftlet), "needs the built swiftlet"))
struct `A running sandbox` {
    @Test func `has no privileges, no way to get any, and the filter`() throws {
        let running = try Running()
        #expect(running.sandbox > 0)
        #expect(running.status("NoNewPrivs") == "1")
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] { #expect(running.status(set) == "0000000000000000") }
        if geteuid() == 0 { #expect(running.status("CapBnd") == "0000000000000000") }
        #expect(running.status("Threads") == "1")
        #expect(ProcessTable.arguments(of: running.sandbox) == ["swiftlet-sandbox", "loop.wasm"])
        running.command.signal(SIGKILL)
        #expect(running.isSandboxGone())
    }

    @Test func `has only its standard streams and the control socket open, and an empty root`() throws {
        guard geteuid() == 0 else { return }
        let running = try Running()
        var targets: [String: String] = [:]
        for name in try Files.names(in: "/proc/\(running.sandbox)/fd") {
            targets[name] = try Files.linkTarget("/proc/\(running.sandbox)/fd/\(name)")
        }
        let others = targets.filter { !["0", "1", "2", "3"].contains($0.key) }.values
        #expect(Set(others).isSubset(of: ["anon_inode:[eventpoll]", "anon_inode:[eventfd]"]))
        #expect(try Files.linkTarget("/proc/\(running.sandbox)/root").hasSuffix("(deleted)"))
        running.command.signal(SIGKILL)
        #expect(running.isSandboxGone())
    }

    @Test func `ends with a supervisor that is killed`() throws {
        let running = try Running()
        running.command.signal(SIGKILL)
        #expect(running.isSandboxGone())
    }

    @Test func `that ignores Ctrl-C is killed by the second one`() throws {
        let running = try Running(["--grace", "60s"])
        running.command.signal(SIGINT)
        #expect(running.command.wait(seconds: 0.3) == nil)
        running.command.signal(SIGINT)
        #expect(running.command.wait(seconds: 10)?.code == 130)
        #expect(running.isSandboxGone())
    }

    @Test func `that ignores SIGTERM is killed at the end of the grace`() throws {
        let running = try Running(["--grace", "200ms"])
        running.command.signal(SIGTERM)
        #expect(running.command.wait(seconds: 10)?.code == 143)
        #expect(running.isSandboxGone())
    }

    @Test func `leaves no cgroup`() throws {
        guard geteuid() == 0, try CGroupMounts.detect().has("memory") else { return }
        let running = try Running(["--memory", "64Mi", "--cpus", "0.9"])
        let mounts = try CGroupMounts.detect()
        let group = CGroup(path: "swiftlet-run-\(running.command.processID)", mounts: mounts)
        #expect(group.processes() == [running.sandbox])
        running.command.signal(SIGINT)
        // Two signals at once may be delivered as one.
        usleep(100_000)
        running.command.signal(SIGINT)
        _ = running.command.wait(seconds: 15)
        #expect(!CGroup(path: "", mounts: mounts).children().contains(group))
    }
}
