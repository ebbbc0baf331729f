// SPDX-License-Identifier: Apache-2.0
// Swiftlet: blobs on disk, by digest.

import Glibc
import Linux

/// A folder of blobs, names and unpacked images, used by many processes at once.
///
/// ```
/// blobs/sha256/HEX     verified content, read-only; it is there whole or not at all
/// ingest/HEX           content on its way, locked by the one who writes it; resumed by the next
/// names/HEX.json       what an image name points to; HEX is the SHA-256 of the name
/// leases/ID.json       what somebody uses
/// rootfs/HEX           unpacked layers; HEX is the SHA-256 of the layer chain
/// lock                 held shared by who adds, exclusively by garbage collection
/// ```
public struct ContentStore: Sendable {
    public let root: String
    public let limits: ImageLimits

    /// Opens the store, made if need be.
    public init(root: String, limits: ImageLimits = ImageLimits()) throws(ImageError) {
        self.root = root
        self.limits = limits
        var path = root.hasPrefix("/") ? "" : "."
        for part in root.split(separator: "/") {
            path += "/" + part
            try storing { () throws(SystemError) in _ = try Files.makeDirectory(path, mode: 0o755) }
        }
        for name in ["blobs", "blobs/sha256", "ingest", "names", "leases", "rootfs"] {
            try storing { () throws(SystemError) in _ = try Files.makeDirectory("\(root)/\(name)", mode: 0o755) }
        }
    }

    // MARK: - Blobs

    public func path(of digest: Digest) -> String { "\(root)/blobs/sha256/\(digest.hex)" }

    public func contains(_ digest: Digest) -> Bool { Files.exists(path(of: digest)) }

    /// Size of a blob in bytes; nil if it is not there.
    public func size(of digest: Digest) -> UInt64? {
        var information = stat()
        return stat(path(of: digest), &information) == 0 ? UInt64(information.st_size) : nil
    }

    func open(_ digest: Digest) throws(ImageError) -> FileSource {
        guard contains(digest) else { throw ImageError(.notFound, "blob \(digest) is not in the store") }
        return try FileSource(path(of: digest))
    }

    /// A whole document, verified again: a disk can change what was right once.
    public func read(_ digest: Digest) throws(ImageError) -> [UInt8] {
        let bytes = try open(digest).readAll(limit: limits.documentBytes, name: "blob \(digest)")
        let found = Digest.of(bytes)
        guard found == digest else {
            throw ImageError(.invalidContent, "blob \(digest) in the store has changed: its digest is \(found)")
        }
        return bytes
    }

    /// Adds a small blob.
    @discardableResult
    public func add(_ bytes: [UInt8]) throws(ImageError) -> Digest {
        let digest = Digest.of(bytes)
        if contains(digest) { return digest }
        try add(MemorySource(bytes), digest: digest, size: UInt64(bytes.count), what: "blob \(digest)")
        return digest
    }

    /// Adds a blob whose digest is known; it is verified.
    func add(_ source: any ByteSource, digest: Digest, size: UInt64?, what: String) throws(ImageError) {
        guard let ingest = try begin(digest, size: size) else { return }
        try ingest.restart()
        try ingest.write(all: source)
        try ingest.commit(what: what)
    }

    /// Begins to add a blob, waiting for another one who is at it. nil: it is there already.
    public func begin(_ digest: Digest, size: UInt64?) throws(ImageError) -> BlobIngest? {
        while true {
            switch try tryBegin(digest, size: size) {
            case .present: return nil
            case .begun(let ingest): return ingest
            case .taken: usleep(20_000)
            }
        }
    }

    public enum Beginning: Sendable {
        case present
        case begun(BlobIngest)
        /// Another thread or process writes it.
        case taken
    }

    /// As `begin`, without waiting.
    public func tryBegin(_ digest: Digest, size: UInt64?) throws(ImageError) -> Beginning {
        if let size, size > limits.blobBytes {
            throw ImageError(.limitExceeded, "blob \(digest): \(size) bytes, at most \(limits.blobBytes) are allowed")
        }
        let partial = "\(root)/ingest/\(digest.hex)"
        while true {
            if contains(digest) { return .present }
            let file = try storing { () throws(SystemError) in
                try Files.open(partial, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
            }
            guard flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 else {
                guard errno == EWOULDBLOCK else { throw .system("flock", partial) }
                return .taken
            }
            // Between open and flock the file may have become the blob, or have been removed.
            var held = stat()
            var named = stat()
            guard fstat(file.rawValue, &held) == 0, stat(partial, &named) == 0, held.st_ino == named.st_ino else {
                continue
            }
            return .begun(
                try BlobIngest(
                    file, partial: partial, final: path(of: digest), digest: digest, size: size,
                    limit: limits.blobBytes))
        }
    }

    // MARK: - Locking

    /// Keeps garbage collection away while something is added and not named yet.
    public func hold() throws(ImageError) -> StoreHold {
        guard let hold = try StoreHold("\(root)/lock", LOCK_SH) else {
            throw ImageError(.busy, "\(root): the store is locked")
        }
        return hold
    }
}

/// A lock on the store, given back when the value goes.
public final class StoreHold: Sendable {
    private let descriptor: OwnedDescriptor

    /// nil: LOCK_NB was asked for and somebody else has it.
    init?(_ path: String, _ operation: Int32) throws(ImageError) {
        do { descriptor = try Files.open(path, O_RDWR | O_CREAT, mode: 0o600) } catch { throw ImageError(error) }
        while flock(descriptor.rawValue, operation) != 0 {
            if errno == EWOULDBLOCK { return nil }
            guard errno == EINTR else { throw .system("flock", path) }
        }
    }
}
