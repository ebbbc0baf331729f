// SPDX-License-Identifier: Apache-2.0
// Swiftlet: `swiftlet delete`.

import APIClient
import ArgumentParser
import FoundationEssentials
import KubernetesAPI

struct DeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete objects of a running swiftlet and wait until they are gone.",
        discussion: """
            Examples:
              swiftlet delete -f manifests/wasm-api.yaml
              swiftlet delete deployment wasm-api
              swiftlet delete pod/POD --grace-period 0
              swiftlet delete pods -l app=wasm-api
            """)

    @OptionGroup var client: ClientOptions

    @OptionGroup var files: ManifestOptions

    @Option(name: [.customShort("l"), .long], help: "Label selector.")
    var selector: String?

    @Option(help: "Seconds that a pod gets to end by itself; 0 kills at once.")
    var gracePeriod: Int?

    @Flag(help: "Return at once instead of waiting until the objects are gone.")
    var noWait = false

    @Flag(help: "No error for objects that do not exist.")
    var ignoreNotFound = false

    @Argument(help: "TYPE NAME…, TYPE/NAME…, or TYPE with -l.")
    var resources: [String] = []

    func run() async throws {
        var targets: [(reference: ResourceReference, namespace: String)] = []
        if !files.filename.isEmpty {
            guard resources.isEmpty else { throw CommandFailure("give either -f FILE or TYPE NAME, not both") }
            // What was created last goes first: a Service before its Namespace.
            targets = try files.load(defaultNamespace: client.namespace).reversed().map { manifest in
                (ResourceReference(type: manifest.type, name: manifest.name), manifest.namespace)
            }
        } else {
            for reference in try ResourceReference.parse(resources) {
                for name in try await names(reference) {
                    targets.append((ResourceReference(type: reference.type, name: name), client.namespace))
                }
            }
        }
        var failures = 0
        var deleted: [(reference: ResourceReference, namespace: String)] = []
        for target in targets {
            do {
                if try await delete(target.reference, namespace: target.namespace) { deleted.append(target) }
            } catch let failure as CommandFailure {
                writeError("\(failure)\n")
                failures += 1
            }
        }
        if !noWait {
            for target in deleted { try await waitUntilGone(target.reference, namespace: target.namespace) }
        }
        if failures > 0 { throw ExitCode(1) }
    }

    private func names(_ reference: ResourceReference) async throws -> [String] {
        if let name = reference.name { return [name] }
        guard let selector else {
            throw CommandFailure("name the \(reference.type.resource) to delete, or select them with -l")
        }
        let path = reference.path(namespace: client.namespace, query: [("labelSelector", selector)])
        let response = try await client.client.send(APIClient.Request("GET", path))
        guard response.isSuccess else { throw CommandFailure(response, doing: "listing \(reference.type.resource)") }
        let list = try KubernetesJSON.decode(JSONValue.self, from: response.body)
        return (list["items"]?.arrayValue ?? []).compactMap { $0["metadata"]?["name"]?.stringValue }
    }

    private func delete(_ reference: ResourceReference, namespace: String) async throws -> Bool {
        var options: [String: JSONValue] = [
            "apiVersion": .string("v1"), "kind": .string("DeleteOptions"), "propagationPolicy": .string("Background"),
        ]
        if let gracePeriod {
            guard gracePeriod >= 0 else {
                throw CommandFailure("--grace-period \(gracePeriod): expected a number from 0")
            }
            options["gracePeriodSeconds"] = .integer(Int64(gracePeriod))
        }
        let request = APIClient.Request(
            "DELETE", reference.path(namespace: namespace), body: try KubernetesJSON.encode(JSONValue.object(options)))
        let response = try await client.client.send(request)
        if response.status == 404, ignoreNotFound { return false }
        let name = "\(reference.type.singular)/\(reference.name ?? "")"
        guard response.isSuccess else { throw CommandFailure(response, doing: "deleting \(name)") }
        let group = reference.type.group.isEmpty ? "" : ".\(reference.type.group)"
        writeOutput("\(reference.type.singular)\(group) \"\(reference.name ?? "")\" deleted\n")
        return true
    }

    private func waitUntilGone(_ reference: ResourceReference, namespace: String) async throws {
        let path = reference.path(namespace: namespace)
        while true {
            let response = try await client.client.send(APIClient.Request("GET", path))
            if response.status == 404 { return }
            guard response.isSuccess else { throw CommandFailure(response, doing: "waiting for the deletion") }
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}
