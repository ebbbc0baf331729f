// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: unary gRPC calls over a Unix socket.
import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import Protobuf

/// A call that the server refused, or that did not come through.
struct GRPCFailure: Error, CustomStringConvertible {
    var code: Int
    var description: String
}

/// One HTTP/2 connection. See: "gRPC over HTTP2", Requests and Responses.
final class GRPCConnection: Sendable {
    private let channel: any Channel

    private init(_ channel: any Channel) { self.channel = channel }

    static func connect(to path: String) throws -> GRPCConnection {
        let channel = try ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    _ = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
                        mode: .client, connectionConfiguration: .init(), streamConfiguration: .init()
                    ) { $0.close() }
                }
            }
            .connect(unixDomainSocketPath: path).wait()
        return GRPCConnection(channel)
    }

    deinit { channel.close(promise: nil) }

    /// - Parameter method: `/package.Service/Method`.
    func call<Answer: ProtobufMessage>(
        _ method: String, _ message: some ProtobufMessage, as type: Answer.Type = Answer.self, seconds: Int64 = 60
    ) throws -> Answer {
        let promise = channel.eventLoop.makePromise(of: [UInt8].self)
        let headers: HPACKHeaders = [
            ":method": "POST", ":scheme": "http", ":path": method, ":authority": "localhost",
            "content-type": "application/grpc", "te": "trailers", "grpc-timeout": "\(seconds)S",
        ]
        let payload = message.protobufBytes
        let count = UInt32(payload.count)
        let prefix = [UInt8(0)] + (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * UInt32($0))) }
        let body = prefix + payload
        let opened = channel.eventLoop.flatSubmit { [channel] in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.handler(type: NIOHTTP2Handler.self).syncMultiplexer()
            }
            .flatMap { multiplexer in
                multiplexer.createStreamChannel { stream in
                    stream.eventLoop.makeCompletedFuture {
                        try stream.pipeline.syncOperations.addHandler(
                            CallHandler(method: method, headers: headers, body: body, promise: promise))
                    }
                }
            }
            .map { _ in () }
        }
        opened.whenFailure { promise.fail($0) }
        let timer = channel.eventLoop.scheduleTask(in: .seconds(seconds + 5)) {
            promise.fail(GRPCFailure(code: 4, description: "\(method): no answer after \(seconds) s"))
        }
        defer { timer.cancel() }
        return try Answer(protobuf: try promise.futureResult.wait())
    }
}

/// One call on one stream.
private final class CallHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private let method: String
    private let headers: HPACKHeaders
    private let body: [UInt8]
    private let promise: EventLoopPromise<[UInt8]>
    private var answer: [UInt8] = []

    init(method: String, headers: HPACKHeaders, body: [UInt8], promise: EventLoopPromise<[UInt8]>) {
        self.method = method
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
        case .data(let frame): if case .byteBuffer(let buffer) = frame.data { answer += buffer.readableBytesView }
        case .headers(let frame):
            guard let status = frame.headers.first(name: "grpc-status").flatMap({ Int($0) }) else { return }
            guard status == 0, answer.count >= 5, answer[0] == 0 else {
                let text = frame.headers.first(name: "grpc-message") ?? "no message"
                return promise.fail(GRPCFailure(code: status, description: "\(method): \(status) \(text)"))
            }
            promise.succeed(Array(answer[5...]))
        default: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.fail(GRPCFailure(code: 14, description: "\(method): the stream ended before the answer"))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { promise.fail(error) }
}
