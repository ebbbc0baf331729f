// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the rows of all kinds but pods.
//
// As upstream: k8s.io/kubernetes/pkg/printers/internalversion.
import KubernetesAPI

extension RowPrinter where T == Deployment {
    static var deployments: RowPrinter<Deployment> {
        RowPrinter(
            [
                .name, .text("Ready", "Pods that are ready, of all wanted."),
                .text("Up-to-date", "Pods of the current template."),
                .text("Available", "Pods ready for long enough."), .age,
            ] + RowParts.templateColumns
        ) { deployment, now in
            [
                .string(deployment.metadata.name),
                .string("\(deployment.status.readyReplicas)/\(deployment.spec.replicas ?? 1)"),
                .count(deployment.status.updatedReplicas), .count(deployment.status.availableReplicas),
                .age(deployment.metadata.creationTimestamp, now),
            ] + RowParts.templateCells(deployment.spec.template, deployment.spec.selector)
        }
    }
}

extension RowPrinter where T == ReplicaSet {
    static var replicaSets: RowPrinter<ReplicaSet> {
        RowPrinter(
            [
                .name, .count("Desired", "Pods wanted."), .count("Current", "Pods there are."),
                .count("Ready", "Pods that are ready."), .age,
            ] + RowParts.templateColumns
        ) { replicaSet, now in
            [
                .string(replicaSet.metadata.name), .count(replicaSet.spec.replicas ?? 1),
                .count(replicaSet.status.replicas), .count(replicaSet.status.readyReplicas),
                .age(replicaSet.metadata.creationTimestamp, now),
            ] + RowParts.templateCells(replicaSet.spec.template, replicaSet.spec.selector)
        }
    }
}

extension RowPrinter where T == Service {
    static var services: RowPrinter<Service> {
        RowPrinter([
            .name, .text("Type", "How the service is reached."), .text("Cluster-IP", "Its address here."),
            .text("External-IP", "Its addresses elsewhere."), .text("Port(s)", "Its ports."), .age,
            .text("Selector", "Labels of its pods.", wide: true),
        ]) { service, now in
            let ports = service.spec.ports.map { port in
                let proto = (port.protocol ?? .tcp).rawValue
                return port.nodePort == 0 ? "\(port.port)/\(proto)" : "\(port.port):\(port.nodePort)/\(proto)"
            }
            return [
                .string(service.metadata.name), .string((service.spec.type ?? .clusterIP).rawValue),
                .orNone(service.spec.clusterIPs.first ?? service.spec.clusterIP),
                .string(RowParts.externalAddress(of: service)), .list(ports),
                .age(service.metadata.creationTimestamp, now), .list(RowParts.labels(service.spec.selector)),
            ]
        }
    }
}

extension RowPrinter where T == EndpointSlice {
    static var endpointSlices: RowPrinter<EndpointSlice> {
        RowPrinter([
            .name, .text("AddressType", "Kind of address."), .text("Ports", "Ports of the endpoints."),
            .text("Endpoints", "Addresses of the endpoints."), .age,
        ]) { slice, now in
            let ports = slice.ports.map { $0.port.map { String($0) } ?? "*" }
            let addresses = slice.endpoints.flatMap { $0.addresses }
            return [
                .string(slice.metadata.name), .string(slice.addressType),
                .string(RowParts.firstThree(ports, ifEmpty: "<unset>")),
                .string(RowParts.firstThree(addresses, ifEmpty: "<unset>")),
                .age(slice.metadata.creationTimestamp, now),
            ]
        }
    }
}

extension RowPrinter where T == Endpoints {
    static var endpoints: RowPrinter<Endpoints> {
        RowPrinter([.name, .text("Endpoints", "Ready addresses and ports."), .age]) { endpoints, now in
            let addresses = endpoints.subsets.flatMap { subset in
                subset.ports.isEmpty
                    ? subset.addresses.map { $0.ip }
                    : subset.ports.flatMap { port in subset.addresses.map { "\($0.ip):\(port.port)" } }
            }
            return [
                .string(endpoints.metadata.name), .string(RowParts.firstThree(addresses, ifEmpty: "<none>")),
                .age(endpoints.metadata.creationTimestamp, now),
            ]
        }
    }
}

extension RowPrinter where T == ConfigMap {
    static var configMaps: RowPrinter<ConfigMap> {
        RowPrinter([.name, .count("Data", "Number of keys."), .age]) { config, now in
            [
                .string(config.metadata.name), .count(config.data.count + config.binaryData.count),
                .age(config.metadata.creationTimestamp, now),
            ]
        }
    }
}

extension RowPrinter where T == Secret {
    static var secrets: RowPrinter<Secret> {
        RowPrinter([.name, .text("Type", "What the secret is for."), .count("Data", "Number of keys."), .age]) {
            secret, now in
            [
                .string(secret.metadata.name), .string(secret.type), .count(secret.data.count),
                .age(secret.metadata.creationTimestamp, now),
            ]
        }
    }
}

extension RowPrinter where T == Namespace {
    static var namespaces: RowPrinter<Namespace> {
        RowPrinter([.name, .text("Status", "Active or Terminating."), .age]) { namespace, now in
            [
                .string(namespace.metadata.name), .string(namespace.status.phase),
                .age(namespace.metadata.creationTimestamp, now),
            ]
        }
    }
}

extension RowPrinter where T == Event {
    static var events: RowPrinter<Event> {
        RowPrinter([
            .text("Last Seen", "Time since it happened last."), .text("Type", "Normal or Warning."),
            .text("Reason", "What happened, in a word."), .text("Object", "To what it happened."),
            .text("Subobject", "To which part of it.", wide: true), .text("Source", "Who says so.", wide: true),
            .text("Message", "What happened."), .text("First Seen", "Time since it happened first.", wide: true),
            .count("Count", "How often it happened.", wide: true),
            Table.Column(
                name: "Name", type: "string", format: "name", description: "Unique within the namespace.",
                priority: 1),
        ]) { event, now in
            let first = event.firstTimestamp ?? event.eventTime?.time
            let involved = event.involvedObject
            let object =
                involved.name.isEmpty ? involved.kind.lowercased() : "\(involved.kind.lowercased())/\(involved.name)"
            let component = event.source.component.isEmpty ? event.reportingComponent : event.source.component
            let host = event.source.host.isEmpty ? event.reportingInstance : event.source.host
            return [
                .age(event.lastTimestamp ?? first, now), .string(event.type), .string(event.reason), .string(object),
                .string(involved.fieldPath), .string(host.isEmpty ? component : "\(component), \(host)"),
                .string(event.message.trimmingSpaces), .age(first, now), .count(max(1, event.count)),
                .string(event.metadata.name),
            ]
        }
    }
}

extension RowPrinter where T == Node {
    static var nodes: RowPrinter<Node> {
        RowPrinter([
            .name, .text("Status", "Whether it takes pods."), .text("Roles", "What it is for."), .age,
            .text("Version", "Of its agent."), .text("Internal-IP", "Its address.", wide: true),
            .text("External-IP", "Its address from outside.", wide: true),
            .text("OS-Image", "Its operating system.", wide: true), .text("Kernel-Version", "Its kernel.", wide: true),
            .text("Container-Runtime", "What runs its containers.", wide: true),
        ]) { node, now in
            let info = node.status.nodeInfo
            func address(_ type: String) -> String { node.status.addresses.first { $0.type == type }?.address ?? "" }
            let ready = node.status.conditions.first { $0.type == "Ready" }?.status
            var status = ready == .true ? "Ready" : ready == nil ? "Unknown" : "NotReady"
            if node.spec.unschedulable { status += ",SchedulingDisabled" }
            let prefix = "node-role.kubernetes.io/"
            let roles = node.metadata.labels.keys.filter { $0.hasPrefix(prefix) }.map {
                String($0.dropFirst(prefix.count))
            }
            return [
                .string(node.metadata.name), .string(status), .list(roles.sorted()),
                .age(node.metadata.creationTimestamp, now), .string(info.kubeletVersion),
                .orNone(address("InternalIP")), .orNone(address("ExternalIP")),
                .string(info.osImage.isEmpty ? "<unknown>" : info.osImage),
                .string(info.kernelVersion.isEmpty ? "<unknown>" : info.kernelVersion),
                .string(info.containerRuntimeVersion.isEmpty ? "<unknown>" : info.containerRuntimeVersion),
            ]
        }
    }
}

/// What several rows share.
enum RowParts {
    static let templateColumns: [Table.Column] = [
        .text("Containers", "Names of the containers.", wide: true), .text("Images", "What they run.", wide: true),
        .text("Selector", "Labels of the pods.", wide: true),
    ]

    static func templateCells(_ template: PodTemplateSpec, _ selector: LabelSelector) -> [JSONValue] {
        [
            .string(template.spec.containers.map { $0.name }.joined(separator: ",")),
            .string(template.spec.containers.map { $0.image }.joined(separator: ",")),
            .orNone(selector.description),
        ]
    }

    static func labels(_ labels: [String: String]) -> [String] {
        labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }

    static func firstThree(_ texts: [String], ifEmpty: String) -> String {
        if texts.isEmpty { return ifEmpty }
        let first = texts.prefix(3).joined(separator: ",")
        return texts.count > 3 ? "\(first) + \(texts.count - 3) more..." : first
    }

    static func externalAddress(of service: Service) -> String {
        let external = service.spec.externalIPs
        switch service.spec.type ?? .clusterIP {
        case .externalName: return service.spec.externalName
        case .loadBalancer:
            let ingress = service.status.loadBalancer.ingress.map { $0.ip.isEmpty ? $0.hostname : $0.ip }
            let all = ingress + external
            return all.isEmpty ? "<pending>" : all.joined(separator: ",")
        default: return external.isEmpty ? "<none>" : external.joined(separator: ",")
        }
    }
}

extension String {
    fileprivate var trimmingSpaces: String {
        let isSpace: (Character) -> Bool = { $0.isWhitespace }
        return String(Substring(drop(while: isSpace).reversed().drop(while: isSpace).reversed()))
    }
}
