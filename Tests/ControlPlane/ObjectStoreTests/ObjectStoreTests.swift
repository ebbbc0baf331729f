// SPDX-License-Identifier: Apache-2.0
// Swiftlet: tests of versions, conflicts, generations and deletion.
import KubernetesAPI
import ObjectStore
import Testing

@Suite struct `An object in the store` {
    let clock = ManualClock()
    let store: ObjectStore

    init() throws {
        store = try ObjectStore(path: nil, environment: clock.environment)
    }

    func refusal(_ body: () throws(StoreError) -> Void) -> StoreError? {
        do throws(StoreError) {
            try body()
            return nil
        } catch {
            return error
        }
    }

    @Test func `gets identity version and initial status when created`() throws {
        var pod = makePod("a")
        pod.status.phase = .running
        let stored = try store.create(pod)
        #expect(stored.metadata.uid.utf8.count == 36)
        #expect(stored.metadata.creationTimestamp == clock.now)
        #expect(UInt64(stored.metadata.resourceVersion) == store.resourceVersion)
        #expect(stored.metadata.generation == 1)
        #expect(stored.status.phase == .pending)
        #expect(stored.status.qosClass == "BestEffort")
        #expect(store.get(Pod.self, namespace: "default", name: "a") == stored)
    }

    @Test func `cannot be created twice`() throws {
        try store.create(makePod("a"))
        let error = refusal { () throws(StoreError) in try store.create(makePod("a")) }
        #expect(error?.reason == .alreadyExists)
        #expect(error?.message == "pods \"a\" already exists")
        #expect(error?.code == 409)
    }

    @Test func `needs an existing namespace`() {
        var deployment = Deployment(metadata: ObjectMeta(name: "web", namespace: "nowhere"))
        let error = refusal { () throws(StoreError) in try store.create(deployment) }
        #expect(error?.message == "namespaces \"nowhere\" not found")
        deployment.metadata.name = ""
        deployment.metadata.namespace = ""
        #expect(refusal { () throws(StoreError) in try store.create(deployment) }?.reason == .invalid)
    }

    @Test func `gets a generated name of five safe characters`() throws {
        let pod = try store.create(Pod(metadata: ObjectMeta(generateName: "web-")))
        let suffix = pod.metadata.name.dropFirst(4)
        #expect(suffix.count == 5 && suffix.allSatisfy { "bcdfghjklmnpqrstvwxz2456789".contains($0) })
    }

    @Test func `refuses an update made from an older version`() throws {
        let first = try store.create(Deployment(metadata: ObjectMeta(name: "web")))
        var changed = first
        changed.spec.replicas = 2
        try store.update(changed)
        let error = refusal { () throws(StoreError) in try store.update(changed) }
        #expect(error?.reason == .conflict)
        #expect(
            error?.message == "Operation cannot be fulfilled on deployments.apps \"web\": the object has been "
                + "modified; please apply your changes to the latest version and try again")
        var other = first
        other.metadata.resourceVersion = ""
        other.metadata.uid = "someone-else"
        #expect(refusal { () throws(StoreError) in try store.update(other) }?.reason == .conflict)
    }

    @Test func `counts generations on spec changes only`() throws {
        var deployment = try store.create(Deployment(metadata: ObjectMeta(name: "web")))
        deployment.spec.replicas = 3
        deployment = try store.update(deployment)
        #expect(deployment.metadata.generation == 2)
        deployment.metadata.labels["a"] = "b"
        deployment = try store.update(deployment)
        #expect(deployment.metadata.generation == 2)
        deployment.status.replicas = 3
        deployment.spec.replicas = 9
        deployment = try store.updateStatus(deployment)
        #expect(deployment.metadata.generation == 2)
        #expect(deployment.status.replicas == 3)
        #expect(deployment.spec.replicas == 3)
        deployment.status.replicas = 7
        deployment.spec.replicas = 4
        deployment = try store.update(deployment)
        #expect(deployment.status.replicas == 3)
        #expect(deployment.metadata.generation == 3)
    }

    @Test func `keeps its version when an update changes nothing`() throws {
        let stored = try store.create(makePod("a"))
        let version = store.resourceVersion
        #expect(try store.update(stored).metadata.resourceVersion == stored.metadata.resourceVersion)
        #expect(store.resourceVersion == version)
    }

    @Test func `keeps an allocated service address that an update leaves out`() throws {
        var service = try store.create(Service(metadata: ObjectMeta(name: "web")))
        service.spec.clusterIP = "127.96.0.7"
        service.spec.clusterIPs = ["127.96.0.7"]
        service = try store.update(service)
        service.spec.clusterIP = ""
        service.spec.clusterIPs = []
        service.spec.ports = [ServicePort(port: 80)]
        #expect(try store.update(service).spec.clusterIPs == ["127.96.0.7"])
    }

    @Test func `merges a secret's stringData into data`() throws {
        let secret = try store.create(Secret(metadata: ObjectMeta(name: "s"), stringData: ["key": "value"]))
        #expect(secret.data["key"]?.text == "value")
        #expect(secret.stringData.isEmpty)
        #expect(secret.type == "Opaque")
    }

    @Test func `lists by namespace and labels in order of names`() throws {
        try store.create(Namespace(metadata: ObjectMeta(name: "other")))
        for name in ["b", "a", "c"] { try store.create(makePod(name, labels: ["app": name == "c" ? "y" : "x"])) }
        var foreign = makePod("z", labels: ["app": "x"])
        foreign.metadata.namespace = "other"
        try store.create(foreign)
        let selector = LabelSelector(matchLabels: ["app": "x"])
        #expect(
            store.list(Pod.self, namespace: "default", selector: selector).map { $0.metadata.name } == ["a", "b"])
        #expect(store.list(Pod.self, selector: selector).map { $0.metadata.name } == ["a", "b", "z"])
    }

    // MARK: - Deletion

    @Test func `waits for the node when it is a bound pod`() throws {
        try store.create(makePod("a", node: "n1", grace: 45))
        let dying = try #require(try store.delete(Pod.self, namespace: "default", name: "a"))
        #expect(dying.metadata.deletionTimestamp == clock.now.adding(seconds: 45))
        #expect(dying.metadata.deletionGracePeriodSeconds == 45)
        clock.advance(seconds: 1)
        let shortened = try store.delete(
            Pod.self, namespace: "default", name: "a", options: DeleteOptions(gracePeriodSeconds: 2))
        #expect(shortened?.metadata.deletionGracePeriodSeconds == 2)
        let longer = try store.delete(
            Pod.self, namespace: "default", name: "a", options: DeleteOptions(gracePeriodSeconds: 99))
        #expect(longer?.metadata.deletionGracePeriodSeconds == 2)
        try store.remove(Pod.self, namespace: "default", name: "a", uid: dying.metadata.uid)
        #expect(store.get(Pod.self, namespace: "default", name: "a") == nil)
    }

    @Test(arguments: ["", "n1"]) func `goes at once when it is an unbound or ended pod`(node: String) throws {
        try store.create(makePod("a", node: node))
        if !node.isEmpty {
            try store.modify(Pod.self, namespace: "default", name: "a") { $0.status.phase = .succeeded }
        }
        #expect(try store.delete(Pod.self, namespace: "default", name: "a") == nil)
        #expect(store.get(Pod.self, namespace: "default", name: "a") == nil)
    }

    @Test func `is not removed in place of its successor`() throws {
        let first = try store.create(makePod("a"))
        try store.delete(Pod.self, namespace: "default", name: "a")
        try store.create(makePod("a"))
        let error = refusal { () throws(StoreError) in
            try store.remove(Pod.self, namespace: "default", name: "a", uid: first.metadata.uid)
        }
        #expect(error?.reason == .notFound)
        let stale = DeleteOptions(preconditions: Preconditions(uid: first.metadata.uid))
        let conflict = refusal { () throws(StoreError) in
            try store.delete(Pod.self, namespace: "default", name: "a", options: stale)
        }
        #expect(conflict?.reason == .conflict)
    }

    @Test func `stays until its finalizers are gone`() throws {
        var config = ConfigMap(metadata: ObjectMeta(name: "c", finalizers: ["example.com/hold"]))
        config = try store.create(config)
        config = try #require(try store.delete(ConfigMap.self, namespace: "default", name: "c"))
        #expect(config.metadata.deletionTimestamp != nil)
        config.metadata.finalizers = []
        try store.update(config)
        #expect(store.get(ConfigMap.self, namespace: "default", name: "c") == nil)
    }

    @Test func `loses its owner when the owner is deleted with orphaning`() throws {
        let owner = try store.create(ReplicaSet(metadata: ObjectMeta(name: "rs")))
        var pod = makePod("a")
        pod.metadata.ownerReferences = [
            OwnerReference(apiVersion: "apps/v1", kind: "ReplicaSet", name: "rs", uid: owner.metadata.uid)
        ]
        try store.create(pod)
        let orphan = DeleteOptions(propagationPolicy: DeletionPolicy.orphan)
        #expect(try store.delete(ReplicaSet.self, namespace: "default", name: "rs", options: orphan) == nil)
        #expect(store.get(Pod.self, namespace: "default", name: "a")?.metadata.ownerReferences == [])
    }

    @Test func `of kind namespace ends only when removed and lets nothing new in`() throws {
        try store.create(Namespace(metadata: ObjectMeta(name: "team")))
        let dying = try store.delete(Namespace.self, name: "team")
        #expect(dying?.status.phase == "Terminating")
        let error = refusal { () throws(StoreError) in
            try store.create(ConfigMap(metadata: ObjectMeta(name: "c", namespace: "team")))
        }
        #expect(error?.reason == .forbidden)
        try store.remove(Namespace.self, name: "team")
        #expect(store.get(Namespace.self, name: "team") == nil)
        let kept = refusal { () throws(StoreError) in try store.delete(Namespace.self, name: "default") }
        #expect(kept?.reason == .forbidden)
    }

    @Test func `is untouched by a transaction that fails half way`() throws {
        try store.create(makePod("a"))
        let version = store.resourceVersion
        let error = refusal { () throws(StoreError) in
            try store.transaction { transaction throws(StoreError) in
                try transaction.create(makePod("b"))
                try transaction.delete(Pod.self, namespace: "default", name: "a")
                try transaction.create(makePod("b"))
            }
        }
        #expect(error?.reason == .alreadyExists)
        #expect(store.list(Pod.self).map { $0.metadata.name } == ["a"])
        #expect(try store.changes(after: version).isEmpty)
    }
}
