// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: the event service of the mock.

import EventLoop
import Glibc
import Protobuf
import Synchronization
import TTRPC
import TaskAPI

/// Takes the events that shims forward, on a thread of its own.
final class EventReceiver: @unchecked Sendable {
    // SAFETY: events and the stop flag are behind mutexes; loop and server live and die on the thread.
    private let received = Mutex<[EventEnvelope]>([])
    private let isStopping = Mutex(false)
    private let path: String
    private var thread = pthread_t()

    init(path: String) throws {
        self.path = path
        unlink(path)
        let listener = try UnixSocket.listen(at: path)
        let start = Start(receiver: self, listener: listener)
        pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                let start = Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
                start.receiver.serve(start.listener)
                return nil
            }, Unmanaged.passRetained(start).toOpaque())
    }

    private final class Start {
        let receiver: EventReceiver
        let listener: Int32

        init(receiver: EventReceiver, listener: Int32) {
            self.receiver = receiver
            self.listener = listener
        }
    }

    var events: [EventEnvelope] { received.withLock { $0 } }

    /// Nobody listens afterwards.
    func stop() {
        isStopping.withLock { $0 = true }
        pthread_join(thread, nil)
        unlink(path)
    }

    private func serve(_ listener: Int32) {
        guard let loop = try? EventLoop() else { return }
        let server = try? Server(loop: loop, listener: listener) { [unowned self] request, responder in
            guard request.service == "containerd.services.events.ttrpc.v1.Events", request.method == "Forward",
                let forward = try? ForwardRequest(protobuf: request.payload), let envelope = forward.envelope
            else { return responder.fail(.unimplemented, "\(request.service)/\(request.method)") }
            self.received.withLock { $0.append(envelope) }
            responder.succeed([])
        }
        while !isStopping.withLock({ $0 }) { try? loop.runOnce(timeoutMilliseconds: 20) }
        server?.close()
        try? loop.runOnce(timeoutMilliseconds: 0)
    }
}
