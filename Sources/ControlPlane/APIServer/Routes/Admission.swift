// SPDX-License-Identifier: Apache-2.0
// Swiftlet: from the body of a request to an object that may be stored.
import KubernetesAPI
import Manifests

/// Reads and checks what clients send.
enum Admission {
    /// The object in a request body, with defaults, and warnings for the client.
    static func decode<T: KubernetesObject>(
        _ type: T.Type, _ request: APIRequest, namespace: String?
    ) throws(APIError) -> (object: T, warnings: [String]) {
        try decode(type, json: request.body, request, namespace: namespace)
    }

    static func decode<T: KubernetesObject>(
        _ type: T.Type, json: [UInt8], _ request: APIRequest, namespace: String?
    ) throws(APIError) -> (object: T, warnings: [String]) {
        do {
            let value = try KubernetesJSON.decode(JSONValue.self, from: json)
            try checkKind(type, of: value)
            var object = try KubernetesJSON.decode(type, from: json)
            if T.isNamespaced {
                if object.metadata.namespace.isEmpty { object.metadata.namespace = namespace ?? "default" }
                if let namespace, object.metadata.namespace != namespace {
                    throw APIError.badRequest(
                        "the namespace of the provided object does not match the namespace sent on the request")
                }
            }
            return (object, [])
        } catch let error as APIError {
            throw error
        } catch {
            throw .badRequest("\(T.kind) in the request cannot be handled: \(error)")
        }
    }

    /// An object may leave out kind and version, but not carry others than the path says.
    static func checkKind<T: KubernetesObject>(_ type: T.Type, of value: JSONValue) throws(APIError) {
        let kind = value["kind"]?.stringValue ?? T.kind
        let version = value["apiVersion"]?.stringValue ?? T.apiVersion
        guard kind == T.kind, version == T.apiVersion else {
            throw .badRequest(
                "the API version in the data (\(version), Kind=\(kind)) does not match the expected API version "
                    + "(\(T.apiVersion), Kind=\(T.kind))")
        }
    }

    /// Refuses changes of fields that may not change.
    static func checkUpdate<T: KubernetesObject>(from old: T, to new: T) throws(APIError) {
    }
}
