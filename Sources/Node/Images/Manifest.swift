// SPDX-License-Identifier: Apache-2.0
// Swiftlet: image manifests and indexes.

import OCI

/// One image: a config and layers.
///
/// See: OCI image specification, manifest.md; docker's schema 2 has the same members.
public struct ImageManifest: Sendable, Equatable {
    public var mediaType: String
    public var artifactType: String
    public var config: ContentDescriptor
    public var layers: [ContentDescriptor]
    public var annotations: [String: String]

    public init(
        mediaType: String = MediaType.manifest, artifactType: String = "", config: ContentDescriptor,
        layers: [ContentDescriptor], annotations: [String: String] = [:]
    ) {
        self.mediaType = mediaType
        self.artifactType = artifactType
        self.config = config
        self.layers = layers
        self.annotations = annotations
    }

    public var bytes: [UInt8] {
        JSON.members([
            ("schemaVersion", .integer(2)), ("mediaType", .string(mediaType)), ("artifactType", .text(artifactType)),
            ("config", config.json), ("layers", .array(layers.map(\.json))), ("annotations", .map(annotations)),
        ]).bytes
    }
}

/// Several images under one name, as a rule one per platform.
///
/// See: OCI image specification, image-index.md.
public struct ImageIndex: Sendable, Equatable {
    public var mediaType: String
    public var manifests: [ContentDescriptor]
    public var annotations: [String: String]

    public init(
        mediaType: String = MediaType.index, manifests: [ContentDescriptor], annotations: [String: String] = [:]
    ) {
        self.mediaType = mediaType
        self.manifests = manifests
        self.annotations = annotations
    }

    public var bytes: [UInt8] {
        JSON.members([
            ("schemaVersion", .integer(2)), ("mediaType", .string(mediaType)),
            ("manifests", .array(manifests.map(\.json))), ("annotations", .map(annotations)),
        ]).bytes
    }
}

/// What a name can point to.
public enum ManifestDocument: Sendable, Equatable {
    case manifest(ImageManifest)
    case index(ImageIndex)

    /// Reads a manifest or an index.
    ///
    /// A document that could be read as both is refused: two readers would see two images under one digest
    /// (CVE-2021-41190).
    ///
    /// - Parameter mediaType: as the one who sent it says; empty where nobody does.
    public init(parsing bytes: [UInt8], mediaType: String, name: String, limits: ImageLimits) throws(ImageError) {
        let reader = try DocumentReader(parsing: bytes, name: name, limit: limits.documentBytes)
        let version = try reader.member("schemaVersion")?.integer()
        if version == 1 {
            throw ImageError(.unsupported, "\(name): docker's schema 1 is not supported: push the image anew")
        }
        guard version == 2 else {
            throw reader.error("schemaVersion: expected 2, found \(version.map { "\($0)" } ?? "none")")
        }
        let inner = try reader.text("mediaType")
        let type = inner.isEmpty ? mediaType : inner
        let layers = try reader.member("layers")
        let manifests = try reader.member("manifests")
        guard layers == nil || manifests == nil else {
            throw reader.error("has layers and manifests: it could be an image and an index")
        }
        if MediaType.isIndex(type) || type.isEmpty && manifests != nil {
            guard let manifests else { throw reader.error("is a \(type) without manifests") }
            var entries: [ContentDescriptor] = []
            for element in try manifests.elements(limit: limits.indexEntries) {
                entries.append(try ContentDescriptor(element))
            }
            self = .index(
                ImageIndex(
                    mediaType: type.isEmpty ? MediaType.index : type, manifests: entries,
                    annotations: try reader.map("annotations")))
            return
        }
        guard MediaType.isManifest(type) || type.isEmpty else {
            throw ImageError(.unsupported, "\(name): media type \"\(type.prefix(100))\" is no image manifest")
        }
        guard let layers else { throw reader.error("layers is missing") }
        var list: [ContentDescriptor] = []
        for element in try layers.elements(limit: limits.layers) {
            let layer = try ContentDescriptor(element)
            guard layer.size <= limits.blobBytes else {
                throw ImageError(
                    .limitExceeded, "\(element.place): \(layer.size) bytes, at most \(limits.blobBytes) are allowed")
            }
            list.append(layer)
        }
        let config = try ContentDescriptor(try reader.required("config"))
        guard config.size <= limits.documentBytes else {
            throw ImageError(
                .limitExceeded, "\(name): config: \(config.size) bytes, at most \(limits.documentBytes) are allowed")
        }
        self = .manifest(
            ImageManifest(
                mediaType: type.isEmpty ? MediaType.manifest : type, artifactType: try reader.text("artifactType"),
                config: config, layers: list, annotations: try reader.map("annotations")))
    }
}
