// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the verbs that are not about one module.

import Glibc
import Linux

enum OtherVerbs {
    /// Becomes `swiftlet-node`, which lies beside this program, with the same arguments (execve(2)).
    ///
    /// - Returns: Only when that failed: why.
    static func execute() -> String {
        do {
            let own = try Files.linkTarget("/proc/self/exe")
            let folder = own.lastIndex(of: "/").map { own[...$0] } ?? ""
            let path = "\(folder)swiftlet-node"
            execv(path, CommandLine.unsafeArgv)
            return "\(path): \(Errno.current)"
        } catch { return "\(error)" }
    }
}
