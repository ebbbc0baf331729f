// SPDX-License-Identifier: Apache-2.0
// Swiftlet: which of its pods a replica set gives up first.
import Glibc
package import KubernetesAPI

/// What matters about a pod when some have to go.
///
/// The order is upstream's (k8s.io/kubernetes/pkg/controller ActivePodsWithRanks): not yet placed, not yet running,
/// not ready, cheap to delete, recently ready, often restarted, young. Ages are compared by magnitude only, so that
/// among pods of about the same age the choice is spread by their uids. The rank by node is left out: there is one.
package struct DeletionRank {
    private let phaseOrder: [PodPhase: Int] = [.pending: 0, .unknown: 1, .running: 2]
    private let pod: Pod
    private let now: Time

    package init(_ pod: Pod, now: Time) {
        self.pod = pod
        self.now = now
    }

    /// Whether this pod goes before `other`.
    package func precedes(_ other: DeletionRank) -> Bool {
        if pod.spec.nodeName.isEmpty != other.pod.spec.nodeName.isEmpty { return pod.spec.nodeName.isEmpty }
        let (phase, otherPhase) = (phaseRank, other.phaseRank)
        if phase != otherPhase { return phase < otherPhase }
        if pod.isReady != other.pod.isReady { return !pod.isReady }
        if deletionCost != other.deletionCost { return deletionCost < other.deletionCost }
        if pod.isReady, other.pod.isReady {
            let (since, otherSince) = (
                pod.readyCondition?.lastTransitionTime, other.pod.readyCondition?.lastTransitionTime
            )
            if since != otherSince { return isYounger(since, than: otherSince, other) }
        }
        if restartCount != other.restartCount { return restartCount > other.restartCount }
        let (created, otherCreated) = (pod.metadata.creationTimestamp, other.pod.metadata.creationTimestamp)
        if created != otherCreated { return isYounger(created, than: otherCreated, other) }
        return pod.metadata.uid < other.pod.metadata.uid
    }

    private var phaseRank: Int { phaseOrder[pod.status.phase ?? .pending] ?? 1 }

    private var deletionCost: Int32 {
        pod.metadata.annotations["controller.kubernetes.io/pod-deletion-cost"].flatMap { Int32($0) } ?? 0
    }

    private var restartCount: Int32 { pod.status.containerStatuses.map { $0.restartCount }.max() ?? 0 }

    private func isYounger(_ time: Time?, than otherTime: Time?, _ other: DeletionRank) -> Bool {
        // One without a time counts as the youngest.
        guard let time else { return otherTime != nil }
        guard let otherTime else { return false }
        let (age, otherAge) = (magnitude(of: time), magnitude(of: otherTime))
        return age == otherAge ? pod.metadata.uid < other.pod.metadata.uid : age < otherAge
    }

    /// The binary logarithm of an age in seconds; -1 for the future.
    private func magnitude(of time: Time) -> Int {
        let age = now.secondsSinceEpoch - time.secondsSinceEpoch
        return age > 0 ? Int(log2(Double(age))) : -1
    }
}
