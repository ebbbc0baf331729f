// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a running sandbox, from launched to reaped.

internal import Glibc
public import LaunchProtocol
public import Linux
internal import Synchronization

/// A sandbox process and what it has told so far.
///
/// For an event loop: watch `controlDescriptor` (readable → call `receive()` until it returns nil) and
/// `processDescriptor` (readable → `reap()`). Without one: `wait()`. Nothing but `wait` blocks. Safe from any thread.
public final class SandboxProcess: Sendable {
    public let name: String
    public let processIdentifier: Int32
    public let cgroup: CGroup?
    /// What the launcher could not give; no record tells them.
    public let launchWarnings: [String]
    private let child: ChildProcess
    private let control: OwnedDescriptor
    private let spec: LaunchSpec
    private let removesCGroup: Bool
    private let state = Mutex(State())

    private struct State {
        var startedAt: UInt64?
        var outcome: StatusRecord?
        var warnings: [String] = []
        var violation: String?
        var isNative = false
        var isControlClosed = false
        var exit: WorkloadExit?
    }

    init(
        spec: LaunchSpec, child: consuming ChildProcess, control: consuming OwnedDescriptor, cgroup: CGroup?,
        removesCGroup: Bool, warnings: [String] = []
    ) {
        name = spec.name
        self.spec = spec
        self.removesCGroup = removesCGroup
        processIdentifier = child.processIdentifier
        self.child = child
        self.control = control
        self.cgroup = cgroup
        launchWarnings = warnings
    }

    /// Readable when the process has ended.
    public var processDescriptor: Int32 { child.descriptor.rawValue }
    /// Readable when there are records, or when the process is gone.
    public var controlDescriptor: Int32 { control.rawValue }
    /// Whether the sandbox has reported `.started`.
    public var hasStarted: Bool { state.withLock { $0.startedAt != nil } }
    /// Whether native code runs, as `.started` said.
    public var isNative: Bool { state.withLock { $0.isNative } }
    /// Parts of the confinement that this kernel or user could not give.
    public var warnings: [String] { launchWarnings + state.withLock { $0.warnings } }
    /// Set once the process is reaped.
    public var exit: WorkloadExit? { state.withLock { $0.exit } }
    /// Whether there is nothing more to read from the control descriptor; stop watching it then.
    public var isControlClosed: Bool { state.withLock { $0.isControlClosed } }

    /// Sends the launch spec to a process that `SandboxLauncher.prepare` has made. Once.
    public func begin() throws(WorkloadError) {
        do { try SupervisorSocket.send(spec, to: control.rawValue) } catch {
            // If it died before it read the spec, the exit status tells more than this.
            if error == .closed { return }
            try? child.kill(SIGKILL)
            throw WorkloadError("launch \(name): \(error)")
        }
    }

    /// The next record, or nil when there is none now. A sandbox that breaks the protocol is killed.
    public func receive() -> StatusRecord? {
        state.withLock { receive(&$0) }
    }

    private func receive(_ state: inout State) -> StatusRecord? {
        guard !state.isControlClosed else { return nil }
        do {
            guard let record = try SupervisorSocket.receive(from: control.rawValue) else { return nil }
            note(record, in: &state)
            return record
        } catch {
            state.isControlClosed = true
            if error != .closed {
                state.violation = "\(error)"
                try? child.kill(SIGKILL)
            }
            return nil
        }
    }

    private func note(_ record: StatusRecord, in state: inout State) {
        switch record {
        case .started(let isNative):
            guard state.startedAt == nil else { return }
            (state.startedAt, state.isNative) = (Clock.realNanoseconds(), isNative)
        case .exited, .trapped, .failed: if state.outcome == nil { state.outcome = record }
        case .warning(let text):
            // LIMIT: a hostile sandbox could send warnings for ever.
            if state.warnings.count < 64 { state.warnings.append(text) }
        case .probe: break
        }
    }

    /// Asks something of the running sandbox. Fails with EAGAIN when it does not read its requests.
    public func send(_ request: ControlRequest) throws(WorkloadError) {
        do { try SupervisorSocket.send(request, to: control.rawValue) } catch {
            throw WorkloadError("\(name): \(error)")
        }
    }

    /// Sends a signal to the process; one that has ended is fine.
    public func kill(_ signal: Int32 = 9) throws(WorkloadError) {
        do { try child.kill(signal) } catch { throw WorkloadError(name, error) }
    }

    /// Reaps the process if it has ended, after reading what it still had to say, and removes its cgroup.
    public func reap() throws(WorkloadError) -> WorkloadExit? {
        do {
            return try state.withLock { (state) throws(SystemError) in
                if let exit = state.exit { return exit }
                guard let end = try child.reap() else { return nil }
                return finish(end, &state)
            }
        } catch { throw WorkloadError(name, error) }
    }

    /// Waits until the process has ended. `onRecord` sees the records that come meanwhile.
    public func wait(onRecord: (StatusRecord) -> Void = { _ in }) throws(WorkloadError) -> WorkloadExit {
        while true {
            let isOpen = !isControlClosed
            var entries = [pollfd(fd: processDescriptor, events: Int16(POLLIN), revents: 0)]
            if isOpen { entries.append(pollfd(fd: controlDescriptor, events: Int16(POLLIN), revents: 0)) }
            _ = poll(&entries, nfds_t(entries.count), -1)
            while let record = receive() { onRecord(record) }
            if entries[0].revents != 0, let exit = try reap() { return exit }
        }
    }

    private func finish(_ end: ProcessExit, _ state: inout State) -> WorkloadExit {
        while receive(&state) != nil {}
        let kills = cgroup?.outOfMemoryKills() ?? 0
        var exit = WorkloadExit(
            startedAtNanoseconds: state.startedAt, finishedAtNanoseconds: Clock.realNanoseconds(), end: end)
        exit.judge(end.cause, outcome: state.outcome, outOfMemoryKills: kills)
        if let violation = state.violation {
            exit.reason = .error
            exit.message = "the sandbox broke the launch protocol and was killed: \(violation)"
        }
        state.exit = exit
        // Not long: this may be an event loop. Who owns the cgroup tries again when the container is deleted.
        if removesCGroup { try? cgroup?.remove(timeoutMilliseconds: 250) }
        return exit
    }
}

extension WorkloadExit {
    /// Fills in code, signal, reason and message from the records (first), the way the process ended, and the cgroup.
    package mutating func judge(_ cause: ProcessExit.Cause, outcome: StatusRecord?, outOfMemoryKills: UInt64) {
        switch (outcome, cause) {
        case (.exited(let guestCode), _):
            // Exit statuses have eight bits for every parent on Linux; the guest's code is kept the same way.
            code = Int32(guestCode & 0xFF)
            reason = code == 0 ? .completed : .error
        case (.trapped(_, let text), _):
            (code, reason, message) = (134, .trapped, text)
        case (.failed(let stage, let text), _):
            (code, reason, message, failedStage) = (125, .startError, text, stage)
        case (_, .signaled(SIGKILL)) where outOfMemoryKills > 0:
            (code, signal, reason) = (137, SIGKILL, .outOfMemory)
            message = "the memory limit was reached"
        case (_, .signaled(let number)):
            (code, signal, reason) = (128 + number, number, .error)
            message = Self.text(ofSignal: number)
        case (_, .exited(let exitCode)):
            // Without a record the process did not get as far as the guest, or was made to leave by hostile code.
            (code, reason) = (exitCode == 0 ? 125 : exitCode, startedAtNanoseconds == nil ? .startError : .error)
            message = "the sandbox process left with code \(exitCode) without a word"
        }
    }

    private static func text(ofSignal number: Int32) -> String {
        switch number {
        case SIGKILL: "killed"
        case SIGSYS: "killed by the system call filter (SIGSYS)"
        default: "killed by signal \(number)"
        }
    }
}
