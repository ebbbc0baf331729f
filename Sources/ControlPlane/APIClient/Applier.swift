// SPDX-License-Identifier: Apache-2.0
// Swiftlet: create-or-patch of objects through the API, as `apply` and `up` do it.

public import KubernetesAPI

/// Applies manifests to a running swiftlet.
public struct Applier: Sendable {
    public enum Outcome: String, Sendable { case created, configured, unchanged }

    /// The server's refusal of an object.
    public struct Refusal: Error {
        public var response: APIClient.Response
    }

    private let client: APIClient

    public init(client: APIClient) { self.client = client }

    /// Applies one object given as JSON.
    ///
    /// - Parameters:
    ///   - collection: API path of the object's collection.
    ///   - name: The object's name.
    /// - Throws: ``Refusal`` and ``APIClientError``.
    public func apply(_ manifest: JSONValue, name: String, collection: String) async throws -> Outcome {
        let annotated = try ApplyPatch.annotated(manifest)
        let current = try await client.send(APIClient.Request("GET", "\(collection)/\(name)"))
        if current.status == 404 {
            let body = try KubernetesJSON.encode(annotated)
            let created = try await client.send(
                APIClient.Request("POST", "\(collection)?fieldManager=swiftlet&fieldValidation=Strict", body: body))
            guard created.isSuccess else { throw Refusal(response: created) }
            return .created
        }
        guard current.isSuccess else { throw Refusal(response: current) }
        let live = try KubernetesJSON.decode(JSONValue.self, from: current.body)
        let previous = try ApplyPatch.lastApplied(of: live).map(ApplyPatch.annotated)
        guard let patch = ApplyPatch.make(desired: annotated, lastApplied: previous, live: live) else {
            return .unchanged
        }
        let patched = try await client.send(
            APIClient.Request(
                "PATCH", "\(collection)/\(name)?fieldManager=swiftlet&fieldValidation=Strict",
                contentType: "application/merge-patch+json", body: try KubernetesJSON.encode(patch)))
        guard patched.isSuccess else { throw Refusal(response: patched) }
        return .configured
    }
}
