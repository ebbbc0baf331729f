// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the rules that hold between and inside the values of an object.

public import KubernetesAPI

/// Validation of typed objects that already have their defaults, by upstream's rules.
public enum Validation {
    /// Every wrong field of `object`; empty when it is valid.
    public static func errors(in object: any KubernetesObject) -> [FieldError] {
        var validator = Validator()
        validator.check(object)
        return validator.errors
    }

    /// What an update may not change: upstream's immutable fields.
    public static func errors(updating old: any KubernetesObject, to new: any KubernetesObject) -> [FieldError] {
        var validator = Validator()
        validator.check(new)
        validator.checkUpdate(from: old, to: new)
        return validator.errors
    }
}

/// Collects errors while it walks an object.
struct Validator {
    private(set) var errors: [FieldError] = []

    mutating func add(_ error: FieldError) {
        errors.append(error)
    }

    /// Adds an invalid-value error when a rule found a problem.
    mutating func add(problem: String?, of value: String, at path: FieldPath) {
        if let problem { add(.invalid(path, value, problem)) }
    }

    mutating func check(_ object: any KubernetesObject) {
        switch object {
        case let deployment as Deployment:
            check(deployment.metadata, isNamespaced: true, nameRule: NameRules.dnsSubdomainProblem)
            check(deployment)
        case let replicaSet as ReplicaSet:
            check(replicaSet.metadata, isNamespaced: true, nameRule: NameRules.dnsSubdomainProblem)
            check(replicaSet)
        case let pod as Pod:
            check(pod.metadata, isNamespaced: true, nameRule: NameRules.dnsSubdomainProblem)
            check(pod.spec, at: FieldPath("spec"), isTemplate: false)
        case let service as Service:
            check(service.metadata, isNamespaced: true, nameRule: NameRules.dns1035LabelProblem)
            check(service.spec)
        case let map as ConfigMap:
            check(map.metadata, isNamespaced: true, nameRule: NameRules.dnsSubdomainProblem)
            check(map)
        case let secret as Secret:
            check(secret.metadata, isNamespaced: true, nameRule: NameRules.dnsSubdomainProblem)
            check(secret)
        case let namespace as Namespace:
            check(namespace.metadata, isNamespaced: false, nameRule: NameRules.dnsLabelProblem)
        default:
            check(object.metadata, isNamespaced: type(of: object).isNamespaced, nameRule: NameRules.dnsSubdomainProblem)
        }
    }

    // MARK: - Metadata

    private mutating func check(
        _ metadata: ObjectMeta, isNamespaced: Bool, nameRule: (String) -> String?
    ) {
        let path = FieldPath("metadata")
        if metadata.name.isEmpty, metadata.generateName.isEmpty {
            add(.required(path.field("name"), "name or generateName is required"))
        }
        if !metadata.name.isEmpty {
            add(problem: nameRule(metadata.name), of: metadata.name, at: path.field("name"))
        }
        if !metadata.generateName.isEmpty {
            // The random end makes a final "-" or "." right.
            let sample = metadata.generateName + "x"
            add(problem: nameRule(sample), of: metadata.generateName, at: path.field("generateName"))
        }
        if !metadata.namespace.isEmpty {
            if isNamespaced {
                let problem = NameRules.dnsLabelProblem(metadata.namespace)
                add(problem: problem, of: metadata.namespace, at: path.field("namespace"))
            } else {
                add(.forbidden(path.field("namespace"), "not allowed on this type"))
            }
        }
        checkLabels(metadata.labels, at: path.field("labels"))
        checkAnnotations(metadata.annotations, at: path.field("annotations"))
        check(metadata.ownerReferences, at: path.field("ownerReferences"))
    }

    mutating func checkLabels(_ labels: [String: String], at path: FieldPath) {
        for (key, value) in labels.sorted(by: { $0.key < $1.key }) {
            add(problem: NameRules.qualifiedNameProblem(key), of: key, at: path.key(key))
            add(problem: NameRules.labelValueProblem(value), of: value, at: path.key(key))
        }
    }

    // LIMIT: 256 KiB of annotations, as upstream.
    private static let annotationBytesMax = 256 << 10

    mutating func checkAnnotations(_ annotations: [String: String], at path: FieldPath) {
        var size = 0
        for (key, value) in annotations.sorted(by: { $0.key < $1.key }) {
            // Upstream compares annotation keys in lower case.
            add(problem: NameRules.qualifiedNameProblem(key.lowercased()), of: key, at: path.key(key))
            size += key.utf8.count + value.utf8.count
        }
        if size > Self.annotationBytesMax {
            add(FieldError(path, .invalid, "must have at most \(Self.annotationBytesMax) bytes, found \(size)"))
        }
    }

    private mutating func check(_ owners: [OwnerReference], at path: FieldPath) {
        var controllers = 0
        for (index, owner) in owners.enumerated() {
            let ownerPath = path.index(index)
            if owner.apiVersion.isEmpty { add(.required(ownerPath.field("apiVersion"))) }
            if owner.kind.isEmpty { add(.required(ownerPath.field("kind"))) }
            if owner.name.isEmpty { add(.required(ownerPath.field("name"))) }
            if owner.uid.isEmpty { add(.required(ownerPath.field("uid"))) }
            if owner.controller == true { controllers += 1 }
        }
        if controllers > 1 { add(FieldError(path, .invalid, "only one owner may be the controller")) }
    }
}
