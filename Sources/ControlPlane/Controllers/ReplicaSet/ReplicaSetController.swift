// SPDX-License-Identifier: Apache-2.0
// Swiftlet: carries out what the replica set reconciler decides.
public import KubernetesAPI
public import ObjectStore

/// ReplicaSet → Pod.
public struct ReplicaSetController: Controller {
    public let name = "replicaset-controller"

    public init() {}

    public func affected(by event: WatchEvent, in store: ObjectStore) -> [(namespace: String, name: String)] {
        let metadata = event.object.metadata
        switch event.object {
        case is ReplicaSet:
            return [(metadata.namespace, metadata.name)]
        case is Pod:
            let before = event.previous?.metadata.controllerReference
            let owners = [metadata.controllerReference, before].compactMap { $0 }
            if owners.isEmpty, !metadata.labels.isEmpty, event.type != .deleted {
                // A pod that nobody manages may be adopted.
                let candidates = store.list(ReplicaSet.self, namespace: metadata.namespace) {
                    !$0.spec.selector.isEmpty && $0.spec.selector.matches(metadata.labels)
                }
                return candidates.map { (metadata.namespace, $0.metadata.name) }
            }
            return owners.filter { $0.kind == "ReplicaSet" }.map { (metadata.namespace, $0.name) }
        default:
            return []
        }
    }

    public func reconcile(
        namespace: String, name: String, in store: StoreTransaction, now: Time
    ) throws(StoreError) -> Time? {
        guard let replicaSet = store.get(ReplicaSet.self, namespace: namespace, name: name) else { return nil }
        let pods = try claimPods(of: replicaSet, in: store)
        var failure: StoreError?
        var wake: Time?
        var status = replicaSet.status
        for action in ReplicaSetDecision.decide(desired: replicaSet, pods: pods, now: now) {
            switch action {
            case .createPods(let count):
                failure = createPods(count, of: replicaSet, in: store)
            case .deletePod(let pod):
                try store.delete(Pod.self, namespace: namespace, name: pod)
                store.record(
                    .normal, reason: "SuccessfulDelete", message: "Deleted pod: \(pod)", about: replicaSet,
                    component: self.name)
            case .updateStatus(let new):
                status = new
            case .wake(let time):
                wake = time
            }
        }
        if let failure {
            let before = replicaSet.status.conditions.first { $0.type == "ReplicaFailure" && $0.status == .true }
            status.conditions.removeAll { $0.type == "ReplicaFailure" }
            status.conditions.append(
                ReplicaSetCondition(
                    type: "ReplicaFailure", status: .true, lastTransitionTime: before?.lastTransitionTime ?? now,
                    reason: "FailedCreate", message: failure.message))
            // Nothing in the store may change when the cause goes away, so look again by the clock.
            wake = min(wake ?? now.adding(seconds: 10), now.adding(seconds: 10))
        }
        if status != replicaSet.status {
            try store.modify(ReplicaSet.self, namespace: namespace, name: name) { $0.status = status }
        }
        return wake
    }

    private func claimPods(of replicaSet: ReplicaSet, in store: StoreTransaction) throws(StoreError) -> [Pod] {
        let namespace = replicaSet.metadata.namespace
        let uid = replicaSet.metadata.uid
        let selector = replicaSet.spec.selector
        let candidates = store.list(Pod.self, namespace: namespace) { pod in
            pod.metadata.controllerReference.map { $0.uid == uid } ?? selector.matches(pod.metadata.labels)
        }
        var pods: [Pod] = []
        for candidate in candidates {
            switch Claim(on: candidate.metadata, by: replicaSet.metadata, selector: selector) {
            case .keep:
                pods.append(candidate)
            case .adopt where candidate.isActive:
                let adopted = try store.modify(Pod.self, namespace: namespace, name: candidate.metadata.name) {
                    $0.metadata.ownerReferences.append(replicaSet.asController)
                }
                pods.append(adopted)
            case .release:
                try store.modify(Pod.self, namespace: namespace, name: candidate.metadata.name) {
                    $0.metadata.ownerReferences.removeAll { $0.uid == uid }
                }
            case .adopt, .ignore:
                break
            }
        }
        return pods
    }

    /// Creates pods from the template until one fails; returns that failure.
    private func createPods(_ count: Int, of replicaSet: ReplicaSet, in store: StoreTransaction) -> StoreError? {
        let template = replicaSet.spec.template
        let pod = Pod(
            metadata: ObjectMeta(
                generateName: "\(replicaSet.metadata.name)-", namespace: replicaSet.metadata.namespace,
                labels: template.metadata.labels, annotations: template.metadata.annotations,
                ownerReferences: [replicaSet.asController], finalizers: template.metadata.finalizers),
            spec: template.spec)
        for _ in 0..<count {
            do {
                let created = try store.create(pod)
                store.record(
                    .normal, reason: "SuccessfulCreate", message: "Created pod: \(created.metadata.name)",
                    about: replicaSet, component: name)
            } catch {
                store.record(
                    .warning, reason: "FailedCreate", message: "Error creating: \(error.message)", about: replicaSet,
                    component: name)
                return error
            }
        }
        return nil
    }
}
