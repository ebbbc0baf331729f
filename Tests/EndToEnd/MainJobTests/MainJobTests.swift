// SPDX-License-Identifier: Apache-2.0
// Swiftlet end-to-end: the main job, as hack/run.sh does it.

import Glibc
import KubernetesAPI
import TestSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(5))) struct MainJobTests {
    private func replica(in body: String?) -> String? {
        guard let body, let start = body.split(separator: "\"replica\":\"", maxSplits: 1).dropFirst().first else {
            return nil
        }
        return start.split(separator: "\"").first.map(String.init)
    }

    private func serviceAddress(_ up: RunningUp, _ name: String) throws -> String {
        let result = try up.client(["get", "service", name, "-o", "json"])
        return try KubernetesJSON.decode(Service.self, from: result.output).spec.clusterIP
    }

    @Test func `three replicas get Ready, the Service reaches them in turn, Ctrl-C leaves nothing`() throws {
        let up = try RunningUp(manifest: RunningUp.manifest("wasm-api"))
        guard up.eventually("three pods Ready", { try up.readyPods().count == 3 }) else { return }
        let pods = try up.readyPods()

        let address = try serviceAddress(up, "wasm-api")
        var replicas: [String] = []
        for _ in 0..<6 { replicas.append(replica(in: try RunningUp.get("http://\(address)/api/users")) ?? "none") }
        #expect(Set(replicas) == Set(pods.map { $0.metadata.name }))
        #expect(Set(replicas[0..<3]) == Set(replicas[3..<6]), "each replica once per round: \(replicas)")
        #expect(try RunningUp.get("http://\(address)/nowhere")?.contains("not found") == true)

        for pod in pods {
            let name = "default/\(pod.metadata.name)"
            let sandboxes = RunningUp.processes("swiftlet-sandbox", "\(name)/api")
            #expect(sandboxes.count == 1)
            #expect(RunningUp.processes("swiftlet-shim", name).count == 1)
            for sandbox in sandboxes {
                #expect(RunningUp.statusField("Seccomp", of: sandbox) == "2")
                #expect(RunningUp.statusField("NoNewPrivs", of: sandbox) == "1")
                #expect(RunningUp.statusField("CapEff", of: sandbox) == "0000000000000000")
                #expect(RunningUp.statusField("CapBnd", of: sandbox) == "0000000000000000")
            }
        }
        let uids = pods.map { $0.metadata.uid }

        up.program.signal(SIGINT)
        #expect(up.program.wait(seconds: 30)?.code == 0, "\(up.program.standardError)")
        for (pod, uid) in zip(pods, uids) {
            #expect(RunningUp.processes("swiftlet", pod.metadata.name).isEmpty)
            #expect(try RunningUp.cgroups(containing: uid).isEmpty)
        }
        #expect(!BuiltProducts.exists(up.root), "the runtime root is removed")
        let mounts = try Program.run("/bin/cat", ["/proc/mounts"]).output
        #expect(!mounts.contains(up.root))
    }

    @Test func `a killed sandbox is restarted and counted, a killed shim too`() throws {
        let manifest = try RunningUp.manifest("wasm-api")
        let up = try RunningUp(manifest: manifest)
        guard up.eventually("three pods Ready", { try up.readyPods().count == 3 }) else { return }
        let pods = try up.readyPods()

        let first = pods[0].metadata.name
        for pid in RunningUp.processes("swiftlet-sandbox", "default/\(first)/api") { kill(pid, SIGKILL) }
        up.eventually("the restart is counted and the pod Ready again") {
            let pod = try up.readyPods().first { $0.metadata.name == first }
            return pod?.status.containerStatuses.first?.restartCount == 1
        }
        let last = try up.pods().first { $0.metadata.name == first }?.status.containerStatuses.first?.lastState
        #expect(last?.terminated?.exitCode == 137)

        let second = pods[1].metadata.name
        for pid in RunningUp.processes("swiftlet-shim", "default/\(second)") { kill(pid, SIGKILL) }
        up.eventually("the pod of the killed shim is Ready again") {
            guard try up.readyPods().count == 3 else { return false }
            let names = try up.readyPods().map { $0.metadata.name }
            return names.allSatisfy { RunningUp.processes("swiftlet-sandbox", "default/\($0)/api").count == 1 }
        }
    }

    @Test func `swiftlet killed and started again adopts what runs`() throws {
        let up = try RunningUp(manifest: RunningUp.manifest("wasm-api"))
        guard up.eventually("three pods Ready", { try up.readyPods().count == 3 }) else { return }
        let before = Set(RunningUp.processes("swiftlet-sandbox", "default/wasm-api"))
        let names = Set(try up.readyPods().map { $0.metadata.name })
        #expect(before.count >= 3)

        up.program.signal(SIGKILL)
        _ = up.program.wait(seconds: 5)
        usleep(300_000)
        #expect(before.allSatisfy { kill($0, 0) == 0 }, "the shims outlive the agent")

        try up.restart()
        up.eventually("three pods Ready after the restart") { try up.readyPods().count == 3 }
        #expect(Set(try up.readyPods().map { $0.metadata.name }) == names, "no pod is doubled or replaced")
        #expect(before.allSatisfy { kill($0, 0) == 0 }, "nothing was restarted")
        let restarts = try up.pods().flatMap { $0.status.containerStatuses.map(\.restartCount) }
        #expect(restarts == [0, 0, 0])
        let address = try serviceAddress(up, "wasm-api")
        up.eventually("the Service answers after the restart") {
            try RunningUp.get("http://\(address)/api/health")?.contains("ok") == true
        }
        up.program.signal(SIGINT)
        #expect(up.program.wait(seconds: 30)?.code == 0)
        #expect(before.allSatisfy { kill($0, 0) != 0 })
    }
}
