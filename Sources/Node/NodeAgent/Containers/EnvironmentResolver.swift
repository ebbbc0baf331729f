// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a container's environment, command and arguments, with references resolved.

import KubernetesAPI

/// Where ConfigMaps and Secrets come from.
struct ConfigSource: Sendable {
    var configMap: @Sendable (_ name: String) -> ConfigMap?
    var secret: @Sendable (_ name: String) -> Secret?
}

/// See: Kubernetes documentation, "Define Environment Variables for a Container" and "Dependent environment variables".
struct EnvironmentResolver {
    var context: DownwardContext
    var source: ConfigSource
    /// Variables of Services, which everything else overrides.
    var serviceVariables: [(name: String, value: String)]

    /// Later settings of a name replace earlier ones, in place.
    private struct Result {
        var names: [String] = []
        var values: [String: String] = [:]

        mutating func set(_ name: String, _ value: String) {
            if values.updateValue(value, forKey: name) == nil { names.append(name) }
        }
    }

    func environment(of container: Container) throws(NodeError) -> [(name: String, value: String)] {
        var result = Result()
        for (name, value) in serviceVariables { result.set(name, value) }
        for from in container.envFrom {
            for (name, value) in try variables(from) { result.set(from.prefix + name, value) }
        }
        for variable in container.env {
            if let from = variable.valueFrom {
                if let value = try value(from, container) { result.set(variable.name, value) }
            } else {
                result.set(variable.name, Self.expand(variable.value, with: result.values))
            }
        }
        return result.names.map { ($0, result.values[$0] ?? "") }
    }

    private func variables(_ from: EnvFromSource) throws(NodeError) -> [(String, String)] {
        if let reference = from.configMapRef {
            guard let map = source.configMap(reference.name) else {
                if reference.optional == true { return [] }
                throw .config("configmap \"\(reference.name)\" not found")
            }
            return map.data.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        }
        if let reference = from.secretRef {
            guard let secret = source.secret(reference.name) else {
                if reference.optional == true { return [] }
                throw .config("secret \"\(reference.name)\" not found")
            }
            return secret.data.sorted { $0.key < $1.key }.map {
                ($0.key, String(decoding: $0.value.bytes, as: UTF8.self))
            }
        }
        return []
    }

    /// nil: an optional key that is not there; the variable is then left out.
    private func value(_ from: EnvVarSource, _ container: Container) throws(NodeError) -> String? {
        if let field = from.fieldRef { return try context.value(ofField: field.fieldPath) }
        if let resource = from.resourceFieldRef { return try context.value(of: resource, in: container) }
        if let key = from.configMapKeyRef {
            guard let map = source.configMap(key.name) else {
                if key.optional == true { return nil }
                throw .config("configmap \"\(key.name)\" not found")
            }
            if let value = map.data[key.key] { return value }
            if key.optional == true { return nil }
            throw .config("couldn't find key \(key.key) in ConfigMap \(context.pod.metadata.namespace)/\(key.name)")
        }
        if let key = from.secretKeyRef {
            guard let secret = source.secret(key.name) else {
                if key.optional == true { return nil }
                throw .config("secret \"\(key.name)\" not found")
            }
            if let value = secret.data[key.key] { return String(decoding: value.bytes, as: UTF8.self) }
            if key.optional == true { return nil }
            throw .config("couldn't find key \(key.key) in Secret \(context.pod.metadata.namespace)/\(key.name)")
        }
        throw .config("valueFrom: no source is given")
    }

    /// `$(NAME)` becomes the value of NAME, `$$(NAME)` stays as `$(NAME)`, an unknown name stays as it is.
    static func expand(_ text: String, with values: [String: String]) -> String {
        var result = ""
        var rest = Substring(text)
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            switch rest.first {
            case "$":
                // An escape: one dollar goes, and what follows is not looked at.
                result += "$"
                rest = rest.dropFirst()
            case "(":
                guard let end = rest.firstIndex(of: ")") else {
                    result += "$"
                    continue
                }
                let name = String(rest[rest.index(after: rest.startIndex)..<end])
                result += values[name] ?? "$(\(name))"
                rest = rest[rest.index(after: end)...]
            default:
                result += "$"
            }
        }
        return result + rest
    }
}
