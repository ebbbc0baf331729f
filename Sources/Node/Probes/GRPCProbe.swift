// SPDX-License-Identifier: Apache-2.0
// Swiftlet: grpc probes, the standard health service over HTTP/2 without TLS.

import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix

/// Calls `grpc.health.v1.Health/Check` and passes when the answer is SERVING.
///
/// See: gRPC health checking protocol, and "gRPC over HTTP2" for the framing.
struct GRPCProbe: Sendable {
    // LIMIT: a HealthCheckResponse has two bytes; a stranger may send more.
    static let messageBytesMax = 4096

    let host: String
    let port: Int
    let service: String
    let timeout: Duration
    let group: any EventLoopGroup

    func attempt() async -> ProbeOutcome {
        do {
            return verdict(try await exchange())
        } catch ChannelError.connectTimeout, is ProbeTimeout {
            return ProbeOutcome(
                .failure, "timeout: failed to connect service \"\(host):\(port)\" within \(timeout.brief)")
        } catch let error as GRPCProbeError {
            return ProbeOutcome(.failure, "error: \(error.message)")
        } catch {
            return ProbeOutcome(
                .failure, "error: " + connectMessage(error, host: host, port: port, timeout: timeout))
        }
    }

    private func verdict(_ answer: GRPCAnswer) -> ProbeOutcome {
        switch answer.status {
        case 0: break
        case 5: return ProbeOutcome(.failure, "service unhealthy (service \"\(service)\" is unknown to the server)")
        case 12:
            return ProbeOutcome(
                .failure,
                "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): "
                    + answer.statusMessage)
        default:
            return ProbeOutcome(
                .failure, "error: health rpc failed: grpc-status \(answer.status) \(answer.statusMessage)")
        }
        let names = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"]
        guard let serving = servingStatus(answer.message) else {
            return ProbeOutcome(.failure, "error: health rpc failed: malformed HealthCheckResponse")
        }
        if serving == 1 { return ProbeOutcome(.success, "service is serving") }
        let name = serving < UInt64(names.count) ? names[Int(serving)] : "\(serving)"
        return ProbeOutcome(.failure, "service unhealthy (responded with \"\(name)\")")
    }

    /// Field 1 of HealthCheckResponse, from the length-prefixed message. An absent field is 0 (UNKNOWN).
    func servingStatus(_ bytes: [UInt8]) -> UInt64? {
        guard bytes.count >= 5, bytes[0] == 0 else { return nil }
        let count = bytes[1..<5].reduce(0) { $0 << 8 | Int($1) }
        guard bytes.count == 5 + count else { return nil }
        var position = 5
        func varint() -> UInt64? {
            var value: UInt64 = 0
            for shift in stride(from: UInt64(0), to: 64, by: 7) {
                guard position < bytes.count else { return nil }
                value |= UInt64(bytes[position] & 0x7F) << shift
                position += 1
                if bytes[position - 1] < 0x80 { return value }
            }
            return nil
        }
        var status: UInt64 = 0
        while position < bytes.count {
            guard let key = varint(), let value = varint() else { return nil }
            switch key & 7 {
            case 0: if key >> 3 == 1 { status = value }
            case 2:
                guard value <= UInt64(bytes.count - position) else { return nil }
                position += Int(value)
            default: return nil
            }
        }
        return status
    }

    private func exchange() async throws -> GRPCAnswer {
        let loop = group.next()
        let promise = loop.makePromise(of: GRPCAnswer.self)
        let deadline = NIODeadline.now() + timeout.timeAmount
        let request = requestHeaders()
        let body = requestMessage()
        let connected = ClientBootstrap(group: loop)
            .connectTimeout(timeout.timeAmount)
            .channelInitializer { channel in
                // Before the connection is there: the server's first bytes may come with it, and must find their reader.
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(ConnectionErrors(promise: promise))
                    _ = try pipeline.configureHTTP2Pipeline(
                        mode: .client, connectionConfiguration: .init(), streamConfiguration: .init()
                    ) { $0.close() }
                }
            }
            .connect(host: host, port: port)
            .flatMap { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.handler(type: NIOHTTP2Handler.self).syncMultiplexer()
                }
                .flatMap { multiplexer in
                    multiplexer.createStreamChannel { stream in
                        stream.eventLoop.makeCompletedFuture {
                            try stream.pipeline.syncOperations.addHandler(
                                GRPCProbeHandler(headers: request, body: body, promise: promise))
                        }
                    }
                }
                .map { _ in channel }
            }
        connected.whenFailure { promise.fail($0) }
        let timer = loop.scheduleTask(deadline: deadline) { promise.fail(ProbeTimeout()) }
        defer {
            timer.cancel()
            connected.whenSuccess { $0.close(promise: nil) }
        }
        return try await promise.futureResult.get()
    }

    private func requestHeaders() -> HPACKHeaders {
        let milliseconds = max(1, timeout.timeAmount.nanoseconds / 1_000_000)
        return [
            ":method": "POST", ":scheme": "http", ":path": "/grpc.health.v1.Health/Check",
            ":authority": "\(host):\(port)", "content-type": "application/grpc", "te": "trailers",
            "user-agent": "kube-probe/1.32 (swiftlet)", "grpc-timeout": "\(milliseconds)m",
        ]
    }

    /// HealthCheckRequest{1: service}, with gRPC's five-byte prefix.
    private func requestMessage() -> [UInt8] {
        var message: [UInt8] = []
        let name = Array(service.utf8)
        if !name.isEmpty {
            message.append(0x0A)
            var count = name.count
            while count >= 0x80 {
                message.append(UInt8(count & 0x7F) | 0x80)
                count >>= 7
            }
            message.append(UInt8(count))
            message += name
        }
        let count = UInt32(message.count)
        return [0, UInt8(count >> 24), UInt8(count >> 16 & 0xFF), UInt8(count >> 8 & 0xFF), UInt8(count & 0xFF)]
            + message
    }
}

struct GRPCAnswer: Sendable, Equatable {
    var status: Int
    var statusMessage: String
    var message: [UInt8]
}

struct GRPCProbeError: Error {
    var message: String
}

/// Fails the promise when the connection itself ends or speaks something else than HTTP/2.
private final class ConnectionErrors: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    private let promise: EventLoopPromise<GRPCAnswer>

    init(promise: EventLoopPromise<GRPCAnswer>) {
        self.promise = promise
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.fail(GRPCProbeError(message: "connection closed before the answer"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
        context.close(promise: nil)
    }
}

/// One call on one stream.
private final class GRPCProbeHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private let headers: HPACKHeaders
    private let body: [UInt8]
    private let promise: EventLoopPromise<GRPCAnswer>
    private var answer = GRPCAnswer(status: -1, statusMessage: "", message: [])

    init(headers: HPACKHeaders, body: [UInt8], promise: EventLoopPromise<GRPCAnswer>) {
        self.headers = headers
        self.body = body
        self.promise = promise
    }

    func channelActive(context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(.headers(.init(headers: headers))), promise: nil)
        let buffer = context.channel.allocator.buffer(bytes: body)
        context.writeAndFlush(wrapOutboundOut(.data(.init(data: .byteBuffer(buffer), endStream: true))), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .headers(let frame):
            take(frame.headers)
            if frame.endStream { finish() }
        case .data(let frame):
            if case .byteBuffer(let buffer) = frame.data {
                answer.message += buffer.readableBytesView.prefix(GRPCProbe.messageBytesMax - answer.message.count)
            }
            if frame.endStream { finish() }
        case .rstStream(let code):
            promise.fail(GRPCProbeError(message: "stream reset by the server: \(code)"))
        default:
            break
        }
    }

    private func take(_ headers: HPACKHeaders) {
        if let status = headers.first(name: ":status"), status != "200" {
            promise.fail(GRPCProbeError(message: "unexpected HTTP status \(status), expected 200"))
        }
        if let status = headers.first(name: "grpc-status") { answer.status = Int(status) ?? 2 }
        if let message = headers.first(name: "grpc-message") { answer.statusMessage = message }
    }

    private func finish() {
        guard answer.status >= 0 else {
            promise.fail(GRPCProbeError(message: "the answer has no grpc-status"))
            return
        }
        promise.succeed(answer)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.fail(GRPCProbeError(message: "stream closed before the answer"))
        context.fireChannelInactive()
    }
}
