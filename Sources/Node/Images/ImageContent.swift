// SPDX-License-Identifier: Apache-2.0
// Swiftlet: which of the ways to put a module into an image this one follows.

/// What there is to run in an image.
public enum ImageContent: Sendable, Equatable {
    /// Files in tar layers; the entrypoint names the module in them.
    case rootFileSystem
    /// The module is a layer of its own, beside tar layers perhaps (runwasi's images).
    case module(ContentDescriptor, hasFiles: Bool)

    /// How it is called, for `image list` and `inspect`.
    public var kind: String {
        switch self {
        case .rootFileSystem: "image"
        case .module(_, hasFiles: true): "image+module"
        case .module(_, hasFiles: false): "module"
        }
    }

    /// Classifies a manifest.
    ///
    /// - Throws: code `unsupported` for what is an artifact of another kind; a Spin application says so.
    public init(_ manifest: ImageManifest, name: String) throws(ImageError) {
        if manifest.config.mediaType == MediaType.spinConfig
            || manifest.layers.contains(where: { $0.mediaType.hasPrefix("application/vnd.fermyon.spin.") })
        {
            throw ImageError(
                .unsupported, "image \(name) is a Spin application: Swiftlet runs modules and does not run these yet")
        }
        let isWasmArtifact =
            manifest.config.mediaType == MediaType.wasmConfig
            || manifest.config.mediaType == MediaType.legacyWasmConfig
        let modules = manifest.layers.filter { MediaType.isWasmLayer($0.mediaType) }
        let files = manifest.layers.filter { MediaType.isTarLayer($0.mediaType) }
        if isWasmArtifact {
            guard modules.count == 1, manifest.layers.count == 1 else {
                throw ImageError(
                    .unsupported,
                    "image \(name): expected a Wasm artifact with one module layer, found \(manifest.layers.count) "
                        + "layers with \(modules.count) modules")
            }
            self = .module(modules[0], hasFiles: false)
            return
        }
        guard MediaType.isImageConfig(manifest.config.mediaType) || modules.count == 1 else {
            throw ImageError(
                .unsupported,
                "image \(name): config of type \"\(manifest.config.mediaType.prefix(100))\" is nothing that can be run")
        }
        guard modules.count <= 1 else {
            throw ImageError(
                .unsupported, "image \(name): \(modules.count) module layers; which one to run is not defined")
        }
        if let other = manifest.layers.first(where: {
            !MediaType.isWasmLayer($0.mediaType) && !MediaType.isTarLayer($0.mediaType)
        }) {
            throw ImageError(
                .unsupported, "image \(name): layer \(other.digest.short) of type \"\(other.mediaType.prefix(100))\"")
        }
        if let module = modules.first {
            self = .module(module, hasFiles: !files.isEmpty)
        } else {
            guard !files.isEmpty else { throw ImageError(.unsupported, "image \(name) has no layers") }
            self = .rootFileSystem
        }
    }
}
