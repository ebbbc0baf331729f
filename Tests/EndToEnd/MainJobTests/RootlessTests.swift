// SPDX-License-Identifier: Apache-2.0
// Swiftlet end-to-end: the main job by a user without rights.

import Glibc
import KubernetesAPI
import TestSupport
import Testing

@Suite(
    .serialized, .timeLimit(.minutes(5)),
    .enabled(if: Unprivileged.canRun(RunningUp.swiftlet), "\(Unprivileged.requirements)"))
struct RootlessTests {
    /// wasm-api with a Service port that needs no rights.
    private func manifest() throws -> String {
        try RunningUp.manifest("wasm-api").split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0 == "      port: 80" ? "      port: 8000" : String($0) }.joined(separator: "\n")
    }

    private func events(_ up: RunningUp) throws -> String { try up.client(["get", "events"]).output }

    @Test func `three replicas get Ready, what is missing is an event, Ctrl-C leaves nothing`() throws {
        let up = try RunningUp(manifest: manifest(), isUnprivileged: true)
        guard up.eventually("three pods Ready", { try up.readyPods().count == 3 }) else { return }
        let pods = try up.readyPods()

        let service = try up.client(["get", "service", "wasm-api", "-o", "json"]).output
        let address = try KubernetesJSON.decode(Service.self, from: service).spec.clusterIP
        up.eventually("the Service answers") {
            try RunningUp.get("http://\(address):8000/api/health")?.contains("ok") == true
        }
        let text = try events(up)
        #expect(text.contains("ReducedIsolation") && text.contains("no cgroup (") && text.contains("not held: CPU"))

        for pod in pods {
            let sandboxes = RunningUp.processes("swiftlet-sandbox", "default/\(pod.metadata.name)/api")
            #expect(sandboxes.count == 1)
            for sandbox in sandboxes {
                #expect(RunningUp.statusField("Uid", of: sandbox)?.hasPrefix("\(Unprivileged.user)") == true)
                #expect(RunningUp.statusField("Seccomp", of: sandbox) == "2")
                #expect(RunningUp.statusField("CapEff", of: sandbox) == "0000000000000000")
            }
        }
        var status = stat()
        #expect(lstat(up.root, &status) == 0 && status.st_mode & 0o777 == 0o700 && status.st_uid == Unprivileged.user)

        up.program.signal(SIGINT)
        #expect(up.program.wait(seconds: 30)?.code == 0, "\(up.program.standardError)")
        for pod in pods { #expect(RunningUp.processes("swiftlet", pod.metadata.name).isEmpty) }
        #expect(!BuiltProducts.exists(up.root))
        #expect(!BuiltProducts.exists("/tmp/swiftlet-network-\(Unprivileged.user)"))
    }

    @Test func `killed and started again it adopts what runs`() throws {
        let up = try RunningUp(manifest: manifest(), isUnprivileged: true)
        guard up.eventually("three pods Ready", { try up.readyPods().count == 3 }) else { return }
        let before = Set(RunningUp.processes("swiftlet-sandbox", "default/wasm-api"))
        up.program.signal(SIGKILL)
        _ = up.program.wait(seconds: 5)
        try up.restart()
        up.eventually("three pods Ready after the restart") { try up.readyPods().count == 3 }
        #expect(before.allSatisfy { kill($0, 0) == 0 }, "nothing was restarted")
        up.program.signal(SIGINT)
        #expect(up.program.wait(seconds: 30)?.code == 0)
        #expect(before.allSatisfy { kill($0, 0) != 0 })
    }

    @Test func `a port below 1024 is an event with the reason`() throws {
        guard try Program.run("/bin/cat", ["/proc/sys/net/ipv4/ip_unprivileged_port_start"]).output == "1024\n" else {
            return
        }
        let up = try RunningUp(manifest: RunningUp.manifest("wasm-api"), isUnprivileged: true)
        up.eventually("the Service says why it does not listen") {
            let text = try events(up)
            return text.contains("FailedToListen") && text.contains("ip_unprivileged_port_start")
        }
    }

    @Test func `another user's identity is refused by name`() throws {
        let text = try manifest().replacing("      containers:\n", "      securityContext: {runAsUser: 1234}\n")
        let up = try RunningUp(manifest: text, isUnprivileged: true)
        up.eventually("the event tells who was wanted") {
            try events(up).contains("process.user.uid: expected 0 or \(Unprivileged.user)")
        }
    }

    @Test func `a folder of somebody else is refused`() throws {
        let folder = "/tmp/swiftlet-foreign-\(getpid())"
        mkdir(folder, 0o777)
        chmod(folder, 0o777)
        defer { rmdir(folder) }
        let words = Unprivileged.command + [RunningUp.swiftlet, "up", "-f", "-", "--root", folder]
        let result = try Program.run(words[0], Array(words.dropFirst()), input: try manifest())
        #expect(result.status.code == 1 && result.errors.contains("found one of user 0 with mode 0777"), "\(result)")
    }
}

extension String {
    /// Puts `text` before the first `part`.
    fileprivate func replacing(_ part: String, _ text: String) -> String {
        var rest = Substring(self)
        var before = ""
        while !rest.isEmpty, !rest.hasPrefix(part) { before.append(rest.removeFirst()) }
        return before + text + rest
    }
}
