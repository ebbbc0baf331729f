// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the replica sets of a deployment: which is the new one, its name, its revision.
import KubernetesAPI
import ObjectStore

/// Annotations and labels that tie a replica set to its deployment (apps/v1 util).
enum DeploymentKeys {
    static let revision = "deployment.kubernetes.io/revision"
    static let revisionHistory = "deployment.kubernetes.io/revision-history"
    static let desiredReplicas = "deployment.kubernetes.io/desired-replicas"
    static let maxReplicas = "deployment.kubernetes.io/max-replicas"
    static let rollbackTo = "deprecated.deployment.rollback.to"
    static let lastApplied = "kubectl.kubernetes.io/last-applied-configuration"
    static let templateHash = "pod-template-hash"

    /// Annotations of a deployment that its replica sets do not inherit.
    static let own: Set<String> = [
        revision, revisionHistory, desiredReplicas, maxReplicas, rollbackTo, lastApplied,
    ]
}

extension PodTemplateSpec {
    /// The template without the label that a replica set adds.
    var withoutHash: PodTemplateSpec {
        var template = self
        template.metadata.labels[DeploymentKeys.templateHash] = nil
        return template
    }

    /// A short text that is equal for equal templates; `collisionCount` gives another one when the name is taken.
    ///
    /// FNV-1a over canonical JSON: stable across restarts and machines, unlike Swift's Hasher.
    func hashText(collisionCount: Int32?) -> String {
        // A template is made of values that always encode; the fallback only keeps the function total.
        var bytes = (try? KubernetesJSON.encode(withoutHash)) ?? []
        if let collisionCount { bytes += Array("\(collisionCount)".utf8) }
        var hash: UInt32 = 2_166_136_261
        for byte in bytes { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        return NameAlphabet.encode(String(hash))
    }
}

extension ReplicaSet {
    var desiredReplicas: Int32 { spec.replicas ?? 1 }

    var revision: Int64 { metadata.annotations[DeploymentKeys.revision].flatMap { Int64($0) } ?? 0 }

    func annotatedCount(_ key: String) -> Int32? { metadata.annotations[key].flatMap { Int32($0) } }

    /// Older first; the name decides among those of the same second.
    static func isOlder(_ left: ReplicaSet, _ right: ReplicaSet) -> Bool {
        let (leftTime, rightTime) = (left.metadata.creationTimestamp, right.metadata.creationTimestamp)
        if leftTime == rightTime { return left.metadata.name < right.metadata.name }
        // One about to be created has no time yet and is the youngest.
        guard let leftTime else { return false }
        guard let rightTime else { return true }
        return leftTime < rightTime
    }
}

extension Sequence where Element == ReplicaSet {
    var desiredTotal: Int32 { reduce(0) { $0 + $1.desiredReplicas } }
    var actualTotal: Int32 { reduce(0) { $0 + $1.status.replicas } }
    var availableTotal: Int32 { reduce(0) { $0 + $1.status.availableReplicas } }
    var active: [ReplicaSet] { filter { $0.desiredReplicas > 0 } }
}

extension Deployment {
    var desiredReplicas: Int32 { spec.replicas ?? 1 }

    var isRollingUpdate: Bool { spec.strategy.type != .recreate }

    /// The progress deadline in seconds; nil means none.
    var progressDeadlineSeconds: Int32? {
        let seconds = spec.progressDeadlineSeconds ?? 600
        return seconds == Int32.max ? nil : seconds
    }

    /// How many pods may exist beyond, and be missing from, the desired number while rolling.
    ///
    /// Percentages of surge round up, of unavailability down; if both come out as zero, one may be unavailable,
    /// because otherwise nothing could ever move.
    var rollingBounds: (maxSurge: Int32, maxUnavailable: Int32) {
        guard isRollingUpdate else { return (0, 0) }
        let total = Int(desiredReplicas)
        let update = spec.strategy.rollingUpdate
        let surge = (update?.maxSurge ?? "25%").scaled(to: total, roundingUp: true) ?? 0
        let unavailable = (update?.maxUnavailable ?? "25%").scaled(to: total, roundingUp: false) ?? 0
        if surge == 0, unavailable == 0 { return (0, total == 0 ? 0 : 1) }
        return (Int32(clamping: surge), Int32(clamping: min(unavailable, total)))
    }

    /// The replica set made from the current template: the oldest if there are several.
    func newReplicaSet(among replicaSets: [ReplicaSet]) -> ReplicaSet? {
        let template = spec.template.withoutHash
        return replicaSets.sorted(by: ReplicaSet.isOlder).first { $0.spec.template.withoutHash == template }
    }

    /// The replica set for the current template, not yet stored.
    func makeReplicaSet() -> ReplicaSet {
        let hash = spec.template.hashText(collisionCount: status.collisionCount)
        var template = spec.template
        template.metadata.labels[DeploymentKeys.templateHash] = hash
        var selector = spec.selector
        selector.matchLabels[DeploymentKeys.templateHash] = hash
        var replicaSet = ReplicaSet(
            metadata: ObjectMeta(
                name: "\(metadata.name)-\(hash)", namespace: metadata.namespace, labels: template.metadata.labels,
                ownerReferences: [asController]))
        replicaSet.spec = ReplicaSetSpec(
            replicas: 0, minReadySeconds: spec.minReadySeconds, selector: selector, template: template)
        return replicaSet
    }
}
