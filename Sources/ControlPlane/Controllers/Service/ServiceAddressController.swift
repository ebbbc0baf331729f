// SPDX-License-Identifier: Apache-2.0
// Swiftlet: gives each service its cluster address.
public import KubernetesAPI
public import ObjectStore

/// Chooses an address for a service, given those in use; nil if none is left.
public typealias ServiceAddressAllocator = @Sendable (_ service: Service, _ inUse: Set<String>) -> String?

/// Consecutive IPv4 addresses, given out from the first.
public struct ServiceAddressRange: Sendable {
    private let first: UInt32
    private let count: UInt32

    /// The usable addresses of `network`/`prefixLength`, without the first and the last; nil if `network` is no
    /// IPv4 address or the prefix leaves no room.
    public init?(network: String, prefixLength: Int) {
        let parts = network.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        guard parts.count == 4, (1...29).contains(prefixLength) else { return nil }
        var address: UInt32 = 0
        for part in parts {
            guard let part else { return nil }
            address = address << 8 | UInt32(part)
        }
        let size = UInt32(1) << UInt32(32 - prefixLength)
        first = (address & ~(size - 1)) + 1
        count = size - 2
    }

    /// The lowest address that is not in use.
    public func allocate(inUse: Set<String>) -> String? {
        for offset in 0..<count {
            let address = first + offset
            let text = [24, 16, 8, 0].map { String(address >> UInt32($0) & 0xFF) }.joined(separator: ".")
            if !inUse.contains(text) { return text }
        }
        return nil
    }
}

/// What a service needs before it can be reached.
enum ServiceAddressDecision: Equatable {
    case nothing
    case allocate
    /// Completes `clusterIPs` and the families for an address that is there.
    case complete

    static func decide(_ service: Service) -> ServiceAddressDecision {
        if service.spec.type == .externalName || service.metadata.deletionTimestamp != nil { return .nothing }
        if service.spec.clusterIP.isEmpty { return .allocate }
        return service.spec.clusterIPs.isEmpty ? .complete : .nothing
    }
}

/// Sets `clusterIP` of services that want one; `None` stays.
public struct ServiceAddressController: Controller {
    public let name = "service-address-controller"
    private let allocate: ServiceAddressAllocator

    public init(allocate: @escaping ServiceAddressAllocator) {
        self.allocate = allocate
    }

    public func affected(by event: WatchEvent, in store: ObjectStore) -> [(namespace: String, name: String)] {
        guard event.object is Service, event.type != .deleted else { return [] }
        return [(event.object.metadata.namespace, event.object.metadata.name)]
    }

    public func reconcile(
        namespace: String, name: String, in store: StoreTransaction, now: Time
    ) throws(StoreError) -> Time? {
        guard let service = store.get(Service.self, namespace: namespace, name: name) else { return nil }
        var address = service.spec.clusterIP
        switch ServiceAddressDecision.decide(service) {
        case .nothing: return nil
        case .complete: break
        case .allocate:
            let others = store.list(Service.self) { !$0.spec.clusterIP.isEmpty }
            guard let free = allocate(service, Set(others.map { $0.spec.clusterIP })) else {
                store.record(
                    .warning, reason: "FailedAllocate", message: "no service address is left", about: service,
                    component: self.name)
                return now.adding(seconds: 10)
            }
            address = free
        }
        try store.modify(Service.self, namespace: namespace, name: name) { service in
            service.spec.clusterIP = address
            service.spec.clusterIPs = [address]
            if service.spec.ipFamilies.isEmpty { service.spec.ipFamilies = ["IPv4"] }
            if service.spec.ipFamilyPolicy == nil { service.spec.ipFamilyPolicy = "SingleStack" }
        }
        return nil
    }
}
