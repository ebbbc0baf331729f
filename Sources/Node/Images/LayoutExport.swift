// SPDX-License-Identifier: Apache-2.0
// Swiftlet: images out of the store, as OCI layouts and archives.

import Glibc
import Linux
import OCI

/// Writes an image as a folder or as an archive that containerd, podman, skopeo and docker read.
public struct LayoutExport: Sendable {
    public enum Form: Sendable {
        /// An OCI layout folder; one that exists gets the image added.
        case folder
        /// A tar of an OCI layout, with docker's `manifest.json` beside.
        case archive
    }

    private let store: ContentStore

    public init(_ store: ContentStore) { self.store = store }

    public func save(_ name: ImageName, to path: String, as form: Form) throws(ImageError) {
        let hold = try store.hold()
        defer { withExtendedLifetime(hold) {} }
        let image = try store.image(name)
        // One platform: the others of an index are not here, as a rule.
        let blobs = [image.descriptor, image.manifest.config] + image.manifest.layers
        for blob in blobs where !store.contains(blob.digest) {
            throw ImageError(.notFound, "image \(name): blob \(blob.digest) is not in the store")
        }
        switch form {
        case .folder: try saveFolder(name, image, blobs, path)
        case .archive: try saveArchive(name, image, blobs, path)
        }
    }

    private func entry(_ name: ImageName, _ image: StoredImage) -> ContentDescriptor {
        var entry = image.descriptor
        if entry.mediaType.isEmpty { entry.mediaType = image.manifest.mediaType }
        entry.platform = image.config.platform
        entry.annotations = ["io.containerd.image.name": name.description]
        entry.annotations["org.opencontainers.image.ref.name"] = name.tag ?? name.reference
        return entry
    }

    private static let layoutMark = Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8)

    // MARK: - Folder

    private func saveFolder(
        _ name: ImageName, _ image: StoredImage, _ blobs: [ContentDescriptor], _ path: String
    ) throws(ImageError) {
        for folder in [path, "\(path)/blobs", "\(path)/blobs/sha256"] {
            try storing { () throws(SystemError) in _ = try Files.makeDirectory(folder) }
        }
        var index = ImageIndex(manifests: [])
        if Files.exists("\(path)/index.json") {
            let bytes = try FileSource("\(path)/index.json").readAll(limit: store.limits.documentBytes, name: path)
            if case .index(let old) = try ManifestDocument(
                parsing: bytes, mediaType: MediaType.index, name: "\(path)/index.json", limits: store.limits)
            {
                index = old
            }
        }
        let entry = entry(name, image)
        index.manifests.removeAll { $0.annotations["io.containerd.image.name"] == name.description }
        index.manifests.append(entry)
        for blob in blobs {
            try write("\(path)/blobs/sha256/\(blob.digest.hex)", try store.open(blob.digest))
        }
        try write("\(path)/oci-layout", MemorySource(Self.layoutMark))
        try write("\(path)/index.json", MemorySource(index.bytes))
    }

    private func write(_ path: String, _ source: any ByteSource) throws(ImageError) {
        let sink = try FileSink(path)
        try sink.write(all: source)
        try sink.commit()
    }

    // MARK: - Archive

    private func saveArchive(
        _ name: ImageName, _ image: StoredImage, _ blobs: [ContentDescriptor], _ path: String
    ) throws(ImageError) {
        let sink = try FileSink(path)
        let tar = TarWriter(sink)
        try tar.add("oci-layout", Self.layoutMark)
        try tar.add("index.json", ImageIndex(manifests: [entry(name, image)]).bytes)
        if MediaType.isImageConfig(image.manifest.config.mediaType) {
            let blobPath = { (digest: Digest) in "blobs/sha256/\(digest.hex)" }
            let docker = JSON.array([
                .members([
                    ("Config", .string(blobPath(image.manifest.config.digest))),
                    ("RepoTags", .strings([name.description])),
                    ("Layers", .strings(image.manifest.layers.map { blobPath($0.digest) })),
                ])
            ])
            try tar.add("manifest.json", docker.bytes)
        }
        try tar.add(TarEntry(kind: .directory, path: "blobs", mode: 0o755))
        try tar.add(TarEntry(kind: .directory, path: "blobs/sha256", mode: 0o755))
        var written: Set<Digest> = []
        for blob in blobs where written.insert(blob.digest).inserted {
            let source = try store.open(blob.digest)
            let member = TarEntry(kind: .file, path: "blobs/sha256/\(blob.digest.hex)", size: source.size)
            try tar.add(member, content: source)
        }
        try tar.finish()
        try sink.commit()
    }
}

/// A file that is there whole or not at all.
final class FileSink: ByteSink {
    private let file: OwnedDescriptor
    private let path: String
    private let temporary: String
    private var isDone = false

    init(_ path: String) throws(ImageError) {
        self.path = path
        temporary = "\(path).\(getpid()).new"
        let temporary = temporary
        file = try storing { () throws(SystemError) in
            try Files.open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o644)
        }
    }

    deinit { if !isDone { unlink(temporary) } }

    func write(_ bytes: UnsafeRawBufferPointer) throws(ImageError) { try writeAll(file.rawValue, bytes, path) }

    func write(all source: any ByteSource) throws(ImageError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = try source.read(into: buffer)
            if count == 0 { return }
            try write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }

    func commit() throws(ImageError) {
        guard rename(temporary, path) == 0 else { throw .system("rename", path) }
        isDone = true
    }
}
