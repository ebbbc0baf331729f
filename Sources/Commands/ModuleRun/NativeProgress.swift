// SPDX-License-Identifier: Apache-2.0
// Swiftlet: making native code while somebody waits.

internal import Glibc
import Linux
package import NativeCache

package enum NativeProgress {
    /// Makes native code of the module in the cache; a terminal on standard error sees that something happens.
    package static func make(
        _ module: Int32, _ request: CompileRequest, in cache: NativeCache, isCancelled: () -> Bool = { false }
    ) throws -> NativeJob.Made {
        let isTerminal = isatty(STDERR_FILENO) == 1
        var hasShown = false
        defer { if hasShown { try? Descriptors.writeAll(STDERR_FILENO, "\r\u{1B}[K") } }
        // Who asks for it by name wants it tried.
        let job = try NativeJob(
            try Descriptors.duplicate(module), request, in: cache, compiler: try NativeCompiler(), heedsFailures: false)
        return try job.run(
            progress: { seconds, percent in
                guard isTerminal else { return }
                hasShown = true
                let share = percent.map { ", \($0) %" } ?? ""
                try? Descriptors.writeAll(STDERR_FILENO, "\r\u{1B}[K\(request.name): compiling\(share), \(seconds) s")
            }, isCancelled: isCancelled)
    }
}
