// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the end of a container's log, for terminationMessagePolicy FallbackToLogsOnError.

import Glibc

enum LogTail {
    // LIMIT: upstream takes at most 2048 bytes or 80 lines.
    static let bytesMax = 2048
    static let linesMax = 80

    /// The last lines of a log in CRI format, without time, stream and tag.
    static func read(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        let window = 64 * 1024
        let size = lseek(descriptor, 0, SEEK_END)
        let bytes = [UInt8](unsafeUninitializedCapacity: window) { buffer, count in
            count = max(0, pread(descriptor, buffer.baseAddress, window, max(0, size - window)))
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").suffix(linesMax).map { line in
            let parts = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
            return parts.count == 4 ? String(parts[3]) : ""
        }
        return String(decoding: lines.joined(separator: "\n").utf8.suffix(bytesMax), as: UTF8.self)
    }
}
