// SPDX-License-Identifier: Apache-2.0
// Swiftlet: makes an image of a module.

import CZlib
import Glibc
import Linux
import OCI

/// A module, files and a config, as an image in the store. The same inputs give the same digest.
public struct ImageBuilder: Sendable {
    public enum Format: String, Sendable, CaseIterable {
        /// Everything in one tar layer: what every engine can unpack.
        case image
        /// A Wasm OCI artifact (CNCF): the module as a layer, no files.
        case artifact
    }

    /// A file or folder of this machine that goes into the image.
    public struct AddedFile: Sendable, Equatable {
        public var source: String
        /// Absolute path in the image.
        public var destination: String

        public init(source: String, destination: String) {
            self.source = source
            self.destination = destination
        }
    }

    public var module: String
    public var files: [AddedFile]
    public var format: Format
    /// Entrypoint, environment, … ; empty entrypoint: the module.
    public var config: ImageConfig
    public var annotations: [String: String]

    public init(
        module: String, files: [AddedFile] = [], format: Format = .image,
        config: ImageConfig = ImageConfig(platform: .wasi), annotations: [String: String] = [:]
    ) {
        self.module = module
        self.files = files
        self.format = format
        self.config = config
        self.annotations = annotations
    }

    /// The module's name in the image: `/app.wasm`.
    public var modulePath: String { "/" + (module.split(separator: "/").last.map(String.init) ?? "app.wasm") }

    /// Builds into the store and names the result.
    ///
    /// - Returns: the descriptor of the manifest.
    @discardableResult
    public func build(into store: ContentStore, name: ImageName) throws(ImageError) -> ContentDescriptor {
        let hold = try store.hold()
        defer { withExtendedLifetime(hold) {} }
        let isComponent = try checkModule()
        let manifest =
            switch format {
            case .image: try buildImage(store)
            case .artifact: try buildArtifact(store, isComponent: isComponent)
            }
        let bytes = manifest.bytes
        try store.add(bytes)
        let descriptor = ContentDescriptor(mediaType: manifest.mediaType, content: bytes)
        try store.setName(name, to: descriptor)
        return descriptor
    }

    /// The first eight bytes say what it is: a module, or a component (binary version 0xd, layer 1).
    private func checkModule() throws(ImageError) -> Bool {
        let source = try FileSource(module, followsLink: true)
        let head = try source.readFully(8)
        if head == [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0] { return false }
        if head == [0, 0x61, 0x73, 0x6D, 0x0D, 0, 1, 0] { return true }
        throw ImageError(.invalidContent, "\(module): is not a WebAssembly module or component")
    }

    // MARK: - Image

    private func buildImage(_ store: ContentStore) throws(ImageError) -> ImageManifest {
        let layer = try LayerBuilder(store)
        var members = [AddedFile(source: module, destination: modulePath)]
        members += files
        try layer.add(members)
        let (descriptor, diffID) = try layer.finish()
        var config = config
        if config.entrypoint.isEmpty { config.entrypoint = [modulePath] }
        config.diffIDs = [diffID]
        config.history = ["swiftlet image build"]
        let bytes = config.bytes
        try store.add(bytes)
        return ImageManifest(
            config: ContentDescriptor(mediaType: MediaType.config, content: bytes), layers: [descriptor],
            annotations: annotations)
    }

    // MARK: - Artifact

    private func buildArtifact(_ store: ContentStore, isComponent: Bool) throws(ImageError) -> ImageManifest {
        guard files.isEmpty, config.environment.isEmpty, config.entrypoint.isEmpty, config.command.isEmpty,
            config.workingDirectory.isEmpty, config.user.isEmpty
        else {
            throw ImageError(
                .unsupported,
                "a Wasm artifact holds a module only: files, entrypoint, environment, user and working directory need "
                    + "--format image")
        }
        let hashing = HashingSource(try FileSource(module, followsLink: true))
        try hashing.drain()
        let digest = hashing.hasher.digest()
        try store.add(
            try FileSource(module, followsLink: true), digest: digest, size: hashing.hasher.count, what: module)
        let component = JSON.members([("exports", .array([])), ("imports", .array([]))])
        let document = JSON.members([
            ("created", .text(config.created)), ("author", .text(config.author)), ("architecture", .string("wasm")),
            ("os", .string(isComponent ? "wasip2" : "wasip1")), ("layerDigests", .strings([digest.description])),
            ("component", isComponent ? component : nil),
        ]).bytes
        try store.add(document)
        let layer = ContentDescriptor(
            mediaType: MediaType.wasm, digest: digest, size: hashing.hasher.count,
            annotations: ["org.opencontainers.image.title": String(modulePath.dropFirst())])
        return ImageManifest(
            artifactType: MediaType.wasmConfig,
            config: ContentDescriptor(mediaType: MediaType.wasmConfig, content: document), layers: [layer],
            annotations: annotations)
    }
}
