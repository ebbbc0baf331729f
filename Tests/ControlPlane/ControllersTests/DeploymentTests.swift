// SPDX-License-Identifier: Apache-2.0
// Swiftlet: tests of deployments: creation, rollout, rollback, pause, history, deadlines.
import Controllers
import KubernetesAPI
import ObjectStore
import Testing

@Suite struct `A deployment` {
    let cluster: SimulatedCluster

    init() throws {
        cluster = try SimulatedCluster()
    }

    @Test func `becomes a replica set and pods with upstream's names, labels and owners`() throws {
        try cluster.store.create(makeDeployment())
        try cluster.converge()
        let deployment = try cluster.deployment()
        let replicaSet = try #require(cluster.replicaSets.first)
        let hash = try #require(replicaSet.metadata.labels["pod-template-hash"])
        #expect(replicaSet.metadata.name == "web-\(hash)")
        #expect(hash.allSatisfy { "bcdfghjklmnpqrstvwxz2456789".contains($0) })
        #expect(replicaSet.spec.selector.matchLabels == ["app": "web", "pod-template-hash": hash])
        #expect(replicaSet.metadata.ownerReferences.first?.uid == deployment.metadata.uid)
        #expect(replicaSet.metadata.annotations["deployment.kubernetes.io/desired-replicas"] == "3")
        #expect(replicaSet.metadata.annotations["deployment.kubernetes.io/max-replicas"] == "4")
        #expect(cluster.livePods.count == 3)
        for pod in cluster.livePods {
            #expect(pod.metadata.name.hasPrefix("\(replicaSet.metadata.name)-"))
            #expect(pod.metadata.name.count == replicaSet.metadata.name.count + 6)
            #expect(pod.metadata.labels == ["app": "web", "pod-template-hash": hash])
            #expect(pod.metadata.controllerReference?.uid == replicaSet.metadata.uid)
            #expect(pod.spec.nodeName == "node-1")
            #expect(pod.status.conditions.contains { $0.type == "PodScheduled" && $0.status == .true })
        }
        #expect(cluster.events("ScalingReplicaSet") == ["Scaled up replica set web-\(hash) from 0 to 3"])
        #expect(cluster.events("SuccessfulCreate").count == 3)
        #expect(cluster.events("Scheduled").count == 3)
    }

    @Test func `reports upstream's status when complete`() throws {
        try cluster.store.create(makeDeployment())
        try cluster.settle()
        var status = try cluster.deployment().status
        #expect(try cluster.deployment().condition("Available")?.reason == "MinimumReplicasUnavailable")
        #expect(status.unavailableReplicas == 3 && status.readyReplicas == 0)
        try cluster.converge()
        let deployment = try cluster.deployment()
        status = deployment.status
        #expect(status.replicas == 3 && status.updatedReplicas == 3 && status.readyReplicas == 3)
        #expect(status.availableReplicas == 3 && status.unavailableReplicas == 0)
        #expect(status.observedGeneration == deployment.metadata.generation)
        #expect(deployment.condition("Available")?.reason == "MinimumReplicasAvailable")
        let progress = try #require(deployment.condition("Progressing"))
        #expect(progress.status == .true && progress.reason == "NewReplicaSetAvailable")
        #expect(
            progress.message == "ReplicaSet \"\(cluster.replicaSets[0].metadata.name)\" has successfully progressed.")
        #expect(deployment.metadata.annotations["deployment.kubernetes.io/revision"] == "1")
    }

    @Test func `is quiet once converged`() throws {
        try cluster.store.create(makeDeployment())
        try cluster.converge()
        let version = cluster.store.resourceVersion
        try cluster.settle()
        cluster.advance(seconds: 5000)
        try cluster.settle()
        #expect(cluster.store.resourceVersion == version)
    }

    @Test func `rolls back to the replica set of an earlier template`() throws {
        try cluster.store.create(makeDeployment())
        try cluster.converge()
        let first = cluster.replicaSets[0]
        try cluster.change { $0.image = "v2.wasm" }
        try cluster.converge()
        #expect(cluster.replicaSets.map { $0.revision } == [1, 2])
        try cluster.change { $0.image = "v1.wasm" }
        try cluster.converge()
        #expect(cluster.replicaSets.count == 2)
        let reused = try #require(cluster.store.get(ReplicaSet.self, namespace: "default", name: first.metadata.name))
        #expect(reused.metadata.uid == first.metadata.uid)
        #expect(reused.revision == 3)
        #expect(reused.metadata.annotations["deployment.kubernetes.io/revision-history"] == "1")
        #expect(reused.status.availableReplicas == 3)
        #expect(try cluster.deployment().metadata.annotations["deployment.kubernetes.io/revision"] == "3")
        #expect(Set(cluster.livePods.map { $0.spec.containers[0].image }) == ["v1.wasm"])
    }

    @Test func `keeps as many old replica sets as its history limit says`() throws {
        var deployment = makeDeployment(replicas: 2)
        deployment.spec.revisionHistoryLimit = 2
        try cluster.store.create(deployment)
        for version in 2...6 {
            try cluster.converge()
            try cluster.change { $0.image = "v\(version).wasm" }
        }
        try cluster.converge()
        #expect(cluster.replicaSets.map { $0.revision } == [4, 5, 6])
    }

    @Test func `does nothing but scale while paused`() throws {
        try cluster.store.create(makeDeployment())
        try cluster.converge()
        try cluster.change {
            $0.spec.paused = true
            $0.image = "v2.wasm"
        }
        try cluster.converge()
        #expect(cluster.replicaSets.count == 1)
        #expect(try cluster.deployment().condition("Progressing")?.reason == "DeploymentPaused")
        try cluster.change { $0.spec.replicas = 5 }
        try cluster.converge()
        #expect(cluster.livePods.count == 5)
        #expect(Set(cluster.livePods.map { $0.spec.containers[0].image }) == ["v1.wasm"])
        try cluster.change { $0.spec.paused = false }
        try cluster.converge()
        #expect(Set(cluster.livePods.map { $0.spec.containers[0].image }) == ["v2.wasm"])
        #expect(cluster.livePods.count == 5)
    }

    @Test func `removes all old pods before the first new one when it recreates`() throws {
        var deployment = makeDeployment()
        deployment.spec.strategy = DeploymentStrategy(type: .recreate)
        try cluster.store.create(deployment)
        try cluster.converge()
        try cluster.change { $0.image = "v2.wasm" }
        for _ in 0..<30 {
            try cluster.settle()
            let images = Set(cluster.store.list(Pod.self).map { $0.spec.containers[0].image })
            #expect(images.count <= 1)
            try cluster.nodeStep(chance: 0.4)
        }
        #expect(cluster.livePods.count == 3)
        #expect(Set(cluster.livePods.map { $0.spec.containers[0].image }) == ["v2.wasm"])
    }

    @Test func `says when its progress deadline is exceeded`() throws {
        var deployment = makeDeployment(image: SimulatedCluster.brokenImage)
        deployment.spec.progressDeadlineSeconds = 60
        try cluster.store.create(deployment)
        try cluster.converge()
        #expect(try cluster.deployment().condition("Progressing")?.status == .true)
        cluster.advance(seconds: 62)
        try cluster.settle()
        let progress = try #require(try cluster.deployment().condition("Progressing"))
        #expect(progress.status == .false && progress.reason == "ProgressDeadlineExceeded")
        #expect(progress.message == "ReplicaSet \"\(cluster.replicaSets[0].metadata.name)\" has timed out progressing.")
        try cluster.change { $0.image = "good.wasm" }
        try cluster.converge()
        #expect(try cluster.deployment().condition("Progressing")?.reason == "NewReplicaSetAvailable")
    }

    /// The worked example of https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#proportional-scaling
    @Test func `scales old and new replica sets in proportion during a rollout`() throws {
        try cluster.store.create(makeDeployment(replicas: 10, maxSurge: 3, maxUnavailable: 2))
        try cluster.converge()
        try cluster.change { $0.image = SimulatedCluster.brokenImage }
        try cluster.converge()
        #expect(cluster.replicaSets.map { $0.spec.replicas } == [8, 5])
        try cluster.change { $0.spec.replicas = 15 }
        try cluster.settle()
        #expect(cluster.replicaSets.map { $0.spec.replicas } == [11, 7])
    }

    @Test func `waits minReadySeconds before a pod counts as available`() throws {
        var deployment = makeDeployment(replicas: 2, maxSurge: 1, maxUnavailable: 0)
        deployment.spec.minReadySeconds = 30
        try cluster.store.create(deployment)
        try cluster.settle()
        try cluster.nodeStep()
        try cluster.settle()
        #expect(try cluster.deployment().status.readyReplicas == 2)
        #expect(try cluster.deployment().status.availableReplicas == 0)
        cluster.advance(seconds: 30)
        try cluster.settle()
        #expect(try cluster.deployment().status.availableReplicas == 2)
        try cluster.change { $0.image = "v2.wasm" }
        for _ in 0..<4 {
            try cluster.settle()
            try cluster.nodeStep()
        }
        #expect(cluster.replicaSets.map { $0.spec.replicas } == [2, 1])
        for _ in 0..<5 {
            cluster.advance(seconds: 30)
            try cluster.settle()
            try cluster.nodeStep()
        }
        cluster.advance(seconds: 30)
        try cluster.settle()
        #expect(cluster.replicaSets.map { $0.spec.replicas } == [0, 2])
    }

    @Test func `adopts what matches and nobody owns, and takes another name if its own is taken`() throws {
        let deployment = makeDeployment()
        try cluster.store.create(deployment)
        try cluster.converge()
        let name = cluster.replicaSets[0].metadata.name
        let orphan = DeleteOptions(propagationPolicy: DeletionPolicy.orphan)
        try cluster.store.delete(Deployment.self, namespace: "default", name: "web", options: orphan)
        try cluster.converge()
        #expect(cluster.livePods.count == 3)
        try cluster.store.create(deployment)
        try cluster.converge()
        #expect(cluster.replicaSets.map { $0.metadata.name } == [name])
        #expect(cluster.replicaSets[0].metadata.ownerReferences.first?.uid == (try cluster.deployment().metadata.uid))

        var other = makeDeployment("api")
        try cluster.store.create(other)
        try cluster.settle()
        let taken = try #require(
            cluster.store.list(ReplicaSet.self).first { $0.metadata.name.hasPrefix("api-") }?.metadata.name)
        try cluster.store.delete(Deployment.self, namespace: "default", name: "api")
        try cluster.converge()
        var foreign = ReplicaSet(metadata: ObjectMeta(name: taken))
        foreign.spec.replicas = 0
        try cluster.store.create(foreign)
        other.metadata.uid = ""
        try cluster.store.create(other)
        try cluster.converge()
        #expect(try cluster.deployment("api").status.collisionCount == 1)
        #expect(try cluster.deployment("api").status.availableReplicas == 3)
    }

    @Test(arguments: [
        // replicas, maxSurge, maxUnavailable, expected surge, expected unavailable
        (10, "25%", "25%", 3, 2), (4, "25%", "25%", 1, 1), (3, "25%", "25%", 1, 0), (1, "25%", "25%", 1, 0),
        (10, "0", "0%", 0, 1), (3, "0%", "1", 0, 1), (2, "0", "100%", 0, 2), (2, "0", "5", 0, 2),
        (10, "100%", "0", 10, 0), (0, "25%", "25%", 0, 0),
    ]) func `rounds surge up and unavailability down`(
        _ replicas: Int32, _ surge: String, _ unavailable: String, _ surgeMax: Int, _ unavailableMax: Int
    ) throws {
        func value(_ text: String) -> IntOrString { Int32(text).map { .int($0) } ?? .string(text) }
        try cluster.store.create(
            makeDeployment(replicas: replicas, maxSurge: value(surge), maxUnavailable: value(unavailable)))
        try cluster.converge()
        try cluster.change { $0.image = SimulatedCluster.brokenImage }
        try cluster.converge()
        // With pods that never get ready, a rollout stops exactly at its bounds.
        let ready = cluster.livePods.count { $0.isReady }
        #expect(ready == Int(replicas) - unavailableMax)
        #expect(cluster.livePods.count == Int(replicas) + surgeMax)
    }
}
