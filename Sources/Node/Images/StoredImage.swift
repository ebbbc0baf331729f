// SPDX-License-Identifier: Apache-2.0
// Swiftlet: an image in the store, understood.

/// One platform's image, whose manifest and config are in the store.
public struct StoredImage: Sendable, Equatable {
    /// As it was asked for.
    public var name: String
    /// What the name points to: `manifest`'s descriptor, or an index that has it.
    public var target: ContentDescriptor
    /// Of the manifest.
    public var descriptor: ContentDescriptor
    public var manifest: ImageManifest
    public var config: ImageConfig
    public var content: ImageContent

    /// Bytes of everything, as stored.
    public var size: UInt64 {
        manifest.layers.reduce(descriptor.size + manifest.config.size) { $0 &+ $1.size }
    }

    /// Layers that are files, lowest first.
    var fileLayers: [ContentDescriptor] { manifest.layers.filter { MediaType.isTarLayer($0.mediaType) } }

    /// Identifies the unpacked root file system: images with the same layers share one.
    var rootKey: String {
        Digest.of(Array(fileLayers.map(\.digest.description).joined(separator: "\n").utf8)).hex
    }
}

extension ContentStore {
    /// The image that a name points to, for the best platform of those that are here.
    ///
    /// - Throws: code `notFound` when there is no such name or its content is not all there.
    public func image(_ name: ImageName, _ selection: PlatformSelection = .standard) throws(ImageError) -> StoredImage {
        guard let target = try target(of: name) else {
            throw ImageError(.notFound, "image \(name): not in the store")
        }
        return try image(target, name: name.description, selection)
    }

    /// The image under a descriptor.
    public func image(
        _ target: ContentDescriptor, name: String, _ selection: PlatformSelection = .standard
    ) throws(ImageError) -> StoredImage {
        let (descriptor, manifest) = try manifest(target, name: name, selection, depth: limits.indexDepth)
        let content = try ImageContent(manifest, name: name)
        let config = try config(of: manifest, name: name)
        return StoredImage(
            name: name, target: target, descriptor: descriptor, manifest: manifest, config: config, content: content)
    }

    private func manifest(
        _ target: ContentDescriptor, name: String, _ selection: PlatformSelection, depth: Int
    ) throws(ImageError) -> (ContentDescriptor, ImageManifest) {
        let document = try ManifestDocument(
            parsing: try read(target.digest), mediaType: target.mediaType, name: "manifest \(target.digest.short)",
            limits: limits)
        switch document {
        case .manifest(let manifest): return (target, manifest)
        case .index(let index):
            guard depth > 0 else { throw ImageError(.limitExceeded, "image \(name): indexes nested too deep") }
            let present = index.manifests.filter { contains($0.digest) }
            guard let best = selection.best(present.map(\.platform)) else {
                throw Self.noPlatform(index, name: name, selection)
            }
            return try manifest(present[best], name: name, selection, depth: depth - 1)
        }
    }

    public static func noPlatform(_ index: ImageIndex, name: String, _ selection: PlatformSelection) -> ImageError {
        let offered = index.manifests.compactMap(\.platform).map(\.description).joined(separator: ", ")
        let wanted = selection.preferred.map(\.description).joined(separator: ", ")
        return ImageError(
            .notFound, "image \(name): no match for platform in manifest: expected one of \(wanted), found \(offered)")
    }

    func config(of manifest: ImageManifest, name: String) throws(ImageError) -> ImageConfig {
        let bytes = try read(manifest.config.digest)
        // wasm-to-oci left the config empty or wrote what it liked.
        if !MediaType.isImageConfig(manifest.config.mediaType), manifest.config.mediaType != MediaType.wasmConfig {
            return (try? ImageConfig(parsing: bytes, name: "config", limits: limits)) ?? ImageConfig(platform: .wasi)
        }
        return try ImageConfig(parsing: bytes, name: "image \(name): config", limits: limits)
    }

    /// Everything below a descriptor that is in the store, itself included.
    func closure(of target: ContentDescriptor) -> Set<Digest> {
        var found: Set<Digest> = []
        var pending = [target]
        while let next = pending.popLast() {
            guard contains(next.digest), found.insert(next.digest).inserted else { continue }
            let isDocument =
                next.mediaType.isEmpty || MediaType.isIndex(next.mediaType)
                || MediaType.isManifest(next.mediaType)
            guard isDocument, let bytes = try? read(next.digest),
                let document = try? ManifestDocument(
                    parsing: bytes, mediaType: next.mediaType, name: "manifest", limits: limits)
            else { continue }
            switch document {
            case .manifest(let manifest): pending += [manifest.config] + manifest.layers
            case .index(let index): pending += index.manifests
            }
        }
        return found
    }
}
