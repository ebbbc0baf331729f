// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: files that are gone when the test is.

import Glibc

/// A file that nobody else can find.
public enum UnnamedFile {
    /// What its former name starts with, as /proc/self/maps shows it.
    public static let prefix = "/tmp/swiftlet-test-file-"

    public struct Failure: Error {
        public var call: String
        public var number: Int32
    }

    /// Calls `body` with a descriptor, open for reading and writing, of a file that holds `bytes`.
    public static func with<Result>(_ bytes: [UInt8], _ body: (Int32) throws -> Result) throws -> Result {
        var template = Array((prefix + "XXXXXX").utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw Failure(call: "mkstemp", number: errno) }
        defer { close(descriptor) }
        unlink(template)
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes {
                write(descriptor, $0.baseAddress?.advanced(by: offset), $0.count - offset)
            }
            guard count > 0 else { throw Failure(call: "write", number: errno) }
            offset += count
        }
        return try body(descriptor)
    }

    /// All that the descriptor's file holds.
    public static func read(_ descriptor: Int32) -> [UInt8] {
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = pread(descriptor, &buffer, buffer.count, result.count)
            guard count > 0 else { return result }
            result += buffer[..<count]
        }
    }
}
