// SPDX-License-Identifier: Apache-2.0
// Swiftlet: probes against real sockets on loopback.

import Foundation
import NIOCore
import NIOHPACK
import NIOHTTP1
import NIOHTTP2
import NIOPosix
import NIOSSL
import Probes
import Synchronization
import Testing

private let group = MultiThreadedEventLoopGroup.singleton

private func attempt(
    _ action: ProbeAction, timeout: Duration = .seconds(2),
    execute: @escaping Prober.Execute = { _, _ in (0, "") },
    callExport: @escaping Prober.CallExport = { _, _ in 0 }
) async -> ProbeOutcome {
    await Prober(group: group, execute: execute, callExport: callExport)
        .attempt(
            ProbeSpecification(kind: .liveness, action: action, settings: ProbeSettings(timeout: timeout)))
}

/// A server that answers every connection with what the closure makes of the first bytes; nil: stays silent.
private func withServer(
    tls: NIOSSLContext? = nil, _ answer: @escaping @Sendable (String) -> String?, _ body: (Int) async throws -> Void
) async throws {
    let channel = try await ServerBootstrap(group: group)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                try channel.pipeline.syncOperations.addHandler(AnswerHandler(answer: answer))
            }
        }
        .bind(host: "127.0.0.1", port: 0).get()
    try await body(channel.localAddress?.port ?? 0)
    try await channel.close()
}

/// A certificate that nobody vouches for, made by openssl(1).
private struct ServerTLS {
    let context: NIOSSLContext

    init() throws {
        let folder = URL.temporaryDirectory.appending(path: "swiftlet-probe-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (key, certificate) = (folder.path() + "/key.pem", folder.path() + "/cert.pem")
        let openssl = Process()
        openssl.executableURL = URL(filePath: "/usr/bin/openssl")
        openssl.arguments = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=nobody", "-keyout", key, "-out", certificate,
        ]
        openssl.standardError = FileHandle.nullDevice
        try openssl.run()
        openssl.waitUntilExit()
        context = try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
                privateKey: .privateKey(NIOSSLPrivateKey(file: key, format: .pem))))
    }
}

private final class AnswerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let answer: @Sendable (String) -> String?
    init(answer: @escaping @Sendable (String) -> String?) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let text = answer(String(buffer: unwrapInboundIn(data))) else { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text))).whenComplete { [channel = context.channel] _ in
            channel.close(promise: nil)
        }
    }
}

private func http(_ port: Int, _ path: String = "/", headers: [(name: String, value: String)] = []) -> ProbeAction {
    .httpGet(HTTPGet(host: "127.0.0.1", port: port, path: path, headers: headers))
}

/// A port of loopback that nobody listens on.
private func closedPort() async throws -> Int {
    let channel = try await ServerBootstrap(group: group).bind(host: "127.0.0.1", port: 0).get()
    let port = channel.localAddress?.port ?? 0
    try await channel.close()
    return port
}

@Suite struct `An httpGet probe` {
    @Test(arguments: [
        (200, ProbeOutcome.Verdict.success), (204, .success), (399, .success), (304, .success), (199, .failure),
        (400, .failure), (404, .failure), (500, .failure), (503, .failure),
    ])
    func `judges by the status code`(status: Int, verdict: ProbeOutcome.Verdict) async throws {
        // 199 stands for every interim status: it is no final answer.
        let line = "HTTP/1.1 \(status) X\r\nContent-Length: 0\r\n\r\n"
        try await withServer({ _ in line }) { port in
            let outcome = await attempt(http(port))
            #expect(outcome.verdict == verdict, "\(outcome)")
            if status >= 400 { #expect(outcome.message == "HTTP probe failed with statuscode: \(status)") }
        }
    }

    @Test func `sends the manifest's headers and a kube-probe user agent`() async throws {
        let seen = Mutex("")
        try await withServer({ request in
            seen.withLock { $0 = request }
            return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        }) { port in
            let outcome = await attempt(
                http(port, "/health?x=1", headers: [("Host", "example.test"), ("X-Check", "a"), ("X-Check", "b")]))
            #expect(outcome == ProbeOutcome(.success, "ok"))
            let request = seen.withLock { $0 }
            #expect(request.hasPrefix("GET /health?x=1 HTTP/1.1\r\n"))
            #expect(request.contains("Host: example.test\r\n"))
            #expect(!request.contains("127.0.0.1"))
            #expect(request.contains("X-Check: a\r\nX-Check: b\r\n"))
            #expect(request.contains("User-Agent: kube-probe/"))
        }
    }

    @Test func `follows redirects within the host and warns about others`() async throws {
        try await withServer({ request in
            if request.hasPrefix("GET /a ") {
                return "HTTP/1.1 302 F\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"
            }
            if request.hasPrefix("GET /b ") { return "HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n" }
            if request.hasPrefix("GET /loop ") {
                return "HTTP/1.1 302 F\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n"
            }
            return "HTTP/1.1 302 F\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n"
        }) { port in
            #expect(await attempt(http(port, "/a")).verdict == .failure)
            #expect(await attempt(http(port, "/away")).verdict == .warning)
            let loop = await attempt(http(port, "/loop"))
            #expect(loop.verdict == .failure && loop.message.contains("stopped after 10 redirects"))
        }
    }

    @Test func `keeps 10 KiB of an endless answer`() async throws {
        let body = String(repeating: "x", count: 100_000)
        try await withServer({ _ in "HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n" + body }) { port in
            let outcome = await attempt(http(port))
            #expect(outcome.verdict == .success)
            #expect(outcome.message.utf8.count == 10 * 1024)
        }
    }

    @Test func `fails on silence after its timeout, on garbage and on a refused connection`() async throws {
        try await withServer({ _ in nil }) { port in
            let begin = ContinuousClock.now
            let outcome = await attempt(http(port), timeout: .milliseconds(100))
            #expect(outcome.verdict == .failure && outcome.message.contains("no answer within 100ms"))
            #expect(ContinuousClock.now - begin < .seconds(5))
        }
        try await withServer({ _ in "SSH-2.0-OpenSSH\r\n" }) { port in
            let outcome = await attempt(http(port))
            #expect(outcome.verdict == .failure && outcome.message.contains("malformed HTTP response"))
        }
        let port = try await closedPort()
        let outcome = await attempt(http(port))
        #expect(
            outcome
                == ProbeOutcome(
                    .failure,
                    "Get \"http://127.0.0.1:\(port)/\": dial tcp 127.0.0.1:\(port): connect: connection refused"))
    }

    @Test func `speaks TLS with whoever serves, follows redirects to it, and tells what is not TLS`() async throws {
        let tls = try ServerTLS()
        try await withServer(tls: tls.context, { _ in "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" }) { secure in
            let action = HTTPGet(scheme: "https", host: "127.0.0.1", port: secure, path: "/healthz")
            #expect(await attempt(.httpGet(action)) == ProbeOutcome(.success, "ok"))
            try await withServer({ _ in
                "HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:\(secure)/\r\nContent-Length: 0\r\n\r\n"
            }) { plain in
                #expect(await attempt(http(plain)) == ProbeOutcome(.success, "ok"))
            }
            // The other way round: a server that expects TLS.
            #expect(await attempt(http(secure)).verdict == .failure)
        }
        try await withServer({ _ in "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" }) { port in
            let outcome = await attempt(.httpGet(HTTPGet(scheme: "HTTPS", host: "127.0.0.1", port: port)))
            #expect(outcome.verdict == .failure && outcome.message.contains("TLS: "), "\(outcome)")
        }
        try await withServer({ _ in nil }) { port in
            let action = HTTPGet(scheme: "HTTPS", host: "127.0.0.1", port: port)
            let outcome = await attempt(.httpGet(action), timeout: .milliseconds(200))
            #expect(outcome.message.contains("no answer within"), "\(outcome)")
        }
    }
}

@Suite struct `A tcpSocket probe` {
    @Test func `passes when somebody listens and fails when nobody does`() async throws {
        try await withServer({ _ in nil }) { port in
            #expect(await attempt(.tcpSocket(host: "127.0.0.1", port: port)).verdict == .success)
        }
        let port = try await closedPort()
        let outcome = await attempt(.tcpSocket(host: "127.0.0.1", port: port))
        #expect(outcome == ProbeOutcome(.failure, "dial tcp 127.0.0.1:\(port): connect: connection refused"))
    }
}

/// A health service on HTTP/2 that answers with the given trailers and message.
private func withHealthService(
    trailers: HPACKHeaders = ["grpc-status": "0"], message: [UInt8]?, _ body: (Int) async throws -> Void
) async throws {
    let channel = try await ServerBootstrap(group: group)
        .childChannelInitializer { channel in
            channel.configureHTTP2Pipeline(
                mode: .server, connectionConfiguration: .init(), streamConfiguration: .init()
            ) { stream in
                stream.eventLoop.makeCompletedFuture {
                    try stream.pipeline.syncOperations.addHandler(HealthService(trailers: trailers, message: message))
                }
            }.map { _ in }
        }
        .bind(host: "127.0.0.1", port: 0).get()
    try await body(channel.localAddress?.port ?? 0)
    try await channel.close()
}

private final class HealthService: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    let trailers: HPACKHeaders
    let message: [UInt8]?
    init(trailers: HPACKHeaders, message: [UInt8]?) {
        self.trailers = trailers
        self.message = message
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .data(let frame) = unwrapInboundIn(data), frame.endStream else { return }
        var headers: HPACKHeaders = [":status": "200", "content-type": "application/grpc"]
        if let message {
            context.write(wrapOutboundOut(.headers(.init(headers: headers))), promise: nil)
            let bytes = ByteBuffer(bytes: [0, 0, 0, 0, UInt8(message.count)] + message)
            context.write(wrapOutboundOut(.data(.init(data: .byteBuffer(bytes)))), promise: nil)
            headers = trailers
        } else {
            headers.add(contentsOf: trailers)
        }
        context.writeAndFlush(wrapOutboundOut(.headers(.init(headers: headers, endStream: true))), promise: nil)
    }
}

@Suite struct `A grpc probe` {
    @Test(arguments: [
        ([UInt8]([0x08, 0x01]), ProbeOutcome(.success, "service is serving")),
        ([0x08, 0x02], ProbeOutcome(.failure, "service unhealthy (responded with \"NOT_SERVING\")")),
        ([], ProbeOutcome(.failure, "service unhealthy (responded with \"UNKNOWN\")")),
        ([0x08], ProbeOutcome(.failure, "error: health rpc failed: malformed HealthCheckResponse")),
        ([0x12, 0xFF], ProbeOutcome(.failure, "error: health rpc failed: malformed HealthCheckResponse")),
    ])
    func `judges by the serving status`(message: [UInt8], expected: ProbeOutcome) async throws {
        try await withHealthService(message: message) { port in
            #expect(await attempt(.grpc(host: "127.0.0.1", port: port, service: "api")) == expected)
        }
    }

    @Test func `names a server without the health service`() async throws {
        try await withHealthService(trailers: ["grpc-status": "12", "grpc-message": "unknown service"], message: nil) {
            port in
            let outcome = await attempt(.grpc(host: "127.0.0.1", port: port, service: ""))
            #expect(outcome.verdict == .failure)
            #expect(outcome.message.contains("does not implement the grpc health protocol"))
        }
    }

    @Test func `fails on silence, garbage and a refused connection`() async throws {
        try await withServer({ _ in nil }) { port in
            let outcome = await attempt(
                .grpc(host: "127.0.0.1", port: port, service: ""), timeout: .milliseconds(100))
            #expect(outcome.verdict == .failure && outcome.message.contains("within 100ms"))
        }
        try await withServer({ _ in "HTTP/1.1 400 Bad Request\r\n\r\n" }) { port in
            #expect(await attempt(.grpc(host: "127.0.0.1", port: port, service: "")).verdict == .failure)
        }
        let port = try await closedPort()
        let outcome = await attempt(.grpc(host: "127.0.0.1", port: port, service: ""))
        #expect(outcome.verdict == .failure && outcome.message.contains("connection refused"))
    }
}

@Suite struct `Probes through the container` {
    struct Broken: Error {}

    @Test func `exec passes with exit code 0 only`() async {
        #expect(await attempt(.exec(command: ["x"]), execute: { _, _ in (0, "fine") }).verdict == .success)
        #expect(
            await attempt(.exec(command: ["x"]), execute: { _, _ in (1, "bad") }) == ProbeOutcome(.failure, "bad"))
        #expect(await attempt(.exec(command: ["x"]), execute: { _, _ in throw Broken() }).verdict == .failure)
        let gone = await attempt(.exec(command: ["x"]), execute: { _, _ in throw ProbeUnavailable("gone") })
        #expect(gone == ProbeOutcome(.unknown, "gone"))
    }

    @Test func `an export passes with 0 only`() async {
        #expect(await attempt(.export(name: "healthy"), callExport: { _, _ in 0 }).verdict == .success)
        #expect(
            await attempt(.export(name: "healthy"), callExport: { _, _ in 7 })
                == ProbeOutcome(.failure, "export healthy returned 7"))
    }
}
