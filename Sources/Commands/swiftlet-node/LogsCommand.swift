// SPDX-License-Identifier: Apache-2.0
// Swiftlet: `swiftlet logs`.

import APIClient
import ArgumentParser
import Glibc
import KubernetesAPI

struct LogsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Print what a container wrote.",
        discussion: """
            Examples:
              swiftlet logs wasm-api-6d4cf56db6-x2x8k
              swiftlet logs -f POD -c CONTAINER --tail 20
              swiftlet logs POD --previous
            """)

    @OptionGroup var client: ClientOptions

    @Option(name: .shortAndLong, help: "The container; needed when the pod has several.")
    var container: String?

    @Flag(name: .shortAndLong, help: "Go on with new lines until the container ends.")
    var follow = false

    @Flag(name: .shortAndLong, help: "The container's previous run.")
    var previous = false

    @Flag(help: "The time of each line before it.")
    var timestamps = false

    @Option(help: "Only the last N lines.")
    var tail: Int?

    @Option(help: "Only lines of the last duration, as in 90s, 5m, 2h.")
    var since: String?

    @Argument(help: "POD or pod/POD.")
    var pod: String

    func run() async throws {
        let name = pod.hasPrefix("pod/") ? String(pod.dropFirst(4)) : pod
        var query: [(String, String)] = []
        if let container { query.append(("container", container)) }
        if follow { query.append(("follow", "true")) }
        if previous { query.append(("previous", "true")) }
        if timestamps { query.append(("timestamps", "true")) }
        if let tail {
            guard tail >= 0 else { throw CommandFailure("--tail \(tail): expected a number from 0") }
            query.append(("tailLines", String(tail)))
        }
        if let since { query.append(("sinceSeconds", String(try Self.seconds(since)))) }
        let base = ResourceReference(type: Pod.self, name: name).path(namespace: client.namespace)
        let suffix = query.isEmpty ? "" : "?" + query.map { "\($0.0)=\(percentEncoded($0.1))" }.joined(separator: "&")
        var refusal: [UInt8] = []
        var isSuccess = true
        let status = try await client.client.stream(
            APIClient.Request("GET", "\(base)/log\(suffix)", accept: "*/*"),
            onHead: { isSuccess = $0 == 200 },
            onBody: { chunk in
                if isSuccess { writeAll(chunk, to: STDOUT_FILENO) } else { refusal.append(contentsOf: chunk) }
            })
        guard isSuccess else {
            throw CommandFailure(APIClient.Response(status: status, body: refusal), doing: "reading the log")
        }
    }

    /// `90s`, `5m`, `2h` → seconds.
    private static func seconds(_ text: String) throws -> Int {
        let factors: [Character: Int] = ["s": 1, "m": 60, "h": 3600]
        if let unit = text.last, let factor = factors[unit], let number = Int(text.dropLast()), number > 0 {
            return number * factor
        }
        throw CommandFailure("--since \(text): expected a duration such as 90s, 5m or 2h")
    }
}
