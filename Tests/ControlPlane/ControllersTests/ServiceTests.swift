// SPDX-License-Identifier: Apache-2.0
// Swiftlet: tests of services and their endpoints.
import Controllers
import KubernetesAPI
import ObjectStore
import Testing

@Suite struct `A service` {
    let cluster: SimulatedCluster

    init() throws {
        cluster = try SimulatedCluster()
    }

    func makeService(_ name: String = "web", targetPort: IntOrString = "http") -> Service {
        var service = Service(metadata: ObjectMeta(name: name, namespace: "default", labels: ["tier": "front"]))
        service.spec.selector = ["app": "web"]
        service.spec.ports = [ServicePort(name: "main", protocol: .tcp, port: 80, targetPort: targetPort)]
        service.spec.type = .clusterIP
        return service
    }

    var slices: [EndpointSlice] { cluster.store.list(EndpointSlice.self) }

    @Test func `gets an address, and another one gets another`() throws {
        try cluster.store.create(makeService("a"))
        try cluster.store.create(makeService("b"))
        var headless = makeService("c")
        headless.spec.clusterIP = "None"
        try cluster.store.create(headless)
        try cluster.settle()
        let services = cluster.store.list(Service.self)
        #expect(Set(services.map { $0.spec.clusterIP }) == ["127.96.0.1", "127.96.0.2", "None"])
        #expect(services.allSatisfy { $0.spec.clusterIPs == [$0.spec.clusterIP] })
    }

    @Test func `has the ready pods as endpoints, with named ports resolved`() throws {
        try cluster.store.create(makeService())
        try cluster.store.create(makeDeployment())
        try cluster.settle()
        #expect(slices.count == 1 && slices[0].endpoints.isEmpty)
        try cluster.converge()
        let slice = try #require(slices.first)
        #expect(slices.count == 1)
        #expect(slice.metadata.name.hasPrefix("web-"))
        #expect(slice.metadata.labels["kubernetes.io/service-name"] == "web")
        #expect(slice.metadata.labels["tier"] == "front")
        #expect(slice.ports.map { $0.port } == [8080] && slice.ports[0].name == "main")
        #expect(slice.endpoints.count == 3)
        #expect(
            slice.endpoints.allSatisfy {
                $0.conditions == EndpointConditions(ready: true, serving: true, terminating: false)
            })
        #expect(slice.endpoints[0].targetRef?.kind == "Pod" && slice.endpoints[0].nodeName == "node-1")
        let endpoints = try #require(cluster.store.get(Endpoints.self, namespace: "default", name: "web"))
        #expect(endpoints.subsets.count == 1 && endpoints.subsets[0].addresses.count == 3)
    }

    @Test func `follows readiness and termination`() throws {
        try cluster.store.create(makeService(targetPort: 8080))
        try cluster.store.create(makeDeployment())
        try cluster.converge()
        let names = cluster.livePods.map { $0.metadata.name }
        try cluster.setReady(names[0], false)
        try cluster.store.delete(Pod.self, namespace: "default", name: names[1])
        try cluster.settle()
        func conditions(_ name: String) -> EndpointConditions? {
            slices.flatMap { $0.endpoints }.first { $0.targetRef?.name == name }?.conditions
        }
        #expect(conditions(names[0]) == EndpointConditions(ready: false, serving: false, terminating: false))
        #expect(conditions(names[1]) == EndpointConditions(ready: false, serving: true, terminating: true))
        let endpoints = try #require(cluster.store.get(Endpoints.self, namespace: "default", name: "web"))
        #expect(endpoints.subsets[0].addresses.count == 1)
        #expect(endpoints.subsets[0].notReadyAddresses.count == 1)
        try cluster.store.remove(Pod.self, namespace: "default", name: names[1])
        try cluster.settle()
        #expect(conditions(names[1]) == nil)
    }

    @Test func `publishes addresses that are not ready if told to`() throws {
        var service = makeService()
        service.spec.publishNotReadyAddresses = true
        try cluster.store.create(service)
        try cluster.store.create(makeDeployment(replicas: 1))
        try cluster.converge()
        try cluster.setReady(cluster.livePods[0].metadata.name, false)
        try cluster.settle()
        #expect(
            slices[0].endpoints[0].conditions == EndpointConditions(ready: true, serving: false, terminating: false))
    }

    @Test func `spreads many endpoints over slices of a hundred`() throws {
        try cluster.store.create(makeService())
        try cluster.store.create(makeDeployment(replicas: 250))
        try cluster.converge()
        #expect(slices.map { $0.endpoints.count }.sorted() == [50, 100, 100])
        #expect(Set(slices.flatMap { $0.endpoints }.compactMap { $0.targetRef?.name }).count == 250)
        try cluster.change { $0.spec.replicas = 30 }
        try cluster.converge()
        #expect(slices.map { $0.endpoints.count } == [30])
    }

    @Test func `takes its endpoints along when deleted`() throws {
        try cluster.store.create(makeService())
        try cluster.store.create(makeDeployment(replicas: 1))
        try cluster.converge()
        try cluster.store.delete(Service.self, namespace: "default", name: "web")
        try cluster.settle()
        #expect(slices.isEmpty)
        #expect(cluster.store.list(Endpoints.self).isEmpty)
    }
}
