// SPDX-License-Identifier: Apache-2.0
// Swiftlet: deletion: grace, finalizers and what becomes of dependents.
public import KubernetesAPI

/// Names of finalizers and propagation policies (meta/v1).
public enum DeletionPolicy {
    public static let background = "Background"
    public static let foreground = "Foreground"
    public static let orphan = "Orphan"
    /// While present, the object waits for its dependents to go first.
    public static let foregroundFinalizer = "foregroundDeletion"
    /// Namespaces that always exist.
    public static let permanentNamespaces: Set<String> = ["default", "kube-system", "kube-public", "kube-node-lease"]
}

extension StoreTransaction {
    /// Begins or completes the deletion of an object; see `ObjectStore.delete`.
    @discardableResult
    public func delete<T: KubernetesObject>(
        _ type: T.Type, namespace: String = "", name: String, options: DeleteOptions = DeleteOptions()
    ) throws(StoreError) -> T? {
        let table = table(type)
        guard let stored = table[namespace, name] else { throw .notFound(type, name) }
        try check(options.preconditions, against: stored)
        if T.self == Namespace.self, DeletionPolicy.permanentNamespaces.contains(name) {
            throw StoreError(
                .forbidden, "namespaces \"\(name)\" is forbidden: this namespace may not be deleted",
                resource: T.groupResource, name: name)
        }
        var object = stored
        let policy = options.propagationPolicy ?? (options.orphanDependents == true ? DeletionPolicy.orphan : nil)
        if policy == DeletionPolicy.orphan {
            for other in tables.values { try other.disown(stored.metadata.uid, in: self) }
        } else if policy == DeletionPolicy.foreground,
            !object.metadata.finalizers.contains(DeletionPolicy.foregroundFinalizer)
        {
            object.metadata.finalizers.append(DeletionPolicy.foregroundFinalizer)
        }
        let grace = gracePeriodSeconds(of: stored, table.rules.deletion, options)
        if grace == 0, object.metadata.finalizers.isEmpty, table.rules.deletion != .namespace {
            take(object, replacing: stored, from: table)
            return nil
        }
        // A deletion under way can only be shortened.
        if stored.metadata.deletionTimestamp == nil || grace < stored.metadata.deletionGracePeriodSeconds ?? 0 {
            object.metadata.deletionTimestamp = environment.now().adding(seconds: grace)
            object.metadata.deletionGracePeriodSeconds = grace
            if table.rules.specDiffers != nil { object.metadata.generation += 1 }
        }
        if var namespace = object as? Namespace {
            namespace.status.phase = "Terminating"
            object = namespace as? T ?? object
        }
        return object == stored ? stored : put(object, replacing: stored, in: table)
    }

    /// Completes a deletion; see `ObjectStore.remove`.
    public func remove<T: KubernetesObject>(
        _ type: T.Type, namespace: String = "", name: String, uid: String? = nil
    ) throws(StoreError) {
        let table = table(type)
        guard let stored = table[namespace, name], uid ?? stored.metadata.uid == stored.metadata.uid else {
            throw .notFound(type, name)
        }
        guard !stored.metadata.finalizers.isEmpty else {
            take(stored, replacing: stored, from: table)
            return
        }
        var object = stored
        object.metadata.deletionTimestamp = stored.metadata.deletionTimestamp ?? environment.now()
        object.metadata.deletionGracePeriodSeconds = 0
        if object != stored { _ = put(object, replacing: stored, in: table) }
    }

    private func check<T: KubernetesObject>(_ preconditions: Preconditions?, against stored: T) throws(StoreError) {
        guard let preconditions else { return }
        if let uid = preconditions.uid, uid != stored.metadata.uid {
            throw .conflict(
                T.self, stored.metadata.name,
                "Precondition failed: UID in precondition: \(uid), UID in object meta: \(stored.metadata.uid)")
        }
        if let version = preconditions.resourceVersion, version != stored.metadata.resourceVersion {
            throw .conflict(
                T.self, stored.metadata.name,
                "Precondition failed: ResourceVersion in precondition: \(version), ResourceVersion in object meta: "
                    + stored.metadata.resourceVersion)
        }
    }

    private func gracePeriodSeconds<T: KubernetesObject>(
        of stored: T, _ deletion: KindRules<T>.Deletion, _ options: DeleteOptions
    ) -> Int64 {
        guard deletion == .pod, let pod = stored as? Pod else { return 0 }
        // Nothing runs of a pod that has no node or has ended.
        if pod.spec.nodeName.isEmpty || pod.status.phase == .succeeded || pod.status.phase == .failed { return 0 }
        return max(0, options.gracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30)
    }
}
