// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what `up` writes on objects, and objects as the server lists them.

import KubernetesAPI

extension Manifest {
    /// Kinds that a user applies, in the order in which leftovers are removed.
    static let appliedTypes: [any KubernetesObject.Type] = [
        Deployment.self, ReplicaSet.self, Pod.self, Service.self, ConfigMap.self, Secret.self,
    ]

    mutating func annotate(_ key: String, _ value: String) {
        guard case .object(var fields) = json, case .object(var metadata)? = fields["metadata"] else { return }
        var annotations: [String: JSONValue] = [:]
        if case .object(let existing)? = metadata["annotations"] { annotations = existing }
        annotations[key] = .string(value)
        metadata["annotations"] = .object(annotations)
        fields["metadata"] = .object(metadata)
        json = .object(fields)
    }

    func annotation(_ key: String) -> String? { json["metadata"]?["annotations"]?[key]?.stringValue }

    /// Whether a controller made it; it goes with its owner, whose annotations it may have inherited.
    var isOwned: Bool { json["metadata"]?["ownerReferences"]?.arrayValue?.isEmpty == false }

    /// The objects of a List.
    static func items(of body: [UInt8], type: any KubernetesObject.Type) throws -> [Manifest] {
        let list = try KubernetesJSON.decode(JSONValue.self, from: body)
        return (list["items"]?.arrayValue ?? []).compactMap { item in
            guard let name = item["metadata"]?["name"]?.stringValue else { return nil }
            let namespace = item["metadata"]?["namespace"]?.stringValue ?? ""
            return Manifest(type: type, name: name, namespace: namespace, json: item)
        }
    }

    private init(type: any KubernetesObject.Type, name: String, namespace: String, json: JSONValue) {
        self.type = type
        self.name = name
        self.namespace = namespace
        self.json = json
    }
}
