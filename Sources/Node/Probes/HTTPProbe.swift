// SPDX-License-Identifier: Apache-2.0
// Swiftlet: httpGet probes.

import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// A GET whose status 200–399 is a pass. Redirects within the same host are followed, others pass with a warning.
///
/// See: Kubernetes documentation, "Configure Liveness, Readiness and Startup Probes", HTTP probes.
struct HTTPProbe: Sendable {
    // LIMIT: as much of an answer as upstream looks at.
    static let bodyBytesMax = 10 * 1024
    // LIMIT: hops before a probe gives up, as upstream.
    static let redirectsMax = 10

    let action: HTTPGet
    let timeout: Duration
    let group: any EventLoopGroup

    func attempt() async -> ProbeOutcome {
        guard action.scheme == "HTTP" || action.scheme == "HTTPS" else {
            return ProbeOutcome(.failure, "httpGet: scheme \(action.scheme), expected HTTP or HTTPS")
        }
        let deadline = NIODeadline.now() + timeout.timeAmount
        var current = action
        for _ in 0...HTTPProbe.redirectsMax {
            let answer: HTTPAnswer
            do {
                answer = try await exchange(current, deadline: deadline)
            } catch {
                return ProbeOutcome(.failure, message(error, for: current))
            }
            guard (300..<400).contains(answer.status), let location = answer.location else {
                return verdict(answer)
            }
            guard let next = redirect(from: current, to: location) else {
                return ProbeOutcome(.warning, "probe terminated redirects, response body: \(answer.body)")
            }
            current = next
        }
        return ProbeOutcome(
            .failure, "Get \"\(action.url)\": stopped after \(HTTPProbe.redirectsMax) redirects")
    }

    private func verdict(_ answer: HTTPAnswer) -> ProbeOutcome {
        if (200..<400).contains(answer.status) { return ProbeOutcome(.success, answer.body) }
        return ProbeOutcome(.failure, "HTTP probe failed with statuscode: \(answer.status)")
    }

    private func message(_ error: any Error, for action: HTTPGet) -> String {
        let prefix = "Get \"\(action.url)\": "
        switch error {
        case is ProbeTimeout, ChannelError.connectTimeout:
            return prefix + "no answer within \(timeout.brief) (timeoutSeconds)"
        case is HTTPParserError:
            return prefix + "malformed HTTP response"
        case let error as HTTPProbeError:
            return prefix + error.message
        case let error as NIOSSLError:
            return prefix + "TLS: \(error)"
        case let error as NIOSSLExtraError:
            return prefix + "TLS: \(error)"
        default:
            return prefix + connectMessage(error, host: action.host, port: action.port, timeout: timeout)
        }
    }

    /// The next hop, or nil when it leaves the host.
    func redirect(from current: HTTPGet, to location: String) -> HTTPGet? {
        if location.hasPrefix("/"), !location.hasPrefix("//") {
            return HTTPGet(
                scheme: current.scheme, host: current.host, port: current.port, path: location,
                headers: current.headers)
        }
        guard let scheme = ["http", "https"].first(where: { location.lowercased().hasPrefix($0 + "://") }) else {
            return nil
        }
        let rest = location.dropFirst(scheme.count + 3)
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let parts = authority.split(separator: ":", maxSplits: 1)
        guard let host = parts.first, String(host) == current.host else { return nil }
        let standard = scheme == "https" ? 443 : 80
        guard let port = parts.count == 2 ? Int(parts[1]) : standard, (1...65535).contains(port) else { return nil }
        let path = String(rest.dropFirst(authority.count))
        return HTTPGet(
            scheme: scheme, host: current.host, port: port, path: path.isEmpty ? "/" : path, headers: current.headers)
    }

    /// A probe asks whether somebody serves, not who: certificates are not verified, as upstream's kubelet does it.
    private static let tls = Result {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.trustRoots = .certificates([])
        configuration.applicationProtocols = ["http/1.1"]
        return try NIOSSLContext(configuration: configuration)
    }

    /// The handler that encrypts; nil for plain HTTP.
    private func encryption(_ action: HTTPGet) throws -> NIOSSLClientHandler? {
        guard action.scheme == "HTTPS" else { return nil }
        // Server Name Indication knows names only (RFC 6066 section 3).
        let isNumeric = (try? SocketAddress(ipAddress: action.host, port: 0)) != nil
        return try NIOSSLClientHandler(context: Self.tls.get(), serverHostname: isNumeric ? nil : action.host)
    }

    private func exchange(_ action: HTTPGet, deadline: NIODeadline) async throws -> HTTPAnswer {
        let remaining = deadline - .now()
        guard remaining > .nanoseconds(0) else { throw ProbeTimeout() }
        let loop = group.next()
        let promise = loop.makePromise(of: HTTPAnswer.self)
        let head = requestHead(action)
        let connected = ClientBootstrap(group: loop)
            .connectTimeout(remaining)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let encryption = try encryption(action) {
                        try channel.pipeline.syncOperations.addHandler(encryption)
                    }
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(HTTPProbeHandler(head: head, promise: promise))
                }
            }
            .connect(host: action.host, port: action.port)
        connected.whenFailure { promise.fail($0) }
        let timer = loop.scheduleTask(deadline: deadline) { promise.fail(ProbeTimeout()) }
        defer {
            timer.cancel()
            connected.whenSuccess { $0.close(promise: nil) }
        }
        return try await promise.futureResult.get()
    }

    private func requestHead(_ action: HTTPGet) -> HTTPRequestHead {
        var headers = HTTPHeaders()
        for (name, value) in action.headers { headers.add(name: name, value: value) }
        if !headers.contains(name: "Host") {
            let isStandard = action.port == (action.scheme == "HTTPS" ? 443 : 80)
            headers.add(name: "Host", value: isStandard ? action.host : "\(action.host):\(action.port)")
        }
        // Servers know probes by this prefix and leave them out of their logs.
        if !headers.contains(name: "User-Agent") {
            headers.add(name: "User-Agent", value: "kube-probe/1.32 (swiftlet)")
        }
        if !headers.contains(name: "Accept") { headers.add(name: "Accept", value: "*/*") }
        headers.replaceOrAdd(name: "Connection", value: "close")
        return HTTPRequestHead(version: .http1_1, method: .GET, uri: action.path, headers: headers)
    }
}

/// What is kept of an answer.
struct HTTPAnswer: Sendable, Equatable {
    var status: Int
    var location: String?
    var body: String
}

struct HTTPProbeError: Error {
    var message: String
}

/// Sends the request when connected, keeps the head and the first bytes of the body, and answers once.
private final class HTTPProbeHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let head: HTTPRequestHead
    private let promise: EventLoopPromise<HTTPAnswer>
    private var answer: HTTPAnswer?
    private var body: [UInt8] = []

    init(head: HTTPRequestHead, promise: EventLoopPromise<HTTPAnswer>) {
        self.head = head
        self.promise = promise
    }

    func channelActive(context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            answer = HTTPAnswer(status: Int(head.status.code), location: head.headers.first(name: "Location"), body: "")
        case .body(let part):
            body.append(contentsOf: part.readableBytesView.prefix(HTTPProbe.bodyBytesMax - body.count))
            // The rest of a long answer is not worth waiting for.
            if body.count >= HTTPProbe.bodyBytesMax { finish(context) }
        case .end:
            finish(context)
        }
    }

    private func finish(_ context: ChannelHandlerContext) {
        guard var answer else { return }
        answer.body = String(decoding: body, as: UTF8.self)
        promise.succeed(answer)
        context.close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        // After an answer this changes nothing: a promise keeps its first result.
        promise.fail(HTTPProbeError(message: answer == nil ? "EOF" : "unexpected EOF"))
        context.fireChannelInactive()
    }
}
