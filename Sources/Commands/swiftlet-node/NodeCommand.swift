// SPDX-License-Identifier: Apache-2.0
// Swiftlet: `swiftlet node`.

import APIClient
import ArgumentParser

struct NodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node",
        abstract: "The daemon: keeps what was applied running until it is told otherwise.",
        discussion: """
            Serves the API on ROOT/api.sock and, with --api-port, on 127.0.0.1. When the daemon ends, pods go on under \
            their shims; the next daemon on the same --root adopts them.

            Examples:
              swiftlet node &
              swiftlet apply -f manifests/wasm-api.yaml
              swiftlet node --api-port 8001 & kubectl -s http://127.0.0.1:8001 get pods
            """)

    @Option(help: "Runtime folder (also: environment SWIFTLET_ROOT).")
    var root: String?

    @Option(help: "Also serve the API on 127.0.0.1 at this port, for kubectl.")
    var apiPort: Int?

    @Flag(help: "At the end, stop all pods and remove the runtime folder.")
    var removePods = false

    @Option(help: "Log level: trace, debug, info, notice, warning, error.")
    var logLevel: LogLevel = .info

    func run() async throws {
        let session = try Session(root: RuntimeRoot.path(root), apiPort: apiPort, logLevel: logLevel.level)
        try await session.run(removesPodsAtEnd: removePods) {
            writeOutput("swiftlet node: API on \(session.client.socketPath)\n")
            if let apiPort { writeOutput("swiftlet node: API on http://127.0.0.1:\(apiPort)\n") }
        }
    }
}
