// SPDX-License-Identifier: Apache-2.0
// Swiftlet: rolling, recreating and scaling a deployment.
import KubernetesAPI

extension DeploymentDecision {
    // MARK: - RollingUpdate

    /// One step of a rolling update: first up, then down, so that the bounds hold at every moment.
    mutating func rollOut() {
        guard prepareNewReplicaSet(createIfAbsent: true), let replicaSet = newReplicaSet else { return }
        // One just created already has its first size.
        if actions.contains(.createReplicaSet(replicaSet)) { return }
        let size =
            replicaSet.desiredReplicas > desired.desiredReplicas ? desired.desiredReplicas : newReplicaSetSize()
        if scale(replicaSet.metadata.name, to: size) { return }
        if scaleDownOld() { return }
        if isComplete(computedStatus()) { cleanUpHistory() }
    }

    /// The size the new replica set may have now.
    func newReplicaSetSize() -> Int32 {
        guard let replicaSet = newReplicaSet else { return 0 }
        guard desired.isRollingUpdate else { return desired.desiredReplicas }
        let most = desired.desiredReplicas + desired.rollingBounds.maxSurge
        let current = allReplicaSets.desiredTotal
        guard current < most else { return replicaSet.desiredReplicas }
        let missing = desired.desiredReplicas - replicaSet.desiredReplicas
        return replicaSet.desiredReplicas + min(most - current, missing)
    }

    /// Shrinks old replica sets as far as availability allows: first what is not available anyway.
    private mutating func scaleDownOld() -> Bool {
        guard let replicaSet = newReplicaSet, oldReplicaSets.desiredTotal > 0 else { return false }
        let least = desired.desiredReplicas - desired.rollingBounds.maxUnavailable
        let unavailableNew = replicaSet.desiredReplicas - replicaSet.status.availableReplicas
        let removable = allReplicaSets.desiredTotal - least - unavailableNew
        guard removable > 0 else { return false }
        var removed: Int32 = 0
        for old in oldReplicaSets where old.desiredReplicas > 0 {
            let unavailable = old.desiredReplicas - old.status.availableReplicas
            let count = min(removable - removed, unavailable)
            guard count > 0 else { continue }
            removed += count
            scale(old.metadata.name, to: old.desiredReplicas - count)
        }
        // Pods given up above were not available, so they do not count here.
        let surplus = allReplicaSets.availableTotal - least
        var taken: Int32 = 0
        for old in oldReplicaSets where old.desiredReplicas > 0 {
            let count = min(old.desiredReplicas, surplus - taken)
            guard count > 0 else { continue }
            taken += count
            scale(old.metadata.name, to: old.desiredReplicas - count)
        }
        return removed + taken > 0
    }

    // MARK: - Recreate

    /// All old pods go before the first new one comes.
    mutating func recreate() {
        prepareNewReplicaSet(createIfAbsent: false)
        var scaledDown = false
        for old in oldReplicaSets where old.desiredReplicas > 0 {
            scaledDown = scale(old.metadata.name, to: 0) || scaledDown
        }
        if scaledDown || oldPodsRemain { return }
        let isNew = newReplicaSet == nil
        guard prepareNewReplicaSet(createIfAbsent: true), let replicaSet = newReplicaSet else { return }
        if !isNew { scale(replicaSet.metadata.name, to: desired.desiredReplicas) }
        if isComplete(computedStatus()) { cleanUpHistory() }
    }

    private var oldPodsRemain: Bool {
        if oldReplicaSets.actualTotal > 0 { return true }
        return replicaSetsWithPods.contains { $0 != newReplicaSet?.metadata.uid }
    }

    // MARK: - Scaling without rolling

    /// Follows a changed replica count; during a rollout in proportion to the sizes of the replica sets.
    mutating func scaleProportionally() {
        if let only = activeOrLatest {
            scale(only.metadata.name, to: desired.desiredReplicas)
            return
        }
        if let replicaSet = newReplicaSet, isSaturated(replicaSet) {
            for old in oldReplicaSets.active { scale(old.metadata.name, to: 0) }
            return
        }
        guard desired.isRollingUpdate else { return }
        var sets = allReplicaSets.active
        let allowed = desired.desiredReplicas > 0 ? desired.desiredReplicas + desired.rollingBounds.maxSurge : 0
        let toAdd = allowed - sets.desiredTotal
        // Growth favours large and new sets, shrinking large and old ones.
        sets.sort { left, right in
            if left.desiredReplicas != right.desiredReplicas { return left.desiredReplicas > right.desiredReplicas }
            return toAdd > 0 ? ReplicaSet.isOlder(right, left) : ReplicaSet.isOlder(left, right)
        }
        var added: Int32 = 0
        var sizes: [(name: String, size: Int32)] = []
        for replicaSet in sets {
            let share = toAdd == 0 ? 0 : proportion(of: replicaSet, toAdd: toAdd, added: added)
            added += share
            sizes.append((replicaSet.metadata.name, replicaSet.desiredReplicas + share))
        }
        if toAdd != 0, !sizes.isEmpty { sizes[0].size = max(0, sizes[0].size + toAdd - added) }
        for (name, size) in sizes { scale(name, to: size) }
    }

    /// The one replica set that can be scaled without thinking: the only active one, or the latest if none is.
    private var activeOrLatest: ReplicaSet? {
        let active = allReplicaSets.active
        if active.isEmpty { return newReplicaSet ?? oldReplicaSets.last }
        return active.count == 1 ? active[0] : nil
    }

    private func isSaturated(_ replicaSet: ReplicaSet) -> Bool {
        let count = desired.desiredReplicas
        return replicaSet.desiredReplicas == count && replicaSet.status.availableReplicas == count
            && replicaSet.annotatedCount(DeploymentKeys.desiredReplicas) == count
    }

    private func proportion(of replicaSet: ReplicaSet, toAdd: Int32, added: Int32) -> Int32 {
        guard replicaSet.desiredReplicas != 0, toAdd != added else { return 0 }
        let rest = toAdd - added
        let share: Int32
        if desired.desiredReplicas == 0 {
            share = -replicaSet.desiredReplicas
        } else {
            let most = Double(desired.desiredReplicas + desired.rollingBounds.maxSurge)
            let annotated = replicaSet.annotatedCount(DeploymentKeys.maxReplicas) ?? desired.status.replicas
            let before = Double(annotated == 0 ? replicaSet.desiredReplicas : annotated)
            let size = (Double(replicaSet.desiredReplicas) * most / before).rounded()
            share = Int32(clamping: Int64(size)) - replicaSet.desiredReplicas
        }
        return toAdd > 0 ? min(share, rest) : max(share, rest)
    }
}
