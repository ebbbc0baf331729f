// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the cgroups of compilers that no node agent has started.

internal import Glibc
internal import Linux

public enum CompilerGroup {
    static let parent = "swiftlet-compiler"

    /// The path of a group for a compiler of this process. Those of processes that were killed are removed first.
    public static func prepare() -> String {
        if let mounts = try? CGroupMounts.detect() {
            for group in CGroup(path: parent, mounts: mounts).children() {
                guard let owner = group.path.split(separator: "/").last.flatMap({ pid_t($0) }), kill(owner, 0) != 0
                else { continue }
                try? group.remove(timeoutMilliseconds: 0)
            }
        }
        return "\(parent)/\(getpid())"
    }

    /// The group and the one above it, if that is ours and has no other.
    static func remove(_ group: CGroup?) {
        guard let group else { return }
        try? group.remove(timeoutMilliseconds: 250)
        let above = CGroup(path: parent, mounts: group.mounts)
        if group.path.hasPrefix(parent + "/"), above.children().isEmpty { try? above.remove(timeoutMilliseconds: 0) }
    }
}
