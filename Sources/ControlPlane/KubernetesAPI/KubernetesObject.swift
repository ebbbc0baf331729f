// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what all object kinds have in common, and the list of kinds.

/// A typed object as upstream's API has it: Codable with upstream's JSON names.
public protocol KubernetesObject: Codable, Sendable, Equatable {
    /// `group/version`, or just the version for the core group.
    static var apiVersion: String { get }
    static var kind: String { get }
    /// Lower-case plural, as in URLs.
    static var resource: String { get }
    static var shortNames: [String] { get }
    static var isNamespaced: Bool { get }

    var apiVersion: String { get set }
    var kind: String { get set }
    var metadata: ObjectMeta { get set }
}

extension KubernetesObject {
    /// The API group; empty for the core group.
    public static var group: String {
        guard let slash = apiVersion.firstIndex(of: "/") else { return "" }
        return String(apiVersion[..<slash])
    }

    /// The version without its group.
    public static var version: String {
        guard let slash = apiVersion.firstIndex(of: "/") else { return apiVersion }
        return String(apiVersion[apiVersion.index(after: slash)...])
    }

    /// Lower-case singular, as in `deployment.apps/web`.
    public static var singular: String { kind.lowercased() }

    /// `kind.group/name` in lower case, as kubectl prints it.
    public var qualifiedName: String {
        let type = Self.group.isEmpty ? Self.singular : "\(Self.singular).\(Self.group)"
        return "\(type)/\(metadata.name)"
    }
}

/// The kinds that Swiftlet knows.
public enum KubernetesKinds {
    /// All of them; those a user may apply come first, in the order in which they are best created.
    public static let all: [any KubernetesObject.Type] = [
        Namespace.self, ConfigMap.self, Secret.self, Service.self, Deployment.self, ReplicaSet.self, Pod.self,
        EndpointSlice.self, Endpoints.self, Event.self, Node.self,
    ]

    /// The kind with this exact apiVersion and kind.
    public static func type(apiVersion: String, kind: String) -> (any KubernetesObject.Type)? {
        all.first { $0.apiVersion == apiVersion && $0.kind == kind }
    }

    /// The kind served under `group`, `version` and lower-case plural `resource`.
    public static func type(group: String, version: String, resource: String) -> (any KubernetesObject.Type)? {
        all.first { $0.group == group && $0.version == version && $0.resource == resource }
    }

    /// What a user may type: plural, singular, short name or kind in any case, optionally followed by `.group`.
    public static func type(named name: String) -> (any KubernetesObject.Type)? {
        let lower = name.lowercased()
        let parts = lower.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let word = parts.first else { return nil }
        return all.first { type in
            if parts.count == 2 {
                let group = type.group
                let qualifier = String(parts[1])
                guard qualifier == group || qualifier == "\(type.version).\(group)" else { return false }
            }
            return type.resource == word || type.singular == word || type.shortNames.contains(String(word))
        }
    }
}
