// SPDX-License-Identifier: Apache-2.0
// Swiftlet: `-f FILE…` of the verbs that read manifests.

import ArgumentParser
import KubernetesAPI
import Manifests

struct ManifestOptions: ParsableArguments {
    @Option(
        name: [.customShort("f"), .long], parsing: .upToNextOption,
        help: "Manifests: files, folders, or - for standard input.")
    var filename: [String] = []

    @Flag(name: [.customShort("R"), .long], help: "Look into the folders below as well.")
    var recursive = false

    /// Reads all manifests; prints every error with its place and fails when there is one.
    func load(defaultNamespace: String) throws -> [Manifest] {
        guard !filename.isEmpty else { throw CommandFailure("name at least one manifest with -f FILE") }
        let result = Manifests.load(paths: filename, recursive: recursive)
        for warning in result.warnings { writeError("warning: \(warning)\n") }
        guard result.isValid else {
            let count = result.errors.count
            throw CommandFailure(
                result.errors.map(\.description).joined(separator: "\n")
                    + "\n\(count) error\(count == 1 ? "" : "s"): nothing was applied")
        }
        return try result.objects.map { try Manifest($0.object, defaultNamespace: defaultNamespace) }
    }
}

/// An object of a manifest, ready to be sent.
struct Manifest {
    var type: any KubernetesObject.Type
    var name: String
    var namespace: String
    /// Without the status, which is not the user's to say.
    var json: JSONValue

    init(_ object: any KubernetesObject, defaultNamespace: String) throws {
        type = Swift.type(of: object)
        name = object.metadata.name
        var object = object
        if type.isNamespaced, object.metadata.namespace.isEmpty { object.metadata.namespace = defaultNamespace }
        namespace = object.metadata.namespace
        let value = try KubernetesJSON.decode(JSONValue.self, from: KubernetesJSON.encode(object))
        if case .object(var fields) = value {
            fields["status"] = nil
            json = .object(fields)
        } else {
            json = value
        }
    }

    /// `deployment.apps/web`.
    var qualifiedName: String {
        type.group.isEmpty ? "\(type.singular)/\(name)" : "\(type.singular).\(type.group)/\(name)"
    }

    var collection: String { ResourceReference(type: type, name: nil).path(namespace: namespace) }
}
