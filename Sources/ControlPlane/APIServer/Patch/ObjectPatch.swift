// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the patches that clients may send.
import KubernetesAPI

/// A change of an object as its body describes it.
struct ObjectPatch: Sendable {
    private enum Form {
        case merge
        case strategicMerge
        case json
    }

    private let form: Form
    private let value: JSONValue

    /// - Throws: 415 for other forms, 400 for a body that is no JSON.
    init(_ request: APIRequest) throws(APIError) {
        let forms: [String: Form] = [
            "application/merge-patch+json": .merge, "application/strategic-merge-patch+json": .strategicMerge,
            "application/json-patch+json": .json,
        ]
        guard let form = forms[request.mediaType] else {
            if request.mediaType == "application/apply-patch+yaml" {
                throw APIError(
                    415, "UnsupportedMediaType",
                    "server-side apply is not supported by this server; use client-side apply")
            }
            throw .unsupportedMediaType(request.mediaType, accepted: forms.keys.sorted())
        }
        self.form = form
        do {
            value = try KubernetesJSON.decode(JSONValue.self, from: request.body)
        } catch {
            throw .badRequest("error decoding patch: \(error)")
        }
    }

    /// Whether the patch insists on a version of the object.
    var namesVersion: Bool {
        if form == .json { return false }
        return value["metadata"]?["resourceVersion"] != nil
    }

    func applied<T: KubernetesObject>(to target: JSONValue, of type: T.Type) throws(APIError) -> JSONValue {
        switch form {
        case .merge: MergePatch.apply(value, to: target)
        case .strategicMerge: try StrategicMergePatch.apply(value, to: target, path: [])
        case .json: try JSONPatch.apply(value, to: target)
        }
    }
}

/// JSON merge patch (RFC 7386).
enum MergePatch {
    static func apply(_ patch: JSONValue, to target: JSONValue) -> JSONValue {
        guard case .object(let changes) = patch else { return patch }
        var fields: [String: JSONValue] = [:]
        if case .object(let existing) = target { fields = existing }
        for (key, change) in changes {
            fields[key] = change == .null ? nil : apply(change, to: fields[key] ?? .null)
        }
        return .object(fields)
    }
}

/// JSON patch (RFC 6902).
enum JSONPatch {
    // LIMIT: as upstream, at most 10 000 operations.
    private static let operationsMax = 10_000

    static func apply(_ patch: JSONValue, to target: JSONValue) throws(APIError) -> JSONValue {
        guard let operations = patch.arrayValue, operations.count <= operationsMax else {
            throw .badRequest("error decoding patch: expected a list of at most \(operationsMax) operations")
        }
        var result = target
        for operation in operations {
            let path = try pointer(operation["path"])
            let value = operation["value"]
            switch operation["op"]?.stringValue {
            case "add": result = try edit(result, path[...]) { _ in value ?? .null }
            case "replace":
                _ = try read(result, path)
                result = try edit(result, path[...], inserting: false) { _ in value ?? .null }
            case "remove":
                _ = try read(result, path)
                result = try edit(result, path[...], inserting: false) { _ in nil }
            case "test":
                guard try read(result, path) == value ?? .null else { throw failed("test", operation) }
            case "copy":
                let copied = try read(result, try pointer(operation["from"]))
                result = try edit(result, path[...]) { _ in copied }
            case "move":
                let from = try pointer(operation["from"])
                let moved = try read(result, from)
                result = try edit(result, from[...], inserting: false) { _ in nil }
                result = try edit(result, path[...]) { _ in moved }
            default: throw failed("unknown operation", operation)
            }
        }
        return result
    }

    private static func failed(_ what: String, _ operation: JSONValue) -> APIError {
        APIError(
            422, "Invalid",
            "the server rejected our request due to an error in our request: \(what): "
                + (operation["path"]?.stringValue ?? "no path"))
    }

    /// JSON pointer (RFC 6901).
    private static func pointer(_ value: JSONValue?) throws(APIError) -> [String] {
        guard let text = value?.stringValue, text.isEmpty || text.hasPrefix("/") else {
            throw .badRequest("error decoding patch: expected a JSON pointer")
        }
        return text.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map { part in
            part.split(separator: "~1", omittingEmptySubsequences: false).joined(separator: "/")
                .split(separator: "~0", omittingEmptySubsequences: false).joined(separator: "~")
        }
    }

    private static func read(_ value: JSONValue, _ path: [String]) throws(APIError) -> JSONValue {
        var current = value
        for key in path {
            switch current {
            case .object(let fields):
                guard let next = fields[key] else { throw failed("no such path", .object(["path": .string(key)])) }
                current = next
            case .array(let items):
                guard let index = Int(key), items.indices.contains(index) else {
                    throw failed("no such element", .object(["path": .string(key)]))
                }
                current = items[index]
            default: throw failed("no such path", .object(["path": .string(key)]))
            }
        }
        return current
    }

    /// Replaces what is at `path` by the result of `change`; nil removes it. Into arrays, it is inserted.
    private static func edit(
        _ value: JSONValue, _ path: ArraySlice<String>, inserting: Bool = true,
        _ change: (JSONValue?) throws(APIError) -> JSONValue?
    ) throws(APIError) -> JSONValue {
        guard let key = path.first else { return try change(value) ?? .null }
        let rest = path.dropFirst()
        switch value {
        case .object(var fields):
            if rest.isEmpty {
                fields[key] = try change(fields[key])
            } else {
                guard let inner = fields[key] else { throw failed("no such path", .object(["path": .string(key)])) }
                fields[key] = try edit(inner, rest, inserting: inserting, change)
            }
            return .object(fields)
        case .array(var items):
            guard let index = key == "-" ? items.count : Int(key), index >= 0,
                index < items.count || (rest.isEmpty && inserting && index == items.count)
            else { throw failed("no such element", .object(["path": .string(key)])) }
            if !rest.isEmpty {
                items[index] = try edit(items[index], rest, inserting: inserting, change)
            } else if let new = try change(inserting ? nil : items[index]) {
                if inserting { items.insert(new, at: index) } else { items[index] = new }
            } else {
                items.remove(at: index)
            }
            return .array(items)
        default: throw failed("no such path", .object(["path": .string(key)]))
        }
    }
}
