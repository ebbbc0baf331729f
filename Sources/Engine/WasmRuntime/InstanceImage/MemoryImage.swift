// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the contents of a linear memory as a file that instances map copy-on-write.

import CInterpreter
import Glibc

/// What a memory held at one moment. Pages of zeros take no space.
final class MemoryImage {
    private static let pageBytes = 4096
    // LIMIT: mappings per memory; a memory with more pieces is one mapping from its first to its last piece.
    private static let extentsMax = 64
    /// Zero pages between two pieces that are not worth a mapping of their own.
    private static let gapPages = 16

    let byteCount: Int
    private let descriptor: Int32
    /// Ranges of bytes that are not zero, page by page.
    private let extents: [Range<Int>]

    /// Copies the memory.
    init(_ memory: Memory) throws(ResourceError) {
        byteCount = memory.byteCount
        let contents = UnsafeRawBufferPointer(
            start: memory.pointer.pointee.base, count: byteCount)
        extents = Self.extents(of: contents)
        descriptor = sw_memory_file("swiftlet-image")
        guard descriptor >= 0 else { throw ResourceError("no file for an image of a memory (errno \(errno))") }
        for extent in extents {
            var offset = extent.lowerBound
            while offset < extent.upperBound {
                let start = contents.baseAddress.unsafelyUnwrapped + offset
                let written = pwrite(descriptor, start, extent.upperBound - offset, off_t(offset))
                guard written > 0 else { throw ResourceError("writing an image of a memory (errno \(errno))") }
                offset += written
            }
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    private static func extents(of contents: UnsafeRawBufferPointer) -> [Range<Int>] {
        var extents: [Range<Int>] = []
        for offset in stride(from: 0, to: contents.count, by: pageBytes)
        where !isZero(UnsafeRawBufferPointer(rebasing: contents[offset..<offset + pageBytes])) {
            if let last = extents.last, offset - last.upperBound <= gapPages * pageBytes {
                extents[extents.count - 1] = last.lowerBound..<offset + pageBytes
            } else {
                extents.append(offset..<offset + pageBytes)
            }
        }
        guard extents.count > extentsMax, let first = extents.first, let last = extents.last else { return extents }
        return [first.lowerBound..<last.upperBound]
    }

    private static func isZero(_ page: UnsafeRawBufferPointer) -> Bool {
        page.loadUnaligned(as: UInt64.self) == 0
            && memcmp(page.baseAddress.unsafelyUnwrapped, page.baseAddress.unsafelyUnwrapped + 8, page.count - 8) == 0
    }

    /// Gives a fresh memory, zero and at most as large, these contents.
    func map(into memory: Memory) throws(ResourceError) {
        let missing = byteCount - memory.byteCount
        guard missing >= 0, memory.grow(byPages: UInt64(missing) >> 16) != nil else {
            throw ResourceError("no memory for the \(byteCount) bytes of an image")
        }
        for extent in extents {
            let mapped = mmap(
                memory.pointer.pointee.base + extent.lowerBound, extent.count, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, descriptor, off_t(extent.lowerBound))
            guard mapped != MAP_FAILED else { throw ResourceError("mapping an image of a memory (errno \(errno))") }
        }
    }

    /// Gives a memory that `map(into:)` has filled its contents and its size back: what was written since is dropped, and
    /// the pages come back when they are touched.
    func reset(_ memory: Memory) throws(ResourceError) {
        let size = memory.byteCount
        guard size > 0 else { return }
        guard madvise(memory.pointer.pointee.base, size, MADV_DONTNEED) == 0 else {
            throw ResourceError("resetting a memory (errno \(errno))")
        }
        guard size > byteCount else { return }
        guard mprotect(memory.pointer.pointee.base + byteCount, size - byteCount, PROT_NONE) == 0 else {
            throw ResourceError("shrinking a memory (errno \(errno))")
        }
        memory.pointer.pointee.byte_count = UInt64(byteCount)
    }
}
