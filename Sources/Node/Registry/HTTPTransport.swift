// SPDX-License-Identifier: Apache-2.0
// Swiftlet: one HTTP/1.1 request on one connection, plain or TLS.

import Images
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

struct HTTPRequest: Sendable {
    enum Body: Sendable {
        case none
        case bytes([UInt8])
        case file(path: String, size: UInt64)

        var size: UInt64? {
            switch self {
            case .none: nil
            case .bytes(let bytes): UInt64(bytes.count)
            case .file(_, let size): size
            }
        }
    }

    var method: String
    var address: HTTPAddress
    var headers: [(name: String, value: String)] = []
    var body = Body.none

    init(_ method: String, _ address: HTTPAddress) {
        self.method = method
        self.address = address
    }
}

struct HTTPResponse: Sendable {
    var status: Int
    var headers: HTTPHeaders
    /// What was not streamed.
    var body: [UInt8] = []

    func header(_ name: String) -> String? { headers.first(name: name) }
}

/// Takes a body as it comes.
///
/// `begin` answers whether it wants the body of a response; one that is not wanted is collected, up to a limit.
protocol BodyReceiver: AnyObject, Sendable {
    func begin(_ response: HTTPResponse) throws(ImageError) -> Bool
    func receive(_ bytes: UnsafeRawBufferPointer) throws(ImageError)
}

/// Sends requests. The far end may be slow, broken or hostile: every wait and every length has a bound.
struct HTTPTransport: Sendable {
    var connectTimeout: Duration = .seconds(15)
    /// A connection on which fewer than `bytesPerWindowMin` bytes move in this time is given up.
    var stallWindow: Duration = .seconds(30)
    // LIMIT: a far end that keeps us waiting by dripping bytes.
    var bytesPerWindowMin = 64
    /// LIMIT: bytes of a body that is collected.
    var collectedBytesMax = 8 << 20
    /// Certificates beside the system's, by `host:port` or host.
    var tls: @Sendable (HTTPAddress) throws -> NIOSSLContext
    var proxies = HTTPProxies()

    func send(_ request: HTTPRequest, to receiver: (any BodyReceiver)? = nil) async throws(ImageError) -> HTTPResponse {
        do {
            return try await exchange(request, receiver)
        } catch let error as ImageError {
            throw error
        } catch is CancellationError {
            throw ImageError(.unavailable, "\(request.address): cancelled")
        } catch {
            let way = proxies.proxy(for: request.address).map { " through the proxy \($0)" } ?? ""
            throw ImageError(.unavailable, "\(request.method) \(request.address)\(way): \(Self.text(error))")
        }
    }

    /// NIO's own descriptions hold type names and class addresses where they hold anything.
    private static func text(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            let reasons = error.connectionErrors.map { "\($0.error)" }
            let cause = reasons.first ?? error.dnsAError.map { "\($0)" } ?? error.dnsAAAAError.map { "\($0)" } ?? ""
            return "cannot connect: \(cause)"
        case is StallError: return "\(error)"
        case HTTPParserError.invalidEOFState: return "the connection ended in the middle of the response"
        case let error as NIOSSLError: return "TLS: \(error)"
        case let error as NIOSSLExtraError: return "TLS: \(error)"
        default: return "\(error)"
        }
    }

    private typealias Channel = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    private func exchange(_ request: HTTPRequest, _ receiver: (any BodyReceiver)?) async throws -> HTTPResponse {
        let proxy = proxies.proxy(for: request.address)
        let channel = try await connect(request.address, through: proxy)
        return try await channel.executeThenClose { inbound, outbound in
            try await withThrowingTaskGroup(of: Void.self) { group in
                // A server may answer, with a refusal say, before it has read everything.
                group.addTask {
                    do { try await Self.write(request, through: proxy, to: outbound) } catch is ChannelError {}
                }
                let response = try await receive(inbound, request, receiver)
                group.cancelAll()
                return response
            }
        }
    }

    private static func write(
        _ request: HTTPRequest, through proxy: HTTPProxy?,
        to outbound: NIOAsyncChannelOutboundWriter<HTTPClientRequestPart>
    ) async throws {
        var headers = HTTPHeaders([
            ("host", request.address.authority), ("user-agent", "swiftlet"), ("connection", "close"),
        ])
        for (name, value) in request.headers { headers.add(name: name, value: value) }
        if let size = request.body.size { headers.add(name: "content-length", value: "\(size)") }
        var target = request.address.path
        if let proxy, !request.address.isSecure {
            // Forwarded, not tunnelled: the proxy needs the whole address (RFC 9112 section 3.2.2).
            target = "http://\(request.address.authority)\(target)"
            if let authorization = proxy.authorization {
                headers.add(name: "proxy-authorization", value: authorization)
            }
        }
        let head = HTTPRequestHead(
            version: .http1_1, method: HTTPMethod(rawValue: request.method), uri: target, headers: headers)
        switch request.body {
        case .none: try await outbound.write(contentsOf: [.head(head), .end(nil)])
        case .bytes(let bytes):
            try await outbound.write(contentsOf: [
                .head(head), .body(.byteBuffer(ByteBuffer(bytes: bytes))), .end(nil),
            ])
        case .file(let path, let size):
            try await outbound.write(.head(head))
            let file = try BlobReader(path)
            var sent: UInt64 = 0
            while let chunk = try file.next(), !Task.isCancelled {
                sent += UInt64(chunk.count)
                try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: chunk))))
            }
            guard sent == size else { return }
            try await outbound.write(.end(nil))
        }
    }

    private func receive(
        _ inbound: NIOAsyncChannelInboundStream<HTTPClientResponsePart>, _ request: HTTPRequest,
        _ receiver: (any BodyReceiver)?
    ) async throws -> HTTPResponse {
        var response: HTTPResponse?
        var isStreaming = false
        for try await part in inbound {
            switch part {
            case .head(let head):
                let begun = HTTPResponse(status: Int(head.status.code), headers: head.headers)
                isStreaming = try receiver?.begin(begun) ?? false
                response = begun
            case .body(let buffer):
                if isStreaming, let receiver {
                    try buffer.withUnsafeReadableBytes { bytes in try receiver.receive(bytes) }
                } else {
                    guard (response?.body.count ?? 0) + buffer.readableBytes <= collectedBytesMax else {
                        throw ImageError(
                            .limitExceeded, "\(request.address): a response of more than \(collectedBytesMax) bytes")
                    }
                    response?.body.append(contentsOf: buffer.readableBytesView)
                }
            case .end:
                if let response { return response }
            }
        }
        throw ImageError(.unavailable, "\(request.address): the connection ended without a whole response")
    }

    private func connect(_ address: HTTPAddress, through proxy: HTTPProxy?) async throws -> Channel {
        let context = address.isSecure ? try tls(address) : nil
        let window = TimeAmount.nanoseconds(stallWindow.nanoseconds)
        let minimum = bytesPerWindowMin
        return try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connectTimeout(.nanoseconds(connectTimeout.nanoseconds))
            .connect(host: proxy?.host ?? address.host, port: proxy?.port ?? address.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(StallHandler(window: window, bytesMin: minimum))
                    if let context {
                        if let proxy { try pipeline.addHandler(TunnelHandler(proxy, to: address)) }
                        // An address is not for SNI; the certificate is checked against it all the same.
                        let isNumeric =
                            address.host.contains(":")
                            || address.host.utf8.allSatisfy { $0 == 0x2E || (0x30...0x39).contains($0) }
                        try pipeline.addHandler(
                            NIOSSLClientHandler(context: context, serverHostname: isNumeric ? nil : address.host))
                    }
                    try pipeline.addHTTPClientHandlers()
                    return try Channel(wrappingChannelSynchronously: channel)
                }
            }
    }
}

extension Duration {
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}

/// Why a connection was given up.
struct StallError: Error, CustomStringConvertible {
    var bytes: Int
    var window: TimeAmount

    var description: String {
        "the registry stalled: \(bytes) bytes in \(Double(window.nanoseconds / 1_000_000) / 1000) seconds"
    }
}

/// Closes a connection on which too little moves.
private final class StallHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private let window: TimeAmount
    private let bytesMin: Int
    private var moved = 0
    private var check: RepeatedTask?

    init(window: TimeAmount, bytesMin: Int) {
        self.window = window
        self.bytesMin = bytesMin
    }

    func channelActive(context: ChannelHandlerContext) {
        start(context)
        context.fireChannelActive()
    }

    func handlerAdded(context: ChannelHandlerContext) { if context.channel.isActive { start(context) } }

    private func start(_ context: ChannelHandlerContext) {
        guard check == nil else { return }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        check = context.eventLoop.scheduleRepeatedTask(initialDelay: window, delay: window) { _ in
            let (handler, context) = bound.value
            let moved = handler.moved
            handler.moved = 0
            guard moved < handler.bytesMin else { return }
            context.fireErrorCaught(StallError(bytes: moved, window: handler.window))
            context.close(promise: nil)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        moved += Self.unwrapInboundIn(data).readableBytes
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let size = Self.unwrapOutboundIn(data).readableBytes
        let done = promise ?? context.eventLoop.makePromise()
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        // Bytes count when the kernel has taken them, not when they are queued.
        done.futureResult.whenSuccess { bound.value.moved += size }
        context.write(data, promise: done)
    }

    func channelInactive(context: ChannelHandlerContext) {
        check?.cancel()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { check?.cancel() }
}
