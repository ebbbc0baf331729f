// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a guest's process: a sandbox and its control socket.
import EventLoop
import Glibc
import LaunchProtocol
import Protobuf
import TTRPC
import TaskAPI
import Workload

/// A sandbox process. It exists from Create on (Create answers with its pid) and waits for its launch spec.
final class GuestControl: ProcessControl {
    /// For messages: `container web-0`, `exec e1 of web-0`.
    private let label: String
    let sandbox: SandboxProcess
    private let loop: EventLoop
    private let willReap: () -> Void
    private let tell: (ProcessEvent) -> Void
    private var probes: [UInt32: ProbeCall] = [:]
    private var probeCount: UInt32 = 0
    private var hasEnded = false

    private struct ProbeCall {
        var responder: Responder
        var timer: EventLoop.Timer
    }

    /// - Parameter willReap: the process has ended and its exit is about to be taken.
    init(
        label: String, loop: EventLoop, sandbox: SandboxProcess, willReap: @escaping () -> Void,
        tell: @escaping (ProcessEvent) -> Void
    ) throws(SystemFailure) {
        self.label = label
        self.loop = loop
        self.sandbox = sandbox
        self.willReap = willReap
        self.tell = tell
        try loop.watch(sandbox.controlDescriptor, for: .read) { [unowned self] _ in self.receive() }
        try loop.watch(sandbox.processDescriptor, for: .read) { [unowned self] _ in self.reap() }
    }

    var pid: Int32 { sandbox.processIdentifier }

    func begin() {
        do { try sandbox.begin() } catch { kill() }
    }

    func pause() { _ = try? sandbox.kill(SIGSTOP) }

    func resume() { _ = try? sandbox.kill(SIGCONT) }

    /// SIGKILL kills; the signals that ask a process to end become the request to stop, as a guest has no signals.
    func signal(_ number: Int32, hasStarted: Bool) throws(Status) {
        switch number {
        // 0 only asks; the others do nothing to a running process that does not handle them.
        case 0, SIGCONT, SIGCHLD, SIGWINCH, SIGURG: break
        case SIGKILL: kill()
        case SIGTERM, SIGINT, SIGQUIT, SIGHUP:
            // A guest that was never started has nothing to finish.
            guard hasStarted else { return kill() }
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
            case .started: tell(.started(warnings: sandbox.warnings))
            case .probe(let id, .returned(let status)): answerProbe(id, ProbeCallResponse(status: status))
            case .probe(let id, .trapped(let text)): answerProbe(id, ProbeCallResponse(status: 0, error: text))
            case .probe(let id, .unavailable(let text)): answerProbe(id, ProbeCallResponse(status: 0, error: text))
            case .exited, .trapped, .failed, .warning: break  // The sandbox object keeps them for the exit.
            }
        }
        if sandbox.isControlClosed { loop.unwatch(sandbox.controlDescriptor) }
    }

    private func reap() {
        guard !hasEnded else { return }
        willReap()
        let workloadExit: WorkloadExit
        do {
            guard let ended = try sandbox.reap() else { return }
            workloadExit = ended
        } catch {
            // Somebody else has taken the exit status: it cannot be known any more.
            return end(ExitRecord(exitCode: 255, reason: "Error", message: "\(error)"))
        }
        if workloadExit.startedAtNanoseconds != nil { tell(.started(warnings: sandbox.warnings)) }
        end(ExitRecord(workloadExit))
    }

    private func end(_ record: ExitRecord) {
        hasEnded = true
        loop.unwatch(sandbox.controlDescriptor)
        loop.unwatch(sandbox.processDescriptor)
        tell(.ended(record))
        for id in Array(probes.keys) { answerProbe(id, ProbeCallResponse(status: 0, error: "\(label) has ended")) }
    }
}
