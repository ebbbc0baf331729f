// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the policy as a seccomp filter: one that libseccomp made earlier, or makes now.

internal import CLinux
internal import CSeccomp
internal import CSyscallFilters
internal import Glibc
internal import Linux

/// A part of the confinement that failed. Nothing of the guest runs after that.
public struct ConfinementError: Error, Sendable, Equatable, CustomStringConvertible {
    public var description: String

    init(_ description: String) { self.description = description }
    init(_ what: String, _ cause: SystemError) { description = "\(what): \(cause)" }
}

enum SyscallFilter {
    // libseccomp's actions are macros with arguments, which Swift does not see (seccomp.h).
    private static let allow: UInt32 = 0x7FFF_0000
    private static let killProcess: UInt32 = 0x8000_0000

    /// Loads the filter for the calling thread, for good. Everything that is not allowed, and every call of another
    /// architecture's (x32, i386) table, kills the process.
    static func load(_ policy: SyscallPolicy) throws(ConfinementError) {
        var count: UInt16 = 0
        guard let instructions = swl_syscall_filter(policy.grants.rawValue, &count) else {
            return try load(policy.rules)
        }
        try check(swl_seccomp_load(instructions, count), "load")
    }

    /// The same for rules of which no filter was made earlier.
    ///
    /// - Parameter intoAllThreads: not only into the calling one (SECCOMP_FILTER_FLAG_TSYNC).
    static func load(_ rules: [SyscallRule], intoAllThreads: Bool = false) throws(ConfinementError) {
        try withContext(of: rules) { context throws(ConfinementError) in
            if intoAllThreads { try check(seccomp_attr_set(context, SCMP_FLTATR_CTL_TSYNC, 1), "all threads") }
            try check(seccomp_load(context), "load")
        }
    }

    /// What libseccomp makes of the policy: the instructions, 8 bytes each (struct sock_filter).
    static func compile(_ policy: SyscallPolicy) throws(ConfinementError) -> [UInt64] {
        try withContext(of: policy.rules) { context throws(ConfinementError) in
            let file = swl_memfd_create("filter")
            guard file >= 0 else { throw ConfinementError("memfd: \(Errno(rawValue: -file))") }
            defer { close(file) }
            try check(seccomp_export_bpf(context, file), "export")
            var instructions = [UInt64](repeating: 0, count: Int(lseek(file, 0, SEEK_CUR)) / 8)
            let byteCount = pread(file, &instructions, instructions.count * 8, 0)
            guard byteCount == instructions.count * 8 else { throw ConfinementError("memfd: \(byteCount) bytes read") }
            return instructions
        }
    }

    private static func withContext<Result>(
        of rules: [SyscallRule], _ body: (scmp_filter_ctx) throws(ConfinementError) -> Result
    ) throws(ConfinementError) -> Result {
        guard let context = seccomp_init(killProcess) else { throw ConfinementError("seccomp_init: out of memory") }
        defer { seccomp_release(context) }
        try check(seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, killProcess), "architecture action")
        // no_new_privs is set by us, earlier, because Landlock wants it too.
        try check(seccomp_attr_set(context, SCMP_FLTATR_CTL_NNP, 0), "no_new_privs")
        // 2: a binary tree over the numbers; a chain of fifty comparisons would be paid in each system call.
        try check(seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2), "optimisation")
        for rule in rules { try add(rule, to: context) }
        return try body(context)
    }

    private static func add(_ rule: SyscallRule, to context: scmp_filter_ctx) throws(ConfinementError) {
        let name = UnsafeRawPointer(rule.name.utf8Start).assumingMemoryBound(to: CChar.self)
        let number = seccomp_syscall_resolve_name(name)
        guard number >= 0 else { throw ConfinementError("system call \(rule.name): unknown to libseccomp") }
        var conditions = rule.conditions.map(comparison)
        let count = UInt32(conditions.count)
        // SCMP_ACT_ERRNO
        let action = rule.error.map { 0x0005_0000 | UInt32(bitPattern: $0) } ?? allow
        try check(seccomp_rule_add_array(context, action, number, count, &conditions), "\(rule.name)")
    }

    private static func comparison(_ condition: ArgumentCondition) -> scmp_arg_cmp {
        switch condition {
        case .equals(let argument, let value):
            scmp_arg_cmp(arg: argument, op: SCMP_CMP_EQ, datum_a: value, datum_b: 0)
        case .hasNone(let argument, let mask):
            scmp_arg_cmp(arg: argument, op: SCMP_CMP_MASKED_EQ, datum_a: mask, datum_b: 0)
        case .atMost(let argument, let value):
            scmp_arg_cmp(arg: argument, op: SCMP_CMP_LE, datum_a: value, datum_b: 0)
        }
    }

    private static func check(_ result: Int32, _ what: @autoclosure () -> String) throws(ConfinementError) {
        guard result < 0 else { return }
        throw ConfinementError("system call filter: \(what()): \(Errno(rawValue: -result))")
    }
}
