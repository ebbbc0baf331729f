// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what a bundle remembers of its sandbox, for cleaning up when the shim is gone.
import Glibc
import Linux
import Workload

/// `BUNDLE/sandbox.mark`: process and cgroup of a container that is not deleted yet.
struct SandboxMark: Equatable {
    static let fileName = "sandbox.mark"

    var process: Int32
    /// Field 22 of /proc/PID/stat: with the number, it names a process for good.
    var startTime: UInt64
    var cgroupPath: String

    init(process: Int32, cgroupPath: String) {
        self.process = process
        self.cgroupPath = cgroupPath
        startTime = Self.startTime(of: process) ?? 0
    }

    /// nil: no mark, or a damaged one.
    init?(bundle: String) {
        guard let text = try? Files.readText("\(bundle)/\(Self.fileName)", limit: 4096) else { return nil }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard lines.count >= 3, let process = Int32(lines[0]), let startTime = UInt64(lines[1]) else { return nil }
        self.process = process
        self.startTime = startTime
        cgroupPath = lines[2]
    }

    func write(toBundle bundle: String) {
        let bytes = Array("\(process)\n\(startTime)\n\(cgroupPath)\n".utf8)
        let descriptor = open("\(bundle)/\(Self.fileName)", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        _ = Glibc.write(descriptor, bytes, bytes.count)
        close(descriptor)
    }

    static func remove(fromBundle bundle: String) { unlink("\(bundle)/\(fileName)") }

    /// Whether the marked process still runs.
    var isAlive: Bool { process > 0 && startTime > 0 && Self.startTime(of: process) == startTime }

    /// Kills the process and everything in its cgroup, and removes the cgroup. Returns what could not be done.
    func clean() -> String? {
        if isAlive { kill(process, SIGKILL) }
        // A native container may have none; the empty path would be everybody's.
        guard !cgroupPath.isEmpty else { return nil }
        defer { CGroupParents.removeEmpty(above: cgroupPath) }
        do {
            try Leftovers(cgroupPath: cgroupPath).clean(timeoutMilliseconds: 3000)
            return nil
        } catch { return "cgroup \(cgroupPath): \(error)" }
    }

    private static func startTime(of process: Int32) -> UInt64? {
        guard let text = try? Files.readText("/proc/\(process)/stat"), let end = text.lastIndex(of: ")") else {
            return nil
        }
        let fields = text[text.index(after: end)...].split(separator: " ")
        // Field 3 is the first after the name; a zombie holds its number but runs no more.
        guard fields.count > 19, fields[0] != "Z" else { return nil }
        return UInt64(fields[19])
    }
}

/// The groups above a container's: `swiftlet-INSTANCE/podUID`.
package enum CGroupParents {
    /// Removes the pod's if it is empty; the kernel refuses otherwise. The instance's stays: another pod's shim may be
    /// about to make its own group in it.
    package static func removeEmpty(above path: String) {
        var parts = path.split(separator: "/").map(String.init)
        guard parts.first?.hasPrefix("swiftlet") == true, let mounts = try? CGroupMounts.detect() else { return }
        let roots = mounts.isUnified ? [mounts.unified].compactMap { $0 } : Array(Set(mounts.controllers.values))
        parts.removeLast()
        while parts.count > 1 {
            for root in roots { rmdir("\(root)/\(parts.joined(separator: "/"))") }
            parts.removeLast()
        }
    }
}
