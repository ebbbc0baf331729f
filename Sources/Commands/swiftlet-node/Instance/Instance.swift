// SPDX-License-Identifier: Apache-2.0
// Swiftlet: one machine's control plane and node, composed.

import APIServer
import Controllers
import FoundationEssentials
import Glibc
import KubernetesAPI
import Logging
import NodeAgent
import ObjectStore
import PodNetwork

/// Everything that `up` and `node` run: store, controllers, node agent, service proxy, API server.
///
/// The parts meet only in the store; each has a `run()` that ends when its task is cancelled.
final class Instance: Sendable {
    let root: String
    let store: ObjectStore
    private let addressPool: AddressPool
    private let agent: NodeAgent
    private let controllersTask: Task<Void, any Error>
    private let proxy: ServiceProxy
    private let server: APIServer

    /// Opens the store in `root` and finds what an earlier process left. The controllers begin at once; the rest
    /// waits for `run()`.
    ///
    /// - Parameter apiPort: also listen on 127.0.0.1 at this port, for kubectl.
    init(root: String, apiPort: Int?, logger: Logger) throws {
        self.root = root
        let nodeName = Self.hostName()
        store = try ObjectStore(path: root + "/store.db")
        let pool = try AddressPool(lockDirectory: Self.networkLockFolder(), root: root, user: geteuid())
        addressPool = pool
        let controllers = ControllerManager(
            store: store, controllers: ControllerManager.standard(nodeName: nodeName), logger: logger)
        let agent = NodeAgent(
            configuration: NodeConfiguration(
                root: root, nodeName: nodeName, instanceName: Self.instanceName(root: root),
                shimPath: try Self.siblingProgram("containerd-shim-swiftlet-v1"),
                workingDirectory: FileManager.default.currentDirectoryPath),
            store: store, addressPool: pool, logger: logger, images: RegistryPuller.images(),
            compiler: NodeCompiler(
                cgroupPath: "swiftlet-\(Self.instanceName(root: root))",
                allowsBackground: ProcessInfo.processInfo.environment["SWIFTLET_BACKGROUND_COMPILER"] != "off"))
        self.agent = agent
        controllersTask = Task { try await controllers.run() }
        proxy = ServiceProxy(store: store, addressPool: pool, logger: logger)
        server = APIServer(
            store: store,
            configuration: APIServer.Configuration(
                socketPath: root + "/api.sock", port: apiPort, version: Version.number,
                logPath: { Self.logPath(agent, $0, container: $1, previous: $2) }),
            logger: Self.serverLogger(logger))
    }

    /// The HTTP server calls its own orderly end an error; only who debugs wants to read that.
    private static func serverLogger(_ logger: Logger) -> Logger {
        var quiet = logger
        if quiet.logLevel > .debug { quiet.logLevel = .critical }
        return quiet
    }

    private static func logPath(_ agent: NodeAgent, _ pod: Pod, container: String, previous: Bool) -> String? {
        agent.logPath(
            namespace: pod.metadata.namespace, pod: pod.metadata.name, uid: pod.metadata.uid, container: container,
            previous: previous)
    }

    /// The log of a container's current run.
    func logPath(of pod: Pod, container: String) -> String? {
        Self.logPath(agent, pod, container: container, previous: false)
    }

    /// Runs all parts until the task is cancelled or one of them fails.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.followControllers() }
            group.addTask { try await self.agent.run() }
            group.addTask { try await self.proxy.run() }
            group.addTask { try await self.server.run() }
            defer {
                controllersTask.cancel()
                group.cancelAll()
            }
            for try await _ in group {}
        }
    }

    /// Ends with the controllers; that they were told to stop is no failure.
    private func followControllers() async throws {
        let result = await controllersTask.result
        if case .failure(let error) = result, !controllersTask.isCancelled { throw error }
    }

    var hasPods: Bool { !store.list(Pod.self).isEmpty }

    /// Ends every pod as its grace period says and removes what was made for it.
    ///
    /// The controllers stop first: they would replace what ends.
    func removePods() async {
        controllersTask.cancel()
        _ = await controllersTask.result
        await agent.shutdown(removingPods: true)
    }

    /// Ends every pod at once: the second Ctrl-C.
    func killPods() async {
        for pod in store.list(Pod.self) {
            _ = try? store.delete(
                Pod.self, namespace: pod.metadata.namespace, name: pod.metadata.name,
                options: DeleteOptions(gracePeriodSeconds: 0))
        }
    }

    /// Leaves the pods to their shims; the next process on this folder adopts them.
    func leavePods() async { await agent.shutdown(removingPods: false) }

    /// Takes the runtime folder away after a clean end.
    func removeRoot() {
        addressPool.removeFile()
        try? FileManager.default.removeItem(atPath: root)
    }

    private static func hostName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return name.isEmpty ? "localhost" : name.lowercased()
    }

    /// Names the instance's cgroups and network slice: the folder's name and a hash of its whole path, so that two
    /// instances never share one.
    static func instanceName(root: String) -> String {
        var hash: UInt32 = 2_166_136_261
        for byte in root.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// One folder for all instances of a user: who holds a slice of the address range is decided there.
    private static func networkLockFolder() throws -> String {
        let folder = geteuid() == 0 ? "/run/swiftlet-network" : "/tmp/swiftlet-network-\(geteuid())"
        try PrivateFolder.make(folder)
        return folder
    }

    /// A program that was installed beside this one.
    private static func siblingProgram(_ name: String) throws -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let own = String(decoding: buffer.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let folder = own.lastIndex(of: "/").map { String(own[..<$0]) } ?? "."
        let path = "\(folder)/\(name)"
        guard access(path, X_OK) == 0 else {
            throw CommandFailure("\(path): not found; it is built and installed together with swiftlet")
        }
        return path
    }
}
