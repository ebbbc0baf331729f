// SPDX-License-Identifier: Apache-2.0
// Swiftlet: status, conditions and history of a deployment.
import KubernetesAPI

/// Conditions of a deployment (apps/v1 DeploymentConditionType).
enum DeploymentConditionType: String {
    case available = "Available"
    case progressing = "Progressing"
    case replicaFailure = "ReplicaFailure"
}

extension DeploymentStatus {
    func condition(_ type: DeploymentConditionType) -> DeploymentCondition? {
        conditions.first { $0.type == type.rawValue }
    }

    /// Sets a condition; nothing happens if status and reason stay, and the transition time stays if the status does.
    mutating func set(
        _ type: DeploymentConditionType, _ value: ConditionStatus, reason: String, message: String, now: Time
    ) {
        let current = condition(type)
        if let current, current.status == value, current.reason == reason { return }
        remove(type)
        conditions.append(
            DeploymentCondition(
                type: type.rawValue, status: value, lastUpdateTime: now,
                lastTransitionTime: current?.status == value ? current?.lastTransitionTime : now, reason: reason,
                message: message))
    }

    mutating func remove(_ type: DeploymentConditionType) {
        conditions.removeAll { $0.type == type.rawValue }
    }
}

extension DeploymentDecision {
    private static let timedOutReason = "ProgressDeadlineExceeded"
    private static let completeReason = "NewReplicaSetAvailable"

    /// Keeps the deadline from running while the deployment is paused.
    mutating func notePause() {
        guard desired.progressDeadlineSeconds != nil else { return }
        let current = status.condition(.progressing)
        if current?.reason == Self.timedOutReason { return }
        let wasPaused = current?.reason == "DeploymentPaused"
        if desired.spec.paused, !wasPaused {
            status.set(
                .progressing, .unknown, reason: "DeploymentPaused", message: "Deployment is paused", now: now)
        } else if !desired.spec.paused, wasPaused {
            status.set(
                .progressing, .unknown, reason: "DeploymentResumed", message: "Deployment is resumed", now: now)
        }
    }

    /// The counts as they follow from the replica sets, and the Available condition.
    func computedStatus() -> DeploymentStatus {
        let all = allReplicaSets
        var result = status
        result.observedGeneration = desired.metadata.generation
        result.replicas = all.actualTotal
        result.updatedReplicas = newReplicaSet?.status.replicas ?? 0
        result.readyReplicas = all.reduce(0) { $0 + $1.status.readyReplicas }
        result.availableReplicas = all.availableTotal
        result.unavailableReplicas = max(0, all.desiredTotal - result.availableReplicas)
        if result.availableReplicas >= desired.desiredReplicas - desired.rollingBounds.maxUnavailable {
            result.set(
                .available, .true, reason: "MinimumReplicasAvailable",
                message: "Deployment has minimum availability.", now: now)
        } else {
            result.set(
                .available, .false, reason: "MinimumReplicasUnavailable",
                message: "Deployment does not have minimum availability.", now: now)
        }
        return result
    }

    func isComplete(_ status: DeploymentStatus) -> Bool {
        let count = desired.desiredReplicas
        return status.updatedReplicas == count && status.replicas == count && status.availableReplicas == count
            && status.observedGeneration >= desired.metadata.generation
    }

    /// Writes the status, judges the progress of a rollout and asks to be woken when its deadline ends.
    mutating func finish(isRollout: Bool) {
        var result = computedStatus()
        if isRollout { judgeProgress(&result) }
        let failure = allReplicaSets.lazy.flatMap { $0.status.conditions }
            .first { $0.type == DeploymentConditionType.replicaFailure.rawValue && $0.status == .true }
        if let failure {
            result.set(.replicaFailure, .true, reason: failure.reason, message: failure.message, now: now)
        } else if isRollout {
            result.remove(.replicaFailure)
        }
        if result != desired.status { actions.append(.updateStatus(result)) }
        guard isRollout, let deadline = desired.progressDeadlineSeconds, !isComplete(result),
            let progress = result.condition(.progressing), progress.reason != Self.timedOutReason,
            let since = progress.lastUpdateTime
        else { return }
        actions.append(.wake(max(since.adding(seconds: Int64(deadline) + 1), now.adding(seconds: 1))))
    }

    private func judgeProgress(_ result: inout DeploymentStatus) {
        guard let deadline = desired.progressDeadlineSeconds else {
            result.remove(.progressing)
            return
        }
        let current = status.condition(.progressing)
        // Once complete, only a new rollout changes the condition, not pods that come and go.
        if result.replicas == result.updatedReplicas, current?.reason == Self.completeReason { return }
        let subject =
            newReplicaSet.map { "ReplicaSet \"\($0.metadata.name)\"" } ?? "Deployment \"\(desired.metadata.name)\""
        if isComplete(result) {
            result.set(
                .progressing, .true, reason: Self.completeReason, message: "\(subject) has successfully progressed.",
                now: now)
        } else if isProgressing(from: desired.status, to: result) {
            let transition = current?.status == .true ? current?.lastTransitionTime : now
            result.remove(.progressing)
            result.conditions.append(
                DeploymentCondition(
                    type: DeploymentConditionType.progressing.rawValue, status: .true, lastUpdateTime: now,
                    lastTransitionTime: transition, reason: "ReplicaSetUpdated",
                    message: "\(subject) is progressing."))
        } else if hasTimedOut(current, deadlineSeconds: deadline) {
            result.set(
                .progressing, .false, reason: Self.timedOutReason, message: "\(subject) has timed out progressing.",
                now: now)
        }
    }

    private func isProgressing(from old: DeploymentStatus, to new: DeploymentStatus) -> Bool {
        new.updatedReplicas > old.updatedReplicas
            || new.replicas - new.updatedReplicas < old.replicas - old.updatedReplicas
            || new.readyReplicas > old.readyReplicas || new.availableReplicas > old.availableReplicas
    }

    private func hasTimedOut(_ progress: DeploymentCondition?, deadlineSeconds: Int32) -> Bool {
        guard let progress, progress.reason != Self.completeReason else { return false }
        if progress.reason == Self.timedOutReason { return true }
        guard let since = progress.lastUpdateTime else { return false }
        return since.adding(seconds: Int64(deadlineSeconds)) < now
    }

    /// Deletes the oldest replica sets beyond revisionHistoryLimit that have nothing left.
    mutating func cleanUpHistory() {
        let candidates = oldReplicaSets.filter { $0.metadata.deletionTimestamp == nil }
        let excess = candidates.count - Int(desired.spec.revisionHistoryLimit ?? 10)
        guard excess > 0 else { return }
        for old in candidates.sorted(by: { $0.revision < $1.revision }).prefix(excess) {
            let isBusy =
                old.desiredReplicas != 0 || old.status.replicas != 0
                || old.metadata.generation > old.status.observedGeneration
            if !isBusy { actions.append(.deleteReplicaSet(name: old.metadata.name)) }
        }
    }
}
