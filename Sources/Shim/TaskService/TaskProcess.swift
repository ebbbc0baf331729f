// SPDX-License-Identifier: Apache-2.0
// Swiftlet: one sandbox process under the Task API: a container's own, or an exec's.
import EventLoop
import Glibc
import LaunchProtocol
import Protobuf
import TTRPC
import TaskAPI
import Workload

/// A sandbox process with its state, its streams and everybody who waits for something of it.
///
/// The process exists from Create on (Create answers with its pid) and waits for its launch spec; Start sends that.
final class TaskProcess {
    /// For messages: `container web-0`, `exec e1 of web-0`.
    let label: String
    let sandbox: SandboxProcess
    let io: StandardIO
    /// As the request had them; State repeats them.
    let streams: (input: String, output: String, error: String)
    private(set) var lifecycle = Lifecycle.created
    private(set) var exit: ExitRecord?

    private let loop: EventLoop
    private let willReap: () -> Void
    private let didStart: ([String]) -> Void
    private let didEnd: (ExitRecord) -> Void
    private var starters: [Responder] = []
    private var waiters: [(ExitRecord) -> Void] = []
    private var probes: [UInt32: ProbeCall] = [:]
    private var probeCount: UInt32 = 0

    private struct ProbeCall {
        var responder: Responder
        var timer: EventLoop.Timer
    }

    /// - Parameters:
    ///   - willReap: the process has ended and its exit is about to be taken.
    ///   - didStart: the guest runs, with what is missing of its wall; Start is answered after this.
    ///   - didEnd: the exit is known; Wait is answered after this.
    init(
        label: String, loop: EventLoop, sandbox: SandboxProcess, io: StandardIO,
        streams: (input: String, output: String, error: String),
        willReap: @escaping () -> Void = {}, didStart: @escaping ([String]) -> Void = { _ in },
        didEnd: @escaping (ExitRecord) -> Void = { _ in }
    ) throws(SystemFailure) {
        self.label = label
        self.loop = loop
        self.sandbox = sandbox
        self.io = io
        self.streams = streams
        self.willReap = willReap
        self.didStart = didStart
        self.didEnd = didEnd
        try loop.watch(sandbox.controlDescriptor, for: .read) { [unowned self] _ in self.receive() }
        try loop.watch(sandbox.processDescriptor, for: .read) { [unowned self] _ in self.reap() }
    }

    var pid: UInt32 { UInt32(bitPattern: sandbox.processIdentifier) }

    // MARK: - Requests

    /// Answers when the guest runs, or when it is clear that it never will.
    func start(_ responder: Responder) throws(Status) {
        lifecycle = try lifecycle.after(.start, of: label)
        starters.append(responder)
        do { try sandbox.begin() } catch { kill() }
    }

    /// Calls back at once if the process has ended.
    func wait(_ waiter: @escaping (ExitRecord) -> Void) {
        if let exit { waiter(exit) } else { waiters.append(waiter) }
    }

    func pause() throws(Status) {
        lifecycle = try lifecycle.after(.pause, of: label)
        _ = try? sandbox.kill(SIGSTOP)
    }

    func resume() throws(Status) {
        lifecycle = try lifecycle.after(.resume, of: label)
        _ = try? sandbox.kill(SIGCONT)
    }

    /// SIGKILL kills; the signals that ask a process to end become the request to stop, as a guest has no signals.
    func signal(_ number: UInt32) throws(Status) {
        guard lifecycle != .stopped else { throw Status(.notFound, "\(label): process already finished") }
        switch Int32(truncatingIfNeeded: number) {
        // 0 only asks; the others do nothing to a running process that does not handle them.
        case 0, SIGCONT, SIGCHLD, SIGWINCH, SIGURG: break
        case SIGKILL: kill()
        case SIGTERM, SIGINT, SIGQUIT, SIGHUP:
            // A guest that was never started has nothing to finish.
            if lifecycle == .created { return kill() }
            // A sandbox that reads no requests has one to stop waiting already, or will not live long.
            _ = try? sandbox.send(.stop)
        default:
            throw Status(
                .invalidArgument,
                "signal \(number): a guest has no signals; TERM, INT, QUIT and HUP ask it to stop, KILL ends it")
        }
    }

    func kill() { _ = try? sandbox.kill(SIGKILL) }

    /// Calls an export of the running guest. The answer of one that takes too long is ignored when it comes.
    func probe(export: String, timeoutNanoseconds: UInt64, _ responder: Responder) throws(Status) {
        guard lifecycle == .running else { throw Status(.failedPrecondition, "\(label) is \(lifecycle), not running") }
        // LIMIT: probes under way; a guest that answers none must not make the shim grow.
        guard probes.count < 64 else { throw Status(.resourceExhausted, "\(label): 64 probes wait for an answer") }
        probeCount &+= 1
        let id = probeCount
        do { try sandbox.send(.probe(id: id, export: export)) } catch {
            throw Status(.unavailable, "\(label): \(error)")
        }
        let timer = loop.schedule(afterNanoseconds: timeoutNanoseconds) { [weak self] in
            let milliseconds = timeoutNanoseconds / 1_000_000
            self?.answerProbe(id, ProbeCallResponse(status: 0, error: "no answer within \(milliseconds) ms"))
        }
        probes[id] = ProbeCall(responder: responder, timer: timer)
    }

    private func answerProbe(_ id: UInt32, _ response: ProbeCallResponse) {
        guard let call = probes.removeValue(forKey: id) else { return }
        loop.cancel(call.timer)
        call.responder.succeed(response.protobufBytes)
    }

    // MARK: - Events

    private func receive() {
        while let record = sandbox.receive() {
            switch record {
            case .started: noteStarted()
            case .probe(let id, .returned(let status)): answerProbe(id, ProbeCallResponse(status: status))
            case .probe(let id, .trapped(let text)): answerProbe(id, ProbeCallResponse(status: 0, error: text))
            case .probe(let id, .unavailable(let text)): answerProbe(id, ProbeCallResponse(status: 0, error: text))
            case .exited, .trapped, .failed, .warning: break  // The sandbox object keeps them for the exit.
            }
        }
        if sandbox.isControlClosed { loop.unwatch(sandbox.controlDescriptor) }
    }

    private func noteStarted() {
        guard let running = try? lifecycle.after(.started, of: label) else { return }
        lifecycle = running
        didStart(sandbox.warnings)
        for starter in starters { starter.succeed(StartResponse(pid: pid).protobufBytes) }
        starters = []
    }

    private func reap() {
        guard exit == nil else { return }
        willReap()
        let workloadExit: WorkloadExit
        do {
            guard let ended = try sandbox.reap() else { return }
            workloadExit = ended
        } catch {
            // Somebody else has taken the exit status: it cannot be known any more.
            return end(ExitRecord(exitCode: 255, reason: "Error", message: "\(error)"))
        }
        if workloadExit.startedAtNanoseconds != nil { noteStarted() }
        end(ExitRecord(workloadExit))
    }

    private func end(_ record: ExitRecord) {
        loop.unwatch(sandbox.controlDescriptor)
        loop.unwatch(sandbox.processDescriptor)
        io.finish()
        exit = record
        lifecycle = (try? lifecycle.after(.ended, of: label)) ?? .stopped
        didEnd(record)
        let message = record.message.isEmpty ? "ended with code \(record.exitCode)" : record.message
        for starter in starters { starter.fail(.failedPrecondition, "\(label): \(message)") }
        starters = []
        for id in Array(probes.keys) { answerProbe(id, ProbeCallResponse(status: 0, error: "\(label) has ended")) }
        for waiter in waiters { waiter(record) }
        waiters = []
    }
}

extension ExitRecord {
    var exitStatus: UInt32 { UInt32(bitPattern: exitCode) }

    var timestamp: Timestamp {
        Timestamp(
            seconds: Int64(finishedAt.nanosecondsSince1970 / 1_000_000_000),
            nanoseconds: Int32(finishedAt.nanosecondsSince1970 % 1_000_000_000))
    }
}
