// SPDX-License-Identifier: Apache-2.0
// Swiftlet: strategic merge patch: lists of things with names are merged by name.
//
// See: https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
import KubernetesAPI

enum StrategicMergePatch {
    /// How a list is merged, by the names of the fields that lead to it (upstream's patchStrategy and patchMergeKey
    /// tags, k8s.io/api). A list not named here is replaced as a whole.
    private enum ListRule {
        /// Elements are objects told apart by the first of these fields that they have.
        case byKey([String])
        /// Elements are plain values; the result is the union.
        case union
    }

    private static let rules: [String: ListRule] = [
        "containers": .byKey(["name"]), "initContainers": .byKey(["name"]), "ephemeralContainers": .byKey(["name"]),
        "env": .byKey(["name"]), "volumes": .byKey(["name"]), "volumeMounts": .byKey(["mountPath"]),
        "volumeDevices": .byKey(["devicePath"]), "imagePullSecrets": .byKey(["name"]),
        "hostAliases": .byKey(["ip"]), "ownerReferences": .byKey(["uid"]), "conditions": .byKey(["type"]),
        "topologySpreadConstraints": .byKey(["topologyKey"]), "resizePolicy": .byKey(["resourceName"]),
        "addresses": .byKey(["type"]), "podIPs": .byKey(["ip"]), "hostIPs": .byKey(["ip"]),
        "taints": .byKey(["key"]), "finalizers": .union,
    ]

    /// The rule of the list at `path`; ports are told apart by containerPort in containers, by port in services.
    private static func rule(for path: [String]) -> ListRule? {
        guard let field = path.last else { return nil }
        if field == "ports" {
            switch path.dropLast().last {
            case "containers", "initContainers": return .byKey(["containerPort"])
            case "spec": return .byKey(["port"])
            default: return nil
            }
        }
        // In an EndpointSlice, `conditions` and `addresses` are no such lists.
        if field == "addresses", path.first != "status" { return nil }
        return rules[field]
    }

    /// `path` holds the field names that lead here, without list positions.
    static func apply(_ patch: JSONValue, to target: JSONValue, path: [String]) throws(APIError) -> JSONValue {
        guard case .object(let changes) = patch else { return patch }
        if changes["$patch"] == .string("replace") {
            return .object(changes.filter { $0.key != "$patch" })
        }
        var fields: [String: JSONValue] = [:]
        if case .object(let existing) = target { fields = existing }
        if let retained = changes["$retainKeys"]?.arrayValue {
            let kept = Set(retained.compactMap { $0.stringValue })
            fields = fields.filter { kept.contains($0.key) }
        }
        for (key, change) in changes where !key.hasPrefix("$") {
            switch change {
            case .null: fields[key] = nil
            case .object where change["$patch"] == .string("delete"): fields[key] = nil
            case .array(let elements):
                fields[key] = try merge(
                    elements, into: fields[key]?.arrayValue ?? [], path: path + [key],
                    order: changes["$setElementOrder/\(key)"]?.arrayValue)
            default: fields[key] = try apply(change, to: fields[key] ?? .null, path: path + [key])
            }
        }
        for (key, value) in changes where key.hasPrefix("$deleteFromPrimitiveList/") {
            let field = String(key.dropFirst("$deleteFromPrimitiveList/".count))
            let removed = value.arrayValue ?? []
            fields[field] = .array((fields[field]?.arrayValue ?? []).filter { !removed.contains($0) })
        }
        for (key, value) in changes where key.hasPrefix("$setElementOrder/") {
            // The order may be all that is said about a list.
            let field = String(key.dropFirst("$setElementOrder/".count))
            guard changes[field] == nil, let items = fields[field]?.arrayValue else { continue }
            fields[field] = try merge([], into: items, path: path + [field], order: value.arrayValue)
        }
        return .object(fields)
    }

    private static func merge(
        _ elements: [JSONValue], into existing: [JSONValue], path: [String], order: [JSONValue]?
    ) throws(APIError) -> JSONValue {
        switch rule(for: path) {
        case nil: return .array(elements)
        case .union?: return sorted(existing + elements.filter { !existing.contains($0) }, by: order) { $0 }
        case .byKey(let keys)?:
            if elements.contains(where: { $0["$patch"] == .string("replace") }) {
                return .array(elements.filter { $0["$patch"] == nil })
            }
            var items = existing
            for element in elements {
                guard let (key, value) = identity(of: element, keys) else {
                    throw .badRequest(
                        "error decoding patch: map: does not contain declared merge key: \(keys.joined()) in "
                            + path.joined(separator: "."))
                }
                let index = items.firstIndex { $0[key] == value && sameProtocol($0, element, path) }
                if element["$patch"] == .string("delete") {
                    if let index { items.remove(at: index) }
                } else if let index {
                    items[index] = try apply(element, to: items[index], path: path)
                } else {
                    items.append(try apply(element, to: .null, path: path))
                }
            }
            return sorted(items, by: order) { item in identity(of: item, keys)?.value ?? .null }
        }
    }

    private static func identity(of element: JSONValue, _ keys: [String]) -> (key: String, value: JSONValue)? {
        for key in keys {
            if let value = element[key] { return (key, value) }
        }
        return nil
    }

    /// A number may be open for several protocols; then these tell the entries apart as well.
    private static func sameProtocol(_ left: JSONValue, _ right: JSONValue, _ path: [String]) -> Bool {
        guard path.last == "ports", let wanted = right["protocol"] else { return true }
        return left["protocol"] ?? .string("TCP") == wanted
    }

    /// Items that `order` names come in its order, each group of others stays behind what it followed.
    private static func sorted(
        _ items: [JSONValue], by order: [JSONValue]?, _ identity: (JSONValue) -> JSONValue
    ) -> JSONValue {
        guard let order else { return .array(items) }
        func rank(_ item: JSONValue) -> Int? {
            order.firstIndex { entry in
                if case .object(let fields) = entry { return fields.values.contains(identity(item)) }
                return entry == identity(item)
            }
        }
        var ranks: [Int] = []
        var last = -1
        for item in items {
            last = rank(item) ?? last
            ranks.append(last)
        }
        return .array(items.indices.sorted { (ranks[$0], $0) < (ranks[$1], $1) }.map { items[$0] })
    }
}
