// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the distribution specification, as a client: one repository of one registry.

import Images
import NIOHTTP1

/// Speaks to one endpoint about one repository.
///
/// See: OCI distribution specification 1.1.
struct RegistryClient: Sendable {
    let endpoint: HTTPAddress
    let repository: String
    let transport: HTTPTransport
    let authenticator: Authenticator
    let retry: RetryPolicy
    let limits: ImageLimits
    /// Asks for push rights, too.
    var pushes = false

    // LIMIT: redirects followed for one request.
    private static let redirectsMax = 8

    // LIMIT: what an attempt must bring to be more than another failure; a registry could break off for ever.
    private static let progressBytesMin: UInt64 = 256 << 10

    static let manifestTypes = [
        MediaType.manifest, MediaType.index, MediaType.dockerManifest, MediaType.dockerIndex,
    ]

    private var scope: String { "repository:\(repository):\(pushes ? "pull,push" : "pull")" }

    func address(_ tail: String) -> HTTPAddress {
        let base = endpoint.path.split(separator: "/").joined(separator: "/")
        return endpoint.with(path: "/\(base.isEmpty ? "" : base + "/")v2/\(repository)/\(tail)")
    }

    // MARK: - Manifests

    /// A manifest or an index with its type and digest. Content that does not fit the digest asked for is refused.
    func manifest(_ reference: String) async throws(ImageError) -> (descriptor: ContentDescriptor, bytes: [UInt8]) {
        var request = HTTPRequest("GET", address("manifests/\(reference)"))
        request.headers = [("accept", Self.manifestTypes.joined(separator: ", "))]
        let response = try await send(request, expecting: [200], what: "manifest \(reference)")
        guard response.body.count <= limits.documentBytes else {
            throw ImageError(
                .limitExceeded,
                "\(request.address): \(response.body.count) bytes, at most \(limits.documentBytes) are allowed")
        }
        let digest = Digest.of(response.body)
        for stated in [reference, response.header("docker-content-digest")] {
            guard let stated, stated.hasPrefix("sha256:"), stated != digest.description else { continue }
            throw ImageError(.invalidContent, "\(request.address): expected digest \(stated), found \(digest)")
        }
        let type = response.header("content-type")?.prefix { $0 != ";" } ?? ""
        return (
            ContentDescriptor(
                mediaType: Self.manifestTypes.contains(String(type)) ? String(type) : "", digest: digest,
                size: UInt64(response.body.count)), response.body
        )
    }

    func putManifest(_ bytes: [UInt8], mediaType: String, reference: String) async throws(ImageError) {
        var request = HTTPRequest("PUT", address("manifests/\(reference)"))
        request.headers = [("content-type", mediaType)]
        request.body = .bytes(bytes)
        _ = try await send(request, expecting: [201, 200, 202], what: "push of manifest \(reference)")
    }

    // MARK: - Blobs

    func hasBlob(_ digest: Digest) async throws(ImageError) -> Bool {
        try await send(
            HTTPRequest("HEAD", address("blobs/\(digest)")), expecting: [200, 404], what: "blob \(digest)"
        ).status == 200
    }

    /// Downloads into `ingest`, from where it is, and commits it.
    func download(
        _ ingest: BlobIngest, what: String, onProgress: @escaping @Sendable (UInt64) -> Void
    ) async throws(ImageError) {
        let address = address("blobs/\(ingest.digest)")
        try await retry.run { () async throws(ImageError) -> Attempt<Void> in
            let start = ingest.offset
            if let size = ingest.size, start == size {
                try ingest.commit(what: what)
                return .done(())
            }
            var request = HTTPRequest("GET", address)
            if start > 0 { request.headers = [("range", "bytes=\(start)-")] }
            do throws(ImageError) {
                let receiver = BlobReceiver(ingest, onProgress)
                let response = try await authorized(request, receiver)
                switch response.status {
                case 200, 206:
                    try ingest.commit(what: "\(what) from \(endpoint.authority)")
                    return .done(())
                case 416:
                    try ingest.restart()
                    return .again(failure(response, address, what), retryAfter: nil, progressed: false)
                default:
                    let error = failure(response, address, what)
                    guard RetryPolicy.isTemporary(response.status) else { throw error }
                    return .again(error, retryAfter: response.header("retry-after"), progressed: false)
                }
            } catch {
                guard error.code == .unavailable else { throw error }
                let progressed = ingest.offset >= start + Self.progressBytesMin
                return .again(error, retryAfter: nil, progressed: progressed)
            }
        }
    }

    /// Uploads a blob from a file.
    func upload(_ descriptor: ContentDescriptor, from path: String) async throws(ImageError) {
        try await retry.run { () async throws(ImageError) -> Attempt<Void> in
            var begin = HTTPRequest("POST", address("blobs/uploads/"))
            begin.body = .bytes([])
            let begun = try await send(begin, expecting: [202], what: "push of blob \(descriptor.digest)")
            guard let location = begun.header("location"), let target = begin.address.resolving(location) else {
                throw ImageError(.invalidContent, "\(begin.address): expected a Location for the upload")
            }
            guard target.isSecure || !endpoint.isSecure else {
                throw ImageError(.invalidContent, "\(begin.address): the upload's Location leads from https to http")
            }
            var put = HTTPRequest("PUT", target.adding(query: [("digest", descriptor.digest.description)]))
            put.headers = [("content-type", "application/octet-stream")]
            put.body = .file(path: path, size: descriptor.size)
            let response = try await authorized(put, nil)
            if [201, 202, 204].contains(response.status) { return .done(()) }
            let error = failure(response, put.address, "push of blob \(descriptor.digest)")
            guard RetryPolicy.isTemporary(response.status) else { throw error }
            return .again(error, retryAfter: response.header("retry-after"), progressed: false)
        }
    }

    // MARK: - Requests

    /// Sends a small request, again and again where that may help.
    private func send(
        _ request: HTTPRequest, expecting statuses: [Int], what: String
    ) async throws(ImageError) -> HTTPResponse {
        try await retry.run { () async throws(ImageError) -> Attempt<HTTPResponse> in
            let response = try await authorized(request, nil)
            if statuses.contains(response.status) { return .done(response) }
            let error = failure(response, request.address, what)
            guard RetryPolicy.isTemporary(response.status) else { throw error }
            return .again(error, retryAfter: response.header("retry-after"), progressed: false)
        }
    }

    /// Sends a request; answers challenges.
    private func authorized(
        _ request: HTTPRequest, _ receiver: BlobReceiver?
    ) async throws(ImageError) -> HTTPResponse {
        // LIMIT: an image has a few credentials; a registry that refuses for ever is left.
        for _ in 0..<16 {
            let authorization = await authenticator.authorization
            let response = try await redirected(request, authorization, receiver)
            guard response.status == 401 else { return response }
            try await authenticator.answer(
                response.header("www-authenticate"), refused: authorization, from: endpoint, scope: scope)
        }
        throw ImageError(.unauthorized, "\(request.address): refused again and again")
    }

    /// Follows redirects of GET and HEAD. The authorization stays with the registry.
    private func redirected(
        _ request: HTTPRequest, _ authorization: String?, _ receiver: BlobReceiver?
    ) async throws(ImageError) -> HTTPResponse {
        var address = request.address
        for _ in 0...Self.redirectsMax {
            var step = request
            step.address = address
            if let authorization, address.isSameOrigin(endpoint) {
                step.headers.append(("authorization", authorization))
            }
            let response = try await transport.send(step, to: receiver)
            guard [301, 302, 303, 307, 308].contains(response.status),
                request.method == "GET" || request.method == "HEAD"
            else { return response }
            guard let location = response.header("location"), let next = address.resolving(location) else {
                throw ImageError(.invalidContent, "\(address): a redirect to nowhere")
            }
            guard next.isSecure || !address.isSecure else {
                throw ImageError(.invalidContent, "\(address): a redirect from https to http, \(next)")
            }
            address = next
        }
        throw ImageError(.invalidContent, "\(request.address): more than \(Self.redirectsMax) redirects")
    }

    /// What a status means, with the registry's own words.
    private func failure(_ response: HTTPResponse, _ address: HTTPAddress, _ what: String) -> ImageError {
        let detail = RegistryMessage.text(response.body)
        let tail = detail.isEmpty ? "" : ": \(detail)"
        switch response.status {
        case 404: return ImageError(.notFound, "\(address.authority)/\(repository): \(what): not found\(tail)")
        case 401, 403:
            return ImageError(
                .unauthorized,
                "\(address.authority)/\(repository): \(what): HTTP \(response.status): pull access denied, repository "
                    + "does not exist or may require authorization\(tail)")
        case let status where RetryPolicy.isTemporary(status):
            return ImageError(.unavailable, "\(address): HTTP \(status)\(tail)")
        default: return ImageError(.invalidContent, "\(address): unexpected HTTP \(response.status)\(tail)")
        }
    }
}

/// Writes a blob's body into the store.
final class BlobReceiver: BodyReceiver {
    private let ingest: BlobIngest
    private let onProgress: @Sendable (UInt64) -> Void

    init(_ ingest: BlobIngest, _ onProgress: @escaping @Sendable (UInt64) -> Void) {
        self.ingest = ingest
        self.onProgress = onProgress
    }

    func begin(_ response: HTTPResponse) throws(ImageError) -> Bool {
        switch response.status {
        case 200:
            // Everything from the start, asked for or not.
            try ingest.restart()
            return true
        case 206:
            let expected = "bytes \(ingest.offset)-"
            guard response.header("content-range")?.hasPrefix(expected) == true else {
                try ingest.restart()
                throw ImageError(
                    .unavailable,
                    "blob \(ingest.digest): expected Content-Range \(expected)…, found "
                        + "\"\(response.header("content-range")?.prefix(60) ?? "")\"")
            }
            return true
        default: return false
        }
    }

    func receive(_ bytes: UnsafeRawBufferPointer) throws(ImageError) {
        try ingest.write(bytes)
        onProgress(ingest.offset)
    }
}
