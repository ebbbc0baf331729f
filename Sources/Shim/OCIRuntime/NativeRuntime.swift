// SPDX-License-Identifier: Apache-2.0
// Swiftlet: native programs are runc's business.
internal import Glibc
internal import Linux
internal import TaskService

/// Hands the invocation over to runc, which keeps its containers below `ROOT/native`: with the same words it does the
/// same, and every later command for that container goes the same way.
struct NativeRuntime {
    private let runtime: OCIRuntime

    init(_ runtime: OCIRuntime) { self.runtime = runtime }

    /// The words for runc: its own root, the other global options, and the command as it came.
    var words: [String] {
        var words = ["--root", runtime.store.nativeRoot]
        for name in ["log", "log-format", "rootless"] {
            if let value = runtime.arguments.global[name]?.last { words += ["--\(name)", value] }
        }
        if runtime.arguments.global["debug"]?.last == "true" { words.append("--debug") }
        if runtime.expectsSystemdPath { words.append("--systemd-cgroup") }
        return words + runtime.arguments.commandWords
    }

    /// Becomes runc; returns only the reason why that was impossible.
    func handOver() -> RuntimeFailure {
        guard let path = NativeProgram.find() else {
            return RuntimeFailure(
                "a native program needs runc, and there is none in PATH (or name it in SWIFTLET_RUNC)")
        }
        do { try ContainerStore.makeDirectories(runtime.store.nativeRoot) } catch { return RuntimeFailure("\(error)") }
        let error = replaceProcess(path: path, arguments: [path] + words)
        return RuntimeFailure("exec \(path): \(error)")
    }

    /// What runc prints for some other words about its containers; nil when it fails or is not there.
    func output(_ command: [String]) -> [UInt8]? {
        guard let path = NativeProgram.find(), Files.exists(runtime.store.nativeRoot) else { return nil }
        return try? ToolOutput.run(path, ["--root", runtime.store.nativeRoot] + command)
    }
}
