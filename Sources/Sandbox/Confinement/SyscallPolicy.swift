// SPDX-License-Identifier: Apache-2.0
// Swiftlet: which system calls a sandbox may make, and why. This table is the whole policy: what is not named kills the
// process. docs/security/sandbox.md lists it; a test compares the two.

public import LaunchProtocol

/// The part of a workload's grants that brings a system call along.
public enum SyscallGrant: String, Sendable, CaseIterable {
    /// Every sandbox.
    case always
    /// A preopened directory.
    case directory
    /// A preopened directory that is not read-only.
    case writableDirectory
    /// Listening sockets, the network, or a socket as standard stream.
    case sockets
    /// `NetworkGrant.isAllowed`.
    case network
    /// The module imports wasi-threads.
    case threads
}

/// Grants of one workload, a bit for each.
public struct SyscallGrants: OptionSet, Sendable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let always = SyscallGrants(rawValue: 1)
    public static let directory = SyscallGrants(rawValue: 2)
    public static let writableDirectory = SyscallGrants(rawValue: 4)
    public static let sockets = SyscallGrants(rawValue: 8)
    public static let network = SyscallGrants(rawValue: 16)
    public static let threads = SyscallGrants(rawValue: 32)

    public func contains(_ grant: SyscallGrant) -> Bool {
        switch grant {
        case .always: contains(Self.always)
        case .directory: contains(Self.directory)
        case .writableDirectory: contains(Self.writableDirectory)
        case .sockets: contains(Self.sockets)
        case .network: contains(Self.network)
        case .threads: contains(Self.threads)
        }
    }

    /// Every set that `SyscallPolicy` can come to.
    package static var kinds: [SyscallGrants] {
        let directories: [SyscallGrants] = [[], .directory, [.directory, .writableDirectory]]
        let networks: [SyscallGrants] = [[], .sockets, [.sockets, .network]]
        return [[], .threads].flatMap { threads in
            networks.flatMap { network in directories.map { [.always, $0, network, threads] } }
        }
    }
}

/// A condition on one argument of a system call; the kernel's 64-bit view of it.
public enum ArgumentCondition: Sendable, Equatable {
    case equals(argument: UInt32, value: UInt64)
    /// No bit of `mask` is set.
    case hasNone(argument: UInt32, mask: UInt64)
    case atMost(argument: UInt32, value: UInt64)
}

/// One allowed system call. Several rules for one call are alternatives; the conditions of one rule all hold.
public struct SyscallRule: Sendable {
    public var name: StaticString
    public var grant: SyscallGrant
    public var conditions: [ArgumentCondition]
    public var reason: StaticString
    /// The call fails with this error instead of being made; nil: it is made.
    public var error: Int32?

    init(_ name: StaticString, _ grant: SyscallGrant, _ reason: StaticString) {
        self.init(name, grant, [], reason)
    }

    init(_ name: StaticString, _ grant: SyscallGrant, _ conditions: [ArgumentCondition], _ reason: StaticString) {
        self.name = name
        self.grant = grant
        self.conditions = conditions
        self.reason = reason
    }
}

/// The allow-list of a sandbox, computed from what it is granted.
public struct SyscallPolicy: Sendable {
    public let grants: SyscallGrants

    /// - Parameter hasStreamSockets: whether one of the descriptors 0–2 is a socket.
    /// - Parameter hasThreads: whether the module wants to create threads.
    public init(for spec: LaunchSpec, hasStreamSockets: Bool, hasThreads: Bool = false) {
        var grants = SyscallGrants.always
        if hasThreads { grants.insert(.threads) }
        if !spec.preopens.isEmpty { grants.insert(.directory) }
        if spec.preopens.contains(where: { !$0.isReadOnly }) { grants.insert(.writableDirectory) }
        let network = spec.network
        if hasStreamSockets || network.isAllowed || !network.listeners.isEmpty || !network.boundSockets.isEmpty {
            grants.insert(.sockets)
        }
        if network.isAllowed { grants.insert(.network) }
        self.grants = grants
    }

    package init(grants: SyscallGrants) { self.grants = grants }

    public var rules: [SyscallRule] { Self.all.filter { grants.contains($0.grant) } }

    /// Every rule there is.
    public static var all: [SyscallRule] { waiting + memory + files + sockets + threads }

    private static let executable: UInt64 = 0x4  // PROT_EXEC

    private static var waiting: [SyscallRule] {
        [
            SyscallRule("ppoll", .always, "every wait: the guest's descriptors and the control socket"),
            SyscallRule("poll", .always, "a look at the control socket; waiting to send a record"),
            SyscallRule("restart_syscall", .always, "a wait goes on after SIGSTOP and SIGCONT"),
            SyscallRule("rt_sigreturn", .always, "the end of the SIGTERM handler"),
            SyscallRule("clock_gettime", .always, "clocks that the vDSO does not serve: CPU time"),
            SyscallRule("clock_getres", .always, "clock_res_get"),
            SyscallRule("getrandom", .always, "random_get; seeds of hash tables"),
            SyscallRule("sched_yield", .always, "sched_yield"),
            SyscallRule("futex", .always, "locks and once-only initialisation in the runtime library"),
            SyscallRule("exit_group", .always, "the end"),
        ]
    }

    private static var memory: [SyscallRule] {
        [
            SyscallRule("mmap", .always, [.hasNone(argument: 2, mask: executable)], "memory, never executable"),
            SyscallRule("mprotect", .always, [.hasNone(argument: 2, mask: executable)], "growing a linear memory"),
            SyscallRule("munmap", .always, "memory given back"),
            SyscallRule("mremap", .always, "growing large allocations in place"),
            SyscallRule("madvise", .always, "memory given back without unmapping"),
            SyscallRule("brk", .always, "the heap"),
        ]
    }

    private static var files: [SyscallRule] {
        [
            SyscallRule("read", .always, "the control socket"),
            SyscallRule("write", .always, "records on the control socket"),
            SyscallRule("readv", .always, "fd_read"),
            SyscallRule("writev", .always, "fd_write"),
            SyscallRule("close", .always, "fd_close"),
            SyscallRule("lseek", .always, "fd_seek, fd_tell"),
            SyscallRule("fstat", .always, "type and size of an open file"),
            SyscallRule(
                "newfstatat", .always, [.equals(argument: 3, value: 0x1000)],
                "glibc's fstat: AT_EMPTY_PATH alone, an open file and never a path below it"),
            SyscallRule(
                "ioctl", .always, [.equals(argument: 1, value: 0x541B)], "FIONREAD: bytes there for poll_oneoff"),
            SyscallRule("ioctl", .always, [.equals(argument: 1, value: 0x5401)], "TCGETS: is it a terminal"),
            SyscallRule("fcntl", .always, [.equals(argument: 1, value: 3)], "F_GETFL: fd_fdstat_get"),
            SyscallRule("fcntl", .always, [.equals(argument: 1, value: 4)], "F_SETFL: fd_fdstat_set_flags"),
            SyscallRule("openat2", .directory, "every path; the engine asks for RESOLVE_BENEATH"),
            SyscallRule("getdents64", .directory, "fd_readdir"),
            SyscallRule("preadv", .directory, "fd_pread"),
            SyscallRule("pwritev", .directory, "fd_pwrite"),
            SyscallRule("readlinkat", .directory, "path_readlink, with an empty path"),
            SyscallRule("fadvise64", .directory, "fd_advise"),
            SyscallRule("fsync", .directory, "fd_sync"),
            SyscallRule("fdatasync", .directory, "fd_datasync"),
            SyscallRule("ftruncate", .writableDirectory, "fd_filestat_set_size"),
            SyscallRule(
                "fallocate", .writableDirectory, [.equals(argument: 1, value: 0)], "fd_allocate; no punched holes"),
            SyscallRule("utimensat", .writableDirectory, "fd_filestat_set_times, path_filestat_set_times"),
            SyscallRule("mkdirat", .writableDirectory, "path_create_directory"),
            SyscallRule("unlinkat", .writableDirectory, "path_unlink_file, path_remove_directory"),
            SyscallRule("renameat", .writableDirectory, "path_rename"),
            SyscallRule("linkat", .writableDirectory, [.equals(argument: 4, value: 0)], "path_link; no AT_EMPTY_PATH"),
            SyscallRule("symlinkat", .writableDirectory, "path_symlink"),
        ]
    }

    private static var threads: [SyscallRule] {
        // What glibc's pthread_create asks for: a thread of this process, never a process.
        let flags: UInt64 = 0x3D_0F00
        var clone3 = SyscallRule("clone3", .threads, "fails with ENOSYS: its flags are in memory, clone's can be seen")
        clone3.error = 38
        return [
            SyscallRule("clone", .threads, [.equals(argument: 0, value: flags)], "thread-spawn: threads, no processes"),
            clone3,
            SyscallRule("set_robust_list", .threads, "the start of a thread"),
            SyscallRule("rseq", .threads, "the start of a thread"),
            SyscallRule("rt_sigprocmask", .threads, "no signals while a thread is made or ends"),
            SyscallRule(
                "rt_sigaction", .threads, [.equals(argument: 0, value: 33)], "glibc's own signal, at the first thread"),
            SyscallRule("gettid", .threads, "the Swift runtime's locks name the thread that holds them"),
            SyscallRule("exit", .threads, "the end of a thread"),
        ]
    }

    private static var sockets: [SyscallRule] {
        [
            SyscallRule("accept4", .sockets, "sock_accept"),
            SyscallRule("recvmsg", .sockets, "sock_recv, fd_read on sockets"),
            SyscallRule("sendmsg", .sockets, "sock_send, fd_write on sockets"),
            SyscallRule("shutdown", .sockets, "sock_shutdown"),
            SyscallRule("getsockname", .sockets, "sock_getlocaladdr"),
            SyscallRule("getpeername", .sockets, "sock_getpeeraddr"),
            SyscallRule(
                "getsockopt", .sockets, [.equals(argument: 1, value: 1)], "SOL_SOCKET: type, result of connect"),
            SyscallRule("setsockopt", .sockets, [.equals(argument: 1, value: 1)], "SOL_SOCKET: sock_setsockopt"),
            SyscallRule(
                "setsockopt", .sockets, [.equals(argument: 1, value: 0), .equals(argument: 2, value: 24)],
                "IP_BIND_ADDRESS_NO_PORT: the pod's own source address"),
            SyscallRule("socket", .network, [.equals(argument: 0, value: 2)], "AF_INET"),
            SyscallRule("socket", .network, [.equals(argument: 0, value: 10)], "AF_INET6"),
            SyscallRule("bind", .network, "sock_bind"),
            SyscallRule("listen", .network, [.atMost(argument: 1, value: 4096)], "sock_listen"),
            SyscallRule("connect", .network, "sock_connect, name servers"),
            SyscallRule("sendto", .network, "questions to name servers"),
            SyscallRule("recvfrom", .network, "answers of name servers"),
        ]
    }
}
