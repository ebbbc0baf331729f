// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the Kubernetes API over HTTP: on a unix socket and, if wanted, on a loopback port.
import Glibc
import HTTPTypes
import HummingbirdCore
public import KubernetesAPI
public import Logging
import NIOCore
import NIOPosix
public import ObjectStore
import ServiceLifecycle

/// Serves the objects of a store to kubectl and to Swiftlet's own client.
///
/// Who may connect is decided by the operating system: the socket is private to its owner, and on the port only
/// connections of the owner's own processes on this machine are answered.
public struct APIServer: Sendable {
    public struct Configuration: Sendable {
        /// Where the socket is created, mode 0600; a left-over one is replaced.
        public var socketPath: String
        /// A port on 127.0.0.1 for clients that cannot use a socket; 0 lets the system choose one; nil: none.
        public var port: Int?
        /// Version of Swiftlet, shown by `/version`.
        public var version: String
        public var logPath: LogPathProvider
        /// LIMIT: larger request bodies are refused; upstream's limit.
        public var bodyBytesMax = 3 << 20

        public init(
            socketPath: String, port: Int? = nil, version: String = "0",
            logPath: @escaping LogPathProvider = { _, _, _ in nil }
        ) {
            self.socketPath = socketPath
            self.port = port
            self.version = version
            self.logPath = logPath
        }
    }

    /// What a listener reports when it is ready.
    public enum Listener: Sendable, Equatable {
        case socket(path: String)
        case port(Int)
    }

    private let configuration: Configuration
    private let routes: Routes
    private let logger: Logger
    private let onListening: @Sendable (Listener) async -> Void

    /// - Parameter onListening: called once for each listener, when it accepts connections.
    public init(
        store: ObjectStore, configuration: Configuration, now: @escaping @Sendable () -> MicroTime = { MicroTime.now },
        logger: Logger = Logger(label: "swiftlet.api"),
        onListening: @escaping @Sendable (Listener) async -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.logger = logger
        self.onListening = onListening
        routes = Routes(store: store, version: configuration.version, logPath: configuration.logPath, now: now)
    }

    /// Serves until the task is cancelled.
    public func run() async throws {
        removeLeftOverSocket()
        defer { removeLeftOverSocket() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await serve(.unixDomainSocket(path: configuration.socketPath), isPort: false) }
            if let port = configuration.port {
                group.addTask { try await serve(.hostname("127.0.0.1", port: port), isPort: true) }
            }
            try await group.next()
            group.cancelAll()
        }
    }

    private func serve(_ address: BindAddress, isPort: Bool) async throws {
        let server = self
        let service = try HTTPServerBuilder.http1().buildServer(
            configuration: ServerConfiguration(address: address),
            eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: logger,
            responder: { request, writer, channel in
                let response = await server.respond(to: request, channel, isPort: isPort)
                try await writer.write(response: response.head, body: response.body)
            },
            onServerRunning: { channel in
                if isPort {
                    await server.onListening(.port(channel.localAddress?.port ?? 0))
                } else {
                    chmod(server.configuration.socketPath, 0o600)
                    await server.onListening(.socket(path: server.configuration.socketPath))
                }
            })
        try await service.run()
    }

    /// Removes the socket, and nothing that is not a socket.
    private func removeLeftOverSocket() {
        var information = stat()
        guard lstat(configuration.socketPath, &information) == 0, information.st_mode & S_IFMT == S_IFSOCK else {
            return
        }
        unlink(configuration.socketPath)
    }

    // MARK: - Requests

    private func respond(to request: Request, _ channel: any Channel, isPort: Bool) async -> Response {
        if isPort, let refusal = LoopbackPeer.refusal(request, channel) { return Self.response(refusal) }
        var body: [UInt8] = []
        do {
            for try await var part in request.body {
                guard body.count + part.readableBytes <= configuration.bodyBytesMax else {
                    let message = "the request body is larger than \(configuration.bodyBytesMax) bytes"
                    return Self.response(APIError(413, "RequestEntityTooLarge", message).response)
                }
                body += part.readBytes(length: part.readableBytes) ?? []
            }
        } catch {
            return Self.response(APIError.badRequest("reading the request body: \(error)").response)
        }
        let apiRequest = APIRequest(
            method: request.method.rawValue, target: request.uri.string, accept: request.headers[.accept] ?? "",
            contentType: request.headers[.contentType] ?? "", body: body)
        return Self.response(routes.respond(to: apiRequest))
    }

    private static func response(_ answer: APIResponse) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = answer.contentType
        for warning in answer.warnings {
            // A header line holds no control characters, and quotes are escaped (RFC 9110 §5.6.4).
            let text = warning.unicodeScalars.filter { $0.value >= 0x20 && $0.value < 0x7F }
            let quoted = String(String.UnicodeScalarView(text)).replacing("\\", with: "\\\\").replacing(
                "\"", with: "\\\"")
            headers.append(HTTPField(name: .warning, value: "299 - \"\(quoted)\""))
        }
        let status = HTTPResponse.Status(code: answer.status)
        switch answer.body {
        case .bytes(let bytes):
            return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
        case .stream(let stream):
            let pump = answer.pump
            let body = ResponseBody { writer in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    if let pump { group.addTask { await pump.run() } }
                    defer { group.cancelAll() }
                    for await bytes in stream { try await writer.write(ByteBuffer(bytes: bytes)) }
                }
                try await writer.finish(nil)
            }
            return Response(status: status, headers: headers, body: body)
        }
    }
}

extension HTTPField.Name {
    fileprivate static var warning: HTTPField.Name { HTTPField.Name("Warning") ?? .contentLanguage }
}
