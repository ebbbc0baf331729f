// SPDX-License-Identifier: Apache-2.0
// Swiftlet: `swiftlet apply`.

import APIClient
import ArgumentParser

struct ApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Make a running swiftlet want what the manifests say.",
        discussion: """
            Every file is checked first; with one error nothing is applied.

            Examples:
              swiftlet apply -f manifests/wasm-api.yaml
              cat web.yaml | swiftlet apply -f -
            """)

    @OptionGroup var client: ClientOptions

    @OptionGroup var files: ManifestOptions

    func run() async throws {
        let manifests = try files.load(defaultNamespace: client.namespace)
        guard try await applyAll(manifests, client: client.client) else { throw ExitCode(1) }
    }
}

/// Applies in order and says for each object what became of it; false when the server refused one.
func applyAll(_ manifests: [Manifest], client: APIClient) async throws -> Bool {
    let applier = Applier(client: client)
    var isComplete = true
    for manifest in manifests {
        do {
            let outcome = try await applier.apply(
                manifest.json, name: manifest.name, collection: manifest.collection)
            writeOutput("\(manifest.qualifiedName) \(outcome.rawValue)\n")
        } catch let refusal as Applier.Refusal {
            let failure = CommandFailure(refusal.response, doing: "applying \(manifest.qualifiedName)")
            writeError("\(manifest.qualifiedName): \(failure)\n")
            isComplete = false
        }
    }
    return isComplete
}
