// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the node agent with real shims and sandboxes.

import Controllers
import Glibc
import KubernetesAPI
import Logging
import NIOCore
import NIOPosix
import NodeAgent
import ObjectStore
import PodNetwork
import TestSupport
import Testing

/// Controllers, proxy and node agent of one instance, in this process; the shims and sandboxes are the built ones.
private final class Instance: Sendable {
    let root: String
    let store: ObjectStore
    let pool: AddressPool

    init() throws {
        var template = Array("/tmp/swiftlet-e2e-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        store = try ObjectStore(path: nil)
        // The directory of every instance on this machine, so that none of them is disturbed.
        pool = try AddressPool(lockDirectory: "/run/swiftlet-net", root: root)
    }

    func run(removingPods: Bool = true, _ body: () async throws -> Void) async {
        let agent = NodeAgent(
            configuration: NodeConfiguration(
                root: root, nodeName: "node-a", instanceName: "e2e-\(getpid())",
                shimPath: BuiltProducts.program("containerd-shim-swiftlet-v1"), workingDirectory: root),
            store: store, addressPool: pool, logger: quiet)
        let proxy = ServiceProxy(store: store, addressPool: pool, logger: quiet)
        let manager = ControllerManager(
            store: store, controllers: ControllerManager.standard(nodeName: "node-a"), logger: quiet)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await agent.run() }
            group.addTask { try? await proxy.run() }
            group.addTask { try? await manager.run() }
            do {
                try await body()
            } catch {
                Issue.record("\(error)")
            }
            await agent.shutdown(removingPods: removingPods)
            group.cancelAll()
        }
    }

    private var quiet: Logger {
        var logger = Logger(label: "e2e")
        logger.logLevel = .critical
        return logger
    }

    func status(_ name: String) -> ContainerStatus? {
        store.get(Pod.self, namespace: "default", name: name)?.status.containerStatuses.first
    }

    func readyCount() -> Int {
        store.list(Pod.self).filter { pod in
            pod.status.conditions.contains { $0.type == "Ready" && $0.status == .true }
        }.count
    }

    func remove() { removeTree(root) }
}

private func removeTree(_ path: String) {
    if let directory = opendir(path) {
        var names: [String] = []
        while let entry = readdir(directory) {
            names.append(
                withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        closedir(directory)
        for name in names where name != "." && name != ".." { removeTree("\(path)/\(name)") }
    }
    if rmdir(path) != 0 { unlink(path) }
}

private func eventually(seconds: Int = 30, _ condition: () async -> Bool) async -> Bool {
    for _ in 0..<(seconds * 50) {
        if await condition() { return true }
        try? await Task.sleep(for: .milliseconds(20))
    }
    return false
}

private func pod(_ name: String, _ guest: String, policy: RestartPolicy = .never, memory: Int64 = 64) -> Pod {
    Pod(
        metadata: ObjectMeta(name: name, namespace: "default"),
        spec: PodSpec(
            containers: [
                Container(
                    name: "app", image: BuiltProducts.guest(guest),
                    resources: ResourceRequirements(limits: ["memory": Quantity(bytes: memory << 20)]))
            ], restartPolicy: policy, terminationGracePeriodSeconds: 2))
}

/// The body of a GET, by the simplest client there is.
private func get(_ address: String, _ port: Int, _ path: String) async throws -> String {
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .connect(host: address, port: port) { channel in
            channel.eventLoop.makeCompletedFuture {
                try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
            }
        }
    return try await channel.executeThenClose { inbound, outbound in
        try await outbound.write(ByteBuffer(string: "GET \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
        var answer = ""
        for try await part in inbound { answer += String(buffer: part) }
        return answer
    }
}

private let isBuilt =
    ["containerd-shim-swiftlet-v1", "swiftlet-sandbox"].allSatisfy { BuiltProducts.exists(BuiltProducts.program($0)) }
    && BuiltProducts.exists(BuiltProducts.guest("wasm-api")) && geteuid() == 0

@Suite(.serialized, .timeLimit(.minutes(3)), .enabled(if: isBuilt, "needs root, the built programs and the guests"))
struct `The node agent with real sandboxes` {
    @Test func `reports how guests end`() async throws {
        let instance = try Instance()
        await instance.run {
            try instance.store.create(pod("hello", "hello"))
            try instance.store.create(pod("trap", "trap"))
            #expect(
                await eventually {
                    instance.status("hello")?.state.terminated != nil
                        && instance.status("trap")?.state.terminated != nil
                })
            #expect(instance.status("hello")?.state.terminated?.exitCode == 0)
            #expect(instance.status("hello")?.state.terminated?.reason == "Completed")
            #expect(instance.status("trap")?.state.terminated?.exitCode == 134)
            #expect(instance.status("trap")?.state.terminated?.message.isEmpty == false)
        }
        instance.remove()
    }

    @Test func `serves a Deployment behind its Service from all replicas in turn`() async throws {
        let instance = try Instance()
        await instance.run {
            let probe = Probe(httpGet: HTTPGetAction(path: "/api/health", port: .int(8080)), periodSeconds: 5)
            let container = Container(
                name: "api", image: BuiltProducts.guest("wasm-api"), ports: [ContainerPort(containerPort: 8080)],
                env: [
                    EnvVar(
                        name: "POD_NAME",
                        valueFrom: EnvVarSource(fieldRef: ObjectFieldSelector(fieldPath: "metadata.name")))
                ], livenessProbe: probe, readinessProbe: probe, startupProbe: probe)
            let template = PodTemplateSpec(
                metadata: ObjectMeta(labels: ["app": "api"]), spec: PodSpec(containers: [container]))
            try instance.store.create(
                Service(
                    metadata: ObjectMeta(name: "api", namespace: "default"),
                    spec: ServiceSpec(
                        ports: [ServicePort(port: 80, targetPort: .int(8080))], selector: ["app": "api"],
                        type: .clusterIP)))
            try instance.store.create(
                Deployment(
                    metadata: ObjectMeta(name: "api", namespace: "default"),
                    spec: DeploymentSpec(
                        replicas: 3, selector: LabelSelector(matchLabels: ["app": "api"]), template: template)))
            #expect(await eventually { instance.readyCount() == 3 })
            let address = instance.store.get(Service.self, namespace: "default", name: "api")?.spec.clusterIP ?? ""
            #expect(await eventually { (try? await get(address, 80, "/api/users")) != nil })
            try await Task.sleep(for: .milliseconds(200))
            let names = instance.store.list(Pod.self).map(\.metadata.name)
            var seen: [String: Int] = [:]
            for _ in 0..<6 {
                let answer = try await get(address, 80, "/api/users")
                #expect(answer.hasPrefix("HTTP/1.1 200"))
                for name in names where answer.contains(name) { seen[name, default: 0] += 1 }
            }
            #expect(seen == Dictionary(uniqueKeysWithValues: names.map { ($0, 2) }))
        }
        instance.remove()
    }

    @Test func `kills a guest at its memory limit and one that ignores the stop`() async throws {
        let instance = try Instance()
        await instance.run {
            try instance.store.create(pod("hog", "memory-hog", memory: 32))
            try instance.store.create(pod("deaf", "ignore-stop"))
            #expect(await eventually { instance.status("hog")?.state.terminated != nil })
            #expect(instance.status("hog")?.state.terminated?.exitCode == 137)
            #expect(instance.status("hog")?.state.terminated?.reason == "OOMKilled")
            #expect(await eventually { instance.status("deaf")?.state.running != nil })
            let begin = ContinuousClock.now
            try instance.store.delete(Pod.self, namespace: "default", name: "deaf")
            #expect(await eventually { instance.status("deaf") == nil })
            #expect(begin.duration(to: .now) >= .milliseconds(1900))
        }
        instance.remove()
    }

    @Test func `survives kill -9 of a sandbox and of a shim`() async throws {
        let instance = try Instance()
        await instance.run {
            try instance.store.create(pod("api", "wasm-api", policy: .always))
            #expect(await eventually { instance.readyCount() == 1 })
            let first = try #require(processes(named: "default/api/").first)
            kill(first, SIGKILL)
            #expect(await eventually { instance.status("api")?.restartCount == 1 && instance.readyCount() == 1 })
            #expect(instance.status("api")?.lastState.terminated?.exitCode == 137)
            let shim = try #require(
                processes(named: "default/api").first { !processes(named: "default/api/").contains($0) })
            kill(shim, SIGKILL)
            // The second restart comes after ten seconds of back-off.
            #expect(await eventually { instance.status("api")?.restartCount == 2 && instance.readyCount() == 1 })
            #expect(processes(named: "default/api/").count == 1)
        }
        #expect(processes(named: "default/api").isEmpty)
        instance.remove()
    }

    @Test func `leaves pods to the next agent, which neither loses nor doubles one`() async throws {
        let instance = try Instance()
        await instance.run(removingPods: false) {
            try instance.store.create(pod("api", "wasm-api", policy: .always))
            #expect(await eventually { instance.readyCount() == 1 })
        }
        let before = processes(named: "default/api")
        #expect(before.count == 2)
        await instance.run {
            try await Task.sleep(for: .seconds(1))
            #expect(processes(named: "default/api") == before)
            #expect(instance.readyCount() == 1)
            #expect(instance.status("api")?.restartCount == 0)
            let address = instance.store.get(Pod.self, namespace: "default", name: "api")?.status.podIP ?? ""
            #expect(try await get(address, 8080, "/api/health").hasPrefix("HTTP/1.1 200"))
        }
        #expect(processes(named: "default/api").isEmpty)
        instance.remove()
    }
}

/// Shims and sandboxes whose second argument begins with the name, by process id.
private func processes(named name: String) -> [pid_t] {
    var result: [pid_t] = []
    guard let directory = opendir("/proc") else { return [] }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
        let text = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        guard let process = pid_t(text) else { continue }
        let descriptor = open("/proc/\(process)/cmdline", O_RDONLY)
        guard descriptor >= 0 else { continue }
        defer { close(descriptor) }
        let bytes = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
            count = max(0, read(descriptor, buffer.baseAddress, 4096))
        }
        let arguments = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        let isOurs = ["swiftlet-shim", "swiftlet-sandbox"].contains(arguments.first ?? "")
        if isOurs, arguments.count == 2, arguments[1].hasPrefix(name) { result.append(process) }
    }
    return result.sorted()
}
