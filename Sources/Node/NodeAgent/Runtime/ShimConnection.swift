// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a ttrpc client on NIO, many calls at a time.

import NIOCore
import NIOPosix
import Protobuf
import TTRPC

/// One connection to a shim.
final class ShimConnection: Sendable {
    // LIMIT: answer to a call that has no time of its own. A shim answers in microseconds, unless it is stopped.
    static let timeoutDefault = TimeAmount.seconds(30)

    private let channel: any Channel

    private init(channel: any Channel) { self.channel = channel }

    /// - Parameter path: of the Unix socket.
    static func connect(to path: String) async throws -> ShimConnection {
        do {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.seconds(5))
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(ShimCallHandler())
                    }
                }
                .connect(unixDomainSocketPath: path).get()
            return ShimConnection(channel: channel)
        } catch {
            throw ShimError(.disconnected, "shim at \(path): \(error)")
        }
    }

    func close() { channel.close(promise: nil) }

    /// One call. Cancelling the task gives the call up; the shim may still carry it out.
    ///
    /// - Parameter timeout: nil waits for ever (`Wait`).
    func call<Answer: ProtobufMessage>(
        _ service: String, _ method: String, _ message: some ProtobufMessage, as type: Answer.Type,
        timeout: TimeAmount? = timeoutDefault
    ) async throws -> Answer {
        let request = Request(
            service: service, method: method, payload: message.protobufBytes,
            timeoutNanoseconds: timeout?.nanoseconds ?? 0)
        let promise = channel.eventLoop.makePromise(of: Response.self)
        let call = ShimCall(request: request, promise: promise)
        let timer = timeout.map { timeout in
            channel.eventLoop.scheduleTask(in: timeout) {
                promise.fail(ShimError(.timedOut, "\(method): the shim gave no answer in time"))
            }
        }
        defer { timer?.cancel() }
        let response = try await withTaskCancellationHandler {
            channel.writeAndFlush(call).whenFailure { _ in
                promise.fail(ShimError(.disconnected, "\(method): the connection to the shim has ended"))
            }
            return try await promise.futureResult.get()
        } onCancel: {
            promise.fail(CancellationError())
        }
        if let status = response.status, status.rawCode != 0 {
            throw ShimError(status.code == .notFound ? .notFound : .refused, status.message)
        }
        do {
            return try Answer(protobuf: response.payload)
        } catch {
            throw ShimError(.refused, "\(method): damaged answer: \(error)")
        }
    }
}

/// A request on its way down the pipeline.
private struct ShimCall: Sendable {
    var request: Request
    var promise: EventLoopPromise<Response>
}

/// Numbers requests and finds the promise of each response.
private final class ShimCallHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ShimCall
    typealias OutboundOut = ByteBuffer

    private var decoder = FrameDecoder()
    private var nextStream: UInt32 = 1
    private var pending: [UInt32: EventLoopPromise<Response>] = [:]

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let call = unwrapOutboundIn(data)
        let stream = nextStream
        // Client streams are odd; after 2^31 calls the numbers start again.
        nextStream = nextStream >= UInt32.max - 2 ? 1 : nextStream + 2
        pending[stream] = call.promise
        let frame = Frame(
            stream: stream, kind: Frame.Kind.request, flags: Frame.Flag.remoteClosed,
            payload: call.request.protobufBytes)
        context.write(wrapOutboundOut(ByteBuffer(bytes: frame.encoded)), promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        decoder.append(Array(unwrapInboundIn(data).readableBytesView))
        while let event = decoder.next() {
            switch event {
            case .frame(let frame):
                guard frame.kind == Frame.Kind.response, let promise = pending.removeValue(forKey: frame.stream) else {
                    continue
                }
                do {
                    promise.succeed(try Response(protobuf: frame.payload))
                } catch {
                    promise.fail(ShimError(.refused, "damaged answer of the shim: \(error)"))
                }
            case .oversized(let stream, _, let length):
                pending.removeValue(forKey: stream)?.fail(ShimError(.refused, "answer of \(length) bytes"))
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelInactive(context: ChannelHandlerContext) {
        let lost = pending
        pending = [:]
        for promise in lost.values { promise.fail(ShimError(.disconnected, "the shim has ended")) }
        context.fireChannelInactive()
    }
}
