// SPDX-License-Identifier: Apache-2.0
// Swiftlet: gives Services their addresses and keeps their balancers in step with the EndpointSlices.

import KubernetesAPI
public import Logging
import NIOPosix
public import ObjectStore

/// The service proxy of one instance. `run()` returns when cancelled; it has then stopped listening.
public actor ServiceProxy {
    private struct Key: Hashable {
        var namespace: String
        var name: String

        init(namespace: String, name: String) {
            self.namespace = namespace
            self.name = name
        }

        init(_ service: Service) {
            self.init(namespace: service.metadata.namespace, name: service.metadata.name)
        }
    }

    /// Upstream's range of node ports.
    static let nodePorts: ClosedRange<Int32> = 30_000...32_767
    static let component = "service-proxy"
    static let retryPause: Duration = .seconds(1)

    private let store: ObjectStore
    private let pool: AddressPool
    private let nodeAddress: IPv4Address
    private let logger: Logger
    private var balancers: [Key: [SocketTarget: (balancer: Balancer, affinitySeconds: Int32?)]] = [:]
    private var addresses: [Key: IPv4Address] = [:]
    /// Services that wait for their turn.
    private var pending: Set<Key> = []
    /// Services of which a port could not be bound.
    private var retries: Set<Key> = []

    /// - Parameter nodeAddress: where node ports listen.
    public init(
        store: ObjectStore, addressPool: AddressPool, nodeAddress: IPv4Address = .loopback,
        logger: Logger = Logger(label: "swiftlet.proxy")
    ) {
        self.store = store
        pool = addressPool
        self.nodeAddress = nodeAddress
        self.logger = logger
    }

    /// Follows the store until cancelled.
    public func run() async throws {
        let (keys, continuation) = AsyncStream.makeStream(of: Key.self)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.watchLoop(continuation) }
            group.addTask { await self.retryLoop(continuation) }
            // One Service at a time, so that no two changes of a listener overlap.
            for await key in keys {
                pending.remove(key)
                await sync(key)
            }
            group.cancelAll()
        }
        for key in Array(balancers.keys) { await closeAll(key) }
    }

    private func enqueue(_ key: Key, _ queue: AsyncStream<Key>.Continuation) {
        if pending.insert(key).inserted { queue.yield(key) }
    }

    /// Watches again when a watch ends. Each starts from the current state, so what was missed is seen.
    private func watchLoop(_ queue: AsyncStream<Key>.Continuation) async {
        defer { queue.finish() }
        while !Task.isCancelled {
            do {
                let events = try store.watch([Service.self, EndpointSlice.self])
                for key in balancers.keys { enqueue(key, queue) }
                for await event in events {
                    if let service = event.object(as: Service.self) {
                        enqueue(Key(service), queue)
                    } else if let slice = event.object(as: EndpointSlice.self),
                        let name = slice.metadata.labels[EndpointSlice.serviceNameLabel]
                    {
                        enqueue(Key(namespace: slice.metadata.namespace, name: name), queue)
                    }
                }
            } catch {
                logger.error("cannot watch services", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: ServiceProxy.retryPause)
            }
        }
    }

    private func retryLoop(_ queue: AsyncStream<Key>.Continuation) async {
        while (try? await Task.sleep(for: ServiceProxy.retryPause)) != nil {
            let keys = retries
            retries = []
            for key in keys { enqueue(key, queue) }
        }
    }

    /// Makes the listeners of one Service what they should be.
    private func sync(_ key: Key) async {
        guard let stored = store.get(Service.self, namespace: key.namespace, name: key.name),
            stored.spec.type != .externalName, stored.spec.clusterIP != "None",
            let service = addressed(stored, key)
        else {
            await closeAll(key)
            return
        }
        let slices = store.list(EndpointSlice.self, namespace: key.namespace) { $0.isOf(service) }
        let (listeners, problems) = ServiceRules.listeners(of: service, slices: slices, nodeAddress: nodeAddress)
        for problem in problems { warn(service, "UnsupportedProtocol", problem) }
        let wanted = Dictionary(listeners.map { ($0.address, $0) }) { first, _ in first }
        for (address, entry) in balancers[key] ?? [:]
        where wanted[address]?.affinitySeconds != entry.affinitySeconds
            || wanted[address] == nil
        {
            await entry.balancer.close()
            balancers[key]?[address] = nil
        }
        for listener in listeners {
            let balancer = balancers[key]?[listener.address]?.balancer ?? makeBalancer(listener)
            balancers[key, default: [:]][listener.address] = (balancer, listener.affinitySeconds)
            do {
                try await balancer.update(targets: listener.targets)
            } catch {
                if error.code == .addressInUse { retries.insert(key) }
                warn(service, "FailedToListen", error.message)
            }
        }
    }

    private func makeBalancer(_ listener: ServiceListener) -> Balancer {
        Balancer(
            listenOn: listener.address, affinityTimeout: listener.affinitySeconds.map { .seconds(Int($0)) },
            group: MultiThreadedEventLoopGroup.singleton)
    }

    /// The Service with its address and node ports assigned, or nil when it cannot have any.
    private func addressed(_ service: Service, _ key: Key) -> Service? {
        do {
            let service = try ServiceAddresses.assign(service, store: store, pool: pool)
            guard let address = IPv4Address(service.spec.clusterIP), pool.ownsServiceAddress(address) else {
                warn(
                    service, "ClusterIPOutOfRange",
                    "clusterIP \(service.spec.clusterIP) is not in this node's service range; leave it out")
                return nil
            }
            if addresses[key] != address {
                if let old = addresses[key] { pool.releaseServiceAddress(old) }
                addresses[key] = address
                _ = pool.reserveServiceAddress(address)
            }
            return service
        } catch {
            retries.insert(key)
            warn(service, "ClusterIPAllocationFailed", "\(error)")
            return nil
        }
    }

    private func closeAll(_ key: Key) async {
        let closing = balancers.removeValue(forKey: key) ?? [:]
        retries.remove(key)
        for entry in closing.values { await entry.balancer.close() }
        if let address = addresses.removeValue(forKey: key) { pool.releaseServiceAddress(address) }
    }

    private func warn(_ service: Service, _ reason: String, _ message: String) {
        store.record(
            .warning, reason: reason, message: message, about: service, component: ServiceProxy.component)
        logger.warning(
            "service cannot be served as asked",
            metadata: [
                "service": "\(service.metadata.namespace)/\(service.metadata.name)", "reason": "\(reason)",
                "message": "\(message)",
            ])
    }
}

/// Assigns addresses and node ports to Services, as upstream's API server does when they are made.
///
/// The node agent calls it too, before it starts a pod, so that a pod finds every Service that was there before it.
public enum ServiceAddresses {
    /// All Services of the store that need an address get one.
    public static func assignAll(store: ObjectStore, pool: AddressPool) {
        for service in store.list(Service.self) { _ = try? assign(service, store: store, pool: pool) }
    }

    static func needsAddress(_ service: Service, pool: AddressPool) -> Bool {
        guard service.spec.type != .externalName, service.spec.clusterIP != "None" else { return false }
        guard !service.spec.clusterIP.isEmpty else { return true }
        // An address of an earlier run whose slice somebody else has now.
        guard let address = IPv4Address(service.spec.clusterIP) else { return false }
        return NetworkSlice.isServiceAddress(address) && !pool.ownsServiceAddress(address)
    }

    static func assign(_ service: Service, store: ObjectStore, pool: AddressPool) throws -> Service {
        let usesNodePorts = service.spec.type == .nodePort || service.spec.type == .loadBalancer
        let lacksNodePort = usesNodePorts && service.spec.ports.contains { $0.nodePort == 0 }
        guard needsAddress(service, pool: pool) || lacksNodePort else { return service }
        let taken = Set(store.list(Service.self).flatMap(\.spec.ports).map(\.nodePort))
        let fresh = try pool.allocateServiceAddress()
        var isUsed = false
        defer { if !isUsed { pool.releaseServiceAddress(fresh) } }
        return try store.modify(Service.self, namespace: service.metadata.namespace, name: service.metadata.name) {
            stored in
            if needsAddress(stored, pool: pool) {
                stored.spec.clusterIP = fresh.description
                stored.spec.clusterIPs = [fresh.description]
                stored.spec.ipFamilies = ["IPv4"]
                stored.spec.ipFamilyPolicy = "SingleStack"
                isUsed = true
            }
            guard usesNodePorts else { return }
            var free = ServiceProxy.nodePorts.lazy.filter { !taken.contains($0) }.makeIterator()
            for index in stored.spec.ports.indices where stored.spec.ports[index].nodePort == 0 {
                stored.spec.ports[index].nodePort = free.next() ?? 0
            }
        }
    }
}

extension NetworkSlice {
    /// Whether the address is in the service range of any instance.
    static func isServiceAddress(_ address: IPv4Address) -> Bool {
        address.rawValue >= serviceBase.rawValue
            && address.rawValue < serviceBase.rawValue + servicesPerSlice * UInt32(count)
    }
}
