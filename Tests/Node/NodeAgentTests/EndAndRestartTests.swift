// SPDX-License-Identifier: Apache-2.0
// Swiftlet: deletion, agent restarts and dead shims.

import Glibc
import KubernetesAPI
import NodeAgent
import ObjectStore
import Probes
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct `The end of a pod` {
    @Test func `is a signal, and nothing is left`() async throws {
        try await withNode { node in
            try node.store.create(makePod())
            #expect(await eventually { node.isTrue("Ready", "web") })
            let shim = try #require(node.runtime.onlyShim)
            try node.store.delete(Pod.self, namespace: "default", name: "web")
            #expect(await eventually { node.pod("web") == nil })
            #expect(shim.log.contains("kill app-0 15") && !shim.log.contains("kill app-0 9"))
            #expect(shim.log.last == "shutdown")
            #expect(names("\(node.root)/pods").isEmpty && names("\(node.root)/logs").isEmpty)
            #expect(node.messages("Killing") == ["Stopping container app"])
        }
    }

    @Test func `is SIGKILL when the grace is over`() async throws {
        let clock = ManualClock()
        try await withNode(FakeRuntime(ignoresTermination: true), clock: clock.nodeClock) { node in
            try node.store.create(makePod(grace: 5))
            #expect(await eventually { node.container("web")?.state.running != nil })
            let shim = try #require(node.runtime.onlyShim)
            try node.store.delete(Pod.self, namespace: "default", name: "web")
            #expect(await eventually { shim.log.contains("kill app-0 15") })
            await clock.advance(by: .milliseconds(4900))
            #expect(!shim.log.contains("kill app-0 9") && node.pod("web") != nil)
            await clock.advance(by: .milliseconds(200))
            #expect(await eventually { shim.log.contains("kill app-0 9") && node.pod("web") == nil })
        }
    }

    @Test func `comes after preStop`() async throws {
        try await withNode { node in
            let hook = Lifecycle(preStop: LifecycleHandler(exec: ExecAction(command: ["goodbye"])))
            try node.store.create(
                makePod(containers: [Container(name: "app", image: "./app.wasm", lifecycle: hook)]))
            #expect(await eventually { node.isTrue("Ready", "web") })
            let shim = try #require(node.runtime.onlyShim)
            try node.store.delete(Pod.self, namespace: "default", name: "web")
            #expect(await eventually { node.pod("web") == nil })
            let order = shim.log.filter { $0.hasPrefix("exec") || $0.hasPrefix("kill") }
            #expect(order == ["exec app-0 goodbye", "kill app-0 15"])
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct `A node agent` {
    @Test func `leaves pods running, and the next one adopts them`() async throws {
        let node = try TestNode(runtime: FakeRuntime(), clock: .system)
        try await run(node) { _ in
            try node.store.create(makePod())
            #expect(await eventually { node.isTrue("Ready", "web") })
            node.runtime.onlyShim?.end("app-0", code: 1)
            #expect(await eventually { node.container("web")?.restartCount == 1 && node.isTrue("Ready", "web") })
        }
        let before = try #require(node.pod("web")?.status)
        let shim = try #require(node.runtime.onlyShim)
        #expect(shim.runningIDs == ["app-1"])
        let created = shim.log.filter { $0.hasPrefix("create") }
        try await run(node) { agent in
            try await Task.sleep(for: .milliseconds(300))
            let after = try #require(node.pod("web")?.status)
            #expect(node.isTrue("Ready", "web"))
            #expect(after.podIP == before.podIP && after.phase == .running)
            #expect(after.containerStatuses.first?.restartCount == 1)
            #expect(shim.log.filter { $0.hasPrefix("create") } == created)
            #expect(node.runtime.state.withLock { $0.startCount } == 1)
            let uid = node.pod("web")?.metadata.uid ?? ""
            func log(_ previous: Bool) -> String? {
                agent.logPath(namespace: "default", pod: "web", uid: uid, container: "app", previous: previous)
            }
            #expect(log(false)?.hasSuffix("/app/1.log") == true && log(true)?.hasSuffix("/app/0.log") == true)
            // The adopted container is watched as before.
            shim.end("app-1", code: 3)
            #expect(await eventually { node.container("web")?.lastState.terminated?.exitCode == 3 })
        }
        node.remove()
    }

    @Test func `finds out about containers that ended while it was away`() async throws {
        let node = try TestNode(runtime: FakeRuntime(), clock: .system)
        try await run(node) { _ in
            try node.store.create(makePod(restartPolicy: .never))
            #expect(await eventually { node.isTrue("Ready", "web") })
        }
        node.runtime.onlyShim?.die()
        try await run(node) { _ in
            #expect(await eventually { node.pod("web")?.status.phase == .failed })
            #expect(node.container("web")?.state.terminated?.message == "the shim was killed")
        }
        node.remove()
    }

    @Test func `restarts the containers of a killed shim with a new one`() async throws {
        try await withNode { node in
            try node.store.create(makePod())
            #expect(await eventually { node.isTrue("Ready", "web") })
            node.runtime.onlyShim?.die()
            #expect(await eventually { node.container("web")?.restartCount == 1 && node.isTrue("Ready", "web") })
            let last = try #require(node.container("web")?.lastState.terminated)
            #expect(last.exitCode == 137 && last.message == "the shim was killed")
            #expect(node.runtime.state.withLock { $0.startCount } == 2)
            #expect(node.runtime.onlyShim?.runningIDs == ["app-1"])
        }
    }

    @Test func `removes what belongs to no pod`() async throws {
        let node = try TestNode(runtime: FakeRuntime(), clock: .system)
        for name in ["pods", "pods/default_gone_1234", "logs", "logs/default_gone_1234"] {
            mkdir("\(node.root)/\(name)", 0o700)
        }
        writeFile([1], "\(node.root)/pods/default_gone_1234/address")
        try await run(node) { _ in
            #expect(await eventually { names("\(node.root)/pods").isEmpty && names("\(node.root)/logs").isEmpty })
        }
        #expect(node.runtime.state.withLock { $0.cleanUps.count } == 1)
        node.remove()
    }

    @Test func `ends everything when asked to, and is a node until then`() async throws {
        let node = try TestNode(runtime: FakeRuntime(), clock: .system)
        try await run(node, removingPods: true) { _ in
            for index in 0..<20 { try node.store.create(makePod("web-\(index)")) }
            #expect(await eventually { (0..<20).allSatisfy { node.isTrue("Ready", "web-\($0)") } })
            #expect(node.store.get(Node.self, name: "node-a")?.status.conditions.first?.status == .true)
            #expect(Set(node.store.list(Pod.self).map(\.status.podIP)).count == 20)
        }
        #expect(node.store.list(Pod.self).isEmpty)
        #expect(node.store.get(Node.self, name: "node-a") == nil)
        #expect(access("\(node.root)/pods", F_OK) != 0 && access("\(node.root)/logs", F_OK) != 0)
        node.remove()
    }
}
