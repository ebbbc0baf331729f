// SPDX-License-Identifier: Apache-2.0
// Swiftlet: versioned objects with watch, in memory for reading, in SQLite for keeps.
public import KubernetesAPI
import Synchronization

/// All objects of one Swiftlet instance: the only place where control plane and node meet.
///
/// Thread-safe and synchronous. Every change gets the next resourceVersion and is on its way to disk (SQLite,
/// write-ahead log) before the call returns, so that the end of the process at any moment loses nothing that was
/// acknowledged; only events are written together with the next other change. Refusals are `StoreError`s with
/// upstream's reasons and wording.
public final class ObjectStore: Sendable {
    private let lock = Mutex(())
    // SAFETY: used only by `locked`, that is, by one thread at a time.
    nonisolated(unsafe) private let core: StoreTransaction
    /// Watchers whose subscribers have gone, to be dropped by the next who holds `lock`.
    ///
    /// Nothing is called while this is locked. A subscriber goes with a lock of the concurrency runtime held, which
    /// delivering an event under `lock` may be waiting for: taking `lock` at that moment would be a deadlock.
    private let departed = Mutex<[UInt64]>([])

    /// Opens the store in the SQLite file at `path`; nil keeps everything in memory only.
    ///
    /// `historyLimit` is how many past changes a watch can replay.
    public init(
        path: String?, environment: StoreEnvironment = StoreEnvironment(), historyLimit: Int = 8192
    ) throws(StoreError) {
        let file: ObjectFile?
        do {
            file = try path.map { path throws(DatabaseError) in try ObjectFile(path: path) }
        } catch {
            throw StoreError(.unavailable, "object store: \(error)")
        }
        core = try StoreTransaction(file: file, environment: environment, historyLimit: historyLimit)
        try transaction { store throws(StoreError) in
            for name in DeletionPolicy.permanentNamespaces.sorted()
            where store.get(Namespace.self, name: name) == nil {
                try store.create(Namespace(metadata: ObjectMeta(name: name)))
            }
        }
    }

    private func locked<Result: Sendable, Failure: Error>(
        _ body: (StoreTransaction) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try lock.withLock { _ throws(Failure) in
            for id in takeDeparted() { core.watchers[id] = nil }
            return try body(core)
        }
    }

    private func takeDeparted() -> [UInt64] {
        departed.withLock { ids in
            defer { ids = [] }
            return ids
        }
    }

    /// The version of the latest change.
    public var resourceVersion: UInt64 { locked { $0.version } }

    /// Runs several operations as one: seen, written and announced together, or not at all if `body` throws.
    public func transaction<Result: Sendable>(
        _ body: (StoreTransaction) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        try locked { transaction throws(StoreError) in
            let result: Result
            do throws(StoreError) {
                result = try body(transaction)
            } catch {
                transaction.rollBack()
                throw error
            }
            try transaction.commit()
            return result
        }
    }

    // MARK: - Reading

    /// The object, or nil if there is none. Leave `namespace` out for cluster-scoped kinds.
    public func get<T: KubernetesObject>(_ type: T.Type, namespace: String = "", name: String) -> T? {
        locked { $0.get(type, namespace: namespace, name: name) }
    }

    /// Objects of a kind, ordered by namespace and name.
    ///
    /// nil for `namespace` means all namespaces. `isIncluded` runs inside the store's lock: it must be quick and must
    /// not call the store.
    public func list<T: KubernetesObject>(
        _ type: T.Type, namespace: String? = nil, selector: LabelSelector? = nil,
        where isIncluded: (T) -> Bool = { _ in true }
    ) -> [T] {
        locked { $0.list(type, namespace: namespace, selector: selector, where: isIncluded) }
    }

    /// Objects of a kind together with the version at which the list is true, for a watch that continues there.
    public func snapshot<T: KubernetesObject>(
        _ type: T.Type, namespace: String? = nil, selector: LabelSelector? = nil,
        where isIncluded: (T) -> Bool = { _ in true }
    ) -> (items: [T], resourceVersion: UInt64) {
        locked { core in
            (core.list(type, namespace: namespace, selector: selector, where: isIncluded), core.version)
        }
    }

    /// The objects of all kinds that have the object with this uid among their owners.
    public func dependents(of uid: String) -> [ObjectKey] { locked { $0.dependents(of: uid) } }

    // MARK: - Writing

    /// Stores a new object and returns it with uid, creationTimestamp, resourceVersion and initial status.
    ///
    /// An empty name is made from `generateName`, an empty namespace is `default`.
    /// - Throws: `.alreadyExists`, `.notFound` (namespace), `.forbidden` (namespace terminating), `.invalid`.
    @discardableResult
    public func create<T: KubernetesObject>(_ object: T) throws(StoreError) -> T {
        try transaction { store throws(StoreError) in try store.create(object) }
    }

    /// Replaces spec and metadata, keeping the stored status; a changed spec increments the generation.
    ///
    /// A change that changes nothing keeps the resourceVersion.
    /// - Throws: `.notFound`; `.conflict` if `object` carries a resourceVersion or uid other than the stored one.
    @discardableResult
    public func update<T: KubernetesObject>(_ object: T) throws(StoreError) -> T {
        try transaction { store throws(StoreError) in try store.update(object) }
    }

    /// Replaces only the status; otherwise as `update`.
    @discardableResult
    public func updateStatus<T: KubernetesObject>(_ object: T) throws(StoreError) -> T {
        try transaction { store throws(StoreError) in try store.updateStatus(object) }
    }

    /// Changes the stored object in place, spec and status together, with no chance of a conflict.
    ///
    /// For components that own what they change. `change` runs inside the store's lock and must not call the store.
    /// - Throws: `.notFound`, and what `change` throws.
    @discardableResult
    public func modify<T: KubernetesObject>(
        _ type: T.Type, namespace: String = "", name: String, _ change: (inout T) throws(StoreError) -> Void
    ) throws(StoreError) -> T {
        try transaction { store throws(StoreError) in
            try store.modify(type, namespace: namespace, name: name, change)
        }
    }

    /// Deletes an object.
    ///
    /// Returns the object if it stays for a while: a pod bound to a node (until the node calls `remove`), a namespace
    /// (until it is empty), an object with finalizers (until they are gone). Returns nil if it is gone at once.
    /// Dependents are orphaned here if so asked, else left to the garbage collector.
    /// - Throws: `.notFound`, `.conflict` (preconditions), `.forbidden` (permanent namespaces).
    @discardableResult
    public func delete<T: KubernetesObject>(
        _ type: T.Type, namespace: String = "", name: String, options: DeleteOptions = DeleteOptions()
    ) throws(StoreError) -> T? {
        try transaction { store throws(StoreError) in
            try store.delete(type, namespace: namespace, name: name, options: options)
        }
    }

    /// Completes a deletion: the object goes, unless finalizers still hold it.
    ///
    /// With `uid`, only that very object; a successor of the same name is `.notFound`.
    public func remove<T: KubernetesObject>(
        _ type: T.Type, namespace: String = "", name: String, uid: String? = nil
    ) throws(StoreError) {
        try transaction { store throws(StoreError) in
            try store.remove(type, namespace: namespace, name: name, uid: uid)
        }
    }

    // MARK: - Events

    /// Records that something happened to `object`. The same thing again only increases the count.
    ///
    /// - Parameter fieldPath: which part, for example `spec.containers{web}`.
    /// - Parameter component: who says so, for example `kubelet` or `deployment-controller`.
    public func record<T: KubernetesObject>(
        _ type: EventType, reason: String, message: String, about object: T, fieldPath: String = "",
        component: String, host: String = ""
    ) {
        // Events are best effort; a full disk is reported by the next real change.
        try? transaction { store throws(StoreError) in
            store.record(
                type, reason: reason, message: message, about: object, fieldPath: fieldPath, component: component,
                host: host)
        }
    }

    /// Writes events not yet on disk.
    public func flush() throws(StoreError) {
        try locked { core throws(StoreError) in try core.commit(includingEvents: true) }
    }

    // MARK: - Watching

    /// Changes of the given kinds (nil: all), in order of their versions.
    ///
    /// The stream ends when its consumer falls more than `bufferLimit` changes behind; it then starts again from
    /// `.currentState`.
    /// - Throws: `.expired` if the history does not reach back to the requested version.
    public func watch(
        _ kinds: [any KubernetesObject.Type]? = nil, from start: WatchStart = .currentState,
        bufferLimit: Int = 65_536
    ) throws(StoreError) -> AsyncStream<WatchEvent> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: WatchEvent.self, bufferingPolicy: .bufferingOldest(bufferLimit))
        let watcher = Watcher(kinds: kinds.map { Set($0.map { $0.kind }) }, continuation: continuation)
        let id = try locked { core throws(StoreError) in try core.add(watcher, from: start) }
        continuation.onTermination = { [weak self] _ in
            self?.departed.withLock { $0.append(id) }
        }
        return stream
    }

    /// The changes after `version`, without waiting for more.
    ///
    /// - Throws: `.expired` if the history does not reach back that far.
    public func changes(after version: UInt64) throws(StoreError) -> [WatchEvent] {
        try locked { core throws(StoreError) in Array(try core.pastEvents(after: version)) }
    }
}

extension StoreTransaction {
    fileprivate func pastEvents(after version: UInt64) throws(StoreError) -> ArraySlice<WatchEvent> {
        guard let past = history.events(after: version) else {
            throw StoreError(.expired, "too old resource version: \(version) (\(history.forgottenVersion))")
        }
        return past
    }

    fileprivate func add(_ watcher: Watcher, from start: WatchStart) throws(StoreError) -> UInt64 {
        switch start {
        case .now: break
        case .currentState:
            for kind in (watcher.kinds ?? Set(tables.keys)).sorted() {
                tables[kind]?.forEach { object in
                    let version = UInt64(object.metadata.resourceVersion) ?? 0
                    _ = watcher.deliver(
                        WatchEvent(type: .added, object: object, previous: nil, resourceVersion: version))
                }
            }
        case .resourceVersion(let version):
            for event in try pastEvents(after: version) where watcher.wants(event) { _ = watcher.deliver(event) }
        }
        nextWatcher += 1
        watchers[nextWatcher] = watcher
        return nextWatcher
    }
}
