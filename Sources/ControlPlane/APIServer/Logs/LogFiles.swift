// SPDX-License-Identifier: Apache-2.0
// Swiftlet: reading log files while they are written and rotated.
import Glibc

/// One log file that grows, with its rotated predecessors `PATH.1` (the latest), `PATH.2` and so on.
final class LogFileReader {
    // LIMIT: 64 KiB per read keeps the memory of a follower small.
    private static let chunkBytes = 65_536
    // LIMIT: as many predecessors as the shim ever keeps.
    private static let predecessorsMax = 1000

    private let path: String
    private var descriptor: Int32 = -1
    private var inode: UInt64 = 0

    init(path: String) {
        self.path = path
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Paths from the oldest rotated file to the current one, those that exist.
    static func files(of path: String) -> [String] {
        var predecessors: [String] = []
        for number in 1...predecessorsMax {
            guard access("\(path).\(number)", R_OK) == 0 else { break }
            predecessors.append("\(path).\(number)")
        }
        return predecessors.reversed() + (access(path, R_OK) == 0 ? [path] : [])
    }

    /// The whole content of a file; empty if it cannot be read.
    static func content(of path: String) -> [UInt8] {
        let reader = LogFileReader(path: path)
        guard reader.openFile() else { return [] }
        var bytes: [UInt8] = []
        while let chunk = reader.readChunk() { bytes += chunk }
        return bytes
    }

    /// Starts at `offset` of the current file.
    func seek(to offset: Int) {
        guard openFile() else { return }
        lseek(descriptor, off_t(offset), SEEK_SET)
    }

    /// What has been written since the last call; nil if nothing.
    func next() -> [UInt8]? {
        guard descriptor >= 0 || openFile() else { return nil }
        if let chunk = readChunk() { return chunk }
        // The file may have been rotated away; what was left in it has been read above.
        var current = stat()
        guard stat(path, &current) == 0, UInt64(current.st_ino) != inode else { return nil }
        close(descriptor)
        descriptor = -1
        return openFile() ? readChunk() : nil
    }

    private func openFile() -> Bool {
        if descriptor >= 0 { return true }
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        var current = stat()
        if fstat(descriptor, &current) == 0 { inode = UInt64(current.st_ino) }
        return true
    }

    private func readChunk() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: Self.chunkBytes)
        var count = read(descriptor, &buffer, buffer.count)
        while count < 0, errno == EINTR { count = read(descriptor, &buffer, buffer.count) }
        guard count > 0 else { return nil }
        buffer.removeLast(buffer.count - count)
        return buffer
    }
}
