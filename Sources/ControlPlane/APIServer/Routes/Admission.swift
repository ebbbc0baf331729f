// SPDX-License-Identifier: Apache-2.0
// Swiftlet: from the body of a request to an object that may be stored.
import KubernetesAPI
import Manifests

/// Reads and checks what clients send.
enum Admission {
    /// Kinds that users write; their fields are checked one by one. The others are written by Swiftlet's own parts.
    private static let checkedKinds: [any KubernetesObject.Type] = [
        Namespace.self, ConfigMap.self, Secret.self, Service.self, Deployment.self, ReplicaSet.self, Pod.self,
    ]

    /// The object in a body, with defaults, and warnings for the client.
    ///
    /// - Parameter json: the body, or what a patch has made of the stored object.
    static func decode<T: KubernetesObject>(
        _ type: T.Type, json: [UInt8], _ request: APIRequest, _ target: ResourceTarget
    ) throws(APIError) -> (object: T, warnings: [String]) {
        let value = try parse(type, json)
        let namespace = target.namespace
        let own = value["metadata"]?["namespace"]?.stringValue ?? ""
        if let namespace, !own.isEmpty, own != namespace {
            throw .badRequest("the namespace of the provided object does not match the namespace sent on the request")
        }
        // Of a status update only the status counts, which is nothing that users write.
        guard target.subresource != "status", checkedKinds.contains(where: { $0 == type }) else {
            return (try read(type, json, namespace: namespace), [])
        }
        let strictness = try strictness(request)
        do {
            let bytes = try completed(value, as: type) ?? json
            let decoded = try Manifests.decode(json: bytes, strictness: strictness, namespace: namespace)
            guard let object = decoded.object as? T else { throw APIError.badRequest("expected a \(T.kind)") }
            // A new object's author is told what has no effect; in a stored one these fields are at home.
            let warnings = decoded.warnings.filter { request.method == "POST" || $0.contains("unknown field") }
            return (object, warnings)
        } catch let error as ManifestError {
            throw APIError(status: error.status)
        } catch let error as APIError {
            throw error
        } catch {
            throw .badRequest("\(T.kind) in the request cannot be handled: \(error)")
        }
    }

    /// Upstream's default is to warn.
    private static func strictness(_ request: APIRequest) throws(APIError) -> Strictness {
        guard let text = request.query["fieldValidation"] else { return .warn }
        guard let strictness = Strictness(rawValue: text) else {
            throw .badRequest("fieldValidation: expected Ignore, Warn or Strict, found \"\(text)\"")
        }
        return strictness
    }

    private static func parse<T: KubernetesObject>(_ type: T.Type, _ json: [UInt8]) throws(APIError) -> JSONValue {
        let value: JSONValue
        do {
            value = try KubernetesJSON.decode(JSONValue.self, from: json)
        } catch {
            throw .badRequest("\(T.kind) in the request cannot be handled: \(error)")
        }
        guard case .object = value else {
            throw .badRequest("\(T.kind) in the request cannot be handled: expected an object")
        }
        // An object may leave out kind and version, but not carry others than the path says.
        let kind = value["kind"]?.stringValue ?? T.kind
        let version = value["apiVersion"]?.stringValue ?? T.apiVersion
        guard kind == T.kind, version == T.apiVersion else {
            throw .badRequest(
                "the API version in the data (\(version), Kind=\(kind)) does not match the expected API version "
                    + "(\(T.apiVersion), Kind=\(T.kind))")
        }
        return value
    }

    /// The value with its kind and version, if it lacks them.
    private static func completed<T: KubernetesObject>(_ value: JSONValue, as type: T.Type) throws -> [UInt8]? {
        guard case .object(var fields) = value, fields["kind"] == nil || fields["apiVersion"] == nil else {
            return nil
        }
        fields["kind"] = .string(T.kind)
        fields["apiVersion"] = .string(T.apiVersion)
        return try KubernetesJSON.encode(JSONValue.object(fields))
    }

    private static func read<T: KubernetesObject>(
        _ type: T.Type, _ json: [UInt8], namespace: String?
    ) throws(APIError) -> T {
        var object: T
        do {
            object = try KubernetesJSON.decode(type, from: json)
        } catch {
            throw .badRequest("\(T.kind) in the request cannot be handled: \(error)")
        }
        guard T.isNamespaced else { return object }
        if object.metadata.namespace.isEmpty { object.metadata.namespace = namespace ?? "default" }
        return object
    }

    /// Refuses invalid objects and changes of fields that may not change.
    static func checkUpdate<T: KubernetesObject>(from old: T, to new: T) throws(APIError) {
        var new = new
        if let stored = old as? Service, var service = new as? Service, service.spec.clusterIP.isEmpty {
            // Leaving the address out means to keep it.
            service.spec.clusterIP = stored.spec.clusterIP
            new = service as? T ?? new
        }
        let errors = Manifests.validateUpdate(from: old, to: new)
        guard errors.isEmpty else {
            throw APIError(status: ManifestError(errors: errors, subject: ManifestError.Subject(new)).status)
        }
    }
}
