// SPDX-License-Identifier: Apache-2.0
// Swiftlet: one pod, from its admission to its removal.

import KubernetesAPI
import Logging
import ObjectStore
import PodNetwork
import Probes

/// What all workers of a node share.
struct WorkerEnvironment: Sendable {
    var configuration: NodeConfiguration
    var store: ObjectStore
    var pool: AddressPool
    var runtime: any PodRuntime
    var clock: NodeClock
    var logger: Logger
    /// nil: images are paths of modules only.
    var images: NodeImages?
    /// nil: shims compile what needs it.
    var compiler: NodeCompiler?
}

/// Makes one pod of this node real. The states are the files of `States/`, in the order in which a pod passes them:
/// Adopting → Preparing → Initializing → Running (Starting, CrashLoopBackOff) → Terminating.
///
/// The worker holds no truth that cannot be found again: restarts, exit codes and addresses are in the pod's status,
/// processes are asked of the shim.
actor PodWorker {
    let identity: PodIdentity
    let environment: WorkerEnvironment
    let paths: PodPaths
    let logger: Logger

    var pod: Pod
    var records: [String: ContainerRecord] = [:]
    var podAddress: IPv4Address?
    var ownsAddress = false
    var startTime = Time.now
    var images: [String: LocalImage] = [:]
    var volumePaths: [String: String] = [:]
    var probeExports: [String: [ProbeKind: String]] = [:]
    /// Environment of each container's current attempt, for its execs.
    var environments: [String: [(name: String, value: String)]] = [:]
    var backOffs: [String: RestartBackOff] = [:]
    var hostPorts: [Balancer] = []
    var nextExec = 0

    /// nil while there is none; see `currentShim()`.
    var shim: (any PodShim)?
    var shimGeneration = 0
    var isChangingShim = false
    var isSandboxReady = false

    /// Seconds that running containers get; nil while nobody has asked for the end.
    var graceSeconds: Int64?
    let ending: AsyncStream<Void>
    let endingContinuation: AsyncStream<Void>.Continuation

    init(pod: Pod, environment: WorkerEnvironment) {
        self.pod = pod
        self.environment = environment
        identity = PodIdentity(namespace: pod.metadata.namespace, name: pod.metadata.name, uid: pod.metadata.uid)
        paths = PodPaths(root: environment.configuration.root, pod: identity)
        (ending, endingContinuation) = AsyncStream.makeStream(of: Void.self)
        var logger = environment.logger
        logger[metadataKey: "pod"] = "\(identity.namespace)/\(identity.name)"
        self.logger = logger
        for container in pod.spec.initContainers {
            records[container.name] = ContainerRecord(container, isInit: true)
        }
        for container in pod.spec.containers {
            var record = ContainerRecord(container, isInit: false)
            if !pod.spec.initContainers.isEmpty { record.wait("PodInitializing") }
            records[container.name] = record
        }
        let names = pod.spec.containers.map(\.name)
        probeExports = ProbeExport.parse(annotations: pod.metadata.annotations, containers: names).exports
    }

    var configuration: NodeConfiguration { environment.configuration }
    var sandbox: PodSandbox { PodSandbox(identity: identity, directory: paths.directory) }

    /// Runs until the pod is removed, or until cancelled: then everything stays as it is for the next agent.
    func run() async {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await self.live()
                return false
            }
            group.addTask {
                for await _ in self.ending { break }
                return true
            }
            for await isEnding in group where isEnding { break }
            group.cancelAll()
        }
        guard graceSeconds != nil else { return }
        await terminate()
    }

    /// A changed object; a deletion mark begins the end.
    func update(_ pod: Pod) {
        self.pod = pod
        if pod.metadata.deletionTimestamp != nil {
            requestEnd(graceSeconds: pod.metadata.deletionGracePeriodSeconds ?? defaultGraceSeconds)
        }
    }

    /// Begins the end, or brings it nearer.
    func requestEnd(graceSeconds: Int64?) {
        let wanted = graceSeconds ?? defaultGraceSeconds
        self.graceSeconds = min(self.graceSeconds ?? wanted, wanted)
        endingContinuation.yield()
        endingContinuation.finish()
    }

    var defaultGraceSeconds: Int64 { pod.spec.terminationGracePeriodSeconds ?? 30 }

    /// The states in order.
    private func live() async {
        if pod.status.phase == .succeeded || pod.status.phase == .failed {
            restoreRecords()
            return
        }
        if FileTree.isDirectory(paths.directory) { await adopt() }
        guard await prepare() else { return }
        guard await initialize() else { return }
        await runContainers()
    }

    // MARK: - Reporting

    /// Writes the status as it is now. The store drops what changes nothing.
    func publish() {
        let builder = StatusBuilder(
            pod: pod, records: orderedRecords, isSandboxReady: isSandboxReady,
            hostAddress: configuration.hostAddress.description, podAddress: podAddress?.description ?? "",
            startTime: startTime, now: .now)
        do throws(StoreError) {
            let uid = identity.uid
            try environment.store.modify(Pod.self, namespace: identity.namespace, name: identity.name) {
                stored throws(StoreError) in
                // A new pod of the same name is not ours to report on.
                guard stored.metadata.uid == uid else { throw StoreError(.notFound, "pod \(uid) is gone") }
                stored.status = builder.status(previous: stored.status)
            }
        } catch {
            guard error.reason != .notFound else { return }
            logger.error("cannot write the pod's status", metadata: ["error": "\(error)"])
        }
    }

    private var orderedRecords: [ContainerRecord] {
        (pod.spec.initContainers + pod.spec.containers).compactMap { records[$0.name] }
    }

    func record(_ type: EventType, _ reason: String, _ message: String, container: String? = nil) {
        let isInit = container.flatMap { records[$0]?.isInit } ?? false
        let fieldPath = container.map { "spec.\(isInit ? "initContainers" : "containers"){\($0)}" } ?? ""
        environment.store.record(
            type, reason: reason, message: message, about: pod, fieldPath: fieldPath, component: "kubelet",
            host: configuration.nodeName)
    }

    func change(_ container: String, _ body: (inout ContainerRecord) -> Void) {
        guard var record = records[container] else { return }
        body(&record)
        records[container] = record
    }

    // MARK: - The shim

    /// The pod's shim, started if need be. Several containers may ask at once.
    func currentShim() async throws -> any PodShim {
        while isChangingShim { try await Task.sleep(for: .milliseconds(2)) }
        if let shim { return shim }
        isChangingShim = true
        defer { isChangingShim = false }
        let started = try await environment.runtime.start(sandbox)
        shim = started
        shimGeneration += 1
        isSandboxReady = true
        return started
    }

    /// Called by whoever finds the shim of `generation` gone: cleans up once, so that exit records are there.
    func shimLost(generation: Int) async {
        while isChangingShim { try? await Task.sleep(for: .milliseconds(2)) }
        guard generation == shimGeneration, shim != nil else { return }
        isChangingShim = true
        shim = nil
        isSandboxReady = false
        logger.warning("the pod's shim has ended")
        await environment.runtime.cleanUp(sandbox)
        isChangingShim = false
    }
}
