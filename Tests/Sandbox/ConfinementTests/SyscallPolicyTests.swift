// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the policy, as a table and as the kernel enforces it.

import CTestSupport
import Confinement
import Glibc
import LaunchProtocol
import Linux
import Testing
import TestSupport

private func policy(_ change: (inout LaunchSpec) -> Void = { _ in }, streams: Bool = false) -> SyscallPolicy {
    var spec = LaunchSpec(name: "test", moduleDescriptor: 4)
    change(&spec)
    return SyscallPolicy(for: spec, hasStreamSockets: streams)
}

/// A system call that is made under the filter of `policy`.
struct Attempt: Sendable, CustomTestStringConvertible {
    var name: String
    var number: Int
    var arguments: [Int] = []
    var isAllowed: Bool
    var grants: SyscallGrant = .always

    var testDescription: String { "\(name) \(arguments)" }
}

private let attempts: [Attempt] = [
    Attempt(name: "sched_yield", number: 24, isAllowed: true),
    Attempt(name: "mmap rw", number: 9, arguments: [0, 4096, 3, 0x22], isAllowed: true),
    Attempt(name: "mmap rwx", number: 9, arguments: [0, 4096, 7, 0x22], isAllowed: false),
    Attempt(name: "mprotect exec", number: 10, arguments: [0, 0, 5], isAllowed: false),
    Attempt(name: "fcntl F_GETFL", number: 72, arguments: [0, 3], isAllowed: true),
    Attempt(name: "fcntl F_DUPFD", number: 72, arguments: [0, 0], isAllowed: false),
    Attempt(name: "ioctl TIOCSTI", number: 16, arguments: [0, 0x5412], isAllowed: false),
    Attempt(name: "ioctl FIONREAD with high bits", number: 16, arguments: [0, 0x1_0000_541B], isAllowed: false),
    Attempt(name: "open", number: 2, isAllowed: false),
    Attempt(name: "openat", number: 257, isAllowed: false),
    Attempt(name: "openat2 without a directory", number: 437, isAllowed: false),
    Attempt(name: "openat2", number: 437, arguments: [-1], isAllowed: true, grants: .directory),
    Attempt(name: "unlinkat on read-only grants", number: 263, arguments: [-1], isAllowed: false, grants: .directory),
    Attempt(name: "unlinkat", number: 263, arguments: [-1], isAllowed: true, grants: .writableDirectory),
    Attempt(name: "newfstatat of a path", number: 262, arguments: [-1, 0, 0, 0], isAllowed: false),
    Attempt(name: "newfstatat of a descriptor", number: 262, arguments: [-1, 0, 0, 0x1000], isAllowed: true),
    Attempt(name: "socket without the grant", number: 41, arguments: [2, 1, 0], isAllowed: false),
    Attempt(
        name: "socket without the grant, with listeners", number: 41, arguments: [2, 1], isAllowed: false,
        grants: .sockets),
    Attempt(name: "accept4 of a listener", number: 288, arguments: [-1], isAllowed: true, grants: .sockets),
    Attempt(name: "socket AF_INET", number: 41, arguments: [2, 1, 0], isAllowed: true, grants: .network),
    Attempt(name: "socket AF_UNIX", number: 41, arguments: [1, 1, 0], isAllowed: false, grants: .network),
    Attempt(name: "socket AF_NETLINK", number: 41, arguments: [16, 3, 0], isAllowed: false, grants: .network),
    Attempt(name: "execve", number: 59, isAllowed: false, grants: .network),
    Attempt(name: "clone", number: 56, isAllowed: false, grants: .network),
    Attempt(name: "clone3", number: 435, isAllowed: false, grants: .network),
    Attempt(name: "clone of a process", number: 56, arguments: [17], isAllowed: false, grants: .threads),
    Attempt(name: "clone3 fails", number: 435, isAllowed: true, grants: .threads),
    Attempt(name: "set_robust_list", number: 273, isAllowed: true, grants: .threads),
    Attempt(name: "gettid", number: 186, isAllowed: true, grants: .threads),
    Attempt(name: "gettid without threads", number: 186, isAllowed: false),
    Attempt(name: "set_robust_list without threads", number: 273, isAllowed: false),
    Attempt(name: "fork", number: 57, isAllowed: false),
    Attempt(name: "ptrace", number: 101, isAllowed: false),
    Attempt(name: "prctl", number: 157, isAllowed: false),
    Attempt(name: "kill", number: 62, isAllowed: false),
    Attempt(name: "io_uring_setup", number: 425, isAllowed: false),
    Attempt(name: "bpf", number: 321, isAllowed: false),
    Attempt(name: "mount", number: 165, isAllowed: false),
    Attempt(name: "chroot", number: 161, isAllowed: false),
    Attempt(name: "setuid", number: 105, isAllowed: false),
    Attempt(name: "process_vm_readv", number: 310, isAllowed: false),
    Attempt(name: "pidfd_getfd", number: 438, isAllowed: false),
    Attempt(name: "memfd_create", number: 319, isAllowed: false),
    Attempt(name: "userfaultfd", number: 323, isAllowed: false),
    Attempt(name: "perf_event_open", number: 298, isAllowed: false),
    Attempt(name: "sched_yield of the x32 table", number: 0x4000_0018, isAllowed: false),
]

@Suite struct `The system call policy` {
    @Test(arguments: attempts) func `allows what it names and kills for the rest`(_ attempt: Attempt) {
        var spec = LaunchSpec(name: "test", moduleDescriptor: 4)
        switch attempt.grants {
        case .always: break
        case .directory: spec.preopens = [Preopen(descriptor: 5, guestPath: "/", isReadOnly: true)]
        case .writableDirectory: spec.preopens = [Preopen(descriptor: 5, guestPath: "/", isReadOnly: false)]
        case .sockets: spec.network.listeners = [5]
        case .network: spec.network.isAllowed = true
        case .threads: break
        }
        struct Job {
            var policy: SyscallPolicy
            var number: Int
            var arguments: [Int]
        }
        var job = Job(
            policy: SyscallPolicy(for: spec, hasStreamSockets: false, hasThreads: attempt.grants == .threads),
            number: attempt.number,
            arguments: attempt.arguments + [0, 0, 0, 0])
        let status = withUnsafeMutablePointer(to: &job) { job in
            test_run_in_child(
                { context in
                    guard let job = context?.assumingMemoryBound(to: Job.self).pointee else { return 2 }
                    let a = job.arguments
                    do { try Confinement.loadFilter(job.policy) } catch { return 3 }
                    _ = test_system_call(job.number, a[0], a[1], a[2], a[3])
                    return 0
                }, job)
        }
        // SIGSYS is 31; the bit 128 would say that there is a core file.
        #expect(attempt.isAllowed ? status == 0 : status & 0x7F == SIGSYS, "wait status \(status)")
    }

    @Test func `has no socket calls without a socket, and no writing calls without a writable directory`() {
        #expect(policy().grants == [.always])
        #expect(policy(streams: true).grants == [.always, .sockets])
        let readOnly = policy { $0.preopens = [Preopen(descriptor: 5, guestPath: "/", isReadOnly: true)] }
        #expect(readOnly.grants == [.always, .directory])
        let network = policy { $0.network.isAllowed = true }
        #expect(network.grants == [.always, .sockets, .network])
        #expect(!readOnly.rules.contains { "\($0.name)" == "unlinkat" })
    }

    @Test func `gives a reason for each rule`() {
        for rule in SyscallPolicy.all {
            #expect(rule.reason.utf8CodeUnitCount > 3, "\(rule.name)")
        }
    }

    @Test func `is what the security documentation lists`() throws {
        let text = try Files.readText("\(BuiltProducts.packageRoot)/docs/security/sandbox.md")
        var documented: Set<String> = []
        for line in text.split(separator: "\n") {
            let cells = line.split(separator: "|").map { $0.split { $0 == " " }.joined(separator: " ") }
            guard cells.count == 3, cells[0].hasPrefix("`") else { continue }
            documented.insert(cells.joined(separator: "|"))
        }
        let rules = Set(SyscallPolicy.all.map { "`\($0.name)`|\($0.grant.rawValue)|\($0.reason)" })
        #expect(rules.subtracting(documented) == [])
        #expect(documented.subtracting(rules) == [])
    }
}
