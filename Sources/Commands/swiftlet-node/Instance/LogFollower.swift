// SPDX-License-Identifier: Apache-2.0
// Swiftlet: one container's log, as it grows, on standard output.

import Glibc

/// Prints the lines of a CRI log file (`TIME STREAM TAG TEXT`) with the container's name before them.
struct LogFollower {
    var path: String
    var prefix: String

    /// Follows until cancelled.
    func run() async {
        var descriptor: Int32 = -1
        defer { if descriptor >= 0 { close(descriptor) } }
        var pending: [UInt8] = []
        var partial = ""
        var buffer = [UInt8](repeating: 0, count: 32 * 1024)
        while !Task.isCancelled {
            if descriptor < 0 { descriptor = open(path, O_RDONLY | O_CLOEXEC) }
            let count = descriptor < 0 ? 0 : read(descriptor, &buffer, buffer.count)
            if count > 0 {
                pending.append(contentsOf: buffer[..<count])
                var output = ""
                while let newline = pending.firstIndex(of: 10) {
                    let line = pending[..<newline]
                    append(String(decoding: line, as: UTF8.self), partial: &partial, output: &output)
                    pending.removeSubrange(...newline)
                }
                writeOutput(output)
            } else {
                reopenIfRotated(&descriptor)
                try? await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    private func append(_ line: String, partial: inout String, output: inout String) {
        let fields = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
        guard fields.count == 4 else { return }
        partial += fields[3]
        if fields[2] == "P" { return }
        output += "\(prefix) | \(partial)\n"
        partial = ""
    }

    /// Rotation renames the file: the path then names another one.
    private func reopenIfRotated(_ descriptor: inout Int32) {
        guard descriptor >= 0 else { return }
        var mine = stat()
        var current = stat()
        guard fstat(descriptor, &mine) == 0, stat(path, &current) == 0 else { return }
        if mine.st_ino != current.st_ino {
            close(descriptor)
            descriptor = -1
        }
    }
}
