// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the rules of each kind that the store keeps, as upstream's registry has them.
import KubernetesAPI

extension KindRules {
    /// Rules of a kind whose desired and observed state are the given parts.
    init<Spec: Equatable, ObservedState: Equatable>(
        spec: KeyPath<T, Spec>, status: WritableKeyPath<T, ObservedState>, initialStatus: ObservedState,
        countsGenerations: Bool
    ) {
        prepareForCreate = { $0[keyPath: status] = initialStatus }
        takeStatus = { target, source in target[keyPath: status] = source[keyPath: status] }
        if countsGenerations {
            specDiffers = { old, new in old[keyPath: spec] != new[keyPath: spec] }
        }
    }
}

/// One empty table per kind.
func makeObjectTables() -> [String: ObjectTable] {
    let tables: [ObjectTable] = [
        TypedTable<Namespace>(namespaceRules), TypedTable<ConfigMap>(KindRules()), TypedTable<Secret>(secretRules),
        TypedTable<Service>(serviceRules),
        TypedTable<Deployment>(
            KindRules(spec: \.spec, status: \.status, initialStatus: DeploymentStatus(), countsGenerations: true)),
        TypedTable<ReplicaSet>(
            KindRules(spec: \.spec, status: \.status, initialStatus: ReplicaSetStatus(), countsGenerations: true)),
        TypedTable<Pod>(podRules), TypedTable<EndpointSlice>(endpointSliceRules),
        TypedTable<Endpoints>(KindRules()), TypedTable<Event>(KindRules()), TypedTable<Node>(nodeRules),
    ]
    return Dictionary(uniqueKeysWithValues: tables.map { ($0.type.kind, $0) })
}

private var podRules: KindRules<Pod> {
    var rules = KindRules<Pod>(
        spec: \.spec, status: \.status, initialStatus: PodStatus(phase: .pending), countsGenerations: true)
    rules.deletion = .pod
    rules.prepareForCreate = { pod in
        pod.status = PodStatus(phase: .pending, qosClass: pod.spec.qualityOfService)
    }
    return rules
}

private var namespaceRules: KindRules<Namespace> {
    var rules = KindRules<Namespace>(
        spec: \.spec, status: \.status, initialStatus: NamespaceStatus(phase: "Active"), countsGenerations: false)
    rules.deletion = .namespace
    rules.prepareForCreate = { namespace in
        namespace.status = NamespaceStatus(phase: "Active")
        namespace.spec.finalizers = ["kubernetes"]
        namespace.metadata.labels["kubernetes.io/metadata.name"] = namespace.metadata.name
    }
    rules.prepareForUpdate = { namespace, stored in
        namespace.spec = stored.spec
        namespace.metadata.labels["kubernetes.io/metadata.name"] = namespace.metadata.name
    }
    return rules
}

private var nodeRules: KindRules<Node> {
    var rules = KindRules<Node>(
        spec: \.spec, status: \.status, initialStatus: NodeStatus(), countsGenerations: false)
    // The node agent registers its node together with the first status.
    rules.prepareForCreate = { _ in }
    return rules
}

private var serviceRules: KindRules<Service> {
    var rules = KindRules<Service>(
        spec: \.spec, status: \.status, initialStatus: ServiceStatus(), countsGenerations: false)
    // An author who leaves the allocated address out means to keep it (upstream: patchAllocatedValues).
    rules.prepareForUpdate = { service, stored in
        let needsAddress = service.spec.type != .externalName && stored.spec.type != .externalName
        if needsAddress, service.spec.clusterIP.isEmpty { service.spec.clusterIP = stored.spec.clusterIP }
        if needsAddress, service.spec.clusterIPs.isEmpty, service.spec.clusterIP == stored.spec.clusterIP {
            service.spec.clusterIPs = stored.spec.clusterIPs
        }
    }
    return rules
}

private var secretRules: KindRules<Secret> {
    // stringData is write-only: it is merged into data and never read back.
    func merge(_ secret: inout Secret) {
        for (key, text) in secret.stringData { secret.data[key] = Base64Data(utf8: text) }
        secret.stringData = [:]
    }
    var rules = KindRules<Secret>()
    rules.prepareForCreate = { secret in
        merge(&secret)
        if secret.type.isEmpty { secret.type = "Opaque" }
    }
    rules.prepareForUpdate = { secret, stored in
        merge(&secret)
        if secret.type.isEmpty { secret.type = stored.type }
    }
    return rules
}

private var endpointSliceRules: KindRules<EndpointSlice> {
    var rules = KindRules<EndpointSlice>()
    rules.specDiffers = { old, new in
        old.endpoints != new.endpoints || old.ports != new.ports || old.addressType != new.addressType
    }
    return rules
}

extension PodSpec {
    /// Guaranteed, Burstable or BestEffort, from the requests and limits of cpu and memory.
    ///
    /// See: https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/
    var qualityOfService: String {
        var isGuaranteed = true
        var isBestEffort = true
        for container in containers + initContainers {
            for resource in ["cpu", "memory"] {
                let limit = container.resources.limits[resource]
                let request = container.resources.requests[resource] ?? limit
                if limit != nil || request != nil { isBestEffort = false }
                if limit == nil || limit != request { isGuaranteed = false }
            }
        }
        if isBestEffort { return "BestEffort" }
        return isGuaranteed ? "Guaranteed" : "Burstable"
    }
}
