// SPDX-License-Identifier: Apache-2.0
// Swiftlet: native programs are runc's business.
internal import Glibc
internal import Linux

/// Hands the invocation over to runc, which keeps its containers below `ROOT/native`: with the same words it does the
/// same, and every later command for that container goes the same way.
struct NativeRuntime {
    private let runtime: OCIRuntime

    init(_ runtime: OCIRuntime) { self.runtime = runtime }

    /// `SWIFTLET_RUNC`, or the first of runc and crun in PATH and where Debian, Fedora and others put them.
    static func find() -> String? {
        if let path = getenv("SWIFTLET_RUNC") { return String(cString: path) }
        let own = (try? Files.linkTarget("/proc/self/exe")) ?? ""
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        let directories =
            path.split(separator: ":").map(String.init) + [
                "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin",
            ]
        for name in ["runc", "crun"] {
            for directory in directories where access("\(directory)/\(name)", X_OK) == 0 {
                let candidate = "\(directory)/\(name)"
                // Somebody may have put us in runc's place.
                if realPath(candidate) != own { return candidate }
            }
        }
        return nil
    }

    static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

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
        guard let path = Self.find() else {
            return RuntimeFailure(
                "a native program needs runc, and there is none in PATH (or name it in SWIFTLET_RUNC)")
        }
        do { try ContainerStore.makeDirectories(runtime.store.nativeRoot) } catch { return RuntimeFailure("\(error)") }
        let error = replaceProcess(path: path, arguments: [path] + words)
        return RuntimeFailure("exec \(path): \(error)")
    }

    /// What runc prints for some other words about its containers; nil when it fails or is not there.
    func output(_ command: [String]) -> [UInt8]? {
        guard let path = Self.find(), Files.exists(runtime.store.nativeRoot) else { return nil }
        return try? ToolOutput.run(path, ["--root", runtime.store.nativeRoot] + command)
    }
}
