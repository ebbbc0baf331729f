// SPDX-License-Identifier: Apache-2.0
// Swiftlet: streams of bytes that are read once.

import Glibc
import Linux

/// Bytes in order. A class each: they stack (file, hash, decompress, hash, tar).
public protocol ByteSource: AnyObject {
    /// Fills a part of `buffer`, which is not empty; 0 is the end.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ImageError) -> Int
}

extension ByteSource {
    /// Reads until `buffer` is full or the source ends.
    func readFully(into buffer: UnsafeMutableRawBufferPointer) throws(ImageError) -> Int {
        var filled = 0
        while filled < buffer.count {
            let count = try read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    /// Up to `count` bytes; fewer at the end.
    func readFully(_ count: Int) throws(ImageError) -> [UInt8] {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
        defer { buffer.deallocate() }
        let filled = try readFully(into: buffer)
        return Array(UnsafeRawBufferPointer(rebasing: buffer[..<filled]))
    }

    /// Reads to the end.
    func drain() throws(ImageError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
        defer { buffer.deallocate() }
        while try read(into: buffer) > 0 {}
    }

    /// Everything, at most `limit` bytes.
    func readAll(limit: Int, name: String) throws(ImageError) -> [UInt8] {
        var bytes: [UInt8] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = try read(into: buffer)
            if count == 0 { return bytes }
            guard bytes.count + count <= limit else {
                throw ImageError(.limitExceeded, "\(name): more than \(limit) bytes")
            }
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }
}

/// A file, or a part of one.
final class FileSource: ByteSource {
    private let file: OwnedDescriptor
    private let path: String
    /// Size of the file when it was opened.
    let size: UInt64

    /// - Parameter followsLink: only for a path that the user gave.
    convenience init(_ path: String, followsLink: Bool = false) throws(ImageError) {
        let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | (followsLink ? 0 : O_NOFOLLOW)
        let file = try storing { () throws(SystemError) in try Files.open(path, flags) }
        try self.init(file, path)
    }

    init(_ file: consuming OwnedDescriptor, _ path: String) throws(ImageError) {
        var information = stat()
        let result = fstat(file.rawValue, &information)
        self.file = file
        self.path = path
        guard result == 0 else { throw .system("fstat", path) }
        guard information.st_mode & S_IFMT == S_IFREG else {
            throw ImageError(.invalidContent, "\(path): is not a regular file")
        }
        size = UInt64(information.st_size)
    }

    func rewind() throws(ImageError) {
        guard lseek(file.rawValue, 0, SEEK_SET) == 0 else { throw .system("lseek", path) }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ImageError) -> Int {
        while true {
            let count = Glibc.read(file.rawValue, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            guard errno == EINTR else { throw .system("read", path) }
        }
    }
}

/// Bytes in memory.
final class MemorySource: ByteSource {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(buffer.count, bytes.count - position)
        bytes.withUnsafeBytes {
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[position..<position + count]))
        }
        position += count
        return count
    }
}

/// Hashes what passes through.
final class HashingSource: ByteSource {
    private let source: any ByteSource
    private(set) var hasher = DigestHasher()

    init(_ source: any ByteSource) { self.source = source }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ImageError) -> Int {
        let count = try source.read(into: buffer)
        hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        return count
    }
}

/// Lets at most so many bytes pass; one more is an error.
final class LimitedSource: ByteSource {
    private let source: any ByteSource
    private let limit: UInt64
    private let what: String
    private var count: UInt64 = 0

    init(_ source: any ByteSource, limit: UInt64, what: String) {
        self.source = source
        self.limit = limit
        self.what = what
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ImageError) -> Int {
        let count = try source.read(into: buffer)
        self.count += UInt64(count)
        guard self.count <= limit else {
            throw ImageError(.limitExceeded, "\(what): more than \(limit) bytes when unpacked")
        }
        return count
    }
}
