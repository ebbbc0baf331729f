// SPDX-License-Identifier: Apache-2.0
// Swiftlet: carries out what the deployment reconciler decides.
public import KubernetesAPI
public import ObjectStore

/// Deployment → ReplicaSet.
public struct DeploymentController: Controller {
    public let name = "deployment-controller"

    public init() {}

    public func affected(by event: WatchEvent, in store: ObjectStore) -> [(namespace: String, name: String)] {
        let metadata = event.object.metadata
        switch event.object {
        case is Deployment:
            return [(metadata.namespace, metadata.name)]
        case is ReplicaSet:
            let before = event.previous?.metadata.controllerReference
            let owners = [metadata.controllerReference, before].compactMap { $0 }
            if owners.isEmpty, !metadata.labels.isEmpty, event.type != .deleted {
                // A replica set that nobody manages may be adopted.
                let candidates = store.list(Deployment.self, namespace: metadata.namespace) {
                    !$0.spec.selector.isEmpty && $0.spec.selector.matches(metadata.labels)
                }
                return candidates.map { (metadata.namespace, $0.metadata.name) }
            }
            return owners.filter { $0.kind == "Deployment" }.map { (metadata.namespace, $0.name) }
        case let pod as Pod where event.type == .deleted:
            // Recreate waits for the last old pod. A replica set is named after its deployment, plus a hash.
            guard let owner = pod.metadata.controllerReference, owner.kind == "ReplicaSet",
                let dash = owner.name.lastIndex(of: "-")
            else { return [] }
            return [(metadata.namespace, String(owner.name[..<dash]))]
        default:
            return []
        }
    }

    public func reconcile(
        namespace: String, name: String, in store: StoreTransaction, now: Time
    ) throws(StoreError) -> Time? {
        guard let deployment = store.get(Deployment.self, namespace: namespace, name: name),
            !deployment.spec.selector.isEmpty
        else { return nil }
        let observed = try observe(deployment, in: store)
        var wake: Time?
        for action in DeploymentDecision.decide(desired: deployment, observed: observed, now: now) {
            switch action {
            case .createReplicaSet(let replicaSet):
                try store.create(replicaSet)
            case .updateReplicaSet(let replicaSet):
                try store.update(replicaSet)
            case .deleteReplicaSet(let old):
                try store.delete(ReplicaSet.self, namespace: namespace, name: old)
            case .setRevision(let revision):
                try store.modify(Deployment.self, namespace: namespace, name: name) {
                    $0.metadata.annotations[DeploymentKeys.revision] = revision
                }
            case .updateStatus(let status):
                try store.modify(Deployment.self, namespace: namespace, name: name) { $0.status = status }
            case .event(let type, let reason, let message):
                store.record(type, reason: reason, message: message, about: deployment, component: self.name)
            case .wake(let time):
                wake = min(time, wake ?? time)
            }
        }
        return wake
    }

    /// Collects the replica sets, adopting and releasing on the way.
    private func observe(
        _ deployment: Deployment, in store: StoreTransaction
    ) throws(StoreError) -> DeploymentObservation {
        let namespace = deployment.metadata.namespace
        var observed = DeploymentObservation(replicaSets: [])
        for candidate in store.list(ReplicaSet.self, namespace: namespace, where: { _ in true }) {
            let name = candidate.metadata.name
            switch Claim(on: candidate.metadata, by: deployment.metadata, selector: deployment.spec.selector) {
            case .keep:
                observed.replicaSets.append(candidate)
            case .adopt:
                let adopted = try store.modify(ReplicaSet.self, namespace: namespace, name: name) {
                    $0.metadata.ownerReferences.append(deployment.asController)
                }
                observed.replicaSets.append(adopted)
            case .release:
                try store.modify(ReplicaSet.self, namespace: namespace, name: name) {
                    $0.metadata.ownerReferences.removeAll { $0.uid == deployment.metadata.uid }
                }
                observed.foreignNames.insert(name)
            case .ignore:
                observed.foreignNames.insert(name)
            }
        }
        if !deployment.isRollingUpdate {
            let owners = Set(observed.replicaSets.map { $0.metadata.uid })
            let pods = store.list(Pod.self, namespace: namespace) { pod in
                pod.status.phase != .succeeded && pod.status.phase != .failed
            }
            for case let owner? in pods.map({ $0.metadata.controllerReference?.uid }) where owners.contains(owner) {
                observed.replicaSetsWithPods.insert(owner)
            }
        }
        return observed
    }
}
