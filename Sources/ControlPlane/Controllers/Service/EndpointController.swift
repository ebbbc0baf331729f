// SPDX-License-Identifier: Apache-2.0
// Swiftlet: carries out what the endpoint reconciler decides.
public import KubernetesAPI
public import ObjectStore

/// Service → EndpointSlice and Endpoints, following the readiness of the selected pods.
public struct EndpointController: Controller {
    public let name = "endpoint-slice-controller"

    public init() {}

    public func affected(by event: WatchEvent, in store: ObjectStore) -> [(namespace: String, name: String)] {
        let metadata = event.object.metadata
        switch event.object {
        case is Service:
            return [(metadata.namespace, metadata.name)]
        case let slice as EndpointSlice:
            return slice.metadata.labels[EndpointDecision.serviceNameLabel].map { [(metadata.namespace, $0)] } ?? []
        case is Pod:
            let before = event.previous?.metadata.labels ?? metadata.labels
            let services = store.list(Service.self, namespace: metadata.namespace) { service in
                let selector = LabelSelector(matchLabels: service.spec.selector)
                return !selector.isEmpty && (selector.matches(metadata.labels) || selector.matches(before))
            }
            return services.map { (metadata.namespace, $0.metadata.name) }
        default:
            return []
        }
    }

    public func reconcile(
        namespace: String, name: String, in store: StoreTransaction, now: Time
    ) throws(StoreError) -> Time? {
        // Without the service, its slices go by their owner reference and the Endpoints go here.
        guard let service = store.get(Service.self, namespace: namespace, name: name) else {
            if store.get(Endpoints.self, namespace: namespace, name: name) != nil {
                try store.delete(Endpoints.self, namespace: namespace, name: name)
            }
            return nil
        }
        guard !service.spec.selector.isEmpty, service.metadata.deletionTimestamp == nil else { return nil }
        let mine = LabelSelector(matchLabels: [
            EndpointDecision.serviceNameLabel: name, EndpointDecision.managedByLabel: EndpointDecision.managedBy,
        ])
        let slices = store.list(EndpointSlice.self, namespace: namespace, selector: mine) { _ in true }
        if service.spec.type == .externalName {
            for slice in slices {
                try store.delete(EndpointSlice.self, namespace: namespace, name: slice.metadata.name)
            }
            return nil
        }
        let selector = LabelSelector(matchLabels: service.spec.selector)
        let pods = store.list(Pod.self, namespace: namespace, selector: selector) { _ in true }
        let endpoints = store.get(Endpoints.self, namespace: namespace, name: name)
        for action in EndpointDecision.decide(desired: service, pods: pods, slices: slices, endpoints: endpoints) {
            switch action {
            case .createSlice(let slice): try store.create(slice)
            case .updateSlice(let slice): try store.update(slice)
            case .deleteSlice(let slice): try store.delete(EndpointSlice.self, namespace: namespace, name: slice)
            case .putEndpoints(let new):
                if endpoints == nil { try store.create(new) } else { try store.update(new) }
            }
        }
        return nil
    }
}
