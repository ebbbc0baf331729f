// SPDX-License-Identifier: Apache-2.0
// Swiftlet: which engine runs a container, for whoever looks at its bundle.
import Glibc
import Linux
import NativeCache

/// `BUNDLE/engine`: `native LEVEL DIGEST`, or `interpreter`. There when Start is answered.
enum EngineNote {
    static let fileName = "engine"

    /// - Parameter code: what the sandbox was given, and took.
    static func write(_ code: NativeCacheKey?, toBundle bundle: String) {
        let text = code.map { "native \($0.level) \($0.module)\n" } ?? "interpreter\n"
        guard let file = try? Files.open("\(bundle)/\(fileName)", O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600) else {
            return
        }
        try? Descriptors.writeAll(file.rawValue, text)
    }
}

/// What a shim has to say beside its answers, on standard error: containerd keeps it.
enum ShimLog {
    enum Level: String { case info, warning }

    static func write(_ level: Level, _ text: String) {
        let line = text.split(separator: "\n").joined(separator: " ")
        try? Descriptors.writeAll(2, "time=\"\(CivilTime.now.rfc3339)\" level=\(level) msg=\"\(line)\"\n")
    }
}
