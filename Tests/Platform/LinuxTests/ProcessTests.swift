// SPDX-License-Identifier: Apache-2.0
// Swiftlet: processes and descriptors against the real kernel.

import Glibc
import Testing

import Linux

@Suite struct `A child process` {
    private func shell(_ script: String, _ descriptors: [SpawnRequest.Inheritance] = []) -> SpawnRequest {
        // bash, because dash cannot name descriptors above 9.
        SpawnRequest(path: "/bin/bash", arguments: ["bash", "-c", script], descriptors: descriptors)
    }

    @Test func `tells its exit code`() throws {
        let child = try ChildProcess.spawn(shell("exit 42"))
        #expect(try child.wait().cause == .exited(code: 42))
    }

    @Test func `tells the signal that killed it`() throws {
        let child = try ChildProcess.spawn(shell("while :; do :; done"))
        #expect(try child.reap() == nil)
        try child.kill(SIGKILL)
        #expect(try child.wait().cause == .signaled(signal: SIGKILL))
        try child.kill(SIGKILL)
    }

    @Test func `that cannot be executed is an error with its path`() {
        let error = #expect(throws: SystemError.self) {
            _ = try ChildProcess.spawn(SpawnRequest(path: "/nowhere/x", arguments: ["x"])).processIdentifier
        }
        #expect(error?.description == "execve /nowhere/x: no such file or directory (ENOENT)")
    }

    @Test func `has the descriptors it was given, crosswise too, and no others`() throws {
        let one = try DescriptorPair.pipe()
        let two = try DescriptorPair.pipe()
        // Each source number is the other's target.
        let first = one.second.rawValue
        let second = two.second.rawValue
        let script = "echo one >&\(second); echo two >&\(first); exec ls /proc/self/fd >&\(second)"
        let child = try ChildProcess.spawn(shell(script, [.init(first, as: second), .init(second, as: first)]))
        #expect(try child.wait().cause == .exited(code: 0))
        try Descriptors.setNonBlocking(one.first.rawValue)
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = try buffer.withUnsafeMutableBytes { try Descriptors.read(one.first.rawValue, into: $0) }
        let lines = String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n").map(String.init)
        #expect(lines.first == "one")
        // ls has its output (a copy of second, as 1) and its directory (the lowest free number, 0) open besides.
        #expect(Set(lines.dropFirst().compactMap { Int32($0) }) == [0, 1, first, second])
    }

    @Test func `starts with no blocked, ignored or handled signals`() throws {
        let output = try DescriptorPair.pipe()
        signal(SIGPIPE, SIG_IGN)
        let child = try ChildProcess.spawn(
            shell("grep -E 'Sig(Blk|Ign)' /proc/self/status", [.init(output.second.rawValue, as: 1)]))
        #expect(try child.wait().cause == .exited(code: 0))
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = try buffer.withUnsafeMutableBytes { try Descriptors.read(output.first.rawValue, into: $0) }
        let text = String(decoding: buffer[..<count], as: UTF8.self)
        // Signal 32 belongs to glibc, which does not let anybody reset it; a test runner may have ignored it.
        #expect(text.hasPrefix("SigBlk:\t0000000000000000\nSigIgn:\t00000000"))
        #expect(text.hasSuffix("0000000\n"))
    }

    @Test func `is listed in the process table`() throws {
        let child = try ChildProcess.spawn(SpawnRequest(path: "/bin/sleep", arguments: ["sleeper", "50"]))
        // The kernel lets the parent go on a moment before it shows the new arguments.
        for _ in 0..<500 where ProcessTable.arguments(of: child.processIdentifier).isEmpty {
            Clock.sleep(milliseconds: 1)
        }
        #expect(ProcessTable.arguments(of: child.processIdentifier) == ["sleeper", "50"])
        #expect(ProcessTable.entry(of: child.processIdentifier)?.parent == getpid())
        #expect(try ProcessTable.all().contains(child.processIdentifier))
        try child.kill(SIGKILL)
        _ = try child.wait()
    }
}

@Suite struct `Descriptors and files` {
    @Test func `are closed with their owner`() throws {
        let number: Int32
        do {
            let file = try Files.open("/dev/null", O_RDONLY)
            number = file.rawValue
            #expect(fcntl(number, F_GETFD) == FD_CLOEXEC)
        }
        // Another test may have taken the number meanwhile; /dev/null it is not then.
        var status = stat()
        #expect(fstat(number, &status) != 0 || status.st_rdev != 0x103)
    }

    @Test func `openat2 keeps below its directory`() throws {
        let directory = try Files.open("/proc", O_DIRECTORY)
        let inside = try Files.open("self/status", in: directory.rawValue, O_RDONLY, resolve: 0)
        #expect(inside.rawValue != directory.rawValue)
        let error = #expect(throws: SystemError.self) {
            _ = try Files.open("../etc/passwd", in: directory.rawValue, O_RDONLY, resolve: 0x08).rawValue
        }
        #expect(error?.errno.name == "EXDEV")
    }

    @Test func `a file beyond the limit is refused`() throws {
        #expect(throws: SystemError(call: "read", path: "/proc/self/maps", errno: .fileTooLarge)) {
            try Files.read("/proc/self/maps", limit: 10)
        }
    }

    @Test func `epoll and eventfd wake each other`() throws {
        let queue = try EventQueue()
        let counter = try EventCounter()
        try queue.add(counter.descriptor.rawValue, .readable, token: 77)
        #expect(try queue.wait(timeoutMilliseconds: 0).isEmpty)
        counter.signal()
        let events = try queue.wait(timeoutMilliseconds: 1000)
        #expect(events.map(\.token) == [77] && events.first?.readiness == .readable)
        #expect(counter.drain() == 1)
        #expect(counter.drain() == 0)
    }

    @Test func `errors have the names of the manual`() {
        #expect(Errno(rawValue: EACCES).description == "permission denied (EACCES)")
        #expect(Errno(rawValue: 4711).name == "errno 4711")
    }
}
