// SPDX-License-Identifier: Apache-2.0
// Swiftlet: `swiftlet up`.

import APIClient
import ArgumentParser
import KubernetesAPI
import Logging

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Run manifests in the foreground: pods get Ready, logs stream, Ctrl-C stops and cleans up.",
        discussion: """
            Meanwhile `swiftlet get|logs|apply|delete` work from another terminal. If the process is killed, the pods \
            go on; the next `up` on the same --root adopts them and removes what its manifests no longer name.

            Examples:
              swiftlet up -f manifests/wasm-api.yaml
              swiftlet up -f manifests/ -R --quiet

            Exit status: 0 after Ctrl-C, 1 when the manifests are refused or a part fails.
            """)

    @OptionGroup var files: ManifestOptions

    @Option(help: "Runtime folder (also: environment SWIFTLET_ROOT).")
    var root: String?

    @Option(name: .shortAndLong, help: "Namespace of objects that name none.")
    var namespace: String = "default"

    @Option(help: "Also serve the API on 127.0.0.1 at this port, for kubectl.")
    var apiPort: Int?

    @Flag(help: "Do not stream the containers' logs.")
    var quiet = false

    @Option(help: "Log level of Swiftlet itself: trace, debug, info, notice, warning, error.")
    var logLevel: LogLevel = .warning

    func run() async throws {
        let manifests = try files.load(defaultNamespace: namespace)
        let session = try Session(root: RuntimeRoot.path(root), apiPort: apiPort, logLevel: logLevel.level)
        let view = ProgressView(store: session.instance.store, showsLogs: !quiet) { [instance = session.instance] in
            instance.logPath(of: $0, container: $1)
        }
        try await session.run(removesPodsAtEnd: true) {
            try await Self.removeLeftovers(than: manifests, client: session.client)
            guard try await applyAll(manifests.map(Self.marked), client: session.client) else {
                throw CommandFailure("the manifests were refused")
            }
            await view.run()
        }
    }

    /// Marks what `up` applied, so that the next `up` after a crash knows what is its to remove.
    private static let annotation = "swiftlet.dev/applied-by"

    private static func marked(_ manifest: Manifest) -> Manifest {
        var manifest = manifest
        manifest.annotate(annotation, "up")
        return manifest
    }

    /// Objects that a crashed `up` applied and these manifests do not name.
    private static func removeLeftovers(than manifests: [Manifest], client: APIClient) async throws {
        let wanted = Set(manifests.map { "\($0.namespace)/\($0.qualifiedName)" })
        for type in Manifest.appliedTypes {
            let path = ResourceReference(type: type, name: nil).path(namespace: nil)
            let response = try await client.send(APIClient.Request("GET", path))
            guard response.isSuccess else { throw CommandFailure(response, doing: "listing \(type.resource)") }
            for existing in try Manifest.items(of: response.body, type: type)
            where !existing.isOwned && existing.annotation(annotation) == "up"
                && !wanted.contains("\(existing.namespace)/\(existing.qualifiedName)")
            {
                let gone = try await client.send(
                    APIClient.Request("DELETE", "\(existing.collection)/\(existing.name)"))
                if gone.isSuccess { writeOutput("\(existing.qualifiedName) removed (left by an earlier run)\n") }
            }
        }
    }
}

/// swift-log's levels as an option.
enum LogLevel: String, ExpressibleByArgument, CaseIterable {
    case trace, debug, info, notice, warning, error

    var level: Logger.Level {
        switch self {
        case .trace: .trace
        case .debug: .debug
        case .info: .info
        case .notice: .notice
        case .warning: .warning
        case .error: .error
        }
    }
}
