// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a sandbox in the foreground: signals, time limits and the final word.

import Glibc
import LaunchProtocol
import Linux
import Workload

/// Watches one sandbox until it has ended.
struct RunSupervisor {
    private let process: SandboxProcess
    /// The reading end of the `SignalPipe`.
    private let signals: Int32
    private let name: String
    private let graceNanoseconds: UInt64
    private var deadline: UInt64?
    private var hasTimedOut = false
    /// The signal that asked for the end.
    private var stopSignal: Int32?

    init(_ process: SandboxProcess, signals: Int32, name: String, timeout: RunDuration?, grace: RunDuration) {
        self.process = process
        self.signals = signals
        self.name = name
        graceNanoseconds = grace.milliseconds * 1_000_000
        deadline = timeout.map { Clock.monotonicNanoseconds() + $0.milliseconds * 1_000_000 }
    }

    /// Returns the exit code of the command.
    consuming func run() -> Int32 {
        do {
            while true {
                if let exit = try turn() { return finish(exit) }
            }
        } catch {
            report("\(error)")
            try? process.kill()
            return 125
        }
    }

    /// Waits for the next thing to happen.
    private mutating func turn() throws -> WorkloadExit? {
        var entries = [
            pollfd(fd: process.processDescriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: signals, events: Int16(POLLIN), revents: 0),
            pollfd(fd: process.isControlClosed ? -1 : process.controlDescriptor, events: Int16(POLLIN), revents: 0),
        ]
        _ = poll(&entries, nfds_t(entries.count), millisecondsLeft())
        while let record = process.receive() {
            if case .warning(let text) = record { report("warning: \(text)") }
        }
        if entries[1].revents != 0 { try take(SignalPipe.next(signals)) }
        if entries[0].revents != 0, let exit = try process.reap() { return exit }
        if let deadline, Clock.monotonicNanoseconds() >= deadline {
            hasTimedOut = stopSignal == nil
            self.deadline = nil
            try process.kill()
        }
        return nil
    }

    private func millisecondsLeft() -> Int32 {
        guard let deadline else { return -1 }
        let now = Clock.monotonicNanoseconds()
        guard deadline > now else { return 0 }
        return Int32(clamping: (deadline - now + 999_999) / 1_000_000)
    }

    private mutating func take(_ signal: Int32?) throws {
        guard let signal else { return }
        if stopSignal != nil { return try process.kill() }
        stopSignal = signal
        deadline = Clock.monotonicNanoseconds() + graceNanoseconds
        // A sandbox that is gone or does not listen is killed at the deadline.
        try? process.send(.stop)
    }

    private func finish(_ exit: WorkloadExit) -> Int32 {
        if hasTimedOut {
            report("\(name): killed at the end of --timeout")
            return 124
        }
        switch exit.reason {
        case .completed: return exit.code
        case .trapped:
            report("\(name) trapped: \(exit.message)")
            return exit.code
        case .startError:
            // The error of a text starts with the file's name, line and column; the sandbox does not know the path.
            let base = name.split(separator: "/").last ?? ""
            let isPlaced = exit.message.hasPrefix(base + ":")
            report(isPlaced ? name + exit.message.dropFirst(base.count) : "\(name): \(exit.message)")
            switch exit.failedStage {
            case .module, .imports, .instantiation: return 126
            case .spec, .confinement, nil: return 125
            }
        case .outOfMemory:
            report("\(name): out of memory: \(exit.message)")
            return exit.code
        case .error:
            guard let signal = exit.signal else { return exit.code }
            if let stopSignal, signal == SIGKILL { return 128 + stopSignal }
            report("\(name): \(exit.message)")
            return exit.code
        }
    }
}

/// Signals that end the command, as bytes in a pipe: the handler may do nothing else.
enum SignalPipe {
    nonisolated(unsafe) private static var writing: Int32 = -1

    /// The reading end, or nil with errno. SIGINT, SIGTERM and SIGHUP go there from now on.
    static func open() -> Int32? {
        guard let pipe = try? DescriptorPair.pipe() else { return nil }
        var ends: (Int32, Int32) = (-1, -1)
        pipe.split { ends = ($0.release(), $1.release()) }
        writing = ends.1
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number) { number in
                var byte = UInt8(truncatingIfNeeded: number)
                let saved = errno
                _ = write(SignalPipe.writing, &byte, 1)
                errno = saved
            }
        }
        return ends.0
    }

    static func next(_ reading: Int32) -> Int32? {
        var byte: UInt8 = 0
        return read(reading, &byte, 1) == 1 ? Int32(byte) : nil
    }
}

/// The cgroup of a `swiftlet run`.
enum RunGroup {
    private static let prefix = "swiftlet-run-"

    /// The path of a group for this process. Groups of runs that were killed are removed first.
    static func prepare() -> String {
        if let mounts = try? CGroupMounts.detect() {
            for group in CGroup(path: "", mounts: mounts).children() where group.path.hasPrefix(prefix) {
                guard let owner = pid_t(group.path.dropFirst(prefix.count)), kill(owner, 0) != 0 else { continue }
                try? group.remove(timeoutMilliseconds: 0)
            }
        }
        return "\(prefix)\(getpid())"
    }
}
