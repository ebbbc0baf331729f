// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what went wrong, where the caller looks for it.
internal import Glibc
internal import Linux
internal import OCI
internal import TaskService

/// `--log FILE --log-format text|json`, as runc writes them: callers read the last `msg` of the file.
package struct RuntimeLog: Sendable {
    enum Format: String, Sendable {
        case text, json
    }

    let path: String?
    let format: Format
    let isDebug: Bool

    init(path: String?, format: String, isDebug: Bool) throws(RuntimeFailure) {
        guard let format = Format(rawValue: format) else {
            throw RuntimeFailure("--log-format: expected text or json, found \"\(format)\"")
        }
        self.path = path == "" || path == "/dev/stderr" ? nil : path
        self.format = format
        self.isDebug = isDebug
    }

    /// Errors go to stderr, too, when there is a file.
    func error(_ message: String) {
        if path != nil {
            write("error", message)
            try? Descriptors.writeAll(2, "swiftlet-oci: \(message)\n")
        } else if format == .json {
            write("error", message)
        } else {
            try? Descriptors.writeAll(2, "swiftlet-oci: \(message)\n")
        }
    }

    func warning(_ message: String) { write("warning", message) }

    func debug(_ message: String) { if isDebug { write("debug", message) } }

    private func write(_ level: String, _ message: String) {
        let time = CivilTime.now.rfc3339
        let line: String
        switch format {
        case .json:
            let json = JSON.members([("level", .string(level)), ("msg", .string(message)), ("time", .string(time))])
            line = json.text
        case .text: line = "time=\"\(time)\" level=\(level) msg=\(JSON.string(message).text)"
        }
        guard let path else {
            try? Descriptors.writeAll(2, line + "\n")
            return
        }
        // A log that cannot be written must not change what the command does.
        guard let file = try? Files.open(path, O_WRONLY | O_CREAT | O_APPEND, mode: 0o644) else { return }
        try? Descriptors.writeAll(file.rawValue, line + "\n")
    }
}
