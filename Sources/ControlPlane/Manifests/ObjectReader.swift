// SPDX-License-Identifier: Apache-2.0
// Swiftlet: one document to its typed object.

import KubernetesAPI

/// Reads one document: finds its kind, checks it against the schema, decodes, defaults and validates it.
struct ObjectReader {
    let file: String
    let options: Manifests.Options
    private(set) var result = LoadResult()
    // LIMIT: lists inside lists.
    private var listDepth = 0

    init(file: String, options: Manifests.Options) {
        self.file = file
        self.options = options
    }

    private mutating func fail(_ error: FieldError, at mark: Mark) {
        result.errors.append(Diagnostic(file: file, mark: mark, error: error))
    }

    mutating func read(_ document: Node) {
        guard case .mapping = document.value else {
            let message = "expected a mapping with apiVersion and kind, found \(document.kindText)"
            return fail(FieldError(FieldPath(), .typeInvalid, message), at: document.mark)
        }
        guard let kind = headerText("kind", of: document), let apiVersion = headerText("apiVersion", of: document)
        else { return }
        if kind == "List" || (kind.hasSuffix("List") && document["items"] != nil) {
            return readList(document, kind: kind, apiVersion: apiVersion)
        }
        let type = KubernetesKinds.all.first { $0.kind == kind && Schema.kinds.contains(kind) }
        guard let type else {
            let message =
                "kind \"\(Node.shortened(kind))\" is not supported: expected \(Schema.kinds.joined(separator: ", "))"
                + " or List\(Suggestion.hint(for: kind, among: Schema.kinds))"
            return fail(FieldError(FieldPath("kind"), .notSupported, message), at: document.mark(at: FieldPath("kind")))
        }
        guard type.apiVersion == apiVersion else {
            let error = FieldError(
                FieldPath("apiVersion"), .notSupported,
                "no matches for kind \"\(kind)\" in version \"\(Node.shortened(apiVersion))\": "
                    + "expected \"\(type.apiVersion)\"\(Self.versionHint(apiVersion))")
            return fail(error, at: document.mark(at: FieldPath("apiVersion")))
        }
        read(document, as: type)
    }

    private mutating func headerText(_ field: String, of document: Node) -> String? {
        switch document[field]?.value {
        case .string(let text) where !text.isEmpty: return text
        case nil, .null, .string:
            fail(.required(FieldPath(field)), at: document.mark)
        default:
            let found = document[field]?.kindText ?? "nothing"
            let error = FieldError(FieldPath(field), .typeInvalid, "expected a string, found \(found)")
            fail(error, at: document.mark(at: FieldPath(field)))
        }
        return nil
    }

    /// Versions that Kubernetes served once (its deprecation guide lists them).
    private static func versionHint(_ version: String) -> String {
        switch version {
        case "extensions/v1beta1", "apps/v1beta1", "apps/v1beta2": " (this version was removed in Kubernetes 1.16)"
        default: ""
        }
    }

    private mutating func readList(_ document: Node, kind: String, apiVersion: String) {
        guard listDepth < 3, let items = document["items"], case .sequence(let nodes) = items.value else {
            let mark = document["items"]?.mark ?? document.mark
            let error = FieldError(FieldPath("items"), .typeInvalid, "expected a list of objects")
            return fail(error, at: mark)
        }
        for case .mapping(let entries) in [document.value] {
            let known = ["apiVersion", "kind", "metadata", "items"]
            for entry in entries where !known.contains(entry.key) {
                let hint = Suggestion.hint(for: entry.key, among: known)
                let message = "unknown field \"\(Node.shortened(entry.key))\"\(hint)"
                report(FieldError(FieldPath([.field(entry.key)]), .unknownField, message), at: entry.keyMark)
            }
        }
        listDepth += 1
        for node in nodes {
            var node = node
            // The items of a typed list, such as DeploymentList, need not repeat their type.
            if kind != "List", case .mapping(var entries) = node.value, node["kind"] == nil {
                let itemKind = Node(mark: node.mark, value: .string(String(kind.dropLast(4))))
                let version = Node(mark: node.mark, value: .string(apiVersion))
                entries.append(Node.Entry(key: "kind", keyMark: node.mark, value: itemKind))
                if node["apiVersion"] == nil {
                    entries.append(Node.Entry(key: "apiVersion", keyMark: node.mark, value: version))
                }
                node.value = .mapping(entries)
            }
            read(node)
        }
        listDepth -= 1
    }

    /// Unknown fields and the like count according to the strictness.
    private mutating func report(_ error: FieldError, at mark: Mark) {
        let diagnostic = Diagnostic(file: file, mark: mark, error: error)
        switch (error.reason, options.strictness) {
        case (.unknownField, .ignore): return
        case (.unknownField, .warn): result.warnings.append(diagnostic)
        default: result.errors.append(diagnostic)
        }
    }

    // MARK: - Typed reading

    private mutating func read<Object: KubernetesObject>(_ document: Node, as type: Object.Type) {
        var check = SchemaCheck()
        let kept = check.checked(document, as: .object(Object.kind), path: FieldPath())
        let errorsBefore = result.errors.count
        for problem in check.problems { report(problem.error, at: problem.mark) }
        for warning in check.warnings {
            result.warnings.append(Diagnostic(file: file, mark: warning.mark, error: warning.error))
        }
        guard let kept else { return }
        var object: Object
        do {
            object = Defaults.applied(to: try KubernetesJSON.decode(type, from: kept.json))
        } catch {
            // The schema admits only what decodes; should it be wrong, the object is refused all the same.
            if check.problems.isEmpty {
                let message = "cannot be read as \(Object.kind): \(Self.text(of: error))"
                fail(FieldError(FieldPath(), .typeInvalid, message), at: document.mark)
            }
            return
        }
        placeInNamespace(&object, document)
        resolveModulePaths(&object, document)
        for error in Validation.errors(in: object) {
            let isKnown = check.problems.contains {
                $0.error.path.contains(error.path) || error.path.contains($0.error.path)
            }
            if !isKnown { fail(error, at: document.mark(at: error.path)) }
        }
        guard result.errors.count == errorsBefore else { return }
        result.objects.append(LoadedObject(object: object, file: file, mark: document.mark))
    }

    private static func text(of error: any Error) -> String {
        guard let error = error as? DecodingError else { return "\(error)" }
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
            .dataCorrupted(let context):
            return context.codingPath.map(\.stringValue).joined(separator: ".") + ": " + context.debugDescription
        @unknown default: return "\(error)"
        }
    }

    private mutating func placeInNamespace(_ object: inout some KubernetesObject, _ document: Node) {
        guard type(of: object).isNamespaced else { return }
        let wanted = options.namespace
        if object.metadata.namespace.isEmpty {
            object.metadata.namespace = wanted ?? "default"
        } else if let wanted, wanted != object.metadata.namespace {
            let path = FieldPath("metadata", "namespace")
            let message = "the namespace \"\(object.metadata.namespace)\" does not match the requested \"\(wanted)\""
            fail(FieldError(path, .invalid, message), at: document.mark(at: path))
        }
    }

    // MARK: - Module paths

    /// Makes module paths absolute: they start from the manifest's folder.
    private mutating func resolveModulePaths(_ object: inout some KubernetesObject, _ document: Node) {
        switch object {
        case var deployment as Deployment:
            resolve(&deployment.spec.template.spec, at: FieldPath("spec", "template", "spec"), document)
            Self.replace(&object, with: deployment)
        case var replicaSet as ReplicaSet:
            resolve(&replicaSet.spec.template.spec, at: FieldPath("spec", "template", "spec"), document)
            Self.replace(&object, with: replicaSet)
        case var pod as Pod:
            resolve(&pod.spec, at: FieldPath("spec"), document)
            Self.replace(&object, with: pod)
        default: break
        }
    }

    private static func replace<Object: KubernetesObject>(_ object: inout Object, with other: any KubernetesObject) {
        if let other = other as? Object { object = other }
    }

    private mutating func resolve(_ spec: inout PodSpec, at path: FieldPath, _ document: Node) {
        for index in spec.containers.indices {
            let imagePath = path.field("containers").index(index).field("image")
            resolve(&spec.containers[index].image, at: imagePath, document)
        }
        for index in spec.initContainers.indices {
            let imagePath = path.field("initContainers").index(index).field("image")
            resolve(&spec.initContainers[index].image, at: imagePath, document)
        }
    }

    private mutating func resolve(_ image: inout String, at path: FieldPath, _ document: Node) {
        guard ImageReference.isPath(image) else { return }
        guard image.hasPrefix("/") || options.directory != nil else {
            let detail = "a relative path has no meaning in a request; expected an absolute path"
            return fail(.invalid(path, image, detail), at: document.mark(at: path))
        }
        let full = image.hasPrefix("/") ? image : (options.directory ?? "") + "/" + image
        var parts: [Substring] = []
        for part in full.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        image = "/" + parts.joined(separator: "/")
    }
}
