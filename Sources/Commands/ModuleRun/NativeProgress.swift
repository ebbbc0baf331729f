// SPDX-License-Identifier: Apache-2.0
// Swiftlet: making native code while somebody waits.

internal import Glibc
import Linux
package import NativeCache

package enum NativeProgress {
    /// Makes native code of the module in the cache; a terminal on standard error sees that something happens.
    @discardableResult
    package static func make(
        _ module: Int32, name: String, level: NativeCompiler.Level, in cache: NativeCache
    ) throws -> NativeCache.Making {
        let isTerminal = isatty(STDERR_FILENO) == 1
        var hasShown = false
        defer { if hasShown { try? Descriptors.writeAll(STDERR_FILENO, "\r\u{1B}[K") } }
        return try cache.make(
            for: module, name: name, level: level, compiler: try NativeCompiler(),
            progress: { progress in
                guard isTerminal else { return }
                hasShown = true
                let done = "\(progress.percent) %, \(progress.seconds) s"
                try? Descriptors.writeAll(STDERR_FILENO, "\r\(name): compiling, \(done)")
            })
    }
}
