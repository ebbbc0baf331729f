// SPDX-License-Identifier: Apache-2.0
// Swiftlet: Services, from the store to the socket.

import Glibc
import KubernetesAPI
import NIOCore
import ObjectStore
import PodNetwork
import Testing

private func service(
    _ name: String, namespace: String = "default", clusterIP: String = "", ports: [ServicePort]
) -> Service {
    Service(
        metadata: ObjectMeta(name: name, namespace: namespace),
        spec: ServiceSpec(ports: ports, clusterIP: clusterIP, type: .clusterIP))
}

private func slice(_ service: String, port: Int32, name: String = "", _ endpoints: [Endpoint]) -> EndpointSlice {
    EndpointSlice(
        metadata: ObjectMeta(
            name: "\(service)-abc", namespace: "default", labels: ["kubernetes.io/service-name": service]),
        addressType: "IPv4", endpoints: endpoints, ports: [EndpointPort(name: name, protocol: .tcp, port: port)])
}

private func endpoint(_ address: String, ready: Bool, serving: Bool? = nil, terminating: Bool? = nil) -> Endpoint {
    Endpoint(
        addresses: [address],
        conditions: EndpointConditions(ready: ready, serving: serving, terminating: terminating))
}

@Suite struct `Service discovery` {
    private let services = [
        service("web-api", clusterIP: "127.96.0.5", ports: [ServicePort(name: "http", port: 80)]),
        service("db", namespace: "data", clusterIP: "127.96.0.6", ports: [ServicePort(port: 5432)]),
        service("peers", clusterIP: "None", ports: [ServicePort(port: 1)]),
    ]

    @Test func `sets upstream's variables for the Services of the namespace`() {
        let variables = ServiceDiscovery.environment(
            services: services, namespace: "default", enableServiceLinks: true)
        #expect(
            variables.map { "\($0.name)=\($0.value)" } == [
                "WEB_API_SERVICE_HOST=127.96.0.5", "WEB_API_SERVICE_PORT=80", "WEB_API_SERVICE_PORT_HTTP=80",
                "WEB_API_PORT=tcp://127.96.0.5:80", "WEB_API_PORT_80_TCP=tcp://127.96.0.5:80",
                "WEB_API_PORT_80_TCP_PROTO=tcp", "WEB_API_PORT_80_TCP_PORT=80", "WEB_API_PORT_80_TCP_ADDR=127.96.0.5",
            ])
        #expect(
            ServiceDiscovery.environment(services: services, namespace: "default", enableServiceLinks: false).isEmpty)
    }

    @Test func `names Services as cluster DNS does`() {
        let slices = [
            slice("peers", port: 1, [endpoint("127.64.0.1", ready: true), endpoint("127.64.0.2", ready: false)])
        ]
        let names = Set(
            ServiceDiscovery.hostNames(services: services, slices: slices, namespace: "default")
                .map { "\($0.name)=\($0.address)" })
        #expect(names.contains("web-api=127.96.0.5"))
        #expect(names.contains("web-api.default.svc.cluster.local=127.96.0.5"))
        #expect(names.contains("db.data=127.96.0.6") && names.contains("db.data.svc=127.96.0.6"))
        #expect(!names.contains("db=127.96.0.6"))
        #expect(names.contains("peers=127.64.0.1") && !names.contains("peers=127.64.0.2"))
    }
}

@Suite struct `The listeners of a Service` {
    @Test func `follow readiness and fall back to ending endpoints`() {
        let web = service("web", clusterIP: "127.96.0.5", ports: [ServicePort(name: "http", port: 80)])
        func targets(_ endpoints: [Endpoint]) -> [String] {
            ServiceRules.listeners(
                of: web, slices: [slice("web", port: 8080, name: "http", endpoints)], nodeAddress: .loopback
            ).listeners.first?.targets.map(\.description) ?? []
        }
        let ready = endpoint("127.64.0.2", ready: true)
        let ending = endpoint("127.64.0.1", ready: false, serving: true, terminating: true)
        #expect(targets([ending, ready, endpoint("127.64.0.3", ready: false)]) == ["127.64.0.2:8080"])
        #expect(targets([ending, endpoint("127.64.0.3", ready: false)]) == ["127.64.0.1:8080"])
        #expect(targets([]).isEmpty)
    }

    @Test func `are TCP only, and the rest is said`() {
        let dns = service("dns", clusterIP: "127.96.0.5", ports: [ServicePort(name: "q", protocol: .udp, port: 53)])
        let result = ServiceRules.listeners(of: dns, slices: [], nodeAddress: .loopback)
        #expect(result.listeners.isEmpty)
        #expect(result.problems == ["port 53/UDP: the service proxy forwards TCP only"])
    }
}

/// A store, a pool and a running proxy.
private func withProxy(_ body: (ObjectStore, AddressPool) async throws -> Void) async throws {
    var template = Array("/tmp/swiftlet-proxy-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    // The real lock directory of this machine stays untouched, so another instance may listen in the same slice.
    let taken = try (0..<100).map { try NetworkSlice.acquire(lockDirectory: path, root: "\(path)/\($0)") }
    let pool = try AddressPool(lockDirectory: path, root: path)
    let store = try ObjectStore(path: nil)
    let proxy = ServiceProxy(store: store, addressPool: pool)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await proxy.run() }
        try await body(store, pool)
        group.cancelAll()
    }
    #expect(taken.count == 100)
    for index in 0..<NetworkSlice.count { unlink("\(path)/slice-\(index).lock") }
    rmdir(path)
}

private func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
    for _ in 0..<300 {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(10))
    }
    return false
}

@Suite(.timeLimit(.minutes(1))) struct `The service proxy` {
    @Test func `gives a Service an address and follows its endpoints`() async throws {
        let (one, channelOne) = try await serve("one")
        let (two, channelTwo) = try await serve("two", at: "127.0.0.2")
        try await withProxy { store, _ in
            // Both servers must share a port number; the second listens on the first's.
            try await channelTwo.close()
            let second = try await serveAt(SocketTarget(two.address, one.port), "two")
            let port = Int32(one.port)
            try store.create(service("web", ports: [ServicePort(name: "http", port: 8080)]))
            #expect(
                try await eventually {
                    store.get(Service.self, namespace: "default", name: "web")?.spec.clusterIP != ""
                })
            let address = try #require(
                store.get(Service.self, namespace: "default", name: "web").flatMap { IPv4Address($0.spec.clusterIP) })
            #expect(address >= IPv4Address("127.96.0.0") ?? .any)
            let target = SocketTarget(address, 8080)
            await #expect(throws: (any Error).self) { try await text(target) }
            var endpoints = [endpoint("127.0.0.1", ready: true), endpoint("127.0.0.2", ready: true)]
            let stored = try store.create(slice("web", port: port, name: "http", endpoints))
            #expect(try await eventually { (try? await text(target)) != nil })
            var answers: Set<String> = []
            for _ in 0..<4 { answers.insert(try await text(target)) }
            #expect(answers == ["one", "two"])
            endpoints[0] = endpoint("127.0.0.1", ready: false)
            var changed = stored
            changed.endpoints = endpoints
            try store.update(changed)
            #expect(
                try await eventually {
                    let first = try? await text(target)
                    let second = try? await text(target)
                    return first == "two" && second == "two"
                })
            try store.delete(Service.self, namespace: "default", name: "web")
            #expect(try await eventually { (try? await text(target)) == nil })
            try await second.close()
        }
        try await channelOne.close()
    }

    @Test func `warns about what it cannot serve`() async throws {
        try await withProxy { store, _ in
            try store.create(service("dns", ports: [ServicePort(name: "q", protocol: .udp, port: 53)]))
            try store.create(service("far", clusterIP: "10.1.2.3", ports: [ServicePort(port: 80)]))
            #expect(
                try await eventually {
                    Set(store.list(Event.self).map(\.reason)) == ["UnsupportedProtocol", "ClusterIPOutOfRange"]
                })
        }
    }

    @Test func `assigns node ports in upstream's range`() async throws {
        try await withProxy { store, _ in
            var web = service("web", ports: [ServicePort(port: 8080)])
            web.spec.type = .nodePort
            try store.create(web)
            #expect(
                try await eventually {
                    let port = store.get(Service.self, namespace: "default", name: "web")?.spec.ports.first?.nodePort
                    return (30_000...32_767).contains(port ?? 0)
                })
        }
    }
}
