// SPDX-License-Identifier: Apache-2.0
// Swiftlet: empties namespaces that are being deleted.
public import KubernetesAPI
public import ObjectStore

/// Deletes what is in a terminating namespace, then the namespace itself.
public struct NamespaceController: Controller {
    public let name = "namespace-controller"

    public init() {}

    public func affected(by event: WatchEvent, in store: ObjectStore) -> [(namespace: String, name: String)] {
        let metadata = event.object.metadata
        if event.object is Namespace { return metadata.deletionTimestamp == nil ? [] : [("", metadata.name)] }
        // The last object to go completes the deletion.
        return event.type == .deleted ? [("", metadata.namespace)] : []
    }

    public func reconcile(
        namespace: String, name: String, in store: StoreTransaction, now: Time
    ) throws(StoreError) -> Time? {
        guard let home = store.get(Namespace.self, name: name), home.metadata.deletionTimestamp != nil else {
            return nil
        }
        var remaining = 0
        for type in KubernetesKinds.all where type.isNamespaced {
            remaining += try empty(type, in: name, store)
        }
        if remaining == 0 { try store.remove(Namespace.self, name: name, uid: home.metadata.uid) }
        return nil
    }

    /// Deletes all objects of a kind; returns how many are still there.
    private func empty<T: KubernetesObject>(
        _ type: T.Type, in namespace: String, _ store: StoreTransaction
    ) throws(StoreError) -> Int {
        for object in store.list(type, namespace: namespace, where: { $0.metadata.deletionTimestamp == nil }) {
            try store.delete(type, namespace: namespace, name: object.metadata.name)
        }
        return store.list(type, namespace: namespace, where: { _ in true }).count
    }
}
