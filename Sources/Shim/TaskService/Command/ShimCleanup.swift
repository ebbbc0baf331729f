// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the delete command, and what a killed shim leaves behind.
import Glibc
import Linux
import Protobuf
import TTRPC
import TaskAPI

/// `DIRECTORY/shim.pid`: the daemon that was started here.
struct ShimMark {
    static let fileName = "shim.pid"
    var process: Int32

    init(process: Int32) { self.process = process }

    init?(directory: String) {
        guard let text = try? Files.readText("\(directory)/\(Self.fileName)", limit: 64),
            let process = Int32(text.prefix { $0 != "\n" })
        else { return nil }
        self.process = process
    }

    func write(to directory: String) {
        let bytes = Array("\(process)\n".utf8)
        let descriptor = open("\(directory)/\(Self.fileName)", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        _ = Glibc.write(descriptor, bytes, bytes.count)
        close(descriptor)
    }

    /// The number may be somebody else's by now: it must be a shim, and in this directory.
    func isAlive(in directory: String) -> Bool {
        guard ProcessTable.arguments(of: process).first == ShimStart.daemonName,
            let current = try? Files.linkTarget("/proc/\(process)/cwd")
        else { return false }
        return current == directory
    }
}

/// Cleans up without a daemon.
public enum ShimCleanup {
    /// What `delete` does and prints: kills what runs of the bundle, removes its cgroup, answers how it ended.
    ///
    /// containerd calls it when a shim has died, and after an orderly end; twice is fine.
    public static func delete(_ arguments: ShimArguments, directory: String) -> [UInt8] {
        let bundle = arguments.bundle.isEmpty ? directory : arguments.bundle
        killShim(bundle)
        unlink("\(bundle)/\(ShimMark.fileName)")
        removeSocket(bundle)
        let process = SandboxMark(bundle: bundle)?.process ?? 0
        cleanBundle(bundle)
        for child in bundles(in: bundle) { cleanBundle(child) }
        let now = CivilTime.now.nanosecondsSince1970
        return DeleteResponse(
            pid: UInt32(bitPattern: process), exitStatus: 137,
            exitedAt: Timestamp(
                seconds: Int64(now / 1_000_000_000), nanoseconds: Int32(now % 1_000_000_000))
        ).protobufBytes
    }

    /// Kills the daemon that was started in a directory, if it lives; its sandboxes go with it.
    static func killShim(_ directory: String) {
        guard let mark = ShimMark(directory: directory), mark.isAlive(in: directory) else { return }
        kill(mark.process, SIGKILL)
        waitForEnd { !mark.isAlive(in: directory) }
    }

    /// Cleans the bundles below a pod's directory, and the directory itself if it is one.
    static func cleanPod(_ directory: String) {
        cleanBundle(directory)
        for child in bundles(in: directory) { cleanBundle(child) }
    }

    private static func bundles(in directory: String) -> [String] {
        ((try? Files.names(in: directory)) ?? []).map { "\(directory)/\($0)" }
            .filter { access("\($0)/\(SandboxMark.fileName)", F_OK) == 0 }
    }

    private static func cleanBundle(_ bundle: String) {
        guard let mark = SandboxMark(bundle: bundle) else { return }
        NativeRuntime.removeAbandoned(
            bundlePath: bundle, id: bundle.split(separator: "/").last.map(String.init) ?? bundle)
        let problem = mark.clean()
        waitForEnd { !mark.isAlive }
        if access("\(bundle)/\(ExitRecord.fileName)", F_OK) != 0 {
            let message = "the shim was killed" + (problem.map { "; \($0)" } ?? "")
            ExitRecord(exitCode: 137, signal: SIGKILL, reason: "Error", message: message).write(toBundle: bundle)
        }
        removeTree("\(bundle)/tmpfs")
        RootMounts.unmount("\(bundle)/rootfs")
        SandboxMark.remove(fromBundle: bundle)
    }

    /// The daemon removes its socket; a killed one could not.
    private static func removeSocket(_ directory: String) {
        guard let address = try? Files.readText("\(directory)/address", limit: 4096), address.hasPrefix("unix:///")
        else { return }
        let path = String(address.dropFirst(7))
        // A process that is being killed takes connections to its last moment: only an answer is life.
        if UnixSocket.isAlive(path), ShimStart.answers(path) { return }
        unlink(path)
    }

    private static func waitForEnd(_ isOver: () -> Bool) {
        let deadline = Clock.monotonicNanoseconds() + 3_000_000_000
        while !isOver(), Clock.monotonicNanoseconds() < deadline { Clock.sleep(milliseconds: 2) }
    }
}
