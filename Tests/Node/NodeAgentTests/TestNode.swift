// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a node agent with a fake runtime, a store in memory and a root of its own.

import Glibc
import KubernetesAPI
import Logging
import NodeAgent
import ObjectStore
import PodNetwork
import Probes
import TestSupport
import Testing

final class TestNode: Sendable {
    let root: String
    let store: ObjectStore
    let runtime: FakeRuntime
    let pool: AddressPool
    let clock: NodeClock
    let puller = FakePuller()

    init(runtime: FakeRuntime, clock: NodeClock, hasImages: Bool = false) throws {
        self.hasImages = hasImages
        var template = Array("/tmp/swiftlet-node-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        store = try ObjectStore(path: nil)
        self.runtime = runtime
        self.clock = clock
        pool = try AddressPool(lockDirectory: "\(root)/net", root: root)
        writeFile([0, 0x61, 0x73, 0x6D, 1, 0, 0, 0], "\(root)/app.wasm")
    }

    /// Whether the node has an image store, `ROOT/images`.
    private let hasImages: Bool

    func makeAgent() -> NodeAgent {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return NodeAgent(
            configuration: NodeConfiguration(
                root: root, nodeName: "node-a", instanceName: "test", shimPath: "/nonexistent",
                workingDirectory: root),
            store: store, addressPool: pool, logger: logger, runtime: runtime, clock: clock,
            images: hasImages ? NodeImages(root: "\(root)/images", puller: puller) : nil)
    }

    func pod(_ name: String) -> Pod? { store.get(Pod.self, namespace: "default", name: name) }

    func container(_ pod: String, _ name: String = "app") -> ContainerStatus? {
        let status = self.pod(pod)?.status
        return ((status?.containerStatuses ?? []) + (status?.initContainerStatuses ?? [])).first { $0.name == name }
    }

    func reasons(_ pod: String) -> Set<String> {
        Set(store.list(Event.self).filter { $0.involvedObject.name == pod }.map(\.reason))
    }

    func messages(_ reason: String) -> [String] {
        store.list(Event.self).filter { $0.reason == reason }.map(\.message)
    }

    func isTrue(_ condition: String, _ pod: String) -> Bool {
        self.pod(pod)?.status.conditions.first { $0.type == condition }?.status == .true
    }

    func remove() { removeTree(root) }
}

func removeTree(_ path: String) {
    for name in names(path) { removeTree("\(path)/\(name)") }
    if rmdir(path) != 0 { unlink(path) }
}

func names(_ path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var result: [String] = []
    while let entry = readdir(directory) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        if name != ".", name != ".." { result.append(name) }
    }
    return result
}

/// Runs an agent while the body runs, then ends it as asked.
func run(_ node: TestNode, removingPods: Bool = false, _ body: (NodeAgent) async throws -> Void) async throws {
    let agent = node.makeAgent()
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await agent.run() }
        do {
            try await body(agent)
        } catch {
            group.cancelAll()
            throw error
        }
        await agent.shutdown(removingPods: removingPods)
    }
}

func withNode(
    _ runtime: FakeRuntime = FakeRuntime(), clock: NodeClock = .system, hasImages: Bool = false,
    _ body: (TestNode) async throws -> Void
) async throws {
    let node = try TestNode(runtime: runtime, clock: clock, hasImages: hasImages)
    try await run(node) { _ in try await body(node) }
    node.remove()
}

extension ManualClock {
    var nodeClock: NodeClock { NodeClock(now: { self.now }, sleep: { try await self.sleep($0) }) }
}

func eventually(_ condition: () -> Bool) async -> Bool {
    for _ in 0..<500 {
        if condition() { return true }
        try? await Task.sleep(for: .milliseconds(10))
    }
    return false
}

/// A pod on the test's node.
func makePod(
    _ name: String = "web", restartPolicy: RestartPolicy = .always, grace: Int64 = 30,
    initContainers: [Container] = [], containers: [Container] = [Container(name: "app", image: "./app.wasm")],
    volumes: [Volume] = [], annotations: [String: String] = [:]
) -> Pod {
    Pod(
        metadata: ObjectMeta(name: name, namespace: "default", labels: ["app": name], annotations: annotations),
        spec: PodSpec(
            volumes: volumes, initContainers: initContainers, containers: containers, restartPolicy: restartPolicy,
            terminationGracePeriodSeconds: grace, nodeName: "node-a"))
}
