// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what a command tells a person when it cannot do what was asked.

import APIClient
import FoundationEssentials
import KubernetesAPI

/// A message for standard error; the command exits with 1.
struct CommandFailure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }

    /// `Error from server (NotFound): pods "x" not found`, as kubectl says it.
    init(_ response: APIClient.Response, doing: String) {
        if let status = try? JSONDecoder().decode(Status.self, from: Data(response.body)) {
            let reason = status.reason.isEmpty ? "HTTP \(response.status)" : status.reason
            description = "Error from server (\(reason)): \(status.message)"
        } else {
            description = "Error from server (HTTP \(response.status)) while \(doing)"
        }
    }
}
