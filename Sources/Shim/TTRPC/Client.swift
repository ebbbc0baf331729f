// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a blocking ttrpc client.
public import EventLoop
import Glibc
public import Protobuf

/// Why a call has no answer. A `Status` from the other side is one of them.
public enum CallFailure: Error, CustomStringConvertible {
    case system(SystemFailure)
    case status(Status)
    case damaged(ProtobufError)
    /// No answer in time; the call may still be under way.
    case timedOut(String)
    case disconnected(String)

    public var description: String {
        switch self {
        case .system(let failure): failure.description
        case .status(let status): status.description
        case .damaged(let error): error.description
        case .timedOut(let what): "\(what): no answer in time"
        case .disconnected(let what): "\(what): the connection ended"
        }
    }
}

/// For tests and small tools: one connection, one thread. Several calls may be outstanding (`begin`, then `finish`).
public final class Client {
    /// Sent with each request: containerd names its namespace there.
    public var metadata: [KeyValue] = []
    private let descriptor: Int32
    private var decoder = FrameDecoder()
    private var nextStream: UInt32 = 1
    private var answers: [UInt32: Response] = [:]

    public struct Call: Sendable {
        fileprivate let stream: UInt32
        fileprivate let name: String
    }

    public init(path: String) throws(CallFailure) {
        do { descriptor = try UnixSocket.connect(to: path) } catch { throw .system(error) }
    }

    deinit { close(descriptor) }

    /// Sends a request; its answer is fetched with `finish`.
    public func begin(
        _ service: String, _ method: String, _ message: some ProtobufMessage, timeoutNanoseconds: Int64 = 0
    ) throws(CallFailure) -> Call {
        let stream = nextStream
        nextStream += 2
        let request = Request(
            service: service, method: method, payload: message.protobufBytes, timeoutNanoseconds: timeoutNanoseconds,
            metadata: metadata)
        try send(Frame(stream: stream, kind: Frame.Kind.request, flags: 1, payload: request.protobufBytes).encoded)
        return Call(stream: stream, name: method)
    }

    /// Waits for the answer of a call, at most so long.
    public func finish<Answer: ProtobufMessage>(
        _ call: Call, as type: Answer.Type, timeoutMilliseconds: Int32 = 10_000
    ) throws(CallFailure) -> Answer {
        let deadline = EventLoop.now + UInt64(max(0, timeoutMilliseconds)) * 1_000_000
        while answers[call.stream] == nil { try receive(until: deadline, call.name) }
        guard let response = answers.removeValue(forKey: call.stream) else { throw .disconnected(call.name) }
        if let status = response.status, status.rawCode != 0 { throw .status(status) }
        do { return try Answer(protobuf: response.payload) } catch { throw .damaged(error) }
    }

    public func call<Answer: ProtobufMessage>(
        _ service: String, _ method: String, _ message: some ProtobufMessage, as type: Answer.Type,
        timeoutMilliseconds: Int32 = 10_000
    ) throws(CallFailure) -> Answer {
        try finish(begin(service, method, message), as: type, timeoutMilliseconds: timeoutMilliseconds)
    }

    /// Whole bytes, for tests of what a server does with strange frames.
    public func send(_ bytes: [UInt8]) throws(CallFailure) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                retryingInterrupts {
                    Glibc.send(
                        descriptor, buffer.baseAddress.map { $0 + sent }, buffer.count - sent,
                        Int32(MSG_NOSIGNAL))
                }
            }
            guard count >= 0 else { throw .system(.last("send", "ttrpc")) }
            sent += count
        }
    }

    /// The answer on a stream that `send` opened by hand.
    public func response(onStream stream: UInt32, timeoutMilliseconds: Int32 = 5000) throws(CallFailure) -> Response {
        let deadline = EventLoop.now + UInt64(max(0, timeoutMilliseconds)) * 1_000_000
        while true {
            if let response = answers.removeValue(forKey: stream) { return response }
            try receive(until: deadline, "stream \(stream)")
        }
    }

    private func receive(until deadline: UInt64, _ name: String) throws(CallFailure) {
        let now = EventLoop.now
        guard now < deadline else { throw .timedOut(name) }
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let ready = retryingInterrupts { Glibc.poll(&poll, 1, Int32(clamping: (deadline - now) / 1_000_000 + 1)) }
        guard ready > 0 else { throw .timedOut(name) }
        let chunk = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
            count = max(0, retryingInterrupts { read(descriptor, buffer.baseAddress, 65_536) })
        }
        guard !chunk.isEmpty else { throw .disconnected(name) }
        decoder.append(chunk)
        while let event = decoder.next() {
            guard case .frame(let frame) = event, frame.kind == Frame.Kind.response else { continue }
            do { answers[frame.stream] = try Response(protobuf: frame.payload) } catch { throw .damaged(error) }
        }
    }
}
