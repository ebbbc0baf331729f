// SPDX-License-Identifier: Apache-2.0
// Swiftlet: pulls images into the store and pushes them out of it.

public import Images

/// What a transfer does, for who watches.
public enum TransferEvent: Sendable, Equatable {
    /// The manifest is known; so is what there is to do.
    case resolved(Digest, bytes: UInt64)
    case begun(Digest, bytes: UInt64)
    /// Bytes that are there, those of an earlier attempt included.
    case progressed(Digest, UInt64)
    case finished(Digest)
    /// It is there already.
    case present(Digest)
}

public struct RegistryTimeouts: Sendable {
    public var connect: Duration = .seconds(15)
    /// A connection on which nothing moves for so long is given up.
    public var stall: Duration = .seconds(30)

    public init() {}
}

/// The registries of the world, and one store.
public struct Registry: Sendable {
    public typealias Progress = @Sendable (TransferEvent) -> Void

    public var store: ContentStore
    public var configuration: RegistryConfiguration
    public var credentials: CredentialChain
    public var retry = RetryPolicy()
    public var timeouts = RegistryTimeouts()
    public var proxies = HTTPProxies()
    // LIMIT: layers at once from one registry; docker's number.
    public var transfersMax = 3

    public init(
        store: ContentStore, configuration: RegistryConfiguration = RegistryConfiguration(),
        credentials: CredentialChain = CredentialChain()
    ) {
        self.store = store
        self.configuration = configuration
        self.credentials = credentials
    }

    private func client(_ endpoint: HTTPAddress, _ name: ImageName, pushes: Bool) throws(ImageError) -> RegistryClient {
        let configuration = configuration
        var transport = HTTPTransport(tls: { address in try configuration.tlsContext(address) })
        transport.proxies = proxies
        transport.connectTimeout = timeouts.connect
        transport.stallWindow = timeouts.stall
        // A mirror has credentials of its own.
        let isOrigin = endpoint == configuration.origin(of: name.registry)
        let asked = isOrigin ? name : try ImageName("\(endpoint.authority)/\(name.repository)")
        return RegistryClient(
            endpoint: endpoint, repository: name.repository, transport: transport,
            authenticator: Authenticator(transport, try credentials.candidates(for: asked)), retry: retry,
            limits: store.limits, pushes: pushes)
    }

    // MARK: - Pull

    /// Brings an image into the store and names it.
    ///
    /// Of an index the best platform's image is taken. Content that is there is not fetched again. The name points to
    /// the image only when everything is there and verified.
    @discardableResult
    public func pull(
        _ name: ImageName, _ selection: PlatformSelection = .standard, progress: @escaping Progress = { _ in }
    ) async throws(ImageError) -> StoredImage {
        let hold = try store.hold()
        defer { withExtendedLifetime(hold) {} }
        var clients: [RegistryClient] = []
        for endpoint in configuration.endpoints(of: name.registry) {
            clients.append(try client(endpoint, name, pushes: false))
        }
        guard !clients.isEmpty else { throw ImageError(.invalidName, "image \(name): \(name.registry) is no host") }
        var failures: [ImageError] = []
        for client in clients {
            do { return try await pull(name, selection, client, progress) } catch {
                // A mirror may lack what the registry has; a registry that answers has the last word.
                failures.append(error)
            }
        }
        throw failures.last ?? ImageError(.unavailable, "image \(name)")
    }

    private func pull(
        _ name: ImageName, _ selection: PlatformSelection, _ client: RegistryClient, _ progress: @escaping Progress
    ) async throws(ImageError) -> StoredImage {
        let (target, bytes) = try await client.manifest(name.reference)
        var (descriptor, content) = (target, bytes)
        try store.add(bytes)
        var depth = store.limits.indexDepth
        var manifest: ImageManifest?
        while manifest == nil {
            let document = try ManifestDocument(
                parsing: content, mediaType: descriptor.mediaType, name: "image \(name)", limits: store.limits)
            switch document {
            case .manifest(let found): manifest = found
            case .index(let index):
                depth -= 1
                guard depth >= 0 else { throw ImageError(.limitExceeded, "image \(name): indexes nested too deep") }
                guard let best = selection.best(index.manifests.map(\.platform)) else {
                    throw ContentStore.noPlatform(index, name: name.description, selection)
                }
                descriptor = index.manifests[best]
                content = try await self.document(descriptor, client)
            }
        }
        guard let manifest else { throw ImageError(.invalidContent, "image \(name)") }
        // Before anything large is fetched for nothing.
        _ = try ImageContent(manifest, name: name.description)
        progress(.resolved(descriptor.digest, bytes: manifest.layers.reduce(0) { $0 &+ $1.size }))
        try await fetch([manifest.config], name, client, progress)
        let image = try store.image(target, name: name.description, selection)
        try check(image, selection)
        try await fetch(manifest.layers, name, client, progress)
        try store.setName(name, to: target)
        return image
    }

    /// A manifest below an index, from the store or the registry.
    private func document(_ descriptor: ContentDescriptor, _ client: RegistryClient) async throws(ImageError) -> [UInt8]
    {
        if store.contains(descriptor.digest) { return try store.read(descriptor.digest) }
        let (found, bytes) = try await client.manifest(descriptor.digest.description)
        guard found.size == descriptor.size else {
            throw ImageError(
                .invalidContent, "manifest \(descriptor.digest): expected \(descriptor.size) bytes, found \(found.size)"
            )
        }
        try store.add(bytes)
        return bytes
    }

    /// A single manifest says its platform only in its config.
    private func check(_ image: StoredImage, _ selection: PlatformSelection) throws(ImageError) {
        let platform = image.config.platform
        guard MediaType.isImageConfig(image.manifest.config.mediaType), !platform.os.isEmpty else { return }
        let isWanted = selection.preferred.contains {
            $0.os == platform.os && $0.architecture == platform.architecture
        }
        guard isWanted else {
            let wanted = selection.preferred.map(\.description).joined(separator: ", ")
            throw ImageError(
                .notFound, "image \(image.name): no match for platform: expected one of \(wanted), found \(platform)")
        }
    }

    private func fetch(
        _ descriptors: [ContentDescriptor], _ name: ImageName, _ client: RegistryClient, _ progress: @escaping Progress
    ) async throws(ImageError) {
        var seen: Set<Digest> = []
        let wanted = descriptors.filter { seen.insert($0.digest).inserted }
        try await inParallel(wanted) { descriptor async throws(ImageError) in
            try await fetch(descriptor, name, client, progress)
        }
    }

    private func fetch(
        _ descriptor: ContentDescriptor, _ name: ImageName, _ client: RegistryClient, _ progress: @escaping Progress
    ) async throws(ImageError) {
        while true {
            switch try store.tryBegin(descriptor.digest, size: descriptor.size) {
            case .present:
                progress(.present(descriptor.digest))
                return
            case .taken:
                // Another pull is at it; when it gives up, this one goes on where it was.
                do { try await Task.sleep(for: .milliseconds(50)) } catch {
                    throw ImageError(.unavailable, "image \(name): cancelled")
                }
            case .begun(let ingest):
                progress(.begun(descriptor.digest, bytes: descriptor.size))
                try await client.download(ingest, what: "image \(name): blob \(descriptor.digest)") { count in
                    progress(.progressed(descriptor.digest, count))
                }
                progress(.finished(descriptor.digest))
                return
            }
        }
    }

    // MARK: - Push

    /// Sends an image of the store to its registry: what is missing there, the manifest last.
    ///
    /// - Parameter source: the image's name in the store, where it is another one.
    /// - Returns: the digest of what the name now points to.
    @discardableResult
    public func push(
        _ name: ImageName, from source: ImageName? = nil, progress: @escaping Progress = { _ in }
    ) async throws(ImageError) -> Digest {
        let hold = try store.hold()
        defer { withExtendedLifetime(hold) {} }
        let image = try store.image(source ?? name)
        guard let endpoint = configuration.origin(of: name.registry) else {
            throw ImageError(.invalidName, "image \(name): \(name.registry) is no host")
        }
        let client = try client(endpoint, name, pushes: true)
        let blobs = [image.manifest.config] + image.manifest.layers
        for blob in blobs where !store.contains(blob.digest) {
            throw ImageError(.notFound, "image \(name): blob \(blob.digest) is not in the store")
        }
        progress(.resolved(image.descriptor.digest, bytes: blobs.reduce(0) { $0 &+ $1.size }))
        var seen: Set<Digest> = []
        try await inParallel(blobs.filter { seen.insert($0.digest).inserted }) { blob async throws(ImageError) in
            if try await client.hasBlob(blob.digest) {
                progress(.present(blob.digest))
                return
            }
            progress(.begun(blob.digest, bytes: blob.size))
            try await client.upload(blob, from: store.path(of: blob.digest))
            progress(.finished(blob.digest))
        }
        try await client.putManifest(
            try store.read(image.descriptor.digest), mediaType: image.manifest.mediaType,
            reference: name.reference)
        return image.descriptor.digest
    }

    /// `transfersMax` at a time; the first failure stops the others.
    private func inParallel(
        _ descriptors: [ContentDescriptor],
        _ body: @escaping @Sendable (ContentDescriptor) async throws(ImageError) -> Void
    ) async throws(ImageError) {
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                var pending = descriptors[...]
                for _ in 0..<max(1, transfersMax) {
                    if let next = pending.popFirst() { group.addTask { try await body(next) } }
                }
                while try await group.next() != nil {
                    if let next = pending.popFirst() { group.addTask { try await body(next) } }
                }
            }
        } catch { throw error as? ImageError ?? ImageError(.unavailable, "\(error)") }
    }
}
