// SPDX-License-Identifier: Apache-2.0
// Swiftlet: values of the downward API.

import KubernetesAPI

/// What a pod may read about itself.
struct DownwardContext: Sendable {
    var pod: Pod
    var nodeName: String
    var hostAddress: String
    var podAddress: String

    /// The value of a `fieldRef`.
    func value(ofField path: String) throws(NodeError) -> String {
        if let key = subscriptKey(path, "metadata.labels") { return pod.metadata.labels[key] ?? "" }
        if let key = subscriptKey(path, "metadata.annotations") { return pod.metadata.annotations[key] ?? "" }
        switch path {
        case "metadata.name": return pod.metadata.name
        case "metadata.namespace": return pod.metadata.namespace
        case "metadata.uid": return pod.metadata.uid
        case "metadata.labels": return lines(pod.metadata.labels)
        case "metadata.annotations": return lines(pod.metadata.annotations)
        case "spec.nodeName": return nodeName
        case "spec.serviceAccountName": return pod.spec.serviceAccountName
        case "status.hostIP", "status.hostIPs": return hostAddress
        case "status.podIP", "status.podIPs": return podAddress
        default: throw .config("fieldRef: unsupported fieldPath: \(path)")
        }
    }

    private func subscriptKey(_ path: String, _ prefix: String) -> String? {
        guard path.hasPrefix(prefix + "['"), path.hasSuffix("']") else { return nil }
        return String(path.dropFirst(prefix.count + 2).dropLast(2))
    }

    /// `key="escaped value"`, one per line, sorted, as upstream's volume files.
    private func lines(_ map: [String: String]) -> String {
        map.sorted { $0.key < $1.key }.map { entry in
            let value = entry.value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing(
                "\n", with: "\\n")
            return "\(entry.key)=\"\(value)\""
        }.joined(separator: "\n")
    }

    /// The value of a `resourceFieldRef`, in units of its divisor, rounded up.
    func value(of selector: ResourceFieldSelector, in container: Container) throws(NodeError) -> String {
        var source = container
        if !selector.containerName.isEmpty {
            let all = pod.spec.containers + pod.spec.initContainers
            guard let other = all.first(where: { $0.name == selector.containerName }) else {
                throw .config("resourceFieldRef: container \(selector.containerName) is not in the pod")
            }
            source = other
        }
        let parts = selector.resource.split(separator: ".", maxSplits: 1).map(String.init)
        guard parts.count == 2, parts[0] == "limits" || parts[0] == "requests",
            ["cpu", "memory", "ephemeral-storage"].contains(parts[1])
        else { throw .config("resourceFieldRef: unsupported resource: \(selector.resource)") }
        let named = parts[0] == "limits" ? source.resources.limits : source.resources.requests
        let isCPU = parts[1] == "cpu"
        let quantity =
            named[parts[1]] ?? source.resources.limits[parts[1]]
            ?? (isCPU ? Quantity(Int64(MachineFacts.processorCount)) : Quantity(bytes: MachineFacts.memoryBytes))
        let divisor = selector.divisor.flatMap { $0 == .zero ? nil : $0 } ?? Quantity(1)
        let (quotient, remainder) = quantity.nanos.quotientAndRemainder(dividingBy: divisor.nanos)
        return "\(remainder == 0 ? quotient : quotient + 1)"
    }
}
