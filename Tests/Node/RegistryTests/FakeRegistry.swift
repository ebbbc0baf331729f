// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: a registry in this process that can be made to misbehave.

import Images
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

struct FakeRequest: Sendable {
    var method: String
    var path: String
    var headers: HTTPHeaders
    var body: [UInt8]

    func header(_ name: String) -> String? { headers.first(name: name) }
}

struct FakeResponse: Sendable {
    var status = 200
    var headers: [(String, String)] = []
    var body: [UInt8] = []
    /// Sends only so many bytes of the body, then closes, or says nothing more.
    var cut: Int?
    var stalls = false

    static func json(_ status: Int, _ text: String, _ headers: [(String, String)] = []) -> FakeResponse {
        FakeResponse(status: status, headers: headers, body: Array(text.utf8))
    }
}

/// Serves manifests and blobs of one repository per image name, over plain HTTP on a loopback port.
final class FakeRegistry: Sendable {
    struct State: Sendable {
        var manifests: [String: (type: String, bytes: [UInt8])] = [:]
        var blobs: [String: [UInt8]] = [:]
        var log: [FakeRequest] = []
    }

    typealias Intercept = @Sendable (FakeRequest) -> FakeResponse?

    let state = Mutex(State())
    private let intercept = Mutex<Intercept>({ _ in nil })
    private let channel = Mutex<(any Channel)?>(nil)
    let port: Int

    private init(port: Int) { self.port = port }

    /// - Parameter tls: nil: plain HTTP.
    static func start(tls: NIOSSLContext? = nil) async throws -> FakeRegistry {
        // The port is known before anything is served: the handlers find the registry through a box.
        let box = Mutex2<FakeRegistry>()
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
                    try channel.pipeline.syncOperations.addHandler(FakeHandler(box))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let registry = FakeRegistry(port: channel.localAddress?.port ?? 0)
        registry.channel.withLock { $0 = channel }
        box.value.withLock { $0 = registry }
        return registry
    }

    func stop() async {
        let channel = channel.withLock { channel in
            defer { channel = nil }
            return channel
        }
        try? await channel?.close()
    }

    var host: String { "127.0.0.1:\(port)" }

    /// What is asked first; nil: the request is answered as usual.
    func onRequest(_ body: @escaping Intercept) { intercept.withLock { $0 = body } }

    var log: [FakeRequest] { state.withLock { $0.log } }

    func count(_ method: String, _ part: String) -> Int {
        log.filter { $0.method == method && $0.path.contains(part) }.count
    }

    func answer(_ request: FakeRequest) -> FakeResponse {
        state.withLock { $0.log.append(request) }
        if let response = intercept.withLock({ $0 })(request) { return response }
        return usual(request)
    }

    func usual(_ request: FakeRequest) -> FakeResponse {
        let parts = request.path.split(separator: "?")[0].split(separator: "/").map(String.init)
        guard parts.count >= 4, parts[0] == "v2" else { return FakeResponse(status: 404) }
        let (kind, reference) = (parts[parts.count - 2], parts[parts.count - 1])
        switch (request.method, kind) {
        case ("GET", "manifests"), ("HEAD", "manifests"):
            guard let manifest = state.withLock({ $0.manifests[reference] }) else {
                return .json(404, #"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#)
            }
            return FakeResponse(
                headers: [
                    ("content-type", manifest.type), ("docker-content-digest", "\(Digest.of(manifest.bytes))"),
                ], body: manifest.bytes)
        case ("GET", "blobs"), ("HEAD", "blobs"):
            guard let blob = state.withLock({ $0.blobs[reference] }) else { return FakeResponse(status: 404) }
            if let range = request.header("range"), let start = Int(range.dropFirst(6).dropLast()) {
                return FakeResponse(
                    status: 206, headers: [("content-range", "bytes \(start)-\(blob.count - 1)/\(blob.count)")],
                    body: Array(blob[start...]))
            }
            return FakeResponse(body: blob)
        case ("POST", "blobs"), ("POST", "uploads"):
            return FakeResponse(status: 202, headers: [("location", "/v2/upload/blobs/here?state=1")])
        case ("PUT", "blobs"):
            let digest = request.path.split(separator: "digest=").last.map(String.init) ?? ""
            let text = digest.replacing("%3A", with: ":")
            guard Digest.of(request.body).description == text else { return FakeResponse(status: 400) }
            state.withLock { $0.blobs[text] = request.body }
            return FakeResponse(status: 201)
        case ("PUT", "manifests"):
            let type = request.header("content-type") ?? ""
            state.withLock { state in
                for key in [reference, "\(Digest.of(request.body))"] { state.manifests[key] = (type, request.body) }
            }
            return FakeResponse(status: 201)
        default: return FakeResponse(status: 405)
        }
    }

    // MARK: - Content

    func add(blob: [UInt8]) -> ContentDescriptor {
        state.withLock { $0.blobs["\(Digest.of(blob))"] = blob }
        return ContentDescriptor(mediaType: MediaType.layer, content: blob)
    }

    func add(_ bytes: [UInt8], _ type: String, as reference: String? = nil) -> ContentDescriptor {
        state.withLock { state in
            state.manifests["\(Digest.of(bytes))"] = (type, bytes)
            if let reference { state.manifests[reference] = (type, bytes) }
        }
        return ContentDescriptor(mediaType: type, content: bytes)
    }

    /// An image with these layers under a tag.
    @discardableResult
    func addImage(
        _ tag: String?, layers: [[UInt8]], platform: Platform = .wasi, configType: String = MediaType.config
    ) -> ContentDescriptor {
        let config = ImageConfig(platform: platform, entrypoint: ["/app.wasm"], diffIDs: layers.map(Digest.of))
        var configDescriptor = add(blob: config.bytes)
        configDescriptor.mediaType = configType
        let manifest = ImageManifest(config: configDescriptor, layers: layers.map { add(blob: $0) })
        var descriptor = add(manifest.bytes, MediaType.manifest, as: tag)
        descriptor.platform = platform
        return descriptor
    }
}

/// A box that is filled later.
final class Mutex2<Value: Sendable>: Sendable {
    let value = Mutex<Value?>(nil)
}

private final class FakeHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let registry: Mutex2<FakeRegistry>
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []

    init(_ registry: Mutex2<FakeRegistry>) { self.registry = registry }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = []
        case .body(let buffer): body += buffer.readableBytesView
        case .end:
            guard let head, let registry = registry.value.withLock({ $0 }) else { return }
            let request = FakeRequest(method: head.method.rawValue, path: head.uri, headers: head.headers, body: body)
            respond(context, request, registry.answer(request))
        }
    }

    private func respond(_ context: ChannelHandlerContext, _ request: FakeRequest, _ response: FakeResponse) {
        var headers = HTTPHeaders(response.headers)
        if !headers.contains(name: "content-length") {
            headers.add(name: "content-length", value: "\(response.body.count)")
        }
        let head = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: response.status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if request.method != "HEAD" {
            let bytes = response.body.prefix(response.cut ?? response.body.count)
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: bytes)))), promise: nil)
        }
        if response.stalls {
            context.flush()
            return
        }
        if response.cut != nil {
            context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer())))).whenComplete {
                [channel = context.channel] _ in
                channel.close(promise: nil)
            }
            return
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}
