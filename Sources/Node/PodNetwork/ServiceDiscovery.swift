// SPDX-License-Identifier: Apache-2.0
// Swiftlet: how a guest finds Services: names and environment variables.

public import KubernetesAPI

/// A name a guest can resolve without asking anybody.
public struct HostName: Sendable, Hashable {
    public var name: String
    public var address: String

    public init(name: String, address: String) {
        self.name = name
        self.address = address
    }
}

/// What a container is told about Services when it starts.
///
/// See: Kubernetes documentation, "Service: discovering services" and "DNS for Services and Pods".
public enum ServiceDiscovery {
    public static let domain = "cluster.local"
    // LIMIT: names passed to one guest; they travel in one annotation.
    static let hostNamesMax = 4096

    /// The variables of every Service of the namespace with an address; without `enableServiceLinks` only those of
    /// `default/kubernetes`, as upstream.
    public static func environment(
        services: [Service], namespace: String, enableServiceLinks: Bool
    ) -> [(name: String, value: String)] {
        services.filter { service in
            let isAPI = service.metadata.namespace == "default" && service.metadata.name == "kubernetes"
            return isAPI || (enableServiceLinks && service.metadata.namespace == namespace)
        }
        .sorted { $0.metadata.name < $1.metadata.name }
        .flatMap { variables(of: $0) }
    }

    private static func variables(of service: Service) -> [(name: String, value: String)] {
        let address = service.spec.clusterIP
        guard !address.isEmpty, address != "None", let first = service.spec.ports.first else { return [] }
        let prefix = variableName(service.metadata.name)
        var result = [
            (name: "\(prefix)_SERVICE_HOST", value: address), (name: "\(prefix)_SERVICE_PORT", value: "\(first.port)"),
        ]
        for port in service.spec.ports where !port.name.isEmpty {
            result.append(("\(prefix)_SERVICE_PORT_\(variableName(port.name))", "\(port.port)"))
        }
        for (index, port) in service.spec.ports.enumerated() {
            let name = (port.protocol ?? .tcp).rawValue
            let url = "\(name.lowercased())://\(address):\(port.port)"
            if index == 0 { result.append(("\(prefix)_PORT", url)) }
            let stem = "\(prefix)_PORT_\(port.port)_\(name)"
            result += [
                (stem, url), ("\(stem)_PROTO", name.lowercased()), ("\(stem)_PORT", "\(port.port)"),
                ("\(stem)_ADDR", address),
            ]
        }
        return result
    }

    private static func variableName(_ name: String) -> String {
        String(name.uppercased().map { $0 == "-" || $0 == "." ? "_" : $0 })
    }

    /// The names of all Services, as cluster DNS would answer them from inside `namespace`.
    ///
    /// A headless Service has the addresses of its ready endpoints.
    public static func hostNames(
        services: [Service], slices: [EndpointSlice], namespace: String
    ) -> [HostName] {
        var result: [HostName] = []
        for service in services {
            let own = service.metadata.namespace == namespace
            let addresses =
                service.spec.clusterIP == "None" ? endpointAddresses(of: service, slices) : [service.spec.clusterIP]
            for address in addresses where !address.isEmpty {
                result += names(service.metadata.name, service.metadata.namespace, own).map {
                    HostName(name: $0, address: address)
                }
            }
        }
        return Array(result.prefix(hostNamesMax))
    }

    private static func names(_ name: String, _ namespace: String, _ isOwn: Bool) -> [String] {
        let full = ["\(name).\(namespace)", "\(name).\(namespace).svc", "\(name).\(namespace).svc.\(domain)"]
        return isOwn ? [name] + full : full
    }

    private static func endpointAddresses(of service: Service, _ slices: [EndpointSlice]) -> [String] {
        slices.filter { $0.isOf(service) }
            .flatMap(\.endpoints).filter { $0.conditions.ready != false }.compactMap(\.addresses.first)
    }
}

extension EndpointSlice {
    /// The label by which a slice belongs to its Service.
    static let serviceNameLabel = "kubernetes.io/service-name"

    func isOf(_ service: Service) -> Bool {
        metadata.namespace == service.metadata.namespace
            && metadata.labels[EndpointSlice.serviceNameLabel] == service.metadata.name
    }
}
