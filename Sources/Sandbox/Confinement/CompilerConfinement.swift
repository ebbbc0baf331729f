// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the wall around the compiler. It reads modules that nobody vouches for, with a library of millions of lines.

internal import CLinux
internal import Glibc
internal import LaunchProtocol
internal import Linux

/// Confines a process that turns a module into native code, once everything that it needs is open and loaded.
public enum CompilerConfinement {
    // LIMIT: bytes of memory; eight times what the largest module needed.
    public static let memoryBytes: UInt64 = 4 << 30
    // LIMIT: seconds of processor time; about three times what LLVM takes for a 26 MB module.
    public static let processorSeconds: UInt64 = 1800
    // LIMIT: bytes of the image.
    public static let imageBytes: UInt64 = 1 << 30

    /// The system calls that compiling takes, and why. Everything else kills the process.
    public static var rules: [SyscallRule] {
        let executable: UInt64 = 0x4  // PROT_EXEC
        var open = SyscallRule(
            "openat", .always, "fails with EACCES: glibc wants to know how memory is overcommitted, and can do without")
        open.error = 13
        return [
            SyscallRule("read", .always, "the start of the module"),
            SyscallRule("write", .always, "the image; the last word; messages of LLVM"),
            SyscallRule("fstat", .always, "streams of the C library"),
            SyscallRule(
                "newfstatat", .always, [.equals(argument: 3, value: 0x1000)],
                "glibc's fstat: AT_EMPTY_PATH alone, an open file and never a path below it"),
            open,
            SyscallRule("lseek", .always, "streams of the C library"),
            SyscallRule("close", .always, "the image, when it is whole"),
            SyscallRule("mmap", .always, [.hasNone(argument: 2, mask: executable)], "memory, never executable"),
            SyscallRule("mprotect", .always, [.hasNone(argument: 2, mask: executable)], "the C library's heaps"),
            SyscallRule("munmap", .always, "memory given back"),
            SyscallRule("mremap", .always, "growing large allocations in place"),
            SyscallRule("madvise", .always, "memory given back without unmapping"),
            SyscallRule("brk", .always, "the heap"),
            SyscallRule("futex", .always, "locks and once-only initialisation in the runtime libraries"),
            SyscallRule("getrandom", .always, "seeds of hash tables"),
            SyscallRule("clock_gettime", .always, "clocks that the vDSO does not serve: LLVM's timers"),
            SyscallRule("sysinfo", .always, "glibc's qsort asks how much memory the machine has"),
            SyscallRule("getrusage", .always, "LLVM's timers"),
            SyscallRule("sched_getaffinity", .always, "glibc counts processors before it makes one more heap"),
            SyscallRule("sched_yield", .always, "locks in the runtime libraries"),
            SyscallRule("rt_sigprocmask", .always, "abort"),
            SyscallRule("gettid", .always, "abort; locks in the runtime libraries name who holds them"),
            SyscallRule("getpid", .always, "abort"),
            SyscallRule("tgkill", .always, "abort; there is no other process that it may signal"),
            SyscallRule("rt_sigreturn", .always, "the end of a signal's handler"),
            SyscallRule("exit", .always, "the end of a thread; all were started before the walls"),
            SyscallRule("exit_group", .always, "the end"),
        ]
    }

    /// Confines a thread beside the main one, which must exist before ``apply(keeping:supervisor:)``: privileges belong to
    /// each thread. The filter comes to all of them at once, later.
    public static func prepareThread() throws(ConfinementError) {
        try Privileges.forbidNewPrivileges()
        try Privileges.drop(Capabilities.effective(), to: Identity())
    }

    /// Confines the process; the calling thread is its main one, and the others have called ``prepareThread()``.
    ///
    /// - Parameters:
    ///   - kept: the module, the image: all descriptors above 2 that stay open.
    ///   - supervisor: the process that has started this one, and with which it ends.
    public static func apply(keeping kept: [Int32], supervisor: Int32) throws(ConfinementError) {
        try Confinement.closeOthers(kept)
        try Privileges.forbidNewPrivileges()
        try Privileges.drop(Capabilities.effective(), to: Identity())
        try limit(0, processorSeconds, "cpu")
        try limit(1, imageBytes, "fsize")
        try limit(2, memoryBytes, "data")
        try limit(4, 0, "core")
        try limit(6, 0, "nproc")
        try limit(8, 0, "memlock")
        try Privileges.becomeUndumpable()
        Privileges.denyWriteExecute()
        try Privileges.endWithSupervisor()
        // It may have ended before the kernel knew that we want to go with it.
        guard getppid() == supervisor else { throw ConfinementError("the supervisor has ended") }
        try SyscallFilter.load(rules, intoAllThreads: true)
    }

    private static func limit(_ resource: Int32, _ value: UInt64, _ name: StaticString) throws(ConfinementError) {
        let result = swl_lower_limit(resource, value)
        guard result < 0 else { return }
        throw ConfinementError("rlimit \(name): \(Errno(rawValue: -result))")
    }
}
