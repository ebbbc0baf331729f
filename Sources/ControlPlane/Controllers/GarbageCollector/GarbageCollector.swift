// SPDX-License-Identifier: Apache-2.0
// Swiftlet: deletes objects whose owners are gone.
public import KubernetesAPI
public import ObjectStore

/// What becomes of an object in view of its owners.
enum OwnershipDecision: Equatable {
    case keep
    /// No owner is left, or one is being deleted together with its dependents.
    case delete
    /// Some owners are left; the references to these uids lead nowhere.
    case forget(uids: Set<String>)

    /// - Parameter owners: the living owners by uid, and whether each waits for its dependents to go.
    static func decide(_ metadata: ObjectMeta, owners: [String: Bool]) -> OwnershipDecision {
        let references = metadata.ownerReferences
        if references.isEmpty || metadata.deletionTimestamp != nil { return .keep }
        if references.contains(where: { owners[$0.uid] == true }) { return .delete }
        let dangling = Set(references.map { $0.uid }).subtracting(owners.keys)
        if dangling.isEmpty { return .keep }
        return dangling.count == Set(references.map { $0.uid }).count ? .delete : .forget(uids: dangling)
    }
}

/// Cascading deletion, in the background or in the foreground.
///
/// Requests are named `Kind/name`, because this controller looks after all kinds.
public struct GarbageCollector: Controller {
    public let name = "garbage-collector-controller"

    public init() {}

    public func affected(by event: WatchEvent, in store: ObjectStore) -> [(namespace: String, name: String)] {
        let metadata = event.object.metadata
        if event.object is Event { return [] }
        let isLeaving = event.type == .deleted || metadata.deletionTimestamp != nil
        if isLeaving {
            var keys = store.dependents(of: metadata.uid).map { ($0.namespace, "\($0.kind)/\($0.name)") }
            // An owner that waits for this one is to be looked at again.
            keys += metadata.ownerReferences.map { (metadata.namespace, "\($0.kind)/\($0.name)") }
            keys.append((metadata.namespace, "\(type(of: event.object).kind)/\(metadata.name)"))
            return keys
        }
        if event.type == .added, !metadata.ownerReferences.isEmpty {
            return [(metadata.namespace, "\(type(of: event.object).kind)/\(metadata.name)")]
        }
        return []
    }

    public func reconcile(
        namespace: String, name: String, in store: StoreTransaction, now: Time
    ) throws(StoreError) -> Time? {
        guard let slash = name.firstIndex(of: "/"), let type = kind(String(name[..<slash])) else { return nil }
        try collect(type, namespace: namespace, name: String(name[name.index(after: slash)...]), store)
        return nil
    }

    private func kind(_ name: String) -> (any KubernetesObject.Type)? {
        KubernetesKinds.all.first { $0.kind == name }
    }

    private func collect<T: KubernetesObject>(
        _ type: T.Type, namespace: String, name: String, _ store: StoreTransaction
    ) throws(StoreError) {
        guard let object = store.get(type, namespace: T.isNamespaced ? namespace : "", name: name) else { return }
        let metadata = object.metadata
        if metadata.deletionTimestamp != nil, metadata.finalizers.contains(DeletionPolicy.foregroundFinalizer),
            store.dependents(of: metadata.uid).isEmpty
        {
            try store.modify(type, namespace: metadata.namespace, name: name) {
                $0.metadata.finalizers.removeAll { $0 == DeletionPolicy.foregroundFinalizer }
            }
            return
        }
        var owners: [String: Bool] = [:]
        for reference in metadata.ownerReferences {
            guard let ownerType = kind(reference.kind),
                let owner = find(ownerType, namespace: namespace, name: reference.name, store),
                owner.uid == reference.uid
            else { continue }
            let waits =
                owner.deletionTimestamp != nil && owner.finalizers.contains(DeletionPolicy.foregroundFinalizer)
            owners[reference.uid] = waits
        }
        switch OwnershipDecision.decide(metadata, owners: owners) {
        case .keep: break
        case .delete:
            // In the foreground the dependents' own dependents go first as well.
            let policy = owners.values.contains(true) ? DeletionPolicy.foreground : DeletionPolicy.background
            try store.delete(
                type, namespace: metadata.namespace, name: name, options: DeleteOptions(propagationPolicy: policy))
        case .forget(let uids):
            try store.modify(type, namespace: metadata.namespace, name: name) {
                $0.metadata.ownerReferences.removeAll { uids.contains($0.uid) }
            }
        }
    }

    private func find<T: KubernetesObject>(
        _ type: T.Type, namespace: String, name: String, _ store: StoreTransaction
    ) -> ObjectMeta? {
        store.get(type, namespace: T.isNamespaced ? namespace : "", name: name)?.metadata
    }
}
