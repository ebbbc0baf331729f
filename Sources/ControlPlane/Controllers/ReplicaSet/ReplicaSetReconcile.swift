// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what a replica set needs next: a pure function of what is wanted, what there is, and the time.
//
// As upstream: k8s.io/kubernetes/pkg/controller/replicaset.
import KubernetesAPI

/// One step to take, in the order given.
enum ReplicaSetAction: Equatable {
    case createPods(count: Int)
    case deletePod(name: String)
    case updateStatus(ReplicaSetStatus)
    /// Look again at this time.
    case wake(Time)
}

enum ReplicaSetDecision {
    // LIMIT: as upstream, at most 500 pods are created or deleted at once.
    static let burstMax = 500

    /// `pods` are all pods of the replica set, whatever their state.
    static func decide(desired: ReplicaSet, pods: [Pod], now: Time) -> [ReplicaSetAction] {
        var actions: [ReplicaSetAction] = []
        let active = pods.filter { $0.isActive }
        if desired.metadata.deletionTimestamp == nil {
            let difference = active.count - Int(desired.desiredReplicas)
            if difference < 0 {
                actions.append(.createPods(count: min(-difference, burstMax)))
            } else if difference > 0 {
                let ranked = active.map { (rank: DeletionRank($0, now: now), name: $0.metadata.name) }
                    .sorted { $0.rank.precedes($1.rank) }
                actions += ranked.prefix(min(difference, burstMax)).map { .deletePod(name: $0.name) }
            }
        }
        let status = status(of: desired, active: active, all: pods, now: now)
        if status != desired.status { actions.append(.updateStatus(status)) }
        let available = active.compactMap { $0.availableTime(minReadySeconds: desired.spec.minReadySeconds) }
        if let next = available.filter({ $0 > now }).min() { actions.append(.wake(next)) }
        return actions
    }

    private static func status(of desired: ReplicaSet, active: [Pod], all: [Pod], now: Time) -> ReplicaSetStatus {
        let template = LabelSelector(matchLabels: desired.spec.template.metadata.labels)
        var status = desired.status
        status.replicas = Int32(active.count)
        status.fullyLabeledReplicas = Int32(active.count { template.matches($0.metadata.labels) })
        status.readyReplicas = Int32(active.count { $0.isReady })
        status.availableReplicas = Int32(
            active.count { pod in
                pod.availableTime(minReadySeconds: desired.spec.minReadySeconds).map { $0 <= now } ?? false
            })
        let terminating = Int32(
            all.count { pod in
                pod.metadata.deletionTimestamp != nil && pod.status.phase != .succeeded && pod.status.phase != .failed
            })
        status.terminatingReplicas = terminating
        status.observedGeneration = desired.metadata.generation
        // The executor sets it again if creating fails again.
        status.conditions.removeAll { $0.type == "ReplicaFailure" }
        return status
    }
}
