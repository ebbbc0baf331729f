// SPDX-License-Identifier: Apache-2.0
// Swiftlet: which endpoints a service has: a pure function of the service, the pods and the slices there are.
//
// As upstream: k8s.io/kubernetes/pkg/controller/endpointslice and k8s.io/endpointslice.
import KubernetesAPI

/// One step to take.
enum EndpointAction: Equatable {
    /// The name is generated.
    case createSlice(EndpointSlice)
    case updateSlice(EndpointSlice)
    case deleteSlice(name: String)
    /// Stores the older, single-object form, creating it if absent.
    case putEndpoints(Endpoints)
}

enum EndpointDecision {
    static let serviceNameLabel = "kubernetes.io/service-name"
    static let managedByLabel = "endpointslice.kubernetes.io/managed-by"
    static let managedBy = "endpointslice-controller.k8s.io"
    // LIMIT: as upstream, 100 endpoints per slice; more are spread over several slices.
    static let endpointsPerSliceMax = 100

    /// `pods` are the pods that the service selects, `slices` those with its name that this controller manages.
    static func decide(
        desired service: Service, pods: [Pod], slices: [EndpointSlice], endpoints: Endpoints?
    ) -> [EndpointAction] {
        let backends = pods.filter(isBackend).sorted { $0.metadata.name < $1.metadata.name }
        var groups: [(ports: [EndpointPort], endpoints: [Endpoint])] = []
        for pod in backends {
            let ports = ports(of: service, on: pod)
            let endpoint = endpoint(for: pod, of: service)
            if let index = groups.firstIndex(where: { $0.ports == ports }) {
                groups[index].endpoints.append(endpoint)
            } else {
                groups.append((ports, [endpoint]))
            }
        }
        // A service without pods has one empty slice, so that its existence can be told from being unknown.
        if groups.isEmpty { groups.append(([], [])) }
        var actions = sliceActions(service, groups, slices)
        let combined = makeEndpoints(service, backends)
        if endpoints.map({ $0.subsets != combined.subsets || $0.metadata.labels != combined.metadata.labels }) ?? true {
            actions.append(.putEndpoints(combined))
        }
        return actions
    }

    private static func sliceActions(
        _ service: Service, _ groups: [(ports: [EndpointPort], endpoints: [Endpoint])], _ slices: [EndpointSlice]
    ) -> [EndpointAction] {
        var actions: [EndpointAction] = []
        var unused = slices.filter { $0.metadata.deletionTimestamp == nil }.sorted {
            $0.metadata.name < $1.metadata.name
        }
        for group in groups {
            let starts = stride(from: 0, to: max(1, group.endpoints.count), by: endpointsPerSliceMax)
            for start in starts {
                var slice = EndpointSlice(metadata: ObjectMeta(namespace: service.metadata.namespace))
                slice.metadata.generateName = "\(service.metadata.name)-"
                // One with the same ports is re-used first, then any.
                let match = unused.firstIndex { $0.ports == group.ports } ?? unused.indices.first
                let stored = match.map { unused.remove(at: $0) }
                if let stored { slice = stored }
                slice.addressType = "IPv4"
                slice.metadata.labels = labels(of: service)
                slice.metadata.ownerReferences = [service.asController]
                slice.ports = group.ports
                slice.endpoints = Array(group.endpoints.dropFirst(start).prefix(endpointsPerSliceMax))
                if stored == nil {
                    actions.append(.createSlice(slice))
                } else if stored != slice {
                    actions.append(.updateSlice(slice))
                }
            }
        }
        return actions + unused.map { .deleteSlice(name: $0.metadata.name) }
    }

    private static func labels(of service: Service) -> [String: String] {
        var labels = service.metadata.labels
        labels[serviceNameLabel] = service.metadata.name
        labels[managedByLabel] = managedBy
        if service.spec.clusterIP == "None" { labels["service.kubernetes.io/headless"] = "" }
        return labels
    }

    private static func isBackend(_ pod: Pod) -> Bool {
        !pod.status.podIP.isEmpty && pod.status.phase != .succeeded && pod.status.phase != .failed
    }

    private static func endpoint(for pod: Pod, of service: Service) -> Endpoint {
        let isTerminating = pod.metadata.deletionTimestamp != nil
        let isReady = service.spec.publishNotReadyAddresses || (pod.isReady && !isTerminating)
        let hasName = !pod.spec.hostname.isEmpty && pod.spec.subdomain == service.metadata.name
        return Endpoint(
            addresses: [pod.status.podIP],
            conditions: EndpointConditions(ready: isReady, serving: pod.isReady, terminating: isTerminating),
            hostname: hasName ? pod.spec.hostname : nil, targetRef: reference(to: pod),
            nodeName: pod.spec.nodeName.isEmpty ? nil : pod.spec.nodeName)
    }

    private static func reference(to pod: Pod) -> ObjectReference {
        ObjectReference(
            kind: Pod.kind, namespace: pod.metadata.namespace, name: pod.metadata.name, uid: pod.metadata.uid)
    }

    /// The service's ports as numbers on this pod; a named port that the pod does not have is left out.
    private static func ports(of service: Service, on pod: Pod) -> [EndpointPort] {
        service.spec.ports.compactMap { port in
            guard let number = number(of: port, on: pod) else { return nil }
            return EndpointPort(
                name: port.name, protocol: port.protocol ?? .tcp, port: number, appProtocol: port.appProtocol)
        }
    }

    static func number(of port: ServicePort, on pod: Pod) -> Int32? {
        switch port.targetPort {
        case nil, .int(0): return port.port
        case .int(let number): return number
        case .string(let name):
            let sidecars = pod.spec.initContainers.filter { $0.restartPolicy == .always }
            let candidates = (pod.spec.containers + sidecars).flatMap { $0.ports }
            return candidates.first { $0.name == name && ($0.protocol ?? .tcp) == (port.protocol ?? .tcp) }?
                .containerPort
        }
    }

    private static func makeEndpoints(_ service: Service, _ backends: [Pod]) -> Endpoints {
        var subsets: [EndpointSubset] = []
        for pod in backends where pod.metadata.deletionTimestamp == nil || service.spec.publishNotReadyAddresses {
            let ports = ports(of: service, on: pod).map { port in
                EndpointSubsetPort(
                    name: port.name ?? "", port: port.port ?? 0, protocol: port.protocol,
                    appProtocol: port.appProtocol)
            }
            let address = EndpointAddress(
                ip: pod.status.podIP, nodeName: pod.spec.nodeName.isEmpty ? nil : pod.spec.nodeName,
                targetRef: reference(to: pod))
            let index =
                subsets.firstIndex { $0.ports == ports }
                ?? {
                    subsets.append(EndpointSubset(ports: ports))
                    return subsets.count - 1
                }()
            if pod.isReady || service.spec.publishNotReadyAddresses {
                subsets[index].addresses.append(address)
            } else {
                subsets[index].notReadyAddresses.append(address)
            }
        }
        return Endpoints(
            metadata: ObjectMeta(
                name: service.metadata.name, namespace: service.metadata.namespace, labels: service.metadata.labels),
            subsets: subsets)
    }
}
