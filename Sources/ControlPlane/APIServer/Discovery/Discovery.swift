// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what the API can do, as clients ask for it: /version, /api, /apis, plain and aggregated.
import KubernetesAPI

/// Answers discovery requests; all of it follows from the list of kinds.
struct Discovery: Sendable {
    let version: String

    /// The version of the Kubernetes API whose behaviour this server follows.
    static let kubernetesVersion = (major: "1", minor: "32")

    private static let verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]

    /// nil if `path` is no discovery path.
    func respond(_ request: APIRequest) throws -> APIResponse? {
        switch request.path {
        case ["version"]: return try APIResponse(versionInformation)
        case ["healthz"], ["livez"], ["readyz"]: return .text("ok")
        case ["api"]:
            if let version = request.aggregatedDiscoveryVersion { return try aggregated([""], version) }
            return try APIResponse(
                JSONValue.object([
                    "kind": .string("APIVersions"), "versions": .array([.string("v1")]),
                    "serverAddressByClientCIDRs": .array([]),
                ]))
        case ["apis"]:
            if let version = request.aggregatedDiscoveryVersion { return try aggregated(Self.groups, version) }
            return try APIResponse(
                JSONValue.object([
                    "kind": .string("APIGroupList"), "apiVersion": .string("v1"),
                    "groups": .array(Self.groups.map(groupDescription)),
                ]))
        default: break
        }
        if request.path.count == 2, request.path[0] == "apis", Self.groups.contains(request.path[1]) {
            guard case .object(var group) = groupDescription(request.path[1]) else { return nil }
            group["kind"] = .string("APIGroup")
            group["apiVersion"] = .string("v1")
            return try APIResponse(JSONValue.object(group))
        }
        if let version = groupVersion(of: request.path) { return try APIResponse(resourceList(version)) }
        return nil
    }

    /// Groups other than the core group, in order.
    static var groups: [String] { Set(KubernetesKinds.all.map { $0.group }).subtracting([""]).sorted() }

    /// `v1` or `apps/v1` if the path is exactly that of a group version.
    private func groupVersion(of path: [String]) -> String? {
        let text: String
        switch (path.first, path.count) {
        case ("api", 2): text = path[1]
        case ("apis", 3): text = "\(path[1])/\(path[2])"
        default: return nil
        }
        return KubernetesKinds.all.contains { $0.apiVersion == text } ? text : nil
    }

    private var versionInformation: JSONValue {
        .object([
            "major": .string(Self.kubernetesVersion.major), "minor": .string(Self.kubernetesVersion.minor),
            "gitVersion": .string(
                "v\(Self.kubernetesVersion.major).\(Self.kubernetesVersion.minor).0+swiftlet-\(version)"),
            "gitCommit": .string(""), "gitTreeState": .string(""), "buildDate": .string("1970-01-01T00:00:00Z"),
            "goVersion": .string("swift"), "compiler": .string("swift"), "platform": .string("linux/amd64"),
        ])
    }

    private func groupDescription(_ group: String) -> JSONValue {
        let version = KubernetesKinds.all.first { $0.group == group }?.apiVersion ?? group
        let entry = JSONValue.object([
            "groupVersion": .string(version), "version": .string(String(version.dropFirst(group.count + 1))),
        ])
        return .object(["name": .string(group), "versions": .array([entry]), "preferredVersion": entry])
    }

    // MARK: - Resources

    static func subresources(of type: any KubernetesObject.Type) -> [String] {
        if type == Pod.self { return ["log", "status"] }
        if type is any Scalable.Type { return ["scale", "status"] }
        let withStatus: [any KubernetesObject.Type] = [Service.self, Namespace.self, Node.self]
        return withStatus.contains { $0 == type } ? ["status"] : []
    }

    private func verbs(ofSubresource name: String) -> JSONValue {
        .array((name == "log" ? ["get"] : ["get", "patch", "update"]).map { .string($0) })
    }

    /// kubectl's `get all`.
    private func categories(of type: any KubernetesObject.Type) -> [JSONValue] {
        let all: [any KubernetesObject.Type] = [Pod.self, Service.self, Deployment.self, ReplicaSet.self]
        return all.contains { $0 == type } ? [.string("all")] : []
    }

    private func resourceList(_ groupVersion: String) -> JSONValue {
        var resources: [JSONValue] = []
        for type in KubernetesKinds.all where type.apiVersion == groupVersion {
            var entry: [String: JSONValue] = [
                "name": .string(type.resource), "singularName": .string(type.singular),
                "namespaced": .bool(type.isNamespaced), "kind": .string(type.kind),
                "verbs": .array(Self.verbs.map { .string($0) }),
                "shortNames": .array(type.shortNames.map { .string($0) }),
            ]
            if !categories(of: type).isEmpty { entry["categories"] = .array(categories(of: type)) }
            resources.append(.object(entry))
            for name in Self.subresources(of: type) {
                var entry: [String: JSONValue] = [
                    "name": .string("\(type.resource)/\(name)"), "singularName": .string(""),
                    "namespaced": .bool(type.isNamespaced), "kind": .string(name == "scale" ? "Scale" : type.kind),
                    "verbs": verbs(ofSubresource: name),
                ]
                if name == "scale" {
                    entry["group"] = .string("autoscaling")
                    entry["version"] = .string("v1")
                }
                resources.append(.object(entry))
            }
        }
        return .object([
            "kind": .string("APIResourceList"), "apiVersion": .string("v1"), "groupVersion": .string(groupVersion),
            "resources": .array(resources),
        ])
    }

    private func aggregated(_ groups: [String], _ version: String) throws -> APIResponse {
        let items = groups.map { group -> JSONValue in
            let types = KubernetesKinds.all.filter { $0.group == group }
            let entry = JSONValue.object([
                "version": .string(types.first?.version ?? "v1"), "freshness": .string("Current"),
                "resources": .array(types.map(aggregatedResource)),
            ])
            let metadata: [String: JSONValue] = group.isEmpty ? [:] : ["name": .string(group)]
            return .object(["metadata": .object(metadata), "versions": .array([entry])])
        }
        var response = try APIResponse(
            JSONValue.object([
                "kind": .string("APIGroupDiscoveryList"), "apiVersion": .string("apidiscovery.k8s.io/\(version)"),
                "metadata": .object([:]), "items": .array(items),
            ]))
        response.contentType = "application/json;g=apidiscovery.k8s.io;v=\(version);as=APIGroupDiscoveryList"
        return response
    }

    private func aggregatedResource(_ type: any KubernetesObject.Type) -> JSONValue {
        func kind(_ group: String, _ version: String, _ kind: String) -> JSONValue {
            .object(["group": .string(group), "version": .string(version), "kind": .string(kind)])
        }
        let own = kind(type.group, type.version, type.kind)
        let subresources = Self.subresources(of: type).map { name in
            JSONValue.object([
                "subresource": .string(name),
                "responseKind": name == "scale" ? kind("autoscaling", "v1", "Scale") : own,
                "verbs": verbs(ofSubresource: name),
            ])
        }
        return .object([
            "resource": .string(type.resource), "responseKind": own,
            "scope": .string(type.isNamespaced ? "Namespaced" : "Cluster"), "singularResource": .string(type.singular),
            "verbs": .array(Self.verbs.map { .string($0) }), "shortNames": .array(type.shortNames.map { .string($0) }),
            "categories": .array(categories(of: type)), "subresources": .array(subresources),
        ])
    }
}
