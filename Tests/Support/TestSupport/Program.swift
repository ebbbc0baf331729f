// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: start the built binaries, read what they print, stop them by PID.

public import Glibc
import Synchronization

/// A process that a test started. It is killed when the value goes away.
public final class Program: @unchecked Sendable {
    // SAFETY: `output` and `errors` are behind mutexes, `exitStatus` too; the rest never changes after init.
    public let processID: pid_t
    private let output: Collector
    private let errors: Collector
    private let openInput: Int32?
    private let exit = Mutex<ExitStatus?>(nil)

    /// How a process ended.
    public struct ExitStatus: Sendable, Equatable {
        public var code: Int32?
        public var signal: Int32?

        init(waitStatus: Int32) {
            if waitStatus & 0x7F == 0 { code = (waitStatus >> 8) & 0xFF } else { signal = waitStatus & 0x7F }
        }
    }

    public struct Failure: Error, CustomStringConvertible {
        public var description: String
    }

    /// Starts `path` with `arguments` (without argv[0]); `environment` nil inherits the test's.
    ///
    /// - Parameter keepsInputOpen: its standard input does not end after `input`, as long as this value lives.
    public init(
        _ path: String, _ arguments: [String] = [], environment: [String: String]? = nil, input: String? = nil,
        keepsInputOpen: Bool = false, workingDirectory: String? = nil
    ) throws {
        let changeDirectory = workingDirectory.map { ["/usr/bin/env", "-C", $0] } ?? []
        let command = changeDirectory + [path] + arguments
        let standardInput = try Self.pipe()
        let standardOutput = try Self.pipe()
        let standardError = try Self.pipe()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, standardInput.read, 0)
        posix_spawn_file_actions_adddup2(&actions, standardOutput.write, 1)
        posix_spawn_file_actions_adddup2(&actions, standardError.write, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Its own process group: Ctrl-C at the test's terminal is not for it, and the test can signal the group.
        // The test runner blocks and ignores signals; a program starts with none blocked and the defaults.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var argv: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        var envp: [UnsafeMutablePointer<CChar>?] =
            (environment ?? Self.currentEnvironment).map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer {
            for pointer in argv + envp { free(pointer) }
        }
        var pid: pid_t = 0
        let result = posix_spawn(&pid, command[0], &actions, &attributes, &argv, &envp)
        close(standardInput.read)
        close(standardOutput.write)
        close(standardError.write)
        guard result == 0 else {
            throw Failure(description: "\(path): \(String(cString: strerror(result)))")
        }
        processID = pid
        output = Collector(descriptor: standardOutput.read)
        errors = Collector(descriptor: standardError.read)
        if let input {
            let bytes = Array(input.utf8)
            _ = bytes.withUnsafeBytes { write(standardInput.write, $0.baseAddress, $0.count) }
        }
        openInput = keepsInputOpen ? standardInput.write : nil
        if !keepsInputOpen { close(standardInput.write) }
    }

    deinit {
        if let openInput { close(openInput) }
        if exit.withLock({ $0 }) == nil {
            kill(processID, SIGKILL)
            var status: Int32 = 0
            waitpid(processID, &status, 0)
        }
    }

    /// All that it printed so far.
    public var standardOutput: String { output.text }
    public var standardError: String { errors.text }

    public func signal(_ number: Int32) { kill(processID, number) }

    /// Waits for the end; nil after `seconds`.
    public func wait(seconds: Double = 30) -> ExitStatus? {
        let deadline = Self.now + seconds
        while true {
            if let status = exit.withLock({ $0 }) { return status }
            var status: Int32 = 0
            if waitpid(processID, &status, WNOHANG) == processID {
                let result = ExitStatus(waitStatus: status)
                exit.withLock { $0 = result }
                output.finish()
                errors.finish()
                return result
            }
            if Self.now > deadline { return nil }
            usleep(2000)
        }
    }

    /// Waits until `condition` holds for the standard output so far; false after `seconds` or when the process ended.
    public func waitForOutput(seconds: Double = 30, _ condition: (String) -> Bool) -> Bool {
        let deadline = Self.now + seconds
        while Self.now < deadline {
            if condition(standardOutput) { return true }
            usleep(5000)
        }
        return condition(standardOutput)
    }

    /// Runs to the end and gives everything; a process that needs longer than `seconds` is killed and is a failure.
    public static func run(
        _ path: String, _ arguments: [String] = [], environment: [String: String]? = nil, input: String? = nil,
        workingDirectory: String? = nil, seconds: Double = 60
    ) throws -> (status: ExitStatus, output: String, errors: String) {
        let program = try Program(
            path, arguments, environment: environment, input: input, workingDirectory: workingDirectory)
        guard let status = program.wait(seconds: seconds) else {
            throw Failure(
                description: "\(path) \(arguments): no end after \(seconds) s; stdout: \(program.standardOutput); "
                    + "stderr: \(program.standardError)")
        }
        return (status, program.standardOutput, program.standardError)
    }

    private static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        guard Glibc.pipe(&ends) == 0 else {
            throw Failure(description: "pipe: \(String(cString: strerror(errno)))")
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    /// The environment of the test process.
    public static var currentEnvironment: [String: String] {
        var result: [String: String] = [:]
        var cursor = environ
        while let entry = cursor.pointee {
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                result[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            cursor += 1
        }
        return result
    }
}

/// Reads a descriptor to its end on a thread of its own.
private final class Collector: @unchecked Sendable {
    // SAFETY: the bytes are behind the mutex; the thread is joined once, by `finish` or `deinit`.
    private let bytes = Mutex<[UInt8]>([])
    private let descriptor: Int32
    private let done = Mutex(false)

    init(descriptor: Int32) {
        self.descriptor = descriptor
        var thread = pthread_t()
        let box = Unmanaged.passRetained(self)
        pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Collector>.fromOpaque(context).takeRetainedValue().read()
                return nil
            }, box.toOpaque())
        pthread_detach(thread)
    }

    var text: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }

    /// Waits (two seconds at most: a grandchild may hold the pipe open) until everything is read.
    func finish() {
        for _ in 0..<1000 where !done.withLock({ $0 }) { usleep(2000) }
    }

    private func read() {
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes.withLock { $0.append(contentsOf: buffer[..<count]) }
        }
        close(descriptor)
        done.withLock { $0 = true }
    }
}
