// SPDX-License-Identifier: Apache-2.0
// Swiftlet end-to-end: every file of manifests/ does what its first line says.

import Glibc
import KubernetesAPI
import TestSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(5))) struct ManifestTests {
    @Test func `a batch pod ends Succeeded and its log stays readable`() throws {
        let up = try RunningUp(manifest: RunningUp.manifest("batch"), arguments: ["--quiet"])
        up.eventually("the pod is Succeeded") { try up.pods().first?.status.phase == .succeeded }
        let terminated = try up.pods().first?.status.containerStatuses.first?.state.terminated
        #expect(terminated?.exitCode == 0)
        #expect(terminated?.reason == "Completed")
        #expect(try up.client(["logs", "primes"]).output == "primes below 100000: 9592\n")
        let table = try up.client(["get", "pods"]).output.split(separator: "\n").map(String.init)
        #expect(table.first?.split(separator: " ") == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"])
        #expect(table.last?.contains("0/1") == true && table.last?.contains("Completed") == true)
    }

    @Test func `a guest over its memory limit is OOMKilled with 137 and counted`() throws {
        try #require(getuid() == 0, "cgroup limits need root")
        let up = try RunningUp(manifest: RunningUp.manifest("limits"))
        up.eventually("the container was OOMKilled once") {
            let status = try up.pods().first?.status.containerStatuses.first
            let terminated = status?.lastState.terminated ?? status?.state.terminated
            return terminated?.reason == "OOMKilled" && terminated?.exitCode == 137
        }
        up.eventually(seconds: 40, "it waits in CrashLoopBackOff, restarts counted") {
            let status = try up.pods().first?.status.containerStatuses.first
            return status?.state.waiting?.reason == "CrashLoopBackOff" && (status?.restartCount ?? 0) >= 1
        }
    }

    @Test func `a trap gives its WebAssembly backtrace as the termination message`() throws {
        let up = try RunningUp(manifest: RunningUp.manifest("crash-loop"))
        up.eventually("CrashLoopBackOff") {
            let status = try up.pods().first?.status.containerStatuses.first
            return status?.state.waiting?.reason == "CrashLoopBackOff"
        }
        let last = try up.pods().first?.status.containerStatuses.first?.lastState.terminated
        #expect(last?.exitCode != 0)
        #expect(last?.message.contains("unreachable") == true)
        #expect(last?.message.contains("innermost") == true, "function names in \(last?.message ?? "nil")")
    }

    @Test func `configuration reaches the guest and the init container runs first`() throws {
        let up = try RunningUp(manifest: RunningUp.manifest("config"), arguments: ["--quiet"])
        up.eventually("the pod is Succeeded") { try up.pods().first?.status.phase == .succeeded }
        let expected = "hello, Ada\nhello, s3cret\nhello, greeter\n"
        #expect(try up.client(["logs", "greeter", "-c", "greeter"]).output == expected)
        #expect(try up.client(["logs", "greeter", "-c", "first"]).output == "hello, init\n")
        let secret = try up.client(["get", "secret", "credentials", "-o", "yaml"]).output
        #expect(secret.contains("token: czNjcmV0"))
    }

    @Test func `exec, tcpSocket and exported-function probes keep a pod Ready`() throws {
        let up = try RunningUp(manifest: RunningUp.manifest("probes"))
        guard up.eventually("the pod is Ready", { try up.readyPods().count == 1 }) else { return }
        sleep(3)
        let pod = try up.readyPods().first
        #expect(pod?.status.containerStatuses.first?.restartCount == 0)
    }

    @Test func `a new image rolls out without a moment of too few pods`() throws {
        let original = try RunningUp.manifest("wasm-api")
        let up = try RunningUp(manifest: original)
        guard up.eventually("three pods Ready", { try up.readyPods().count == 3 }) else { return }
        let before = Set(try up.readyPods().map { $0.metadata.name })
        let changed = original.replacing("value: \"8080\"", with: "value: \"8081\"")
            .replacing("containerPort: 8080", with: "containerPort: 8081")
        let applied = try Program.run(
            RunningUp.swiftlet, ["apply", "-f", "-", "--root", up.root], input: changed)
        #expect(applied.output.contains("deployment.apps/wasm-api configured"), "\(applied.errors)")
        var fewest = 3
        up.eventually("three new pods Ready") {
            let ready = try up.readyPods()
            fewest = min(fewest, ready.count)
            return ready.count == 3 && before.isDisjoint(with: ready.map { $0.metadata.name })
        }
        #expect(fewest >= 3, "25 % of 3 unavailable rounds down to none; saw \(fewest)")
        let sets = try up.client(["get", "replicasets", "--no-headers"]).output.split(separator: "\n")
        #expect(sets.count == 2, "the old ReplicaSet stays for a rollback")
    }

    @Test func `scale, wide output, names, errors and deletion from another terminal`() throws {
        let up = try RunningUp(manifest: RunningUp.manifest("wasm-api"))
        guard up.eventually("three pods Ready", { try up.readyPods().count == 3 }) else { return }
        let wide = try up.client(["get", "pods", "-o", "wide"]).output
        #expect(wide.contains("IP") && wide.contains("127."))
        let names = try up.client(["get", "deploy,svc", "-o", "name"]).output
        #expect(names.contains("deployment.apps/wasm-api\n") && names.contains("service/wasm-api\n"))
        let missing = try up.client(["get", "pod", "nobody"])
        #expect(missing.status.code == 1)
        #expect(missing.errors.contains("Error from server (NotFound): pods \"nobody\" not found"))
        let unknown = try up.client(["get", "gadgets"])
        #expect(unknown.status.code == 1 && unknown.errors.contains("doesn't have a resource type \"gadgets\""))
        let deleted = try up.client(["delete", "deployment", "wasm-api"])
        #expect(deleted.output == "deployment.apps \"wasm-api\" deleted\n", "\(deleted.errors)")
        up.eventually("its pods are gone") { try up.pods().isEmpty }
    }

    @Test func `a refused manifest starts nothing and names file, line and field`() throws {
        let text = try RunningUp.manifest("wasm-api").replacing("replicas: 3", with: "replicaz: 3")
        let up = try RunningUp(manifest: text)
        #expect(up.program.wait(seconds: 10)?.code == 1)
        #expect(up.program.standardError.contains("manifest.yaml:9:3: spec.replicaz"), "\(up.program.standardError)")
        #expect(up.program.standardError.contains("did you mean \"replicas\"?"))
        #expect(!BuiltProducts.exists(up.root))
    }

    @Test func `a missing image is ErrImagePull and then ImagePullBackOff`() throws {
        let text = try RunningUp.manifest("batch").replacing("batch-job.wasm", with: "nothing-here.wasm")
        let up = try RunningUp(manifest: text)
        up.eventually("the reason is an image pull error") {
            let reason = try up.pods().first?.status.containerStatuses.first?.state.waiting?.reason
            return reason == "ErrImagePull" || reason == "ImagePullBackOff" || reason == "ErrImageNeverPull"
        }
    }
}

extension String {
    /// The standard library has no substring replacement without Foundation's.
    fileprivate func replacing(_ part: String, with other: String) -> String {
        var result = ""
        var rest = Substring(self)
        while !rest.isEmpty {
            if rest.hasPrefix(part) {
                result += other
                rest = rest.dropFirst(part.count)
            } else {
                result.append(rest.removeFirst())
            }
        }
        return result
    }
}
