// SPDX-License-Identifier: Apache-2.0
// Swiftlet: makes this machine match the pods that are assigned to it.

import KubernetesAPI
import Linux
public import Logging
public import ObjectStore
public import PodNetwork
public import Probes

/// The node's part of Swiftlet: one worker per pod, driven by a watch.
///
/// `run()` returns after `shutdown`, or when its task is cancelled. Shims outlive the agent: a later one with the same
/// root and store finds them again.
public actor NodeAgent {
    private enum Command: Sendable {
        case event(WatchEvent)
        /// A new watch begins: what it does not mention is gone.
        case resync
        case stop
    }

    private struct Member {
        var worker: PodWorker
        var identity: PodIdentity
    }

    private let environment: WorkerEnvironment
    private let commands: AsyncStream<Command>
    private let commandContinuation: AsyncStream<Command>.Continuation
    private var workers: [String: Member] = [:]
    private var isEnding = false
    private var idleWaiters: [CheckedContinuation<Void, Never>] = []

    /// - Parameters:
    ///   - runtime: nil: real shims, started by `configuration.shimPath`.
    ///   - clock: time of probes, back-offs and grace periods.
    ///   - images: nil: images are paths of modules only.
    ///   - compiler: nil: nobody but shims makes native code. It ends with the agent.
    public init(
        configuration: NodeConfiguration, store: ObjectStore, addressPool: AddressPool,
        logger: Logger = Logger(label: "swiftlet.node"), runtime: (any PodRuntime)? = nil, clock: NodeClock = .system,
        images: NodeImages? = nil, compiler: NodeCompiler? = nil
    ) {
        environment = WorkerEnvironment(
            configuration: configuration, store: store, pool: addressPool,
            runtime: runtime
                ?? ShimRuntime(
                    shimPath: configuration.shimPath, root: configuration.root, compiles: compiler == nil),
            clock: clock, logger: logger, images: images, compiler: compiler)
        (commands, commandContinuation) = AsyncStream.makeStream(of: Command.self)
    }

    private var store: ObjectStore { environment.store }
    private var configuration: NodeConfiguration { environment.configuration }

    /// Registers the node, removes what belongs to nobody, and follows the store.
    public func run() async throws {
        try FileTree.makeDirectories("\(configuration.root)/pods", mode: 0o700)
        try FileTree.makeDirectories("\(configuration.root)/logs")
        register()
        await removeOrphans()
        releaseOrphanedImages()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.environment.images?.collectGarbage() }
            group.addTask { await self.watchLoop() }
            for await command in commands {
                switch command {
                case .stop: group.cancelAll()
                case .resync: await resync()
                case .event(let event):
                    if let worker = await take(event) {
                        group.addTask {
                            await worker.run()
                            await self.forget(worker)
                        }
                    }
                }
                if case .stop = command { break }
            }
            group.cancelAll()
        }
        isEnding = true
        await environment.compiler?.stop()
        releaseWaiters()
    }

    /// Ends the agent.
    ///
    /// - Parameter removingPods: true ends all pods within their grace periods and removes every trace of them, the
    ///   node object included; false leaves them running for the next agent.
    public func shutdown(removingPods: Bool) async {
        isEnding = true
        await environment.compiler?.stop()
        if removingPods {
            for member in workers.values { await member.worker.requestEnd(graceSeconds: nil) }
            if !workers.isEmpty {
                await withCheckedContinuation { idleWaiters.append($0) }
            }
            _ = try? store.delete(Node.self, name: configuration.nodeName)
            // The shims remove their own groups; the parent of all is left, at times to two that end together.
            if let mounts = try? CGroupMounts.detect() {
                try? CGroup(path: "swiftlet-\(configuration.instanceName)", mounts: mounts).remove()
            }
            for name in ["pods", "logs"] where FileTree.names(in: "\(configuration.root)/\(name)").isEmpty {
                FileTree.remove("\(configuration.root)/\(name)")
            }
        }
        commandContinuation.yield(.stop)
        commandContinuation.finish()
    }

    /// The log file of a container's current attempt, or of the one before. nil: there is none.
    public nonisolated func logPath(
        namespace: String, pod: String, uid: String, container: String, previous: Bool = false
    ) -> String? {
        let identity = PodIdentity(namespace: namespace, name: pod, uid: uid)
        let directory = "\(environment.configuration.root)/logs/\(identity.directoryName)/\(container)"
        guard !container.contains("/"), PodIdentity(directoryName: identity.directoryName) == identity else {
            return nil
        }
        let attempts = FileTree.names(in: directory).compactMap { name in
            name.hasSuffix(".log") ? Int(name.dropLast(4)) : nil
        }.sorted()
        let wanted = previous ? attempts.dropLast().last : attempts.last
        return wanted.map { "\(directory)/\($0).log" }
    }

    // MARK: - Following the store

    private func watchLoop() async {
        while !Task.isCancelled {
            do {
                let events = try store.watch([Pod.self])
                commandContinuation.yield(.resync)
                for await event in events { commandContinuation.yield(.event(event)) }
            } catch {
                environment.logger.error("cannot watch pods", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: .seconds(1))
            }
        }
        // Cancelled from outside: the command loop must end, too.
        commandContinuation.yield(.stop)
    }

    /// The worker to start for a new pod, if the event brings one.
    private func take(_ event: WatchEvent) async -> PodWorker? {
        guard let pod = event.object(as: Pod.self), pod.spec.nodeName == configuration.nodeName else { return nil }
        let uid = pod.metadata.uid
        if let member = workers[uid] {
            if event.type == .deleted {
                // Removed without the node's word: a forced deletion.
                await member.worker.requestEnd(graceSeconds: 0)
            } else {
                await member.worker.update(pod)
            }
            return nil
        }
        guard event.type != .deleted, !isEnding else { return nil }
        // An event may be older than the removal of its pod.
        guard let stored = store.get(Pod.self, namespace: pod.metadata.namespace, name: pod.metadata.name),
            stored.metadata.uid == uid
        else { return nil }
        let worker = PodWorker(pod: stored, environment: environment)
        workers[uid] = Member(worker: worker, identity: worker.identity)
        await worker.update(stored)
        return worker
    }

    private func resync() async {
        let present = Set(store.list(Pod.self).map(\.metadata.uid))
        for (uid, member) in workers where !present.contains(uid) { await member.worker.requestEnd(graceSeconds: 0) }
    }

    private func forget(_ worker: PodWorker) {
        workers[worker.identity.uid] = nil
        if workers.isEmpty { releaseWaiters() }
    }

    private func releaseWaiters() {
        let waiters = idleWaiters
        idleWaiters = []
        for waiter in waiters { waiter.resume() }
    }

    // MARK: - The machine

    /// Removes pods that ended while no agent was there: their processes first, then their directories.
    private func removeOrphans() async {
        let own = Set(
            store.list(Pod.self).filter { $0.spec.nodeName == configuration.nodeName }.map { pod in
                PodIdentity(namespace: pod.metadata.namespace, name: pod.metadata.name, uid: pod.metadata.uid)
            })
        for name in FileTree.names(in: "\(configuration.root)/pods") {
            let directory = "\(configuration.root)/pods/\(name)"
            guard let identity = PodIdentity(directoryName: name), !own.contains(identity) else { continue }
            let sandbox = PodSandbox(identity: identity, directory: directory)
            await environment.runtime.adopt(sandbox)?.shutdown()
            await environment.runtime.cleanUp(sandbox)
            FileTree.remove(directory)
            environment.logger.info("removed orphaned pod", metadata: ["directory": "\(name)"])
        }
        for name in FileTree.names(in: "\(configuration.root)/logs") {
            guard let identity = PodIdentity(directoryName: name), !own.contains(identity) else { continue }
            FileTree.remove("\(configuration.root)/logs/\(name)")
        }
    }

    /// Leases of pods that are no more; a lease's name begins with the instance and the pod.
    private func releaseOrphanedImages() {
        let prefix = "\(configuration.instanceName)."
        let uids = Set(store.list(Pod.self).map(\.metadata.uid))
        environment.images?.release { lease in
            guard lease.hasPrefix(prefix) else { return false }
            return !uids.contains(String(lease.dropFirst(prefix.count).prefix { $0 != "." }))
        }
    }

    private func register() {
        let node = NodeRegistration.node(configuration)
        do {
            if store.get(Node.self, name: configuration.nodeName) == nil {
                try store.create(node)
            } else {
                try store.modify(Node.self, name: configuration.nodeName) { stored in
                    stored.status = node.status
                    for (key, value) in node.metadata.labels { stored.metadata.labels[key] = value }
                }
            }
        } catch {
            environment.logger.error("cannot register the node", metadata: ["error": "\(error)"])
        }
    }
}
