// SPDX-License-Identifier: Apache-2.0
// Swiftlet: rules of environment variables and of references to fields of the pod.

import KubernetesAPI

extension Validator {
    mutating func checkEnvironment(_ container: Container, at path: FieldPath) {
        for (index, variable) in container.env.enumerated() {
            let itemPath = path.field("env").index(index)
            if variable.name.isEmpty {
                add(.required(itemPath.field("name")))
            } else {
                let problem = NameRules.environmentNameProblem(variable.name)
                add(problem: problem, of: variable.name, at: itemPath.field("name"))
            }
            guard let source = variable.valueFrom else { continue }
            let sourcePath = itemPath.field("valueFrom")
            if !variable.value.isEmpty {
                add(FieldError(sourcePath, .invalid, "may not be specified when \"value\" is not empty"))
            }
            check(source, at: sourcePath)
        }
        for (index, source) in container.envFrom.enumerated() {
            let itemPath = path.field("envFrom").index(index)
            if !source.prefix.isEmpty {
                let problem = NameRules.environmentNameProblem(source.prefix)
                add(problem: problem, of: source.prefix, at: itemPath.field("prefix"))
            }
            let names: [(String, String)] = [
                ("configMapRef", source.configMapRef?.name), ("secretRef", source.secretRef?.name),
            ].compactMap { field, name in name.map { (field, $0) } }
            if names.count != 1 {
                add(FieldError(itemPath, .invalid, "expected exactly one of configMapRef and secretRef"))
            }
            for (field, name) in names { checkReference(name, at: itemPath.field(field)) }
        }
    }

    private mutating func checkReference(_ name: String, at path: FieldPath) {
        if name.isEmpty { return add(.required(path.field("name"))) }
        add(problem: NameRules.dnsSubdomainProblem(name), of: name, at: path.field("name"))
    }

    private mutating func check(_ source: EnvVarSource, at path: FieldPath) {
        var count = 0
        if let reference = source.fieldRef {
            count += 1
            check(reference, at: path.field("fieldRef"), allowingWholeMaps: false)
        }
        if let reference = source.resourceFieldRef {
            count += 1
            check(reference, at: path.field("resourceFieldRef"))
        }
        if let reference = source.configMapKeyRef {
            count += 1
            checkKey(reference.key, of: reference.name, at: path.field("configMapKeyRef"))
        }
        if let reference = source.secretKeyRef {
            count += 1
            checkKey(reference.key, of: reference.name, at: path.field("secretKeyRef"))
        }
        if count == 0 {
            let detail = "expected one of fieldRef, resourceFieldRef, configMapKeyRef and secretKeyRef"
            add(FieldError(path, .invalid, detail))
        } else if count > 1 {
            add(FieldError(path, .invalid, "may not have more than one field specified at a time"))
        }
    }

    private mutating func checkKey(_ key: String, of name: String, at path: FieldPath) {
        checkReference(name, at: path)
        if key.isEmpty { return add(.required(path.field("key"))) }
        add(problem: NameRules.configKeyProblem(key), of: key, at: path.field("key"))
    }

    // MARK: - Fields of the pod

    private static let fieldPaths = [
        "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
        "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
    ]
    private static let volumeFieldPaths = [
        "metadata.name", "metadata.namespace", "metadata.uid", "metadata.labels", "metadata.annotations",
    ]

    mutating func check(_ reference: ObjectFieldSelector, at path: FieldPath, allowingWholeMaps: Bool) {
        if !reference.apiVersion.isEmpty, reference.apiVersion != "v1" {
            add(.notSupported(path.field("apiVersion"), reference.apiVersion, supported: ["v1"]))
        }
        let fieldPath = path.field("fieldPath")
        let text = reference.fieldPath
        if text.isEmpty { return add(.required(fieldPath)) }
        let allowed = allowingWholeMaps ? Self.volumeFieldPaths : Self.fieldPaths
        if allowed.contains(text) { return }
        for prefix in ["metadata.labels['", "metadata.annotations['"] where text.hasPrefix(prefix) {
            guard text.hasSuffix("']") else { break }
            let key = String(text.dropFirst(prefix.count).dropLast(2))
            add(problem: NameRules.qualifiedNameProblem(key.lowercased()), of: text, at: fieldPath)
            return
        }
        let more = ["metadata.labels['KEY']", "metadata.annotations['KEY']"]
        add(.notSupported(fieldPath, text, supported: allowed + more))
    }

    mutating func check(_ reference: ResourceFieldSelector, at path: FieldPath) {
        let supported = [
            "limits.cpu", "limits.memory", "limits.ephemeral-storage", "requests.cpu", "requests.memory",
            "requests.ephemeral-storage",
        ]
        if reference.resource.isEmpty {
            add(.required(path.field("resource")))
        } else if !supported.contains(reference.resource) {
            add(.notSupported(path.field("resource"), reference.resource, supported: supported))
        }
        guard let divisor = reference.divisor, divisor != .zero else { return }
        let isCPU = reference.resource.hasSuffix(".cpu")
        let texts =
            isCPU ? ["1m", "1"] : ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"]
        if !texts.contains(where: { Quantity($0) == divisor }) {
            add(.notSupported(path.field("divisor"), divisor.description, supported: texts))
        }
    }
}
