// SPDX-License-Identifier: Apache-2.0
// Swiftlet: as much of OpenAPI as kubectl needs to leave validation to the server.
import KubernetesAPI

/// kubectl asks here whether PATCH of a kind takes `fieldValidation`; if so, it does not validate by itself. There are
/// no schemas, so `kubectl explain` has nothing to say.
enum OpenAPI {
    /// nil if the path is not one of OpenAPI.
    static func respond(_ request: APIRequest) throws -> APIResponse? {
        guard request.path.first == "openapi" else { return nil }
        if request.path == ["openapi", "v2"] {
            return APIResponse(
                contentType: "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
                body: .bytes(emptyVersion2Document))
        }
        guard request.path.count >= 2, request.path[1] == "v3" else {
            throw APIError(404, "NotFound", "only /openapi/v2 and /openapi/v3 are served")
        }
        if request.path.count == 2 { return try APIResponse(index) }
        let rest = Array(request.path.dropFirst(2))
        let version = rest.first == "api" ? rest.dropFirst().joined() : rest.dropFirst().joined(separator: "/")
        let types = KubernetesKinds.all.filter { $0.apiVersion == version }
        if types.isEmpty { throw APIError.unknownPath }
        return try APIResponse(document(types))
    }

    /// What kubectl before 1.27 (Debian 12 has 1.20) reads before each apply: a document in protobuf without a definition.
    /// A kind without a definition is not validated by such a kubectl; the server does it.
    ///
    /// Fields of `openapi.v2.Document`: 1 swagger, 2 info (1 title, 2 version), 8 paths.
    private static let emptyVersion2Document: [UInt8] = {
        func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] { [number << 3 | 2, UInt8(bytes.count)] + bytes }
        let info = field(1, Array("Swiftlet".utf8)) + field(2, Array("v1".utf8))
        return field(1, Array("2.0".utf8)) + field(2, info) + field(8, [])
    }()

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
