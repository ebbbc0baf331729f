// SPDX-License-Identifier: Apache-2.0
// Swiftlet: one process under the Task API: a container's own, or an exec's.
import EventLoop
import Glibc
import Protobuf
import TTRPC
import TaskAPI

/// A process with its state, its streams and everybody who waits for something of it.
final class TaskProcess {
    /// For messages: `container web-0`, `exec e1 of web-0`.
    let label: String
    let control: any ProcessControl
    let io: StandardIO
    /// As the request had them; State repeats them.
    let streams: StreamPaths
    private(set) var lifecycle = Lifecycle.created
    private(set) var exit: ExitRecord?

    private let didStart: ([String]) -> Void
    private let didEnd: (ExitRecord) -> Void
    private var starters: [Responder] = []
    private var waiters: [(ExitRecord) -> Void] = []

    /// Where events of a control go, which is there before the process that it belongs to.
    final class Events {
        fileprivate weak var process: TaskProcess?

        func tell(_ event: ProcessEvent) {
            switch event {
            case .started(let warnings): process?.noteStarted(warnings)
            case .ended(let record): process?.end(record)
            }
        }
    }

    /// - Parameters:
    ///   - events: the control tells to these.
    ///   - didStart: the program runs, with what is missing of its wall; Start is answered after this.
    ///   - didEnd: the exit is known; Wait is answered after this.
    init(
        label: String, control: any ProcessControl, events: Events, io: StandardIO, streams: StreamPaths,
        didStart: @escaping ([String]) -> Void, didEnd: @escaping (ExitRecord) -> Void
    ) {
        self.label = label
        self.control = control
        self.io = io
        self.streams = streams
        self.didStart = didStart
        self.didEnd = didEnd
        events.process = self
    }

    var pid: UInt32 { UInt32(bitPattern: control.pid) }

    // MARK: - Requests

    /// Answers when the program runs, or when it is clear that it never will.
    func start(_ responder: Responder) throws(Status) {
        lifecycle = try lifecycle.after(.start, of: label)
        starters.append(responder)
        control.begin()
    }

    /// Calls back at once if the process has ended.
    func wait(_ waiter: @escaping (ExitRecord) -> Void) {
        if let exit { waiter(exit) } else { waiters.append(waiter) }
    }

    func pause() throws(Status) {
        lifecycle = try lifecycle.after(.pause, of: label)
        control.pause()
    }

    func resume() throws(Status) {
        lifecycle = try lifecycle.after(.resume, of: label)
        control.resume()
    }

    func signal(_ number: UInt32) throws(Status) {
        guard lifecycle != .stopped else { throw Status(.notFound, "\(label): process already finished") }
        guard number <= 64 else { throw Status(.invalidArgument, "signal \(number): expected 0 to 64") }
        try control.signal(Int32(number), hasStarted: lifecycle != .created)
    }

    func kill() { control.kill() }

    // MARK: - Events

    private func noteStarted(_ warnings: [String]) {
        guard let running = try? lifecycle.after(.started, of: label) else { return }
        lifecycle = running
        didStart(warnings)
        for starter in starters { starter.succeed(StartResponse(pid: pid).protobufBytes) }
        starters = []
    }

    private func end(_ record: ExitRecord) {
        guard exit == nil else { return }
        io.finish()
        exit = record
        lifecycle = (try? lifecycle.after(.ended, of: label)) ?? .stopped
        didEnd(record)
        let message = record.message.isEmpty ? "ended with code \(record.exitCode)" : record.message
        for starter in starters { starter.fail(.failedPrecondition, "\(label): \(message)") }
        starters = []
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
