// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the options that every client verb has.

import APIClient
import ArgumentParser
import FoundationEssentials
import Glibc

struct ClientOptions: ParsableArguments {
    @Option(name: [.short, .long], help: "Namespace of the objects.")
    var namespace: String = "default"

    @Option(help: "Runtime folder of the running `swiftlet up` or `swiftlet node` (also: environment SWIFTLET_ROOT).")
    var root: String?

    var client: APIClient { APIClient(socketPath: RuntimeRoot.path(root) + "/api.sock") }
}

/// Where a running swiftlet keeps its socket, store, logs and pods.
enum RuntimeRoot {
    static func path(_ option: String?) -> String {
        if let option { return absolute(option) }
        if let value = ProcessInfo.processInfo.environment["SWIFTLET_ROOT"], !value.isEmpty { return absolute(value) }
        if geteuid() == 0 { return "/run/swiftlet" }
        if let runtime = ProcessInfo.processInfo.environment["XDG_RUNTIME_DIR"], !runtime.isEmpty {
            return runtime + "/swiftlet"
        }
        return "/tmp/swiftlet-\(geteuid())"
    }

    private static func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        guard let working = getcwd(nil, 0) else { return path }
        defer { free(working) }
        return String(cString: working) + "/" + path
    }
}

/// Writes to standard output at once, without buffering behind a pipe.
func writeOutput(_ text: String) { writeAll(Array(text.utf8)[...], to: STDOUT_FILENO) }

func writeError(_ text: String) { writeAll(Array(text.utf8)[...], to: STDERR_FILENO) }

func writeAll(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) {
    var rest = bytes
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
    }
}
