// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a native program's process, made by runc and the shim's child once runc has left.
import EventLoop
import Glibc
import Linux
import TTRPC

/// The first process of a native container, or an exec in it.
final class NativeControl: ProcessControl {
    private let loop: EventLoop
    private let tell: (ProcessEvent) -> Void
    /// Makes the program run, and gives the number of a process that is new.
    private let start: (@escaping (Result<Int32?, Status>) -> Void) -> Void
    private let thaw: () -> Void
    private let outOfMemoryKills: () -> UInt64
    private var child: AdoptedProcess?
    private var hasBegun = false
    private var isStarting = false
    private var isDoomed = false
    private var isPaused = false
    /// Why the program could not be run.
    private var failure: String?
    private var startedAt: CivilTime?
    /// The process ended before runc said that it runs.
    private var early: ExitRecord?

    /// - Parameters:
    ///   - start: see above; called once.
    ///   - thaw: lets a frozen container's processes run, so that they can die.
    ///   - outOfMemoryKills: of the container, so far.
    init(
        loop: EventLoop, tell: @escaping (ProcessEvent) -> Void,
        start: @escaping (@escaping (Result<Int32?, Status>) -> Void) -> Void, thaw: @escaping () -> Void,
        outOfMemoryKills: @escaping () -> UInt64
    ) {
        self.loop = loop
        self.tell = tell
        self.start = start
        self.thaw = thaw
        self.outOfMemoryKills = outOfMemoryKills
    }

    var pid: Int32 { child?.process.processIdentifier ?? 0 }

    /// Takes a process for its own: a child of the shim, running or not.
    func adopt(_ process: Int32) throws(Status) {
        do {
            let adopted = AdoptedProcess(try ChildProcess.adopt(process))
            child = adopted
            try loop.watch(adopted.process.descriptor.rawValue, for: .read) { [unowned self] _ in self.reap() }
        } catch { throw Status(.internalError, "process \(process): \(error)") }
    }

    func begin() {
        (hasBegun, isStarting) = (true, true)
        start { [weak self] result in self?.finishStart(result) }
    }

    private func finishStart(_ result: Result<Int32?, Status>) {
        isStarting = false
        do throws(Status) {
            if let process = try result.get() { try adopt(process) }
            startedAt = .now
            tell(.started(warnings: []))
            if isDoomed { kill() }
        } catch {
            failure = error.message
            if child == nil {
                return tell(.ended(ExitRecord(exitCode: 128, reason: "StartError", message: error.message)))
            }
            kill()
        }
        if let early { tell(.ended(early)) }
    }

    func pause() { isPaused = true }

    func resume() { isPaused = false }

    func signal(_ number: Int32, hasStarted: Bool) throws(Status) {
        guard let child else {
            guard number == SIGKILL else { throw Status(.failedPrecondition, "the process has not started") }
            return kill()
        }
        do { try child.process.kill(number) } catch { throw Status(.invalidArgument, "signal \(number): \(error)") }
        if number == SIGKILL, isPaused { thaw() }
    }

    func kill() {
        if let child {
            try? child.process.kill(SIGKILL)
            if isPaused { thaw() }
        } else if hasBegun {
            isDoomed = true
        } else {
            hasBegun = true
            loop.schedule(afterNanoseconds: 0) { [weak self] in
                self?.tell(.ended(ExitRecord(exitCode: 137, signal: SIGKILL, reason: "Error", message: "killed")))
            }
        }
    }

    private func reap() {
        guard let child else { return }
        let record: ExitRecord
        do {
            guard let end = try child.process.reap() else { return }
            record = self.record(end.cause)
        } catch { record = ExitRecord(exitCode: 255, reason: "Error", message: "\(error)") }
        loop.unwatch(child.process.descriptor.rawValue)
        if isStarting { early = record } else { tell(.ended(record)) }
    }

    private func record(_ cause: ProcessExit.Cause) -> ExitRecord {
        var record: ExitRecord
        switch cause {
        case .exited(let code):
            record = ExitRecord(exitCode: code, reason: code == 0 ? "Completed" : "Error", message: failure ?? "")
        case .signaled(let signal):
            let isOutOfMemory = signal == SIGKILL && outOfMemoryKills() > 0
            record = ExitRecord(
                exitCode: 128 + signal, signal: signal, reason: isOutOfMemory ? "OOMKilled" : "Error",
                message: failure ?? (isOutOfMemory ? "the memory limit was reached" : ""))
        }
        record.startedAt = startedAt
        return record
    }
}

private final class AdoptedProcess {
    let process: ChildProcess

    init(_ process: consuming ChildProcess) { self.process = process }
}
