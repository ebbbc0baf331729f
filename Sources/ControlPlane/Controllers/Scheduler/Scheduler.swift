// SPDX-License-Identifier: Apache-2.0
// Swiftlet: places pods on the one node there is.
public import KubernetesAPI
public import ObjectStore

/// Whether a pod can be placed.
enum PlacementDecision: Equatable {
    case nothing
    case place
    /// The reason is for people.
    case refuse(String)

    /// `node` is nil as long as the node has not registered; it then takes everything.
    static func decide(_ pod: Pod, node: Node?) -> PlacementDecision {
        guard pod.spec.nodeName.isEmpty, pod.isActive else { return .nothing }
        guard let node else { return .place }
        if node.spec.unschedulable { return .refuse("0/1 nodes are available: 1 node(s) were unschedulable.") }
        if !pod.spec.nodeSelector.allSatisfy({ node.metadata.labels[$0.key] == $0.value }) {
            return .refuse("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.")
        }
        return .place
    }
}

/// Sets `spec.nodeName` and the PodScheduled condition of new pods.
public struct Scheduler: Controller {
    public let name = "default-scheduler"
    private let nodeName: String

    public init(nodeName: String) {
        self.nodeName = nodeName
    }

    public func affected(by event: WatchEvent, in store: ObjectStore) -> [(namespace: String, name: String)] {
        switch event.object {
        case let pod as Pod where pod.spec.nodeName.isEmpty && event.type != .deleted:
            return [(pod.metadata.namespace, pod.metadata.name)]
        case is Node:
            let waiting = store.list(Pod.self) { $0.spec.nodeName.isEmpty }
            return waiting.map { ($0.metadata.namespace, $0.metadata.name) }
        default:
            return []
        }
    }

    public func reconcile(
        namespace: String, name: String, in store: StoreTransaction, now: Time
    ) throws(StoreError) -> Time? {
        guard let pod = store.get(Pod.self, namespace: namespace, name: name) else { return nil }
        let node = store.get(Node.self, name: nodeName)
        switch PlacementDecision.decide(pod, node: node) {
        case .nothing:
            break
        case .place:
            try store.modify(Pod.self, namespace: namespace, name: name) { pod in
                pod.spec.nodeName = nodeName
                pod.setScheduled(.true, reason: "", message: "", now: now)
            }
            store.record(
                .normal, reason: "Scheduled", message: "Successfully assigned \(namespace)/\(name) to \(nodeName)",
                about: pod, component: self.name)
        case .refuse(let message):
            try store.modify(Pod.self, namespace: namespace, name: name) { pod in
                pod.setScheduled(.false, reason: "Unschedulable", message: message, now: now)
            }
            store.record(.warning, reason: "FailedScheduling", message: message, about: pod, component: self.name)
        }
        return nil
    }
}

extension Pod {
    fileprivate mutating func setScheduled(_ value: ConditionStatus, reason: String, message: String, now: Time) {
        let current = status.conditions.first { $0.type == "PodScheduled" }
        var condition = PodCondition(type: "PodScheduled", status: value, reason: reason, message: message)
        condition.lastTransitionTime = current?.status == value ? current?.lastTransitionTime : now
        status.conditions.removeAll { $0.type == "PodScheduled" }
        status.conditions.append(condition)
    }
}
