// SPDX-License-Identifier: Apache-2.0
// Swiftlet: starting, signalling and reaping processes.

internal import CLinux
public import Glibc

/// Kernel namespaces that a new process gets for itself (namespaces(7)).
public struct Namespaces: OptionSet, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static let mount = Namespaces(rawValue: 0x0002_0000)
    public static let uts = Namespaces(rawValue: 0x0400_0000)
    public static let ipc = Namespaces(rawValue: 0x0800_0000)
    public static let user = Namespaces(rawValue: 0x1000_0000)
    public static let process = Namespaces(rawValue: 0x2000_0000)
    public static let network = Namespaces(rawValue: 0x4000_0000)
}

/// A process to be started. Descriptors that are not named are closed in it.
public struct SpawnRequest: Sendable {
    public struct Inheritance: Sendable, Equatable {
        public var source: Int32
        public var target: Int32

        public init(_ source: Int32, as target: Int32) {
            self.source = source
            self.target = target
        }
    }

    public var path: String
    /// `arguments[0]` included.
    public var arguments: [String]
    /// `NAME=value`.
    public var environment: [String]
    public var descriptors: [Inheritance]
    public var namespaces: Namespaces = []
    /// Own session: signals of the caller's terminal do not reach the process.
    public var hasOwnSession = false
    /// Descriptor 0 is a terminal that becomes the own session's.
    public var controlsTerminal = false
    public var directory: String?
    /// The group that the process enters before its exec.
    public var cgroup: CGroupEntrance?

    public init(path: String, arguments: [String], environment: [String] = [], descriptors: [Inheritance] = []) {
        self.path = path
        self.arguments = arguments
        self.environment = environment
        self.descriptors = descriptors
    }
}

/// How a process ended.
public struct ProcessExit: Sendable, Equatable {
    public enum Cause: Sendable, Equatable {
        case exited(code: Int32)
        case signaled(signal: Int32)
    }

    public var cause: Cause
    public var userMicroseconds: Int64
    public var systemMicroseconds: Int64
    public var residentKibibytesMax: Int64

    public init(cause: Cause, userMicroseconds: Int64, systemMicroseconds: Int64, residentKibibytesMax: Int64) {
        self.cause = cause
        self.userMicroseconds = userMicroseconds
        self.systemMicroseconds = systemMicroseconds
        self.residentKibibytesMax = residentKibibytesMax
    }
}

/// A child process, held by its pidfd: the handle never names another process, even after the number is used again.
public struct ChildProcess: ~Copyable, Sendable {
    public let processIdentifier: pid_t
    /// Readable once the process has ended (pidfd_open(2)).
    public let descriptor: OwnedDescriptor

    /// Starts a process (clone(2) with CLONE_VFORK, then execve(2)); a failing exec is an error here.
    public static func spawn(_ request: SpawnRequest) throws(SystemError) -> ChildProcess {
        var pidfd: Int32 = -1
        var step: UnsafePointer<CChar>?
        let process = request.path.withCString { path in
            withCStrings(request.arguments) { arguments in
                withCStrings(request.environment) { environment in
                    spawn(request, path, arguments, environment, &pidfd, &step)
                }
            }
        }
        guard process > 0 else {
            throw SystemError(
                call: step.map { String(cString: $0) } ?? "clone", path: request.path, errno: Errno(rawValue: -process))
        }
        return ChildProcess(processIdentifier: process, descriptor: OwnedDescriptor(owning: pidfd))
    }

    /// A process that has become a child of this one without being started by it (PR_SET_CHILD_SUBREAPER).
    public static func adopt(_ process: pid_t) throws(SystemError) -> ChildProcess {
        let descriptor = try checkRaw("pidfd_open", "\(process)") { swl_pidfd_open(process) }
        return ChildProcess(processIdentifier: process, descriptor: OwnedDescriptor(owning: descriptor))
    }

    private static func spawn(
        _ request: SpawnRequest, _ path: UnsafePointer<CChar>,
        _ arguments: UnsafePointer<UnsafeMutablePointer<CChar>?>,
        _ environment: UnsafePointer<UnsafeMutablePointer<CChar>?>,
        _ pidfd: inout Int32, _ step: inout UnsafePointer<CChar>?
    ) -> pid_t {
        let sources = request.descriptors.map(\.source)
        let targets = request.descriptors.map(\.target)
        return sources.withUnsafeBufferPointer { sources in
            targets.withUnsafeBufferPointer { targets in
                var what = swl_spawn()
                what.path = path
                what.arguments = arguments
                what.environment = environment
                what.sources = sources.baseAddress
                what.targets = targets.baseAddress
                what.descriptor_count = Int32(sources.count)
                what.namespaces = request.namespaces.rawValue
                what.new_session = request.hasOwnSession ? 1 : 0
                what.controls_terminal = request.controlsTerminal ? 1 : 0
                what.cgroup_directory = request.cgroup?.unified ?? -1
                let tasks = request.cgroup?.tasks ?? []
                return tasks.withUnsafeBufferPointer { tasks in
                    what.cgroup_tasks = tasks.baseAddress
                    what.cgroup_task_count = Int32(tasks.count)
                    return spawn(&what, in: request.directory, &pidfd, &step)
                }
            }
        }
    }

    private static func spawn(
        _ what: inout swl_spawn, in directory: String?, _ pidfd: inout Int32, _ step: inout UnsafePointer<CChar>?
    ) -> pid_t {
        guard let directory else { return swl_spawn_process(&what, &pidfd, &step) }
        return directory.withCString { directory in
            what.directory = directory
            return swl_spawn_process(&what, &pidfd, &step)
        }
    }

    /// Sends a signal; a process that has ended already is fine.
    public func kill(_ signal: Int32) throws(SystemError) {
        let result = swl_pidfd_send_signal(descriptor.rawValue, signal)
        if result < 0, Errno(rawValue: -result) != .noSuchProcess {
            throw SystemError(call: "pidfd_send_signal", path: "\(processIdentifier)", errno: Errno(rawValue: -result))
        }
    }

    /// Reaps the process if it has ended. It can be reaped once.
    public func reap() throws(SystemError) -> ProcessExit? { try reap(isWaiting: false) }

    /// Waits for the end of the process and reaps it.
    public func wait() throws(SystemError) -> ProcessExit {
        while true {
            if let exit = try reap(isWaiting: true) { return exit }
        }
    }

    private func reap(isWaiting: Bool) throws(SystemError) -> ProcessExit? {
        var exit = swl_exit()
        let result = try checkRaw("waitid", "\(processIdentifier)") {
            swl_wait_pidfd(descriptor.rawValue, isWaiting ? 1 : 0, &exit)
        }
        guard result > 0 else { return nil }
        return ProcessExit(
            cause: exit.code == CLD_EXITED ? .exited(code: exit.status) : .signaled(signal: exit.status),
            userMicroseconds: exit.user_microseconds, systemMicroseconds: exit.system_microseconds,
            residentKibibytesMax: exit.resident_kibibytes_max)
    }
}

/// Becomes another program with the same environment and descriptors (execve(2)). Returns only when that fails.
public func replaceProcess(path: String, arguments: [String]) -> Errno {
    withCStrings(arguments) { arguments in
        execve(path, arguments, environ)
        return .current
    }
}

/// Calls `body` with a NULL-terminated array of C strings that lives during the call.
func withCStrings<Result>(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
    defer { for pointer in pointers { free(pointer) } }
    pointers.append(nil)
    return pointers.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else { preconditionFailure("an array with an element has an address") }
        return body(base)
    }
}

/// Processes of the machine, as /proc shows them (proc(5)).
public enum ProcessTable {
    public struct Entry: Sendable, Equatable {
        public var processIdentifier: pid_t
        /// `R`, `S`, `Z` …; `Z` has ended and waits for its parent.
        public var state: UInt8
        public var parent: pid_t
    }

    /// argv of a process; empty for kernel threads, zombies and processes that are gone.
    public static func arguments(of process: pid_t) -> [String] {
        guard let bytes = try? Files.read("/proc/\(process)/cmdline") else { return [] }
        return bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast()
            .map { String(decoding: $0, as: UTF8.self) }
    }

    public static func entry(of process: pid_t) -> Entry? {
        guard let text = try? Files.readText("/proc/\(process)/stat"),
            let end = text.lastIndex(of: ")")  // The name before it may hold anything, parentheses too.
        else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 2, let state = fields[0].utf8.first, let parent = pid_t(fields[1]) else { return nil }
        return Entry(processIdentifier: process, state: state, parent: parent)
    }

    /// All process numbers.
    public static func all() throws(SystemError) -> [pid_t] { try Files.names(in: "/proc").compactMap { pid_t($0) } }
}
