// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a store, all controllers and a node made of dice, in one thread and with a clock of its own.
import Controllers
import KubernetesAPI
import ObjectStore
import Synchronization

/// A small, fast generator with a seed (SplitMix64), so that failures can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

final class SimulatedCluster {
    final class Clock: Sendable {
        let seconds = Atomic<Int64>(1_700_000_000)
        var now: Time { Time(secondsSinceEpoch: seconds.load(ordering: .relaxed)) }
    }

    let clock = Clock()
    let store: ObjectStore
    let manager: ControllerManager
    var random: SeededGenerator
    /// Pods with this image never become ready.
    static let brokenImage = "broken.wasm"

    init(seed: UInt64 = 1) throws {
        let clock = clock
        let counter = Atomic<UInt64>(seed << 32)
        let shared = CounterBox(counter)
        store = try ObjectStore(
            path: nil,
            environment: StoreEnvironment(
                now: { clock.now }, makeIdentifier: { "uid-\(shared.next())" },
                makeNameSuffix: {
                    var generator = SeededGenerator(state: shared.next())
                    return NameAlphabet.random(5, using: &generator)
                }), historyLimit: 200_000)
        let addresses = ServiceAddressRange(network: "127.96.0.0", prefixLength: 12)
        manager = ControllerManager(
            store: store,
            controllers: ControllerManager.standard(nodeName: "node-1") { _, inUse in
                addresses?.allocate(inUse: inUse)
            }, now: { MicroTime(microsecondsSinceEpoch: clock.now.secondsSinceEpoch * 1_000_000) })
        random = SeededGenerator(state: seed)
    }

    final class CounterBox: Sendable {
        private let value: Atomic<UInt64>
        init(_ value: consuming Atomic<UInt64>) { self.value = value }
        func next() -> UInt64 { value.add(1, ordering: .relaxed).newValue }
    }

    @discardableResult
    func settle() throws -> Int { try manager.settle(limit: 10_000) }

    func advance(seconds: Int64) { clock.seconds.add(seconds, ordering: .relaxed) }

    /// One round of the node: each pod moves on with the given chance.
    func nodeStep(chance: Double = 1) throws {
        for pod in store.list(Pod.self) where !pod.spec.nodeName.isEmpty {
            guard Double.random(in: 0..<1, using: &random) < chance else { continue }
            if pod.metadata.deletionTimestamp != nil {
                try store.remove(
                    Pod.self, namespace: pod.metadata.namespace, name: pod.metadata.name, uid: pod.metadata.uid)
            } else if !pod.isReady, pod.isActive, pod.spec.containers.first?.image != Self.brokenImage {
                try setReady(pod.metadata.name, true, in: pod.metadata.namespace)
            }
        }
    }

    func setReady(_ name: String, _ isReady: Bool, in namespace: String = "default") throws {
        let now = clock.now
        try store.modify(Pod.self, namespace: namespace, name: name) { pod in
            pod.status.phase = .running
            pod.status.podIP = "127.64.0.\(abs(name.utf8.reduce(7) { ($0 &* 31 &+ Int($1)) % 250 }) + 2)"
            pod.status.conditions.removeAll { $0.type == "Ready" }
            pod.status.conditions.append(
                PodCondition(type: "Ready", status: isReady ? .true : .false, lastTransitionTime: now))
        }
    }

    /// Settles and lets the node work until nothing changes; returns the number of rounds.
    @discardableResult
    func converge(maxRounds: Int = 200) throws -> Int {
        for round in 0..<maxRounds {
            try settle()
            let version = store.resourceVersion
            try nodeStep()
            try settle()
            if store.resourceVersion == version { return round }
            advance(seconds: 1)
        }
        return maxRounds
    }

    // MARK: - Shorthand

    func deployment(_ name: String = "web") throws -> Deployment {
        guard let deployment = store.get(Deployment.self, namespace: "default", name: name) else {
            throw StoreError(.notFound, "no deployment \(name)")
        }
        return deployment
    }

    func change(_ name: String = "web", _ body: (inout Deployment) -> Void) throws {
        var deployment = try deployment(name)
        body(&deployment)
        try store.update(deployment)
    }

    var replicaSets: [ReplicaSet] {
        store.list(ReplicaSet.self).sorted { $0.revision < $1.revision }
    }

    var livePods: [Pod] { store.list(Pod.self) { $0.isActive } }

    func events(_ reason: String) -> [String] {
        store.list(Event.self) { $0.reason == reason }.map { $0.message }
    }
}

extension ReplicaSet {
    var revision: Int { metadata.annotations["deployment.kubernetes.io/revision"].flatMap { Int($0) } ?? 0 }
}

func makeDeployment(
    _ name: String = "web", replicas: Int32 = 3, image: String = "v1.wasm", maxSurge: IntOrString? = nil,
    maxUnavailable: IntOrString? = nil
) -> Deployment {
    var deployment = Deployment(metadata: ObjectMeta(name: name, namespace: "default", labels: ["app": name]))
    deployment.spec.replicas = replicas
    deployment.spec.selector.matchLabels = ["app": name]
    deployment.spec.template.metadata.labels = ["app": name]
    deployment.spec.template.spec.containers = [
        Container(name: "app", image: image, ports: [ContainerPort(name: "http", containerPort: 8080)])
    ]
    deployment.spec.template.spec.terminationGracePeriodSeconds = 5
    deployment.spec.strategy.type = .rollingUpdate
    deployment.spec.strategy.rollingUpdate = RollingUpdateDeployment(
        maxUnavailable: maxUnavailable ?? "25%", maxSurge: maxSurge ?? "25%")
    return deployment
}

extension Deployment {
    var image: String {
        get { spec.template.spec.containers[0].image }
        set { spec.template.spec.containers[0].image = newValue }
    }

    func condition(_ type: String) -> DeploymentCondition? { status.conditions.first { $0.type == type } }
}
