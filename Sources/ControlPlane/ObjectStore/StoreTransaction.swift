// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the operations of the store, as they run inside its lock.
import FoundationEssentials
public import KubernetesAPI
import Logging

/// The store as seen from inside `ObjectStore.transaction`; not to be kept beyond it.
///
/// Changes are visible at once to later reads of the same transaction. When it ends they are written and announced
/// together; if its body throws or the write fails, memory goes back to what it was.
public final class StoreTransaction {
    var tables = makeObjectTables()
    var version: UInt64 = 0
    var history: WatchHistory
    var watchers: [UInt64: Watcher] = [:]
    var nextWatcher: UInt64 = 0
    var eventIndex = EventIndex()
    let file: ObjectFile?
    let environment: StoreEnvironment

    private var undo: [() -> Void] = []
    private var changed: Set<ObjectKey> = []
    private var announcements: [WatchEvent] = []
    /// Changed Event objects, written with the next change of something else or by `flush`.
    private var deferred: Set<ObjectKey> = []
    private let encoder = JSONEncoder()

    init(file: ObjectFile?, environment: StoreEnvironment, historyLimit: Int) throws(StoreError) {
        self.file = file
        self.environment = environment
        history = WatchHistory(limit: historyLimit, openedAt: 0)
        guard let file else { return }
        let decoder = JSONDecoder()
        do {
            version = try file.load { kind, version, bytes in
                do {
                    guard let table = tables[kind] else { throw StoreError(.invalid, "unknown kind \(kind)") }
                    try table.load(bytes, version: version, decoder: decoder)
                } catch {
                    // One unreadable object must not keep all others from running.
                    environment.logger.error(
                        "skipped an unreadable stored object", metadata: ["kind": "\(kind)", "error": "\(error)"])
                }
            }
        } catch {
            throw StoreError(.unavailable, "object store: \(error)")
        }
        history = WatchHistory(limit: historyLimit, openedAt: version)
    }

    // MARK: - Reading

    public func get<T: KubernetesObject>(_ type: T.Type, namespace: String = "", name: String) -> T? {
        table(type)[namespace, name]
    }

    public func list<T: KubernetesObject>(
        _ type: T.Type, namespace: String? = nil, selector: LabelSelector? = nil, where isIncluded: (T) -> Bool
    ) -> [T] {
        let objects = table(type).objects
        let groups = namespace.map { [objects[$0] ?? [:]] } ?? Array(objects.values)
        var found: [T] = []
        for group in groups {
            for object in group.values where selector?.matches(object.metadata.labels) ?? true && isIncluded(object) {
                found.append(object)
            }
        }
        // The objects are large; sorting their positions moves less memory.
        let names = found.map { ($0.metadata.namespace, $0.metadata.name) }
        return found.indices.sorted { names[$0] < names[$1] }.map { found[$0] }
    }

    /// The objects of all kinds that have the object with this uid among their owners.
    public func dependents(of uid: String) -> [ObjectKey] {
        var keys: [ObjectKey] = []
        for table in tables.values { table.collectDependents(of: uid, into: &keys) }
        return keys
    }

    // MARK: - Writing

    /// Stores a new object; see `ObjectStore.create`.
    @discardableResult
    public func create<T: KubernetesObject>(_ object: T) throws(StoreError) -> T {
        let table = table(T.self)
        var new = object
        try place(&new, in: table)
        let name = new.metadata.name
        if table[new.metadata.namespace, name] != nil { throw .alreadyExists(T.self, name) }
        new.metadata.uid = environment.makeIdentifier()
        new.metadata.creationTimestamp = environment.now()
        new.metadata.deletionTimestamp = nil
        new.metadata.deletionGracePeriodSeconds = nil
        new.metadata.generation = table.rules.specDiffers == nil ? 0 : 1
        new.apiVersion = T.apiVersion
        new.kind = T.kind
        table.rules.prepareForCreate(&new)
        return put(new, replacing: nil, in: table)
    }

    /// Replaces everything but the status; see `ObjectStore.update`.
    @discardableResult
    public func update<T: KubernetesObject>(_ object: T) throws(StoreError) -> T {
        let (table, stored) = try current(of: object)
        var new = object
        table.rules.takeStatus?(&new, stored)
        return replace(stored, by: new, in: table)
    }

    /// Replaces only the status; see `ObjectStore.updateStatus`.
    @discardableResult
    public func updateStatus<T: KubernetesObject>(_ object: T) throws(StoreError) -> T {
        let (table, stored) = try current(of: object)
        var new = stored
        table.rules.takeStatus?(&new, object)
        return replace(stored, by: new, in: table)
    }

    /// Changes spec, status and metadata together, without a version check; see `ObjectStore.modify`.
    @discardableResult
    public func modify<T: KubernetesObject>(
        _ type: T.Type, namespace: String = "", name: String, _ change: (inout T) throws(StoreError) -> Void
    ) throws(StoreError) -> T {
        let table = table(type)
        guard let stored = table[namespace, name] else { throw .notFound(type, name) }
        var new = stored
        try change(&new)
        return replace(stored, by: new, in: table)
    }

    // MARK: - Support

    func table<T: KubernetesObject>(_ type: T.Type) -> TypedTable<T> {
        if let table = tables[T.kind] as? TypedTable<T> { return table }
        let table = TypedTable<T>(KindRules())
        tables[T.kind] = table
        return table
    }

    /// Decides name and namespace of a new object.
    private func place<T: KubernetesObject>(_ object: inout T, in table: TypedTable<T>) throws(StoreError) {
        if T.isNamespaced {
            if object.metadata.namespace.isEmpty { object.metadata.namespace = "default" }
            let namespace = object.metadata.namespace
            guard let home = self.table(Namespace.self)["", namespace] else {
                throw .notFound(Namespace.self, namespace)
            }
            if home.metadata.deletionTimestamp != nil, T.self != Event.self {
                throw StoreError(
                    .forbidden,
                    "\(T.groupResource) \"\(object.metadata.name)\" is forbidden: unable to create new content in "
                        + "namespace \(namespace) because it is being terminated",
                    resource: T.groupResource, name: object.metadata.name)
            }
        } else {
            object.metadata.namespace = ""
        }
        if object.metadata.name.isEmpty, !object.metadata.generateName.isEmpty {
            repeat {
                object.metadata.name = object.metadata.generateName + environment.makeNameSuffix()
            } while table[object.metadata.namespace, object.metadata.name] != nil
        }
        if object.metadata.name.isEmpty {
            throw StoreError(
                .invalid, "\(T.kind) is invalid: metadata.name: Required value: name or generateName is required",
                resource: T.groupResource)
        }
    }

    /// The stored form of `object`, if `object` was made from it.
    private func current<T: KubernetesObject>(of object: T) throws(StoreError) -> (TypedTable<T>, T) {
        let table = table(T.self)
        let name = object.metadata.name
        guard let stored = table[T.isNamespaced ? object.metadata.namespace : "", name] else {
            throw .notFound(T.self, name)
        }
        let uid = object.metadata.uid
        if !uid.isEmpty, uid != stored.metadata.uid {
            throw .conflict(
                T.self, name,
                "Precondition failed: UID in precondition: \(uid), UID in object meta: \(stored.metadata.uid)")
        }
        let version = object.metadata.resourceVersion
        if !version.isEmpty, version != stored.metadata.resourceVersion { throw .stale(T.self, name) }
        return (table, stored)
    }

    private func replace<T: KubernetesObject>(_ stored: T, by object: T, in table: TypedTable<T>) -> T {
        var new = object
        new.apiVersion = T.apiVersion
        new.kind = T.kind
        new.metadata.name = stored.metadata.name
        new.metadata.namespace = stored.metadata.namespace
        new.metadata.uid = stored.metadata.uid
        new.metadata.generateName = stored.metadata.generateName
        new.metadata.resourceVersion = stored.metadata.resourceVersion
        new.metadata.creationTimestamp = stored.metadata.creationTimestamp
        new.metadata.deletionTimestamp = stored.metadata.deletionTimestamp
        new.metadata.deletionGracePeriodSeconds = stored.metadata.deletionGracePeriodSeconds
        new.metadata.generation = stored.metadata.generation
        table.rules.prepareForUpdate(&new, stored)
        if new == stored { return stored }
        if let differs = table.rules.specDiffers, differs(stored, new) { new.metadata.generation += 1 }
        let mayGo = table.rules.deletion != .namespace && (new.metadata.deletionGracePeriodSeconds ?? 0) == 0
        if new.metadata.deletionTimestamp != nil, mayGo, new.metadata.finalizers.isEmpty,
            !stored.metadata.finalizers.isEmpty
        {
            return take(new, replacing: stored, from: table)
        }
        return put(new, replacing: stored, in: table)
    }

    /// Stores `object` under the next version.
    func put<T: KubernetesObject>(_ object: T, replacing stored: T?, in table: TypedTable<T>) -> T {
        version += 1
        var new = object
        new.metadata.resourceVersion = String(version)
        let (namespace, name) = (new.metadata.namespace, new.metadata.name)
        undo.append { table[namespace, name] = stored }
        table[namespace, name] = new
        note(ObjectKey(kind: T.kind, namespace: namespace, name: name))
        announcements.append(
            WatchEvent(
                type: stored == nil ? .added : .modified, object: new, previous: stored, resourceVersion: version))
        return new
    }

    /// Removes `stored`; `object` is its last state.
    @discardableResult
    func take<T: KubernetesObject>(_ object: T, replacing stored: T, from table: TypedTable<T>) -> T {
        version += 1
        var last = object
        last.metadata.resourceVersion = String(version)
        let (namespace, name) = (last.metadata.namespace, last.metadata.name)
        undo.append { table[namespace, name] = stored }
        table[namespace, name] = nil
        note(ObjectKey(kind: T.kind, namespace: namespace, name: name))
        announcements.append(
            WatchEvent(type: .deleted, object: last, previous: stored, resourceVersion: version))
        return last
    }

    private func note(_ key: ObjectKey) {
        if key.kind == Event.kind { deferred.insert(key) } else { changed.insert(key) }
    }

    // MARK: - End

    func rollBack() {
        for step in undo.reversed() { step() }
        undo = []
        changed = []
        announcements = []
        eventIndex.invalidate()
    }

    /// Writes and announces what the transaction changed.
    func commit(includingEvents: Bool = false) throws(StoreError) {
        let mustWrite = !changed.isEmpty || (includingEvents && !deferred.isEmpty) || deferred.count > 512
        if let file, mustWrite {
            do {
                try file.commit(try fileChanges(), version: version)
            } catch {
                rollBack()
                throw StoreError(.unavailable, "object store: \(error)")
            }
        }
        if mustWrite { deferred = [] }
        undo = []
        changed = []
        let events = announcements
        announcements = []
        for event in events {
            history.append(event)
            for (id, watcher) in watchers where watcher.wants(event) && !watcher.deliver(event) {
                watchers[id] = nil
            }
        }
    }

    private func fileChanges() throws -> [(key: ObjectKey, change: ObjectFile.Change)] {
        var changes: [(key: ObjectKey, change: ObjectFile.Change)] = []
        for key in changed.union(deferred) {
            if let (bytes, version) = try tables[key.kind]?.encoded(key, encoder: encoder) {
                changes.append((key, .put(bytes: bytes, version: version)))
            } else {
                changes.append((key, .delete))
            }
        }
        return changes
    }
}
