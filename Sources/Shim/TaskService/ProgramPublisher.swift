// SPDX-License-Identifier: Apache-2.0
// Swiftlet: sends events to containerd through its own program.
import EventLoop
import Glibc
import Linux
import Protobuf
import TaskAPI

/// Takes the events of a shim to whoever keeps its tasks.
protocol EventSink: AnyObject {
    func publish(_ event: TaskEvent)
    /// Goes on until everything is delivered, or the time is over.
    func drain(nanoseconds: UInt64)
    /// Children that are the sink's own to reap.
    var livingProcesses: [Int32] { get }
}

extension EventPublisher: EventSink {
    package var livingProcesses: [Int32] { [] }
}

/// Runs `BINARY --address ADDRESS publish --topic TOPIC --namespace NAMESPACE` for each event, with the event on stdin.
///
/// This is how a shim publishes where nobody has told it an address for events (`TTRPC_ADDRESS`). One after the other:
/// the order of the events is part of what they say.
///
/// See: containerd, cmd/containerd/command/publish.go.
final class ProgramPublisher: EventSink {
    // LIMIT: events that wait; beyond it the oldest go.
    private static let queueMax = 2048
    /// How often one event is tried.
    private static let attemptsMax = 5

    private let loop: EventLoop
    private let path: String
    private let address: String
    private let namespace: String
    private var queue: [TaskEvent] = []
    private var attempts = 0
    private var child: Running?

    private final class Running {
        let process: ChildProcess

        init(_ process: consuming ChildProcess) { self.process = process }
    }

    /// - Parameters:
    ///   - path: `-publish-binary`.
    ///   - address: `-address`.
    init(loop: EventLoop, path: String, address: String, namespace: String) {
        self.loop = loop
        self.path = path
        self.address = address
        self.namespace = namespace
    }

    var livingProcesses: [Int32] { child.map { [$0.process.processIdentifier] } ?? [] }

    func publish(_ event: TaskEvent) {
        // The first may be on its way: it stays.
        if queue.count >= Self.queueMax { queue.remove(at: 1) }
        queue.append(event)
        if queue.count == 1 { sendFirst() }
    }

    func drain(nanoseconds: UInt64) {
        let deadline = EventLoop.now + nanoseconds
        while !queue.isEmpty, EventLoop.now < deadline { try? loop.runOnce(timeoutMilliseconds: 50) }
    }

    private func sendFirst() {
        guard let event = queue.first else { return }
        do {
            let input = try Files.memory(name: "event")
            try Descriptors.writeAll(input.rawValue, event.message.protobufBytes)
            lseek(input.rawValue, 0, SEEK_SET)
            let null = try Files.open("/dev/null", O_RDWR)
            var request = SpawnRequest(
                path: path,
                arguments: [
                    path, "--address", address, "publish", "--topic", event.topic, "--namespace", namespace,
                ])
            request.environment = processEnvironment()
            request.descriptors = [
                .init(input.rawValue, as: 0), .init(null.rawValue, as: 1), .init(null.rawValue, as: 2),
            ]
            let running = Running(try ChildProcess.spawn(request))
            child = running
            try loop.watch(running.process.descriptor.rawValue, for: .read) { [unowned self] _ in self.finish() }
        } catch {
            child = nil
            retry()
        }
    }

    private func finish() {
        guard let child, let end = try? child.process.reap() else { return }
        loop.unwatch(child.process.descriptor.rawValue)
        self.child = nil
        guard end.cause == .exited(code: 0) else { return retry() }
        attempts = 0
        queue.removeFirst()
        sendFirst()
    }

    private func retry() {
        attempts += 1
        if attempts >= Self.attemptsMax {
            attempts = 0
            queue.removeFirst()
        }
        loop.schedule(afterNanoseconds: UInt64(100_000_000) << UInt64(attempts)) { [weak self] in self?.sendFirst() }
    }
}
