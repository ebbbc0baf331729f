// SPDX-License-Identifier: Apache-2.0
// Swiftlet: as much of OpenAPI v3 as kubectl needs to leave validation to the server.
import KubernetesAPI

/// kubectl asks here whether PATCH of a kind takes `fieldValidation`; if so, it does not validate by itself. There are
/// no schemas, so `kubectl explain` has nothing to say.
enum OpenAPI {
    /// nil if the path is not one of OpenAPI.
    static func respond(_ request: APIRequest) throws -> APIResponse? {
        guard request.path.first == "openapi" else { return nil }
        guard request.path.count >= 2, request.path[1] == "v3" else {
            throw APIError(404, "NotFound", "only /openapi/v3 is served")
        }
        if request.path.count == 2 { return try APIResponse(index) }
        let rest = Array(request.path.dropFirst(2))
        let version = rest.first == "api" ? rest.dropFirst().joined() : rest.dropFirst().joined(separator: "/")
        let types = KubernetesKinds.all.filter { $0.apiVersion == version }
        if types.isEmpty { throw APIError.unknownPath }
        return try APIResponse(document(types))
    }

    private static func root(_ version: String) -> String {
        version.contains("/") ? "apis/\(version)" : "api/\(version)"
    }

    private static var index: JSONValue {
        var paths: [String: JSONValue] = [:]
        for version in Set(KubernetesKinds.all.map { $0.apiVersion }) {
            // The hash lets kubectl keep the document; it changes when the document's form does.
            paths[root(version)] = .object(["serverRelativeURL": .string("/openapi/v3/\(root(version))?hash=1")])
        }
        return .object(["paths": .object(paths)])
    }

    private static func document(_ types: [any KubernetesObject.Type]) -> JSONValue {
        var paths: [String: JSONValue] = [:]
        for type in types {
            let scope = type.isNamespaced ? "/namespaces/{namespace}" : ""
            let parameters = ["fieldValidation", "dryRun"].map { name in
                JSONValue.object([
                    "name": .string(name), "in": .string("query"),
                    "schema": .object(["type": .string("string"), "uniqueItems": .bool(true)]),
                ])
            }
            let operation = JSONValue.object([
                "x-kubernetes-action": .string("patch"),
                "x-kubernetes-group-version-kind": .object([
                    "group": .string(type.group), "version": .string(type.version), "kind": .string(type.kind),
                ]),
                "parameters": .array(parameters),
                "responses": .object(["200": .object(["description": .string("the object")])]),
            ])
            paths["/\(root(type.apiVersion))\(scope)/\(type.resource)/{name}"] = .object(["patch": operation])
        }
        return .object([
            "openapi": .string("3.0.0"),
            "info": .object(["title": .string("Swiftlet"), "version": .string("v1")]),
            "paths": .object(paths), "components": .object(["schemas": .object([:])]),
        ])
    }
}
