// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what an image may have at most. Everything in an image is somebody else's.

/// Bounds on untrusted images. The defaults are far above what real images have.
public struct ImageLimits: Sendable {
    /// LIMIT: bytes of a manifest, index or config; the distribution specification asks registries for 4 MiB.
    public var documentBytes = 4 << 20
    /// LIMIT: layers of one image; docker's own limit is 127.
    public var layers = 256
    /// LIMIT: manifests in one index, and nesting of indexes.
    public var indexEntries = 512
    public var indexDepth = 3
    /// LIMIT: bytes of one blob as stored.
    public var blobBytes: UInt64 = 8 << 30
    /// LIMIT: bytes and entries of all layers of an image when unpacked: the bound on a decompression bomb.
    public var unpackedBytes: UInt64 = 16 << 30
    public var unpackedEntries = 1_000_000
    /// LIMIT: bytes of a path or link target in a layer (PATH_MAX), of an extended header, and nesting of folders.
    public var pathBytes = 4096
    public var extendedHeaderBytes = 1 << 20
    public var depth = 256

    public init() {}
}
