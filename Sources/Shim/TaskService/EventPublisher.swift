// SPDX-License-Identifier: Apache-2.0
// Swiftlet: sends events to containerd.
package import EventLoop
import Glibc
import Protobuf
import TTRPC
package import TaskAPI

/// Forwards events over ttrpc, one after the other: containerd asks for create, start, exit, delete in this order. A
/// daemon that is away for a while (it is being restarted) gets them when it is back, as long as the queue has room.
package final class EventPublisher {
    /// LIMIT: events that wait; beyond it the oldest go, because a missing exit is worse than a missing create.
    private static let queueMax = 2048
    /// How often one event is tried. With the pauses between, somewhat over half a minute.
    private static let attemptsMax = 12
    private static let answerNanoseconds: UInt64 = 5_000_000_000

    private let loop: EventLoop
    private let path: String
    private let namespace: String
    private var queue: [EventEnvelope] = []
    private var connection: Int32 = -1
    private var decoder = FrameDecoder()
    private var stream: UInt32 = 1
    private var attempts = 0
    /// Set while an answer or the next attempt is waited for.
    private var timer: EventLoop.Timer?

    /// - Parameter address: `TTRPC_ADDRESS`: containerd's socket, with or without `unix://`.
    package init(loop: EventLoop, address: String, namespace: String) {
        self.loop = loop
        self.namespace = namespace
        path = address.hasPrefix("unix://") ? String(address.dropFirst(7)) : address
    }

    deinit { disconnect() }

    package var isIdle: Bool { queue.isEmpty }

    package func publish(_ event: TaskEvent) {
        let now = CivilTime.now.nanosecondsSince1970
        let time = Timestamp(seconds: Int64(now / 1_000_000_000), nanoseconds: Int32(now % 1_000_000_000))
        // The first may be on its way: it stays.
        if queue.count >= Self.queueMax { queue.remove(at: 1) }
        queue.append(EventEnvelope(event, namespace: namespace, timestamp: time))
        if queue.count == 1 { sendFirst() }
    }

    /// Goes on until everything is delivered, or the time is over.
    func drain(nanoseconds: UInt64) {
        let deadline = EventLoop.now + nanoseconds
        while !isIdle, EventLoop.now < deadline { try? loop.runOnce(timeoutMilliseconds: 50) }
    }

    // MARK: - One event

    private func sendFirst() {
        guard let envelope = queue.first else { return }
        do throws(SystemFailure) {
            if connection < 0 { try connect() }
            let request = Request(
                service: "containerd.services.events.ttrpc.v1.Events", method: "Forward",
                payload: ForwardRequest(envelope: envelope).protobufBytes,
                timeoutNanoseconds: Int64(Self.answerNanoseconds),
                metadata: [KeyValue("containerd-namespace-ttrpc", namespace)])
            let frame = Frame(
                stream: stream, kind: Frame.Kind.request, flags: Frame.Flag.remoteClosed,
                payload: request.protobufBytes)
            let bytes = frame.encoded
            let count = bytes.withUnsafeBytes { buffer in
                retryingInterrupts {
                    send(connection, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
                }
            }
            // One event at a time is on its way, so a socket without room is one that nobody reads.
            guard count == bytes.count else { throw .last("send", path) }
            timer = loop.schedule(afterNanoseconds: Self.answerNanoseconds) { [unowned self] in self.retry() }
        } catch { retry() }
    }

    private func connect() throws(SystemFailure) {
        connection = try UnixSocket.connect(to: path, isNonBlocking: true)
        decoder = FrameDecoder()
        stream = 1
        try loop.watch(connection, for: .read) { [unowned self] _ in self.receive() }
    }

    private func receive() {
        let chunk = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
            count = max(0, retryingInterrupts { read(connection, buffer.baseAddress, 4096) })
        }
        guard !chunk.isEmpty else {
            // Between two events a daemon may leave; with one on its way it is tried again.
            if queue.isEmpty { disconnect() } else { retry() }
            return
        }
        decoder.append(chunk)
        while let event = decoder.next() {
            guard case .frame(let frame) = event, frame.kind == Frame.Kind.response, frame.stream == stream else {
                continue
            }
            // Refused or taken: containerd has seen it, and would say the same again.
            finishFirst()
        }
    }

    private func finishFirst() {
        if let timer { loop.cancel(timer) }
        timer = nil
        attempts = 0
        stream &+= 2
        if !queue.isEmpty { queue.removeFirst() }
        sendFirst()
    }

    private func retry() {
        if let timer { loop.cancel(timer) }
        timer = nil
        disconnect()
        attempts += 1
        if attempts >= Self.attemptsMax {
            attempts = 0
            queue.removeFirst()
            if queue.isEmpty { return }
        }
        let pause = min(UInt64(100) << UInt64(attempts), 5000) * 1_000_000
        timer = loop.schedule(afterNanoseconds: pause) { [unowned self] in
            self.timer = nil
            self.sendFirst()
        }
    }

    private func disconnect() {
        guard connection >= 0 else { return }
        loop.unwatch(connection)
        close(connection)
        connection = -1
    }
}
