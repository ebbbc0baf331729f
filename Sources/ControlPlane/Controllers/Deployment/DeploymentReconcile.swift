// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what a deployment needs next: a pure function of what is wanted, what there is, and the time.
//
// The steps and their order are upstream's: k8s.io/kubernetes/pkg/controller/deployment.
import KubernetesAPI
import ObjectStore

/// What the deployment controller sees.
struct DeploymentObservation {
    /// The replica sets of the deployment.
    var replicaSets: [ReplicaSet]
    /// Names of replica sets in the namespace that are not the deployment's.
    var foreignNames: Set<String> = []
    /// uids of replica sets that still have pods which have not ended, even if these are being deleted.
    var replicaSetsWithPods: Set<String> = []
}

/// One step to take, in the order given.
enum DeploymentAction: Equatable {
    case createReplicaSet(ReplicaSet)
    /// Stores changed metadata or spec of an existing replica set.
    case updateReplicaSet(ReplicaSet)
    case deleteReplicaSet(name: String)
    /// Sets the deployment's own revision annotation.
    case setRevision(String)
    case updateStatus(DeploymentStatus)
    case event(EventType, reason: String, message: String)
    /// Look again at this time.
    case wake(Time)
}

/// The decision in the making: working copies that later steps see as changed by earlier ones.
struct DeploymentDecision {
    let desired: Deployment
    let now: Time
    let foreignNames: Set<String>
    let replicaSetsWithPods: Set<String>
    /// Starts as the stored status; conditions are added along the way.
    var status: DeploymentStatus
    var newReplicaSet: ReplicaSet?
    /// All others, oldest first.
    var oldReplicaSets: [ReplicaSet]
    var actions: [DeploymentAction] = []

    static func decide(desired: Deployment, observed: DeploymentObservation, now: Time) -> [DeploymentAction] {
        var decision = DeploymentDecision(desired, observed, now)
        decision.run()
        return decision.actions
    }

    private init(_ desired: Deployment, _ observed: DeploymentObservation, _ now: Time) {
        self.desired = desired
        self.now = now
        foreignNames = observed.foreignNames
        replicaSetsWithPods = observed.replicaSetsWithPods
        status = desired.status
        let newReplicaSet = desired.newReplicaSet(among: observed.replicaSets)
        self.newReplicaSet = newReplicaSet
        oldReplicaSets = observed.replicaSets.filter { $0.metadata.name != newReplicaSet?.metadata.name }
            .sorted(by: ReplicaSet.isOlder)
    }

    var allReplicaSets: [ReplicaSet] { oldReplicaSets + (newReplicaSet.map { [$0] } ?? []) }

    private mutating func run() {
        if desired.metadata.deletionTimestamp != nil {
            finish(isRollout: false)
            return
        }
        notePause()
        let isScaling = allReplicaSets.active.contains { replicaSet in
            replicaSet.annotatedCount(DeploymentKeys.desiredReplicas).map { $0 != desired.desiredReplicas } ?? false
        }
        // Recreate has at most one active set once it is under way; before that, scaling can wait for it.
        let canScale = desired.isRollingUpdate || allReplicaSets.active.count <= 1
        if desired.spec.paused || (isScaling && canScale) {
            prepareNewReplicaSet(createIfAbsent: false)
            scaleProportionally()
            if desired.spec.paused { cleanUpHistory() }
            finish(isRollout: false)
        } else if desired.isRollingUpdate {
            rollOut()
            finish(isRollout: true)
        } else {
            recreate()
            finish(isRollout: true)
        }
    }

    // MARK: - The new replica set

    /// Brings the new replica set's annotations up to date, or creates it; false if its name is taken.
    @discardableResult
    mutating func prepareNewReplicaSet(createIfAbsent: Bool) -> Bool {
        let revision = (oldReplicaSets.map { $0.revision }.max() ?? 0) + 1
        if var replicaSet = newReplicaSet {
            inheritAnnotations(&replicaSet, revision: revision)
            replicaSet.spec.minReadySeconds = desired.spec.minReadySeconds
            if replicaSet != newReplicaSet { actions.append(.updateReplicaSet(replicaSet)) }
            newReplicaSet = replicaSet
            setRevision(replicaSet.metadata.annotations[DeploymentKeys.revision])
            if desired.progressDeadlineSeconds != nil, status.condition(.progressing) == nil {
                status.set(
                    .progressing, .true, reason: "FoundNewReplicaSet",
                    message: "Found new replica set \"\(replicaSet.metadata.name)\"", now: now)
            }
            return true
        }
        guard createIfAbsent else { return true }
        var replicaSet = desired.makeReplicaSet()
        let name = replicaSet.metadata.name
        if foreignNames.contains(name) || oldReplicaSets.contains(where: { $0.metadata.name == name }) {
            // Another template has the same hash: the next attempt uses another name.
            status.collisionCount = (status.collisionCount ?? 0) + 1
            return false
        }
        newReplicaSet = replicaSet
        let count = newReplicaSetSize()
        replicaSet.spec.replicas = count
        inheritAnnotations(&replicaSet, revision: revision)
        annotateCounts(&replicaSet)
        newReplicaSet = replicaSet
        actions.append(.createReplicaSet(replicaSet))
        if count > 0 {
            actions.append(
                .event(
                    .normal, reason: "ScalingReplicaSet", message: "Scaled up replica set \(name) from 0 to \(count)"))
        }
        setRevision(String(revision))
        if desired.progressDeadlineSeconds != nil {
            status.set(
                .progressing, .true, reason: "NewReplicaSetCreated", message: "Created new replica set \"\(name)\"",
                now: now)
        }
        return true
    }

    private mutating func setRevision(_ revision: String?) {
        guard let revision, desired.metadata.annotations[DeploymentKeys.revision] != revision else { return }
        actions.append(.setRevision(revision))
    }

    private func inheritAnnotations(_ replicaSet: inout ReplicaSet, revision: Int64) {
        for (key, value) in desired.metadata.annotations where !DeploymentKeys.own.contains(key) {
            replicaSet.metadata.annotations[key] = value
        }
        let stored = replicaSet.metadata.annotations[DeploymentKeys.revision]
        guard replicaSet.revision < revision else { return }
        replicaSet.metadata.annotations[DeploymentKeys.revision] = String(revision)
        guard let stored else { return }
        // A re-used template keeps the numbers it had before.
        let history = replicaSet.metadata.annotations[DeploymentKeys.revisionHistory]
        // LIMIT: as upstream, the history does not outgrow 2000 characters; the oldest numbers go first.
        var numbers = (history?.split(separator: ",").map(String.init) ?? []) + [stored]
        while numbers.joined(separator: ",").utf8.count > 2000 { numbers.removeFirst() }
        replicaSet.metadata.annotations[DeploymentKeys.revisionHistory] = numbers.joined(separator: ",")
    }

    func annotateCounts(_ replicaSet: inout ReplicaSet) {
        let (surge, _) = desired.rollingBounds
        replicaSet.metadata.annotations[DeploymentKeys.desiredReplicas] = String(desired.desiredReplicas)
        replicaSet.metadata.annotations[DeploymentKeys.maxReplicas] = String(desired.desiredReplicas + surge)
    }

    // MARK: - Scaling one replica set

    /// Sets the size of a replica set, with its event; false if it had this size already.
    @discardableResult
    mutating func scale(_ name: String, to size: Int32) -> Bool {
        let isNew = newReplicaSet?.metadata.name == name
        guard var replicaSet = isNew ? newReplicaSet : oldReplicaSets.first(where: { $0.metadata.name == name }) else {
            return false
        }
        let before = replicaSet
        replicaSet.spec.replicas = max(0, size)
        annotateCounts(&replicaSet)
        guard replicaSet != before else { return false }
        if isNew {
            newReplicaSet = replicaSet
        } else if let index = oldReplicaSets.firstIndex(where: { $0.metadata.name == name }) {
            oldReplicaSets[index] = replicaSet
        }
        replaceOrAppend(replicaSet)
        guard replicaSet.desiredReplicas != before.desiredReplicas else { return false }
        let direction = replicaSet.desiredReplicas > before.desiredReplicas ? "up" : "down"
        actions.append(
            .event(
                .normal, reason: "ScalingReplicaSet",
                message: "Scaled \(direction) replica set \(name) from \(before.desiredReplicas) to "
                    + "\(replicaSet.desiredReplicas)"))
        return true
    }

    /// A replica set is written at most once per decision.
    private mutating func replaceOrAppend(_ replicaSet: ReplicaSet) {
        let name = replicaSet.metadata.name
        for (index, action) in actions.enumerated() {
            switch action {
            case .createReplicaSet(let pending) where pending.metadata.name == name:
                actions[index] = .createReplicaSet(replicaSet)
                return
            case .updateReplicaSet(let pending) where pending.metadata.name == name:
                actions[index] = .updateReplicaSet(replicaSet)
                return
            default: continue
            }
        }
        actions.append(.updateReplicaSet(replicaSet))
    }
}
