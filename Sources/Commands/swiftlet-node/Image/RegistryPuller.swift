// SPDX-License-Identifier: Apache-2.0
// Swiftlet: how the node of `up` and `node` fetches images.

import FoundationEssentials
import Images
import NodeAgent
import Registry

/// Pulls as `swiftlet image pull` does, with the pod's secrets first.
struct RegistryPuller: ImagePulling {
    private let environment = ProcessInfo.processInfo.environment

    /// The machine's store: what `swiftlet image build` has made is there for pods.
    static func images() -> NodeImages {
        NodeImages(
            root: ContentStore.standardRoot(ProcessInfo.processInfo.environment), puller: RegistryPuller())
    }

    func pull(_ name: ImageName, into store: ContentStore, secrets: [PullSecret]) async throws(ImageError) {
        // Read each time: somebody may have logged in, or named a mirror, since.
        var registry = try Registry.standard(store, environment)
        var files: [CredentialFile] = []
        for secret in secrets {
            files.append(try CredentialFile(parsing: secret.content, name: "secret \(secret.name)"))
        }
        registry.credentials.files = files + registry.credentials.files
        try await registry.pull(name)
    }
}
