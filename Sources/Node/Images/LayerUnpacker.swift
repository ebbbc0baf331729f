// SPDX-License-Identifier: Apache-2.0
// Swiftlet: applies tar layers to a directory, one over the other.

import Glibc
import Linux

/// Makes a root file system of layers.
///
/// Layers are hostile: an entry may name `../../etc/passwd`, go through a symbolic link that an earlier entry made, or
/// claim to be a device. Every parent is opened with openat2(2) RESOLVE_IN_ROOT, so a link never leads out; the last part of a
/// path is never followed; set-user-ID bits are dropped; devices and fifos, which a guest cannot use, are left out.
///
/// See: OCI image specification, layer.md (whiteouts).
struct LayerUnpacker {
    private let root: Directory
    private let limits: ImageLimits
    private var bytesLeft: UInt64
    private var entriesLeft: Int
    private let ownsFiles = geteuid() == 0
    /// Paths that the current layer has made: its own whiteouts do not hide them.
    private var made: Set<String> = []
    private var parent: (path: String, directory: Directory)?
    private let buffer = Buffer()

    private final class Buffer {
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
        deinit { bytes.deallocate() }
    }

    init(into path: String, limits: ImageLimits) throws(ImageError) {
        root = try Directory(path)
        self.limits = limits
        bytesLeft = limits.unpackedBytes
        entriesLeft = limits.unpackedEntries
    }

    /// Applies one layer, read to its very end.
    mutating func apply(_ source: any ByteSource, what: String) throws(ImageError) {
        made = []
        parent = nil
        let tar = TarReader(source, what: what, limits: limits)
        while let entry = try tar.next() {
            entriesLeft -= 1
            guard entriesLeft >= 0 else {
                throw ImageError(.limitExceeded, "\(what): more than \(limits.unpackedEntries) files in the image")
            }
            do { try apply(entry, tar) } catch {
                // Code and place: the path is in the archive, not on this machine.
                throw ImageError(error.code, "\(what): \(entry.path.prefix(200)): \(error.message)")
            }
        }
        try tar.finish()
    }

    private mutating func apply(_ entry: TarEntry, _ tar: TarReader) throws(ImageError) {
        var parts = try components(entry.path)
        guard let name = parts.popLast() else {
            // The root itself: only its permissions could be meant, and those are ours.
            return
        }
        let folder = parts.joined(separator: "/")
        if name.hasPrefix(".wh.") { return try whiteOut(name, in: folder) }
        guard name.utf8.count <= 255 else { throw ImageError(.limitExceeded, "a name of \(name.utf8.count) bytes") }
        let directory = try makeParent(folder)
        switch entry.kind {
        case .file: try makeFile(entry, name, directory, tar)
        case .directory: try makeDirectory(entry, name, directory)
        case .symbolicLink:
            try directory.remove(name)
            guard symlinkat(entry.target, directory.number, name) == 0 else { throw .system("symlink", name) }
            own(entry, name, directory)
        case .hardLink: try makeHardLink(entry, name, directory)
        case .characterDevice, .blockDevice, .fifo: return
        }
        made.insert(folder.isEmpty ? name : "\(folder)/\(name)")
        for count in parts.indices { made.insert(parts[...count].joined(separator: "/")) }
    }

    /// The path's parts; a leading slash means the root of the image.
    private func components(_ path: String) throws(ImageError) -> [String] {
        let parts = path.split(separator: "/").filter { $0 != "." }
        guard !parts.contains("..") else { throw ImageError(.invalidContent, "the path leads out of the image") }
        guard parts.count <= limits.depth else {
            throw ImageError(.limitExceeded, "nested \(parts.count) deep, at most \(limits.depth) is allowed")
        }
        return parts.map(String.init)
    }

    /// The directory of that path, made where it is missing. Links in it are followed inside the image.
    private mutating func makeParent(_ path: String) throws(ImageError) -> Directory {
        if let parent, parent.path == path { return parent.directory }
        var directory: Directory
        if let found = try existing(path) {
            directory = found
        } else {
            directory = root
            var prefix = ""
            for part in path.split(separator: "/").map(String.init) {
                let next = prefix.isEmpty ? part : "\(prefix)/\(part)"
                if let found = try existing(next) {
                    directory = found
                } else {
                    try directory.makeDirectory(part)
                    guard let new = try root.find(next) else { throw .system("openat2", next) }
                    directory = new
                }
                prefix = next
            }
        }
        parent = (path, directory)
        return directory
    }

    private func existing(_ path: String) throws(ImageError) -> Directory? {
        do { return try root.find(path) } catch {
            throw ImageError(.invalidContent, "the parent \(path) is no directory of the image (\(error.message))")
        }
    }

    private mutating func makeFile(
        _ entry: TarEntry, _ name: String, _ directory: Directory, _ tar: TarReader
    ) throws(ImageError) {
        guard entry.size <= bytesLeft else {
            throw ImageError(.limitExceeded, "the image has more than \(limits.unpackedBytes) bytes when unpacked")
        }
        bytesLeft -= entry.size
        let file = try directory.createFile(name)
        while true {
            let count = try tar.read(into: buffer.bytes)
            if count == 0 { break }
            try writeAll(file.rawValue, UnsafeRawBufferPointer(rebasing: buffer.bytes[..<count]), name)
        }
        if ownsFiles { _ = fchown(file.rawValue, entry.user, entry.group) }
        guard fchmod(file.rawValue, mode_t(entry.mode & 0o777)) == 0 else { throw .system("fchmod", name) }
        Self.setTime(entry, file.rawValue, "", atEmptyPath)
    }

    private func makeDirectory(_ entry: TarEntry, _ name: String, _ directory: Directory) throws(ImageError) {
        if directory.kind(name) != S_IFDIR {
            try directory.remove(name)
            try directory.makeDirectory(name, mode: 0o700)
        }
        // The owner keeps all rights: later entries go in, and the whole goes away one day.
        guard fchmodat(directory.number, name, mode_t(entry.mode & 0o777 | 0o700), 0) == 0 else {
            throw .system("fchmodat", name)
        }
        own(entry, name, directory)
    }

    private mutating func makeHardLink(_ entry: TarEntry, _ name: String, _ directory: Directory) throws(ImageError) {
        var parts = try components(entry.target)
        guard let target = parts.popLast(), let folder = try existing(parts.joined(separator: "/")) else {
            throw ImageError(.invalidContent, "the hard link's target \(entry.target.prefix(200)) is not there")
        }
        guard let kind = folder.kind(target), kind == S_IFREG || kind == S_IFLNK else {
            throw ImageError(.invalidContent, "the hard link's target \(entry.target.prefix(200)) is no file")
        }
        if let old = directory.information(name), let own = folder.information(target), old.st_ino == own.st_ino,
            old.st_dev == own.st_dev
        {
            return
        }
        try directory.remove(name)
        guard linkat(folder.number, target, directory.number, name, 0) == 0 else { throw .system("linkat", name) }
    }

    private func own(_ entry: TarEntry, _ name: String, _ directory: Directory) {
        if ownsFiles { _ = fchownat(directory.number, name, entry.user, entry.group, AT_SYMLINK_NOFOLLOW) }
        if entry.kind == .symbolicLink { Self.setTime(entry, directory.number, name, AT_SYMLINK_NOFOLLOW) }
    }

    private static func setTime(_ entry: TarEntry, _ descriptor: Int32, _ name: String, _ flags: Int32) {
        let time = timespec(tv_sec: Int(entry.modified), tv_nsec: 0)
        _ = utimensat(descriptor, name, [time, time], flags)
    }

    // MARK: - Whiteouts

    private mutating func whiteOut(_ marker: String, in folder: String) throws(ImageError) {
        guard let directory = try existing(folder) else { return }
        if marker == ".wh..wh..opq" {
            try removeOlder(directory, folder)
            return
        }
        // aufs' own bookkeeping.
        if marker.hasPrefix(".wh..wh.") { return }
        let name = String(marker.dropFirst(4))
        guard !name.isEmpty, name != ".", name != ".." else {
            throw ImageError(.invalidContent, "a whiteout of nothing")
        }
        let path = folder.isEmpty ? name : "\(folder)/\(name)"
        guard !made.contains(path) else { return }
        parent = nil
        try directory.remove(name)
    }

    /// Removes what lower layers have put into a directory.
    private mutating func removeOlder(_ directory: Directory, _ folder: String) throws(ImageError) {
        parent = nil
        for name in try directory.names() {
            let path = folder.isEmpty ? name : "\(folder)/\(name)"
            if !made.contains(path) {
                try directory.remove(name)
            } else if directory.kind(name) == S_IFDIR, let child = try existing(path) {
                try removeOlder(child, path)
            }
        }
    }
}
