// SPDX-License-Identifier: Apache-2.0
// Swiftlet: where the runtime for native programs is.
import Glibc
import Linux

/// runc, or what takes its command line.
package enum NativeProgram {
    /// `SWIFTLET_RUNC`, or the first of runc and crun in PATH and where Debian, Fedora and others put them.
    package static func find() -> String? {
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
                guard let real = realPath(candidate), real != own, !real.hasSuffix("/swiftlet-oci") else { continue }
                return candidate
            }
        }
        return nil
    }

    package static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
