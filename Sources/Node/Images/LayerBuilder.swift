// SPDX-License-Identifier: Apache-2.0
// Swiftlet: makes a layer (tar, gzip) of files of this machine.

import CZlib
import Glibc
import Linux

/// One layer on its way into the store.
final class LayerBuilder {
    private let store: ContentStore
    private let temporary: String
    private let sink: GzipSink
    private let tar: TarWriter
    private var folders: Set<String> = []
    private var paths: Set<String> = []

    init(_ store: ContentStore) throws(ImageError) {
        self.store = store
        var random: UInt64 = 0
        _ = withUnsafeMutableBytes(of: &random) { randomBytes(into: $0) }
        temporary = "\(store.root)/ingest/layer-\(String(random, radix: 16))"
        sink = try GzipSink(temporary)
        tar = TarWriter(sink)
    }

    deinit { unlink(temporary) }

    /// Adds files and folders, sorted by their place in the image, with all parents.
    func add(_ files: [ImageBuilder.AddedFile]) throws(ImageError) {
        var members: [(path: String, source: String, information: stat)] = []
        for file in files { try collect(file.source, try Self.parts(file.destination), 0, &members) }
        members.sort { $0.path < $1.path }
        for member in members {
            guard paths.insert(member.path).inserted else {
                throw ImageError(.invalidContent, "/\(member.path): two files for one path in the image")
            }
            try addParents(of: member.path)
            try add(member.path, member.source, member.information)
        }
    }

    private static func parts(_ destination: String) throws(ImageError) -> String {
        let parts = destination.split(separator: "/").filter { $0 != "." }
        guard destination.hasPrefix("/"), !parts.contains("..") else {
            throw ImageError(
                .invalidContent, "path \"\(destination)\" in the image: expected an absolute path without ..")
        }
        if let reserved = parts.first(where: { $0.hasPrefix(".wh.") }) {
            throw ImageError(
                .invalidContent, "path \"\(destination)\": names that begin with .wh. (\(reserved)) are reserved")
        }
        return parts.joined(separator: "/")
    }

    private func collect(
        _ source: String, _ path: String, _ depth: Int,
        _ members: inout [(path: String, source: String, information: stat)]
    ) throws(ImageError) {
        guard depth <= store.limits.depth, members.count < store.limits.unpackedEntries else {
            throw ImageError(.limitExceeded, "\(source): too many files, or nested too deep")
        }
        var information = stat()
        // What the caller names is followed, what is found in a folder is taken as it is.
        let result = depth == 0 ? stat(source, &information) : lstat(source, &information)
        guard result == 0 else { throw .system("stat", source) }
        switch information.st_mode & S_IFMT {
        case S_IFDIR:
            if !path.isEmpty { members.append((path, source, information)) }
            for name in try Directory(source).names() where !name.hasPrefix(".wh.") {
                try collect("\(source)/\(name)", path.isEmpty ? name : "\(path)/\(name)", depth + 1, &members)
            }
        case S_IFREG, S_IFLNK:
            guard !path.isEmpty else { throw ImageError(.invalidContent, "\(source): a file cannot be / in the image") }
            members.append((path, source, information))
        default: throw ImageError(.unsupported, "\(source): neither a file, a folder nor a symbolic link")
        }
    }

    private func addParents(of path: String) throws(ImageError) {
        let parts = path.split(separator: "/").dropLast()
        for count in parts.indices {
            let folder = parts[...count].joined(separator: "/")
            guard !paths.contains(folder), folders.insert(folder).inserted else { continue }
            try tar.add(TarEntry(kind: .directory, path: folder, mode: 0o755))
        }
    }

    /// Owner and times are not taken along: a build says the same everywhere.
    private func add(_ path: String, _ source: String, _ information: stat) throws(ImageError) {
        let isExecutable = information.st_mode & 0o100 != 0
        switch information.st_mode & S_IFMT {
        case S_IFDIR:
            guard folders.insert(path).inserted else { return }
            try tar.add(TarEntry(kind: .directory, path: path, mode: 0o755))
        case S_IFLNK:
            let target = try storing { () throws(SystemError) in try Files.linkTarget(source) }
            try tar.add(TarEntry(kind: .symbolicLink, path: path, target: target, mode: 0o777))
        default:
            let file = try FileSource(source, followsLink: true)
            let entry = TarEntry(kind: .file, path: path, size: file.size, mode: isExecutable ? 0o755 : 0o644)
            try tar.add(entry, content: file)
        }
    }

    /// Adds the layer to the store; its descriptor, and the digest of the plain tar.
    func finish() throws(ImageError) -> (ContentDescriptor, Digest) {
        try tar.finish()
        let (digest, size, diffID) = try sink.finish()
        try store.add(try FileSource(temporary), digest: digest, size: size, what: "layer")
        return (ContentDescriptor(mediaType: MediaType.layerGzip, digest: digest, size: size), diffID)
    }
}

/// Compresses into a file; hashes what comes in and what goes out.
private final class GzipSink: ByteSink {
    private let file: OwnedDescriptor
    private let path: String
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private let output = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    private var plain = DigestHasher()
    private var compressed = DigestHasher()

    init(_ path: String) throws(ImageError) {
        self.path = path
        file = try storing { () throws(SystemError) in
            try Files.open(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        }
        stream.initialize(to: z_stream())
        // 15 bits of window, and 16: the gzip format. The header has no name and no time.
        let result = deflateInit2_(
            stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard result == Z_OK else { throw ImageError(.storage, "zlib cannot start: \(result)") }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
        output.deallocate()
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(ImageError) {
        plain.update(bytes)
        guard bytes.count > 0 else { return }
        stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.bindMemory(to: UInt8.self).baseAddress)
        stream.pointee.avail_in = UInt32(bytes.count)
        while stream.pointee.avail_in > 0 { _ = try step(Z_NO_FLUSH) }
    }

    func finish() throws(ImageError) -> (Digest, UInt64, Digest) {
        while try step(Z_FINISH) != Z_STREAM_END {}
        return (compressed.digest(), compressed.count, plain.digest())
    }

    private func step(_ flush: Int32) throws(ImageError) -> Int32 {
        stream.pointee.next_out = output.bindMemory(to: UInt8.self).baseAddress
        stream.pointee.avail_out = UInt32(output.count)
        let result = deflate(stream, flush)
        guard result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR else {
            throw ImageError(.storage, "zlib cannot compress: \(result)")
        }
        let bytes = UnsafeRawBufferPointer(rebasing: output[..<(output.count - Int(stream.pointee.avail_out))])
        compressed.update(bytes)
        try writeAll(file.rawValue, bytes, path)
        return result
    }
}
