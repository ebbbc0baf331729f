// SPDX-License-Identifier: Apache-2.0
// Swiftlet: an image's file as memory that can be executed.

import Glibc

/// A mapped image. Its pages come from the file, so that replicas share them; none of them is ever writable.
///
/// Only files that their owner alone can write belong here: whoever changes the file afterwards changes the code.
public final class NativeImageMapping {
    // LIMIT: bytes of a file; four times what the largest module gave.
    private static let byteCountMax: Int64 = 1 << 30

    /// Valid as long as the mapping lives.
    public let image: NativeImage

    /// Maps the file and checks it, and only then makes its text executable. The descriptor stays the caller's.
    public init(descriptor: Int32) throws(NativeImageError) {
        let bytes = try Self.map(descriptor)
        do throws(NativeImageError) {
            image = try NativeImage(bytes)
            try Self.makeExecutable(image)
        } catch {
            munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
            throw error
        }
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: image.bytes.baseAddress), image.bytes.count) }

    private static func map(_ descriptor: Int32) throws(NativeImageError) -> UnsafeRawBufferPointer {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("fstat") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw NativeImageError(
                "file type", expected: "a regular file", found: "mode 0\(String(status.st_mode, radix: 8))")
        }
        let byteCount = Int64(status.st_size)
        guard byteCount > 0 && byteCount <= byteCountMax else {
            throw NativeImageError("file", expected: "1 to \(byteCountMax) bytes", found: "\(byteCount) bytes")
        }
        guard let address = mmap(nil, Int(byteCount), PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED
        else { throw failure("mmap") }
        return UnsafeRawBufferPointer(start: address, count: Int(byteCount))
    }

    private static func makeExecutable(_ image: NativeImage) throws(NativeImageError) {
        guard image.text.count > 0 else { return }
        let pageBytes = sysconf(Int32(_SC_PAGESIZE))
        guard pageBytes <= image.architecture.pageBytes else {
            throw NativeImageError(
                "page size of this machine", expected: "at most \(image.architecture.pageBytes)", found: "\(pageBytes)")
        }
        let start = UnsafeMutableRawPointer(mutating: image.text.baseAddress)
        // A file system that is mounted noexec refuses here.
        guard mprotect(start, image.text.count, PROT_READ | PROT_EXEC) == 0 else { throw failure("mprotect") }
    }

    private static func failure(_ call: String) -> NativeImageError {
        let text = strerror(errno).map { String(cString: $0) } ?? "errno \(errno)"
        return NativeImageError(call, expected: "success", found: text)
    }
}
