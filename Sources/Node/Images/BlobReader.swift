// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a blob, piece by piece.

/// Reads a file from its beginning; for one thread at a time.
public final class BlobReader {
    private let source: FileSource
    // 256 KiB: few writes to the network, little memory.
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)

    public init(_ path: String) throws(ImageError) { source = try FileSource(path) }

    deinit { buffer.deallocate() }

    /// The next piece; nil at the end.
    public func next() throws(ImageError) -> [UInt8]? {
        let count = try source.read(into: buffer)
        return count == 0 ? nil : Array(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
}
