// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a blob on its way into the store.

import Glibc
import Linux

/// Content that becomes a blob when its digest is right. What an interrupted one has written is kept for the next.
///
/// Used by one thread at a time.
public final class BlobIngest: @unchecked Sendable {
    // SAFETY: handed from thread to thread, never shared: its owner awaits each call.
    private let file: OwnedDescriptor
    private let partial: String
    private let final: String
    private let limit: UInt64
    public let digest: Digest
    /// As the descriptor says; nil where nobody does.
    public let size: UInt64?
    private var hasher = DigestHasher()

    init(
        _ file: consuming OwnedDescriptor, partial: String, final: String, digest: Digest, size: UInt64?, limit: UInt64
    ) throws(ImageError) {
        self.file = file
        self.partial = partial
        self.final = final
        self.digest = digest
        self.size = size
        self.limit = limit
        try hashWhatIsThere()
    }

    /// Bytes that are there: where a download goes on.
    public var offset: UInt64 { hasher.count }

    private func hashWhatIsThere() throws(ImageError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = Glibc.read(file.rawValue, buffer.baseAddress, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .system("read", partial) }
            if count == 0 { break }
            hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
        if let size, offset > size { try restart() }
    }

    /// Forgets what is there.
    public func restart() throws(ImageError) {
        guard offset > 0 else { return }
        guard ftruncate(file.rawValue, 0) == 0, lseek(file.rawValue, 0, SEEK_SET) == 0 else {
            throw .system("ftruncate", partial)
        }
        hasher = DigestHasher()
    }

    public func write(_ bytes: UnsafeRawBufferPointer) throws(ImageError) {
        guard bytes.count > 0 else { return }
        let most = size ?? limit
        guard offset + UInt64(bytes.count) <= most else {
            try discard()
            throw ImageError(
                size == nil ? .limitExceeded : .invalidContent, "blob \(digest): more than \(most) bytes came")
        }
        do { try Descriptors.writeAll(file.rawValue, bytes) } catch {
            // A full disk is not made emptier by half a blob.
            _ = try? discard()
            throw ImageError(SystemError(call: "write", path: partial, errno: error.errno))
        }
        hasher.update(bytes)
    }

    func write(all source: any ByteSource) throws(ImageError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = try source.read(into: buffer)
            if count == 0 { return }
            try write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }

    /// Verifies and shows the blob. Wrong content is removed.
    public func commit(what: String) throws(ImageError) {
        if let size, offset < size {
            throw ImageError(.unavailable, "\(what): truncated: expected \(size) bytes, found \(offset)")
        }
        let found = hasher.digest()
        guard found == digest else {
            try discard()
            throw ImageError(.invalidContent, "\(what): expected digest \(digest), found \(found)")
        }
        guard fchmod(file.rawValue, 0o444) == 0, fdatasync(file.rawValue) == 0 else {
            throw .system("fdatasync", partial)
        }
        guard rename(partial, final) == 0 else { throw .system("rename", final) }
    }

    /// Removes what came.
    public func discard() throws(ImageError) {
        hasher = DigestHasher()
        guard ftruncate(file.rawValue, 0) == 0, lseek(file.rawValue, 0, SEEK_SET) == 0 else {
            throw .system("ftruncate", partial)
        }
        unlink(partial)
    }
}
