// SPDX-License-Identifier: Apache-2.0
// Swiftlet: root file systems of images.

import Glibc
import Linux

extension ContentStore {
    /// Whether ``unpack(_:)`` has only to give the path.
    public func isUnpacked(_ image: StoredImage) -> Bool { Files.exists("\(root)/rootfs/\(image.rootKey)") }

    /// Unpacks an image's layers, once: whoever comes next gets the same folder, which nobody must write to.
    ///
    /// Layers are verified again while they are read: their digests, and those of their plain tars.
    ///
    /// - Returns: absolute path of the root file system.
    public func unpack(_ image: StoredImage) throws(ImageError) -> String {
        let key = image.rootKey
        let path = "\(root)/rootfs/\(key)"
        if Files.exists(path) { return path }
        let hold = try hold()
        defer { withExtendedLifetime(hold) {} }
        guard let lock = try StoreHold("\(path).lock", LOCK_EX) else { throw ImageError(.busy, "\(path) is locked") }
        defer { withExtendedLifetime(lock) {} }
        if Files.exists(path) { return path }
        let parent = try Directory("\(root)/rootfs")
        let new = "\(key).new"
        try parent.remove(new)
        try parent.makeDirectory(new, mode: 0o755)
        do {
            var unpacker = try LayerUnpacker(into: "\(root)/rootfs/\(new)", limits: limits)
            let diffIDs = try diffIDs(image)
            for (index, layer) in image.fileLayers.enumerated() {
                try apply(layer, diffID: diffIDs[index], with: &unpacker, image: image.name)
            }
            guard rename("\(root)/rootfs/\(new)", path) == 0 else { throw ImageError.system("rename", path) }
        } catch {
            _ = try? parent.remove(new)
            throw error as? ImageError ?? ImageError(.storage, "\(error)")
        }
        return path
    }

    /// One for each file layer; nil where the config has none, as with artifacts.
    private func diffIDs(_ image: StoredImage) throws(ImageError) -> [Digest?] {
        let stated = image.config.diffIDs
        let files = image.fileLayers
        if stated.count == files.count { return stated }
        if stated.count == image.manifest.layers.count {
            return zip(image.manifest.layers, stated).filter { MediaType.isTarLayer($0.0.mediaType) }.map(\.1)
        }
        if stated.isEmpty, !MediaType.isImageConfig(image.manifest.config.mediaType) {
            return [Digest?](repeating: nil, count: files.count)
        }
        throw ImageError(
            .invalidContent,
            "image \(image.name): rootfs.diff_ids: expected \(files.count) digests, one a layer, found \(stated.count)")
    }

    private func apply(
        _ layer: ContentDescriptor, diffID: Digest?, with unpacker: inout LayerUnpacker, image: String
    ) throws(ImageError) {
        let what = "image \(image): layer \(layer.digest.short)"
        let stored = HashingSource(try open(layer.digest))
        let plain = HashingSource(
            LimitedSource(try Decompression.open(stored, what: what), limit: limits.unpackedBytes, what: what))
        try unpacker.apply(plain, what: what)
        try stored.drain()
        let digest = stored.hasher.digest()
        guard digest == layer.digest else {
            throw ImageError(.invalidContent, "\(what): the blob in the store has changed: its digest is \(digest)")
        }
        if let diffID, plain.hasher.digest() != diffID {
            throw ImageError(
                .invalidContent, "\(what): expected diff_id \(diffID), found \(plain.hasher.digest())")
        }
    }

    /// Copies an unpacked root file system for one who writes to it; `target` must not exist.
    public static func copyTree(from source: String, to target: String) throws(ImageError) {
        guard mkdir(target, 0o755) == 0 else { throw .system("mkdir", target) }
        try copy(try Directory(source), try Directory(target), depth: 256)
    }

    private static func copy(_ source: Directory, _ target: Directory, depth: Int) throws(ImageError) {
        guard depth > 0 else { throw ImageError(.limitExceeded, "\(source.path): nested too deep") }
        for name in try source.names() {
            guard let information = source.information(name) else { continue }
            switch information.st_mode & S_IFMT {
            case S_IFDIR:
                try target.makeDirectory(name, mode: 0o700)
                guard let from = try source.find(name), let into = try target.find(name) else { continue }
                try copy(from, into, depth: depth - 1)
                _ = fchown(into.number, information.st_uid, information.st_gid)
                _ = fchmod(into.number, information.st_mode & 0o777)
            case S_IFREG: try copyFile(name, information, source, target)
            case S_IFLNK:
                let link = try storing { () throws(SystemError) in
                    try Files.linkTarget("/proc/self/fd/\(source.number)/\(name)")
                }
                guard symlinkat(link, target.number, name) == 0 else { throw .system("symlinkat", name) }
                _ = fchownat(target.number, name, information.st_uid, information.st_gid, AT_SYMLINK_NOFOLLOW)
            default: continue
            }
        }
    }

    private static func copyFile(
        _ name: String, _ information: stat, _ source: Directory, _ target: Directory
    ) throws(ImageError) {
        let number = openat(source.number, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else { throw .system("openat", "\(source.path)/\(name)") }
        let from = OwnedDescriptor(owning: number)
        let into = try target.createFile(name)
        do { try Descriptors.copy(Int(information.st_size), from: from.rawValue, to: into.rawValue) } catch {
            throw ImageError(SystemError(call: error.call, path: "\(target.path)/\(name)", errno: error.errno))
        }
        _ = fchown(into.rawValue, information.st_uid, information.st_gid)
        guard fchmod(into.rawValue, information.st_mode & 0o777) == 0 else { throw .system("fchmod", name) }
    }
}
