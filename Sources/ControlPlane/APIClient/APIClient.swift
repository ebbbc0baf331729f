// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a small HTTP client for the API of a running `swiftlet up` or `swiftlet node`, over its unix socket.

import NIOCore
import NIOHTTP1
import NIOPosix

/// Speaks HTTP/1.1 to the API socket, one connection per request.
public struct APIClient: Sendable {
    /// Path of the unix socket, `ROOT/api.sock`.
    public let socketPath: String

    public init(socketPath: String) {
        self.socketPath = socketPath
    }

    /// One request of the Kubernetes API.
    public struct Request: Sendable {
        public var method: String
        /// Path with query, percent-encoded where it must be.
        public var path: String
        public var accept: String
        public var contentType: String
        public var body: [UInt8]

        public init(
            _ method: String, _ path: String, accept: String = "application/json",
            contentType: String = "application/json", body: [UInt8] = []
        ) {
            self.method = method
            self.path = path
            self.accept = accept
            self.contentType = contentType
            self.body = body
        }
    }

    public struct Response: Sendable {
        public var status: Int
        public var body: [UInt8]

        public init(status: Int, body: [UInt8]) {
            self.status = status
            self.body = body
        }

        public var isSuccess: Bool { (200..<300).contains(status) }
    }

    /// LIMIT: bytes of a collected response body.
    private static let bodyBytesMax = 64 << 20

    /// Sends a request and collects the whole response.
    ///
    /// - Throws: ``APIClientError``.
    public func send(_ request: Request) async throws -> Response {
        var body: [UInt8] = []
        let status = try await stream(request) { chunk in
            guard body.count + chunk.count <= Self.bodyBytesMax else {
                throw APIClientError.protocolError(socketPath, "the response is larger than \(Self.bodyBytesMax) bytes")
            }
            body.append(contentsOf: chunk)
        }
        return Response(status: status, body: body)
    }

    /// Sends a request and hands on the body as it comes (watches, followed logs); returns the status at the end.
    @discardableResult
    public func stream(_ request: Request, onBody: (ArraySlice<UInt8>) async throws -> Void) async throws -> Int {
        try await stream(request, onHead: { _ in }, onBody: onBody)
    }

    /// As above; `onHead` is told the status before the first body bytes.
    @discardableResult
    public func stream(
        _ request: Request, onHead: (Int) async throws -> Void, onBody: (ArraySlice<UInt8>) async throws -> Void
    ) async throws -> Int {
        let channel = try await connect()
        return try await channel.executeThenClose { inbound, outbound in
            var headers = HTTPHeaders([
                ("host", "localhost"), ("accept", request.accept), ("connection", "close"),
                ("user-agent", "swiftlet"),
            ])
            if !request.body.isEmpty {
                headers.add(name: "content-type", value: request.contentType)
                headers.add(name: "content-length", value: String(request.body.count))
            }
            let head = HTTPRequestHead(
                version: .http1_1, method: HTTPMethod(rawValue: request.method), uri: request.path, headers: headers)
            // One write and one flush: a server that has read enough may answer and close before a second one.
            var parts: [HTTPClientRequestPart] = [.head(head)]
            if !request.body.isEmpty { parts.append(.body(.byteBuffer(ByteBuffer(bytes: request.body)))) }
            parts.append(.end(nil))
            try await outbound.write(contentsOf: parts)
            return try await receive(inbound, onHead: onHead, onBody: onBody)
        }
    }

    private typealias Channel = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    private func receive(
        _ inbound: NIOAsyncChannelInboundStream<HTTPClientResponsePart>, onHead: (Int) async throws -> Void,
        onBody: (ArraySlice<UInt8>) async throws -> Void
    ) async throws -> Int {
        var status: Int?
        receiving: for try await part in inbound {
            switch part {
            case .head(let head):
                status = Int(head.status.code)
                try await onHead(Int(head.status.code))
            case .body(let buffer):
                try await onBody(Array(buffer.readableBytesView)[...])
            case .end:
                break receiving
            }
        }
        guard let status else {
            throw APIClientError.protocolError(socketPath, "the connection closed without a response")
        }
        return status
    }

    private func connect() async throws -> Channel {
        do {
            return try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connect(unixDomainSocketPath: socketPath) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        return try Channel(wrappingChannelSynchronously: channel)
                    }
                }
        } catch {
            throw APIClientError.notRunning(socketPath, "\(error)")
        }
    }
}

/// Why a request got no answer.
public enum APIClientError: Error, CustomStringConvertible {
    case notRunning(String, String)
    case protocolError(String, String)

    public var description: String {
        switch self {
        case .notRunning(let path, let cause):
            "no swiftlet answers at \(path) (\(cause)): start one with `swiftlet up -f FILE` or `swiftlet node`"
        case .protocolError(let path, let detail):
            "\(path): \(detail)"
        }
    }
}
