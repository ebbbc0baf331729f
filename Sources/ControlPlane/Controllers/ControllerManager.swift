// SPDX-License-Identifier: Apache-2.0
// Swiftlet: runs the controllers: changes in, requests through one queue, one reconciliation at a time.
public import KubernetesAPI
public import Logging
public import ObjectStore
import Synchronization

/// Runs a set of controllers over a store.
///
/// One worker is enough: a reconciliation is a few lookups and writes in memory, and with a single one no two
/// controllers ever act on each other's half-done work.
public final class ControllerManager: Sendable {
    private struct State {
        var queue = WorkQueue()
        /// The version up to which changes have been turned into requests by `settle`.
        var observedVersion: UInt64 = 0
        var hasStarted = false
        var waiter: CheckedContinuation<Void, Never>?
        var isSignalled = false
    }

    private let store: ObjectStore
    private let controllers: [String: any Controller]
    private let now: @Sendable () -> MicroTime
    private let logger: Logger
    private let state = Mutex(State())

    public init(
        store: ObjectStore, controllers: [any Controller], now: @escaping @Sendable () -> MicroTime = { MicroTime.now },
        logger: Logger = Logger(label: "swiftlet.controllers")
    ) {
        self.store = store
        self.controllers = Dictionary(controllers.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        self.now = now
        self.logger = logger
    }

    /// All controllers of a single-node cluster.
    ///
    /// Without `allocateServiceAddress`, somebody else (the pod network) gives services their addresses.
    public static func standard(
        nodeName: String, allocateServiceAddress: ServiceAddressAllocator? = nil
    ) -> [any Controller] {
        var controllers: [any Controller] = [
            DeploymentController(), ReplicaSetController(), Scheduler(nodeName: nodeName), EndpointController(),
            NamespaceController(), GarbageCollector(),
        ]
        if let allocateServiceAddress {
            controllers.append(ServiceAddressController(allocate: allocateServiceAddress))
        }
        return controllers
    }

    /// Kinds whose changes matter to some controller.
    private static var watchedKinds: [any KubernetesObject.Type] { KubernetesKinds.all.filter { $0 != Event.self } }

    // MARK: - Running

    /// Reconciles until the task is cancelled.
    public func run() async throws {
        while !Task.isCancelled {
            // The stream ends if this task falls far behind; the next one starts from the current state.
            let changes = try store.watch(Self.watchedKinds, from: .currentState)
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await change in changes { self.observe(change) }
                }
                group.addTask { await self.work() }
                await group.next()
                group.cancelAll()
            }
        }
    }

    private func work() async {
        while !Task.isCancelled {
            if processNext() {
                // Lets the task that feeds the queue run on small machines.
                await Task.yield()
            } else {
                await waitForWork()
            }
        }
    }

    /// Returns when a request arrives, when a delayed one is due, or when cancelled.
    private func waitForWork() async {
        let delay = state.withLock { $0.queue.nextDue }.map { $0 - nowMilliseconds }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.waitForSignal() }
            if let delay {
                group.addTask { try? await Task.sleep(for: .milliseconds(max(1, delay))) }
            }
            await group.next()
            group.cancelAll()
        }
    }

    private func waitForSignal() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    if state.isSignalled || Task.isCancelled {
                        state.isSignalled = false
                        return true
                    }
                    state.waiter = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            takeWaiter()?.resume()
        }
    }

    private func takeWaiter() -> CheckedContinuation<Void, Never>? {
        state.withLock { state in
            let waiter = state.waiter
            state.waiter = nil
            return waiter
        }
    }

    private func signal() {
        let waiter = state.withLock { state in
            let waiter = state.waiter
            state.waiter = nil
            if waiter == nil { state.isSignalled = true }
            return waiter
        }
        waiter?.resume()
    }

    // MARK: - Steps

    /// Reconciles until nothing is left to do now, without waiting; returns the number of reconciliations.
    ///
    /// For tests and tools; not to be mixed with `run`. Stops at `limit`.
    public func settle(limit: Int = 100_000) throws(StoreError) -> Int {
        var count = 0
        repeat {
            try catchUp()
            guard processNext() else { return count }
            count += 1
        } while count < limit
        return count
    }

    /// Turns the changes since the last call into requests; the first call looks at everything.
    private func catchUp() throws(StoreError) {
        let (hasStarted, version) = state.withLock { ($0.hasStarted, $0.observedVersion) }
        let latest = store.resourceVersion
        if hasStarted {
            for change in try store.changes(after: version) { observe(change) }
        } else {
            for type in Self.watchedKinds { observeAll(type) }
        }
        state.withLock { state in
            state.hasStarted = true
            state.observedVersion = latest
        }
    }

    private func observeAll<T: KubernetesObject>(_ type: T.Type) {
        for object in store.list(type) {
            observe(WatchEvent(type: .added, object: object, previous: nil, resourceVersion: 0))
        }
    }

    private func observe(_ change: WatchEvent) {
        var requests: [Request] = []
        for controller in controllers.values {
            for key in controller.affected(by: change, in: store) {
                requests.append(Request(controller: controller.name, namespace: key.namespace, name: key.name))
            }
        }
        if requests.isEmpty { return }
        state.withLock { state in
            for request in requests { state.queue.add(request) }
        }
        signal()
    }

    private var nowMilliseconds: Int64 { now().microsecondsSinceEpoch / 1000 }

    /// False if nothing is to be done now.
    private func processNext() -> Bool {
        let milliseconds = nowMilliseconds
        guard let request = state.withLock({ $0.queue.next(nowMilliseconds: milliseconds) }),
            let controller = controllers[request.controller]
        else { return false }
        let time = now().time
        do {
            let wake = try store.transaction { store throws(StoreError) in
                try controller.reconcile(
                    namespace: request.namespace, name: request.name, in: store, now: time)
            }
            state.withLock { state in
                state.queue.succeeded(request)
                if let wake { state.queue.add(request, atMilliseconds: wake.secondsSinceEpoch * 1000) }
            }
        } catch {
            logger.warning(
                "reconciliation failed",
                metadata: [
                    "controller": "\(request.controller)", "object": "\(request.namespace)/\(request.name)",
                    "error": "\(error)",
                ])
            state.withLock { $0.queue.retry(request, nowMilliseconds: milliseconds) }
        }
        return true
    }
}
