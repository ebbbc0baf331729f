// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a log file that is rotated by size and survives a full disk.
public import EventLoop
import Glibc

/// Appends whole lines. When the next line would take the file over its size, the file becomes `PATH.1` (and `PATH.1`
/// becomes `PATH.2` and so on, up to `filesMax` files in all) and a new one begins.
///
/// A line that cannot be written is dropped and counted; the count is written as a line of its own before the next one
/// that can be. So a full disk costs lines, never the guest.
public final class LogFile {
    public struct Rotation: Sendable, Equatable {
        /// Bytes per file; 0: never rotate.
        public var sizeBytesMax: UInt64
        /// The current file counts.
        public var filesMax: Int

        public init(sizeBytesMax: UInt64 = 10 << 20, filesMax: Int = 5) {
            self.sizeBytesMax = sizeBytesMax
            self.filesMax = filesMax
        }
    }

    public let path: String
    private let rotation: Rotation
    private let write: (Int32, UnsafeRawBufferPointer) -> Int
    private var descriptor: Int32
    private var sizeBytes: UInt64
    public private(set) var droppedLines = 0
    private var lastError: Int32 = 0

    /// - Parameter write: nil: write(2); a test passes one that fails.
    public init(
        path: String, rotation: Rotation = Rotation(), write: ((Int32, UnsafeRawBufferPointer) -> Int)? = nil
    ) throws(SystemFailure) {
        self.path = path
        self.rotation = rotation
        self.write = write ?? { Glibc.write($0, $1.baseAddress, $1.count) }
        (descriptor, sizeBytes) = try Self.open(path)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Writes one line, its line feed included. `stream` is for the marker after dropped lines.
    public func append(_ line: [UInt8], stream: LogStream) {
        if droppedLines > 0 {
            let reason = String(cString: strerror(lastError))
            let text = "swiftlet: \(droppedLines) log lines dropped here: \(reason)"
            guard writeLine(CRILine.encode(Array(text.utf8)[...], stream: stream, isPartial: false)) else {
                droppedLines += 1
                return
            }
            droppedLines = 0
        }
        if !writeLine(line) { droppedLines += 1 }
    }

    private func writeLine(_ line: [UInt8]) -> Bool {
        if rotation.sizeBytesMax > 0, sizeBytes > 0, sizeBytes + UInt64(line.count) > rotation.sizeBytesMax { rotate() }
        if descriptor < 0 {
            guard let (opened, size) = try? Self.open(path) else {
                lastError = errno
                return false
            }
            (descriptor, sizeBytes) = (opened, size)
        }
        var written = 0
        while written < line.count {
            let count = line.withUnsafeBytes { write(descriptor, UnsafeRawBufferPointer(rebasing: $0[written...])) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                lastError = count == 0 ? ENOSPC : errno
                // Half a line would be read as somebody else's: take it back.
                if written > 0, ftruncate(descriptor, off_t(sizeBytes)) != 0 { sizeBytes += UInt64(written) }
                return false
            }
            written += count
        }
        sizeBytes += UInt64(written)
        return true
    }

    private func rotate() {
        close(descriptor)
        descriptor = -1
        sizeBytes = 0
        guard rotation.filesMax > 1 else {
            unlink(path)
            return
        }
        unlink("\(path).\(rotation.filesMax - 1)")
        for number in stride(from: rotation.filesMax - 2, through: 1, by: -1) {
            rename("\(path).\(number)", "\(path).\(number + 1)")
        }
        rename(path, "\(path).1")
    }

    private static func open(_ path: String) throws(SystemFailure) -> (Int32, UInt64) {
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o640)
        guard descriptor >= 0 else { throw .last("open", path) }
        var information = stat()
        fstat(descriptor, &information)
        return (descriptor, UInt64(max(0, information.st_size)))
    }
}
