// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what of a container's wall this user or kernel could not give, for whoever started the shim.
import Glibc

/// `BUNDLE/warnings`: one line each; no file when nothing is missing. There when Start is answered.
enum LaunchWarnings {
    static let fileName = "warnings"

    static func write(_ warnings: [String], toBundle bundle: String) {
        let path = "\(bundle)/\(fileName)"
        guard !warnings.isEmpty else {
            unlink(path)
            return
        }
        let lines = warnings.map { $0.split(separator: "\n").joined(separator: " ") + "\n" }
        let bytes = Array(lines.joined().utf8)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        _ = Glibc.write(descriptor, bytes, bytes.count)
        close(descriptor)
    }
}
