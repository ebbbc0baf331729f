// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what a Service and its EndpointSlices ask of the balancers; pure.

public import KubernetesAPI

/// One port to listen on, with its endpoints.
public struct ServiceListener: Sendable, Equatable {
    public var address: SocketTarget
    public var targets: [SocketTarget]
    /// Seconds a client stays with its endpoint; nil: no affinity.
    public var affinitySeconds: Int32?

    public init(address: SocketTarget, targets: [SocketTarget], affinitySeconds: Int32? = nil) {
        self.address = address
        self.targets = targets
        self.affinitySeconds = affinitySeconds
    }
}

public enum ServiceRules {
    /// Upstream's default of `sessionAffinityConfig.clientIP.timeoutSeconds`.
    static let affinitySecondsDefault: Int32 = 10_800

    /// The listeners that a Service with an address needs, and what of it cannot be served.
    ///
    /// - Parameter nodeAddress: where `nodePort`s listen.
    public static func listeners(
        of service: Service, slices: [EndpointSlice], nodeAddress: IPv4Address
    ) -> (listeners: [ServiceListener], problems: [String]) {
        var listeners: [ServiceListener] = []
        var problems: [String] = []
        guard let address = IPv4Address(service.spec.clusterIP) else { return ([], []) }
        let slices = slices.filter { $0.isOf(service) && $0.addressType == "IPv4" }
        let affinity =
            service.spec.sessionAffinity == .clientIP
            ? service.spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? affinitySecondsDefault : nil
        for port in service.spec.ports {
            guard (port.protocol ?? .tcp) == .tcp else {
                problems.append(
                    "port \(port.port)/\(port.protocol ?? .tcp): the service proxy forwards TCP only")
                continue
            }
            guard let number = UInt16(exactly: port.port), number > 0 else { continue }
            let targets = targets(of: port, slices)
            listeners.append(
                ServiceListener(
                    address: SocketTarget(address, number), targets: targets, affinitySeconds: affinity))
            if service.spec.type == .nodePort || service.spec.type == .loadBalancer,
                let nodePort = UInt16(exactly: port.nodePort), nodePort > 0
            {
                listeners.append(
                    ServiceListener(
                        address: SocketTarget(nodeAddress, nodePort), targets: targets, affinitySeconds: affinity))
            }
        }
        return (listeners, problems)
    }

    /// The ready endpoints; when there is none, those that end but still serve (upstream: ProxyTerminatingEndpoints).
    static func targets(of port: ServicePort, _ slices: [EndpointSlice]) -> [SocketTarget] {
        var ready: Set<SocketTarget> = []
        var ending: Set<SocketTarget> = []
        for slice in slices {
            let match = slice.ports.first { ($0.name ?? "") == port.name && ($0.protocol ?? .tcp) == .tcp }
            guard let number = match?.port.flatMap({ UInt16(exactly: $0) }), number > 0 else { continue }
            for endpoint in slice.endpoints {
                guard let address = endpoint.addresses.first.flatMap({ IPv4Address($0) }) else { continue }
                if endpoint.conditions.ready ?? true {
                    ready.insert(SocketTarget(address, number))
                } else if endpoint.conditions.serving == true, endpoint.conditions.terminating == true {
                    ending.insert(SocketTarget(address, number))
                }
            }
        }
        return (ready.isEmpty ? ending : ready).sorted { ($0.address, $0.port) < ($1.address, $1.port) }
    }
}
