// SPDX-License-Identifier: Apache-2.0
// Swiftlet: images from OCI layouts, OCI archives and docker archives into the store.

import Glibc
import Linux
import OCI

/// Brings images from a folder or a file into the store.
public struct LayoutImport: Sendable {
    private let store: ContentStore

    public init(_ store: ContentStore) { self.store = store }

    /// Imports every image of an OCI layout folder, an OCI archive or a docker archive (tar, perhaps compressed).
    ///
    /// - Parameter name: for an image without a name of its own; only with one image.
    /// - Returns: the names given, in the order of the index.
    /// - Throws: code `invalidContent` where a blob is not what the index says; nothing is named then.
    public func load(_ path: String, name: ImageName? = nil) throws(ImageError) -> [ImageName] {
        let hold = try store.hold()
        defer { withExtendedLifetime(hold) {} }
        var information = stat()
        guard stat(path, &information) == 0 else { throw .system("stat", path) }
        if information.st_mode & S_IFMT == S_IFDIR { return try load(folder: path, shown: path, name) }
        return try load(archive: path, name)
    }

    private func load(archive path: String, _ name: ImageName?) throws(ImageError) -> [ImageName] {
        let parent = "\(store.root)/ingest"
        var random: UInt64 = 0
        _ = withUnsafeMutableBytes(of: &random) { randomBytes(into: $0) }
        let folder = "archive-\(String(random, radix: 16))"
        try Directory(parent).makeDirectory(folder, mode: 0o700)
        let result: Result<[ImageName], ImageError>
        do {
            let source = LimitedSource(
                try Decompression.open(try FileSource(path, followsLink: true), what: path),
                limit: store.limits.unpackedBytes, what: path)
            var unpacker = try LayerUnpacker(into: "\(parent)/\(folder)", limits: store.limits)
            try unpacker.apply(source, what: path)
            result = .success(try load(folder: "\(parent)/\(folder)", shown: path, name))
        } catch { result = .failure(error) }
        try Directory(parent).remove(folder)
        return try result.get()
    }

    private func load(folder: String, shown: String, _ name: ImageName?) throws(ImageError) -> [ImageName] {
        if Files.exists("\(folder)/index.json") { return try load(layout: folder, shown: shown, name) }
        if Files.exists("\(folder)/manifest.json") { return try load(docker: folder, shown: shown, name) }
        throw ImageError(
            .invalidContent, "\(shown): expected an OCI layout (index.json) or a docker archive (manifest.json)")
    }

    // MARK: - OCI layout

    private func load(layout folder: String, shown: String, _ name: ImageName?) throws(ImageError) -> [ImageName] {
        let limits = store.limits
        let mark = try DocumentReader(
            parsing: try document("\(folder)/oci-layout"), name: "\(shown)/oci-layout", limit: limits.documentBytes)
        let version = try mark.required("imageLayoutVersion").string()
        guard version == "1.0.0" else {
            throw ImageError(.unsupported, "\(shown)/oci-layout: expected version 1.0.0, found \"\(version)\"")
        }
        let parsed = try ManifestDocument(
            parsing: try document("\(folder)/index.json"), mediaType: MediaType.index, name: "\(shown)/index.json",
            limits: limits)
        guard case .index(let index) = parsed, !index.manifests.isEmpty else {
            throw ImageError(.invalidContent, "\(shown)/index.json: expected an index with manifests")
        }
        var named: [(ImageName, ContentDescriptor)] = []
        for entry in index.manifests {
            try add(entry, from: folder, shown: shown, depth: limits.indexDepth)
            // Where the layout gives no full name, the one asked for does for a single image.
            var names = [try self.name(entry, index.manifests.count == 1 ? name : nil)].compactMap(\.self)
            if let name, index.manifests.count == 1, names != [name] { names = [name] }
            named += names.map { ($0, entry) }
        }
        guard !named.isEmpty else {
            throw ImageError(
                .invalidName, "\(shown): its \(index.manifests.count) images have no names; give one with --tag")
        }
        for (name, target) in named {
            var target = target
            target.annotations = [:]
            target.platform = nil
            try store.setName(name, to: target)
        }
        return named.map(\.0)
    }

    /// containerd and buildkit write the full name, others only a tag or a whole reference.
    private func name(_ entry: ContentDescriptor, _ asked: ImageName?) throws(ImageError) -> ImageName? {
        if let full = entry.annotations["io.containerd.image.name"] { return try ImageName(full) }
        guard let text = entry.annotations["org.opencontainers.image.ref.name"] else { return nil }
        // A bare tag names no repository.
        guard text.contains("/") || text.contains(":") else { return asked }
        return try ImageName(text)
    }

    private func add(
        _ descriptor: ContentDescriptor, from folder: String, shown: String, depth: Int
    ) throws(ImageError) {
        let path = "\(folder)/blobs/sha256/\(descriptor.digest.hex)"
        let isDocument =
            descriptor.mediaType.isEmpty || MediaType.isIndex(descriptor.mediaType)
            || MediaType.isManifest(descriptor.mediaType)
        guard isDocument else {
            try addFile(path, descriptor)
            return
        }
        try addFile(path, descriptor)
        let parsed = try ManifestDocument(
            parsing: try store.read(descriptor.digest), mediaType: descriptor.mediaType,
            name: "\(shown): manifest \(descriptor.digest.short)", limits: store.limits)
        switch parsed {
        case .manifest(let manifest):
            for child in [manifest.config] + manifest.layers {
                try addFile("\(folder)/blobs/sha256/\(child.digest.hex)", child)
            }
        case .index(let index):
            guard depth > 0 else { throw ImageError(.limitExceeded, "\(shown): indexes nested too deep") }
            // A layout may hold some of the platforms only.
            for child in index.manifests where Files.exists("\(folder)/blobs/sha256/\(child.digest.hex)") {
                try add(child, from: folder, shown: shown, depth: depth - 1)
            }
        }
    }

    private func addFile(_ path: String, _ descriptor: ContentDescriptor) throws(ImageError) {
        if store.contains(descriptor.digest) { return }
        guard Files.exists(path) else {
            throw ImageError(.notFound, "blob \(descriptor.digest) (\(descriptor.mediaType)) is missing")
        }
        try store.add(
            try FileSource(path), digest: descriptor.digest, size: descriptor.size, what: "blob \(descriptor.digest)")
    }

    private func document(_ path: String) throws(ImageError) -> [UInt8] {
        try FileSource(path).readAll(limit: store.limits.documentBytes, name: path)
    }

    // MARK: - docker save

    /// `manifest.json` names configs and layers by path. The manifest that docker would push is made anew.
    private func load(docker folder: String, shown: String, _ name: ImageName?) throws(ImageError) -> [ImageName] {
        let value: JSON
        do {
            value = try JSON(parsing: try document("\(folder)/manifest.json"))
        } catch let error as JSONError {
            throw ImageError(.invalidContent, "\(shown)/manifest.json: \(error)")
        } catch { throw error as? ImageError ?? ImageError(.storage, "\(error)") }
        let images = try DocumentReader(value, "\(shown)/manifest.json").elements(limit: store.limits.indexEntries)
        var named: [(ImageName, ContentDescriptor)] = []
        for image in images {
            let config = try addDocker(image.required("Config"), folder, MediaType.config)
            var layers: [ContentDescriptor] = []
            for layer in try image.required("Layers").elements(limit: store.limits.layers) {
                layers.append(try addDocker(layer, folder, MediaType.layer))
            }
            let bytes = ImageManifest(config: config, layers: layers).bytes
            try store.add(bytes)
            let target = ContentDescriptor(mediaType: MediaType.manifest, content: bytes)
            var names: [ImageName] = []
            for tag in try image.list("RepoTags") { names.append(try ImageName(tag)) }
            if let name, images.count == 1 { names = [name] }
            named += names.map { ($0, target) }
        }
        guard !named.isEmpty else {
            throw ImageError(.invalidName, "\(shown): its images have no names; give one with --tag")
        }
        for (name, target) in named { try store.setName(name, to: target) }
        return named.map(\.0)
    }

    private func addDocker(
        _ reader: DocumentReader, _ folder: String, _ mediaType: String
    ) throws(ImageError) -> ContentDescriptor {
        let relative = try reader.string()
        let parts = relative.split(separator: "/")
        guard let file = parts.last, !parts.contains(".."), !relative.hasPrefix("/") else {
            throw reader.error("\"\(relative.prefix(200))\" leads out of the archive")
        }
        // Layers may be links to each other; they are resolved inside the archive.
        let root = try Directory(folder)
        guard let parent = try root.find(parts.dropLast().joined(separator: "/")) else {
            throw reader.error("\"\(relative.prefix(200))\" is not in the archive")
        }
        let number: OwnedDescriptor
        do {
            number = try Files.open(
                "\(parts.joined(separator: "/"))", in: root.number, O_RDONLY | O_NONBLOCK, resolve: 0x10 | 0x02)
        } catch { throw reader.error("\"\(relative.prefix(200))\": \(error)") }
        let source = try FileSource(number, "\(parent.path)/\(file)")
        guard source.size <= store.limits.blobBytes else {
            throw ImageError(.limitExceeded, "\(reader.place): \(source.size) bytes")
        }
        let hashing = HashingSource(source)
        let head = try hashing.readFully(2)
        try hashing.drain()
        let digest = hashing.hasher.digest()
        try source.rewind()
        try store.add(source, digest: digest, size: hashing.hasher.count, what: "\(reader.place)")
        let isCompressed = mediaType == MediaType.layer && head == [0x1f, 0x8b]
        return ContentDescriptor(
            mediaType: isCompressed ? MediaType.layerGzip : mediaType, digest: digest, size: hashing.hasher.count)
    }
}
