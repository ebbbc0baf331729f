// SPDX-License-Identifier: Apache-2.0
// Swiftlet: tests of replica sets, cascading deletion, namespaces, placement and the work queue.
import Controllers
import KubernetesAPI
import ObjectStore
import Testing

@Suite struct `Ownership` {
    let cluster: SimulatedCluster

    init() throws {
        cluster = try SimulatedCluster()
    }

    @Test func `deleting a deployment takes its replica sets and pods along`() throws {
        try cluster.store.create(makeDeployment())
        try cluster.converge()
        try cluster.store.delete(Deployment.self, namespace: "default", name: "web")
        try cluster.settle()
        #expect(cluster.store.list(ReplicaSet.self).isEmpty)
        #expect(cluster.store.list(Pod.self).count == 3 && cluster.livePods.isEmpty)
        try cluster.nodeStep()
        #expect(cluster.store.list(Pod.self).isEmpty)
    }

    @Test func `foreground deletion waits for the dependents`() throws {
        try cluster.store.create(makeDeployment())
        try cluster.converge()
        try cluster.store.delete(
            Deployment.self, namespace: "default", name: "web",
            options: DeleteOptions(propagationPolicy: DeletionPolicy.foreground))
        try cluster.settle()
        #expect(try cluster.deployment().metadata.deletionTimestamp != nil)
        #expect(cluster.livePods.isEmpty)
        #expect(cluster.store.list(Pod.self).count == 3)
        try cluster.nodeStep()
        try cluster.settle()
        #expect(cluster.store.get(Deployment.self, namespace: "default", name: "web") == nil)
        #expect(cluster.store.list(ReplicaSet.self).isEmpty)
    }

    @Test func `an owner that was gone before the start is noticed at the start`() throws {
        var pod = Pod(metadata: ObjectMeta(name: "left", namespace: "default"))
        pod.metadata.ownerReferences = [
            OwnerReference(apiVersion: "apps/v1", kind: "ReplicaSet", name: "gone", uid: "x")
        ]
        try cluster.store.create(pod)
        try cluster.settle()
        #expect(cluster.store.list(Pod.self) { $0.metadata.deletionTimestamp == nil }.isEmpty)
    }

    @Test func `a terminating namespace empties itself and goes`() throws {
        try cluster.store.create(Namespace(metadata: ObjectMeta(name: "team")))
        var deployment = makeDeployment()
        deployment.metadata.namespace = "team"
        try cluster.store.create(deployment)
        try cluster.store.create(ConfigMap(metadata: ObjectMeta(name: "c", namespace: "team")))
        try cluster.converge()
        try cluster.store.delete(Namespace.self, name: "team")
        try cluster.settle()
        #expect(cluster.store.get(Namespace.self, name: "team")?.status.phase == "Terminating")
        try cluster.converge()
        #expect(cluster.store.get(Namespace.self, name: "team") == nil)
        #expect(cluster.store.list(Pod.self).isEmpty && cluster.store.list(Event.self, namespace: "team").isEmpty)
    }

    @Test func `a replica set releases a pod whose labels no longer match and replaces it`() throws {
        try cluster.store.create(makeDeployment(replicas: 2))
        try cluster.converge()
        let name = cluster.livePods[0].metadata.name
        try cluster.store.modify(Pod.self, namespace: "default", name: name) { $0.metadata.labels["app"] = "debug" }
        try cluster.converge()
        #expect(cluster.livePods.count == 3)
        #expect(cluster.store.get(Pod.self, namespace: "default", name: name)?.metadata.ownerReferences == [])
        try cluster.store.modify(Pod.self, namespace: "default", name: name) { $0.metadata.labels["app"] = "web" }
        try cluster.converge()
        #expect(cluster.livePods.count == 2)
    }

    @Test func `a replica set reports why it cannot create pods`() throws {
        try cluster.store.create(Namespace(metadata: ObjectMeta(name: "team", finalizers: ["example.com/hold"])))
        var replicaSet = ReplicaSet(metadata: ObjectMeta(name: "rs", namespace: "team", finalizers: ["example.com/x"]))
        replicaSet.spec.replicas = 1
        replicaSet.spec.selector.matchLabels = ["a": "b"]
        replicaSet.spec.template.metadata.labels = ["a": "b"]
        try cluster.store.create(replicaSet)
        try cluster.store.delete(Namespace.self, name: "team")
        try cluster.settle()
        let stored = try #require(cluster.store.list(ReplicaSet.self).first)
        // The set itself is being deleted by now or says why it has no pods.
        #expect(stored.metadata.deletionTimestamp != nil || stored.status.conditions.first?.reason == "FailedCreate")
    }

    @Test func `the pods to go are the least useful ones`() throws {
        let now = cluster.clock.now
        func pod(
            _ name: String, node: String = "n", phase: PodPhase = .running, readyFor: Int64? = 1000,
            restarts: Int32 = 0, cost: String? = nil, age: Int64 = 2000
        ) -> Pod {
            var pod = Pod(metadata: ObjectMeta(name: name, uid: name, creationTimestamp: now.adding(seconds: -age)))
            pod.spec.nodeName = node
            pod.status.phase = phase
            if let readyFor {
                pod.status.conditions = [
                    PodCondition(type: "Ready", status: .true, lastTransitionTime: now.adding(seconds: -readyFor))
                ]
            }
            pod.status.containerStatuses = [ContainerStatus(name: "app", restartCount: restarts)]
            pod.metadata.annotations["controller.kubernetes.io/pod-deletion-cost"] = cost
            return pod
        }
        let expected = [
            pod("unplaced", node: "", phase: .pending, readyFor: nil), pod("pending", phase: .pending, readyFor: nil),
            pod("unready", readyFor: nil), pod("cheap", cost: "-5"), pod("recent", readyFor: 10),
            pod("restarted", restarts: 4), pod("young", age: 1100), pod("old", age: 100_000), pod("dear", cost: "7"),
        ]
        for _ in 0..<20 {
            let sorted = expected.shuffled()
                .sorted { DeletionRank($0, now: now).precedes(DeletionRank($1, now: now)) }
            #expect(sorted.map { $0.metadata.name } == expected.map { $0.metadata.name })
        }
    }

    @Test func `a cordoned node gets no pods until it is uncordoned`() throws {
        try cluster.store.create(Node(metadata: ObjectMeta(name: "node-1"), spec: NodeSpec(unschedulable: true)))
        try cluster.store.create(makeDeployment(replicas: 1))
        try cluster.settle()
        let pod = cluster.livePods[0]
        #expect(pod.spec.nodeName.isEmpty)
        #expect(pod.status.conditions.first { $0.type == "PodScheduled" }?.reason == "Unschedulable")
        #expect(cluster.events("FailedScheduling") == ["0/1 nodes are available: 1 node(s) were unschedulable."])
        try cluster.store.modify(Node.self, name: "node-1") { $0.spec.unschedulable = false }
        try cluster.settle()
        #expect(cluster.livePods[0].spec.nodeName == "node-1")
    }
}

@Suite struct `The work queue` {
    let a = Request(controller: "c", namespace: "n", name: "a")
    let b = Request(controller: "c", namespace: "n", name: "b")

    @Test func `holds each request once, in order`() {
        var queue = WorkQueue()
        for request in [a, b, a, b, a] { queue.add(request) }
        #expect(queue.next(nowMilliseconds: 0) == a)
        queue.add(a)
        #expect(queue.next(nowMilliseconds: 0) == b)
        #expect(queue.next(nowMilliseconds: 0) == a)
        #expect(queue.next(nowMilliseconds: 0) == nil)
    }

    @Test func `gives delayed requests when due, at the earliest of their times`() {
        var queue = WorkQueue()
        queue.add(a, atMilliseconds: 100)
        queue.add(a, atMilliseconds: 50)
        queue.add(b, atMilliseconds: 70)
        #expect(queue.nextDue == 50)
        #expect(queue.next(nowMilliseconds: 49) == nil)
        #expect(queue.next(nowMilliseconds: 80) == a)
        #expect(queue.next(nowMilliseconds: 80) == b)
        #expect(queue.next(nowMilliseconds: 1000) == nil)
    }

    @Test func `backs off twice as long each time, up to its limit, and forgets on success`() {
        var queue = WorkQueue()
        var delays: [Int64] = []
        for _ in 0..<14 {
            queue.retry(a, nowMilliseconds: 0)
            delays.append(queue.nextDue ?? -1)
            _ = queue.next(nowMilliseconds: Int64.max)
        }
        #expect(delays.prefix(4) == [50, 100, 200, 400])
        #expect(delays.last == 30_000)
        queue.succeeded(a)
        queue.retry(a, nowMilliseconds: 7)
        #expect(queue.nextDue == 57)
    }
}

@Suite struct `The controller manager` {
    @Test(.timeLimit(.minutes(1))) func `reacts to changes while it runs`() async throws {
        let store = try ObjectStore(path: nil)
        let manager = ControllerManager(store: store, controllers: ControllerManager.standard(nodeName: "n"))
        let pods = try store.watch([Pod.self], from: .now)
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await manager.run() }
            _ = try? store.create(makeDeployment(replicas: 5))
            var placed: Set<String> = []
            for await change in pods {
                if let pod = change.object(as: Pod.self), !pod.spec.nodeName.isEmpty {
                    placed.insert(pod.metadata.name)
                }
                if placed.count == 5 { break }
            }
            group.cancelAll()
            #expect(placed.count == 5)
        }
    }
}
