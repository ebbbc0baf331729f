// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a ttrpc server on an event loop.
public import EventLoop
import Glibc
import Protobuf

/// The way to answer one request, now or later, once.
public final class Responder {
    private var send: ((Response) -> Void)?

    /// - Parameter send: called at most once; what comes later is dropped (the deadline has answered already).
    public init(send: @escaping (Response) -> Void) { self.send = send }

    public var isAnswered: Bool { send == nil }

    public func succeed(_ payload: [UInt8]) { answer(Response(payload: payload)) }

    public func fail(_ status: Status) { answer(Response(status: status)) }

    public func fail(_ code: StatusCode, _ message: String) { fail(Status(code, message)) }

    private func answer(_ response: Response) {
        let send = self.send
        self.send = nil
        send?(response)
    }
}

/// Serves unary requests of any number of connections. Requests are concurrent: a handler keeps the responder of a call
/// that must wait, and the connection goes on.
public final class Server {
    /// LIMIT: connections; containerd opens one or two per task, `ctr` one more.
    public static let connectionCountMax = 256

    private let loop: EventLoop
    private let listener: Int32
    private let handler: (Request, Responder) -> Void
    private var connections: [Int32: Connection] = [:]
    private var isAccepting = true

    /// Takes over the listening descriptor.
    public init(
        loop: EventLoop, listener: Int32, handler: @escaping (Request, Responder) -> Void
    ) throws(SystemFailure) {
        self.loop = loop
        self.listener = listener
        self.handler = handler
        setNonBlocking(listener)
        try loop.watch(listener, for: .read) { [unowned self] _ in self.accept() }
    }

    public var connectionCount: Int { connections.count }

    /// Stops accepting and closes every connection once its pending output is out or the peer is gone.
    public func close() {
        if isAccepting {
            isAccepting = false
            loop.unwatch(listener)
            Glibc.close(listener)
        }
        for connection in connections.values { connection.finish() }
    }

    private func accept() {
        while true {
            let descriptor = Glibc.accept(listener, nil, nil)
            guard descriptor >= 0 else {
                // Out of descriptors: the listener stays readable; a pause keeps the loop from spinning.
                if errno == EMFILE || errno == ENFILE { pauseAccepting() }
                return
            }
            guard connections.count < Self.connectionCountMax, isTrusted(descriptor) else {
                Glibc.close(descriptor)
                continue
            }
            // Not atomic (accept4 is not in the Glibc module), but the only thread is here.
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            setNonBlocking(descriptor)
            let connection = Connection(loop: loop, descriptor: descriptor, handler: handler) { [unowned self] in
                self.connections[descriptor] = nil
            }
            connections[descriptor] = connection
            connection.start()
        }
    }

    private func pauseAccepting() {
        loop.change(listener, to: [])
        loop.schedule(afterNanoseconds: 100_000_000) { [weak self] in
            guard let self, self.isAccepting else { return }
            self.loop.change(self.listener, to: .read)
        }
    }

    /// The socket's mode keeps others out; a descriptor passed on to them does not work either.
    private func isTrusted(_ descriptor: Int32) -> Bool {
        guard let user = peerUser(of: descriptor) else { return false }
        return user == geteuid() || user == 0
    }
}

func setNonBlocking(_ descriptor: Int32) {
    let flags = fcntl(descriptor, F_GETFL)
    _ = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK)
}

/// One client.
private final class Connection {
    /// LIMIT: unanswered requests of one connection.
    static let pendingCountMax = 4096
    /// LIMIT: answers that the peer does not read; then it is cut off.
    static let outputBytesMax = 16 << 20

    private let loop: EventLoop
    private let descriptor: Int32
    private let handler: (Request, Responder) -> Void
    private let onClose: () -> Void
    private var decoder = FrameDecoder()
    private var output: [UInt8] = []
    private var lastStream: UInt32 = 0
    private var pendingCount = 0
    private var isOpen = true
    private var isFinishing = false
    /// The peer will send no more, but may still read answers.
    private var isReadingDone = false

    init(
        loop: EventLoop, descriptor: Int32, handler: @escaping (Request, Responder) -> Void,
        onClose: @escaping () -> Void
    ) {
        self.loop = loop
        self.descriptor = descriptor
        self.handler = handler
        self.onClose = onClose
    }

    func start() {
        do {
            try loop.watch(descriptor, for: .read) { [unowned self] readiness in self.handle(readiness) }
        } catch {
            shut()
        }
    }

    func finish() {
        isFinishing = true
        if output.isEmpty { shut() }
    }

    private func handle(_ readiness: EventLoop.Readiness) {
        // A handler may answer at once and close the connection; keep self for the length of the turn.
        withExtendedLifetime(self) {
            if readiness.contains(.write) { flush() }
            if isOpen, readiness.contains(.read) { receive() }
            if isOpen, readiness.contains(.hangup) { shut() }
        }
    }

    private func receive() {
        let size = 16_384
        let chunk = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            count = max(0, retryingInterrupts { read(descriptor, buffer.baseAddress, size) })
        }
        guard !chunk.isEmpty else {
            if errno == EAGAIN, !hasEnded() { return }
            isReadingDone = true
            return shut()
        }
        decoder.append(chunk)
        while isOpen, let event = decoder.next() {
            switch event {
            case .frame(let frame): accept(frame)
            case .oversized(let stream, _, let length):
                respond(
                    stream,
                    Response(
                        status: Status(
                            .resourceExhausted,
                            "message of \(length) bytes is over the limit of \(Frame.payloadBytesMax)")))
            }
        }
    }

    /// `read` gave nothing: end of stream, or just nothing there.
    private func hasEnded() -> Bool {
        var byte: UInt8 = 0
        let result = recv(descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        return result == 0 || (result < 0 && errno != EAGAIN && errno != EINTR)
    }

    private func accept(_ frame: Frame) {
        guard frame.kind == Frame.Kind.request else {
            // Data frames belong to streams, which no method here has; a response has no business here.
            return respond(frame.stream, Response(status: Status(.invalidArgument, "frame type \(frame.kind)")))
        }
        guard frame.stream % 2 == 1, frame.stream > lastStream else {
            return respond(
                frame.stream,
                Response(status: Status(.invalidArgument, "stream \(frame.stream) is even or not above \(lastStream)")))
        }
        lastStream = frame.stream
        guard pendingCount < Self.pendingCountMax else {
            return respond(frame.stream, Response(status: Status(.resourceExhausted, "too many pending requests")))
        }
        let request: Request
        do {
            request = try Request(protobuf: frame.payload)
        } catch {
            return respond(frame.stream, Response(status: Status(.invalidArgument, "request: \(error)")))
        }
        dispatch(request, stream: frame.stream)
    }

    private func dispatch(_ request: Request, stream: UInt32) {
        pendingCount += 1
        var deadline: EventLoop.Timer?
        let responder = Responder { [weak self, loop] response in
            if let deadline { loop.cancel(deadline) }
            guard let self, self.isOpen else { return }
            self.pendingCount -= 1
            self.respond(stream, response)
        }
        if request.timeoutNanoseconds > 0 {
            deadline = loop.schedule(afterNanoseconds: UInt64(request.timeoutNanoseconds)) {
                responder.fail(.deadlineExceeded, "\(request.service)/\(request.method): deadline exceeded")
            }
        }
        handler(request, responder)
    }

    private func respond(_ stream: UInt32, _ response: Response) {
        guard isOpen else { return }
        var frame = Frame(stream: stream, kind: Frame.Kind.response, payload: response.protobufBytes)
        if frame.payload.count > Frame.payloadBytesMax {
            frame.payload = Response(status: Status(.resourceExhausted, "the answer is too large")).protobufBytes
        }
        let wasEmpty = output.isEmpty
        output += frame.encoded
        guard output.count <= Self.outputBytesMax else { return shut() }
        if wasEmpty { flush() }
    }

    private func flush() {
        var sent = 0
        while sent < output.count {
            let count = output.withUnsafeBytes { bytes in
                retryingInterrupts {
                    send(descriptor, bytes.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
                }
            }
            if count < 0 {
                if errno != EAGAIN { return shut() }
                break
            }
            sent += count
        }
        if sent == output.count { output = [] } else { output.removeFirst(sent) }
        if output.isEmpty, isFinishing { return shut() }
        loop.change(descriptor, to: output.isEmpty ? .read : [.read, .write])
    }

    private func shut() {
        guard isOpen else { return }
        isOpen = false
        loop.unwatch(descriptor)
        Glibc.close(descriptor)
        onClose()
    }
}
