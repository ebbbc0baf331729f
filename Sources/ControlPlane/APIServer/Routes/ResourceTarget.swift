// SPDX-License-Identifier: Apache-2.0
// Swiftlet: which object or collection a path means.
import KubernetesAPI

/// A path under `/api/v1` or `/apis/GROUP/VERSION`.
struct ResourceTarget: Sendable {
    var type: any KubernetesObject.Type
    /// nil: all namespaces, or a cluster-scoped kind.
    var namespace: String?
    /// nil: the collection.
    var name: String?
    /// `status`, `scale`, `log` and the like.
    var subresource: String?

    /// nil if the path is not one of a known resource.
    init?(path: [String]) {
        var group = ""
        var version = ""
        var rest = path[...]
        switch rest.popFirst() {
        case "api":
            guard let first = rest.popFirst() else { return nil }
            version = first
        case "apis":
            guard let first = rest.popFirst(), let second = rest.popFirst() else { return nil }
            (group, version) = (first, second)
        default: return nil
        }
        var words = Array(rest)
        if words.count > 2, words[0] == "namespaces",
            let inner = KubernetesKinds.type(group: group, version: version, resource: words[2]), inner.isNamespaced
        {
            namespace = words[1]
            words.removeFirst(2)
        }
        guard let resource = words.first,
            let type = KubernetesKinds.type(group: group, version: version, resource: resource), words.count <= 3
        else { return nil }
        // Namespaced objects can be listed across namespaces, but are named within one.
        if type.isNamespaced, namespace == nil, words.count > 1 { return nil }
        self.type = type
        name = words.count > 1 ? words[1] : nil
        subresource = words.count > 2 ? words[2] : nil
    }
}

/// The `fieldSelector` of a request: fields that must or must not have a value.
struct FieldSelector: Sendable {
    struct Term: Sendable {
        var field: String
        var value: String
        var isEqual: Bool
    }

    var terms: [Term] = []

    init(parsing text: String, for type: any KubernetesObject.Type) throws(APIError) {
        for part in text.split(separator: ",") {
            // `!=` before `=`, and `==` is the same as `=`.
            let isEqual = !part.contains("!=")
            let sides = part.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
            guard sides.count >= 2, let first = sides.first, let value = sides.last else {
                throw .badRequest("unable to parse field selector: invalid selector: '\(part)'")
            }
            let field = isEqual ? first : String(first.dropLast())
            guard Self.fields(of: type).contains(field) else {
                throw .badRequest(
                    "field label not supported: \(field); supported for \(type.kind): "
                        + Self.fields(of: type).joined(separator: ", "))
            }
            terms.append(Term(field: field, value: value, isEqual: isEqual))
        }
    }

    func matches(_ object: any KubernetesObject) -> Bool {
        terms.allSatisfy { (Self.value(of: $0.field, in: object) == $0.value) == $0.isEqual }
    }

    static func fields(of type: any KubernetesObject.Type) -> [String] {
        let common = type.isNamespaced ? ["metadata.name", "metadata.namespace"] : ["metadata.name"]
        if type == Pod.self {
            return common + ["spec.nodeName", "spec.restartPolicy", "status.phase", "status.podIP"]
        }
        if type == Event.self {
            return common + [
                "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
                "involvedObject.apiVersion", "involvedObject.fieldPath", "reason", "reportingComponent", "source",
                "type",
            ]
        }
        if type == Namespace.self { return common + ["status.phase"] }
        if type == Secret.self { return common + ["type"] }
        if type == Service.self { return common + ["spec.clusterIP", "spec.type"] }
        if type == Node.self { return common + ["spec.unschedulable"] }
        return type == ReplicaSet.self ? common + ["status.replicas"] : common
    }

    private static func value(of field: String, in object: any KubernetesObject) -> String {
        switch (field, object) {
        case ("metadata.name", _): return object.metadata.name
        case ("metadata.namespace", _): return object.metadata.namespace
        case ("spec.nodeName", let pod as Pod): return pod.spec.nodeName
        case ("spec.restartPolicy", let pod as Pod): return (pod.spec.restartPolicy ?? .always).rawValue
        case ("status.phase", let pod as Pod): return pod.status.phase?.rawValue ?? ""
        case ("status.podIP", let pod as Pod): return pod.status.podIP
        case ("status.phase", let namespace as Namespace): return namespace.status.phase
        case ("type", let secret as Secret): return secret.type
        case ("spec.clusterIP", let service as Service): return service.spec.clusterIP
        case ("spec.type", let service as Service): return (service.spec.type ?? .clusterIP).rawValue
        case ("spec.unschedulable", let node as Node): return String(node.spec.unschedulable)
        case ("status.replicas", let set as ReplicaSet): return String(set.status.replicas)
        case (_, let event as Event): return value(of: field, in: event)
        default: return ""
        }
    }

    private static func value(of field: String, in event: Event) -> String {
        switch field {
        case "involvedObject.kind": event.involvedObject.kind
        case "involvedObject.namespace": event.involvedObject.namespace
        case "involvedObject.name": event.involvedObject.name
        case "involvedObject.uid": event.involvedObject.uid
        case "involvedObject.apiVersion": event.involvedObject.apiVersion
        case "involvedObject.fieldPath": event.involvedObject.fieldPath
        case "reason": event.reason
        case "reportingComponent": event.reportingComponent
        case "source": event.source.component
        case "type": event.type
        default: ""
        }
    }
}

/// Label and field selector together.
struct ObjectFilter: Sendable {
    var namespace: String?
    var labels: LabelSelector
    var fields: FieldSelector

    init(_ request: APIRequest, _ target: ResourceTarget) throws(APIError) {
        namespace = target.namespace
        do {
            labels = try LabelSelector(parsing: request.query["labelSelector"] ?? "")
        } catch {
            throw .badRequest("unable to parse requirement: \(error)")
        }
        fields = try FieldSelector(parsing: request.query["fieldSelector"] ?? "", for: target.type)
        if let name = target.name {
            fields.terms.append(FieldSelector.Term(field: "metadata.name", value: name, isEqual: true))
        }
    }

    func matches(_ object: any KubernetesObject) -> Bool {
        if let namespace, object.metadata.namespace != namespace { return false }
        return labels.matches(object.metadata.labels) && fields.matches(object)
    }
}
