// SPDX-License-Identifier: Apache-2.0
// Swiftlet: this machine as a Node object.

import KubernetesAPI
import PodNetwork

enum NodeRegistration {
    // LIMIT: pods of a node, upstream's default.
    static let podsMax: Int64 = 110 * 10

    static func node(_ configuration: NodeConfiguration) -> Node {
        let capacity: [String: Quantity] = [
            "cpu": Quantity(Int64(MachineFacts.processorCount)),
            "memory": Quantity(bytes: MachineFacts.memoryBytes), "pods": Quantity(podsMax),
        ]
        let now = Time.now
        func condition(_ type: String, _ status: ConditionStatus, _ reason: String, _ message: String) -> NodeCondition
        {
            NodeCondition(
                type: type, status: status, lastHeartbeatTime: now, lastTransitionTime: now, reason: reason,
                message: message)
        }
        #if arch(arm64)
            let architecture = "arm64"
        #else
            let architecture = "amd64"
        #endif
        let version = "swiftlet"
        return Node(
            metadata: ObjectMeta(
                name: configuration.nodeName,
                labels: [
                    "kubernetes.io/hostname": configuration.nodeName, "kubernetes.io/os": "linux",
                    "kubernetes.io/arch": architecture,
                ]),
            status: NodeStatus(
                capacity: capacity, allocatable: capacity,
                conditions: [condition("Ready", .true, "KubeletReady", "swiftlet is posting ready status")],
                addresses: [
                    NodeAddress(type: "InternalIP", address: configuration.hostAddress.description),
                    NodeAddress(type: "Hostname", address: configuration.nodeName),
                ],
                nodeInfo: NodeSystemInfo(
                    kernelVersion: MachineFacts.kernelVersion, containerRuntimeVersion: "swiftlet://\(version)",
                    kubeletVersion: version, operatingSystem: "linux", architecture: architecture)))
    }
}
