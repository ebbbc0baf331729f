// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the media types of images and their parts.

/// Media types by name, and what they mean to us.
public enum MediaType {
    public static let manifest = "application/vnd.oci.image.manifest.v1+json"
    public static let index = "application/vnd.oci.image.index.v1+json"
    public static let dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
    public static let dockerIndex = "application/vnd.docker.distribution.manifest.list.v2+json"

    public static let config = "application/vnd.oci.image.config.v1+json"
    public static let dockerConfig = "application/vnd.docker.container.image.v1+json"
    /// Config of a Wasm OCI artifact (CNCF TAG Runtime, wasm-oci-artifact).
    public static let wasmConfig = "application/vnd.wasm.config.v0+json"
    /// Config and layer of wasm-to-oci, before there was a specification.
    public static let legacyWasmConfig = "application/vnd.wasm.config.v1+json"
    public static let legacyWasmLayer = "application/vnd.wasm.content.layer.v1+wasm"
    public static let spinConfig = "application/vnd.fermyon.spin.application.v1+config"

    public static let layer = "application/vnd.oci.image.layer.v1.tar"
    public static let layerGzip = "application/vnd.oci.image.layer.v1.tar+gzip"
    public static let wasm = "application/wasm"
    /// The layer of runwasi's images.
    public static let componentLayer = "application/vnd.bytecodealliance.wasm.component.layer.v0+wasm"

    public static func isIndex(_ type: String) -> Bool { type == index || type == dockerIndex }
    public static func isManifest(_ type: String) -> Bool { type == manifest || type == dockerManifest }
    public static func isImageConfig(_ type: String) -> Bool { type == config || type == dockerConfig }
    public static func isWasmLayer(_ type: String) -> Bool {
        type == wasm || type == componentLayer || type == legacyWasmLayer
    }

    /// A tar, whatever its compression; that is found by its first bytes.
    public static func isTarLayer(_ type: String) -> Bool {
        if isForeignLayer(type) { return false }
        return type.hasPrefix("application/vnd.oci.image.layer.v1.tar")
            || type.hasPrefix("application/vnd.oci.image.layer.nondistributable.v1.tar")
            || type.hasPrefix("application/vnd.docker.image.rootfs.diff.tar")
    }

    /// Windows' layers that registries do not carry.
    public static func isForeignLayer(_ type: String) -> Bool {
        type.hasPrefix("application/vnd.docker.image.rootfs.foreign.diff.tar")
    }
}
