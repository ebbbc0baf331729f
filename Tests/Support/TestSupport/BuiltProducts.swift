// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: where the build put programs and guests.

import Glibc

/// Paths of what `hack/build.sh` makes. End-to-end tests start these; they never link them.
public enum BuiltProducts {
    /// The package's folder, three levels above this file's folder.
    public static let packageRoot: String = {
        var parts = #filePath.split(separator: "/")
        parts.removeLast(4)
        return "/" + parts.joined(separator: "/")
    }()

    /// A program of the package, beside the test bundle: whatever configuration and scratch path were used.
    public static func program(_ name: String) -> String { "\(binaryDirectory)/\(name)" }

    /// A guest built by hack/build-guests.sh.
    public static func guest(_ name: String) -> String { "\(packageRoot)/.build/guests/\(name).wasm" }

    public static func exists(_ path: String) -> Bool { access(path, R_OK) == 0 }

    /// The running test executable stands in the build's product folder.
    private static let binaryDirectory: String = {
        for argument in CommandLine.arguments {
            guard let range = argument.range(of: "/swiftletPackageTests.xctest") else { continue }
            return String(argument[..<range.lowerBound])
        }
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let path = String(decoding: buffer.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if let slash = path.lastIndex(of: "/"), path.contains("/.build") { return String(path[..<slash]) }
        return "\(packageRoot)/.build/release"
    }()
}

extension String {
    /// The first occurrence of `other`; the standard library's `range(of:)` without Foundation.
    fileprivate func range(of other: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(other) { return start..<index(start, offsetBy: other.count) }
            start = index(after: start)
        }
        return nil
    }
}
