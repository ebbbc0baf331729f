// SPDX-License-Identifier: Apache-2.0
// Swiftlet end-to-end: what goes wrong around a pod, and what its user is told.

import Glibc
import KubernetesAPI
import TestSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(5))) struct FaultTests {
    /// One pod whose containers run `guests`, by name; `extra` are more lines of each container.
    private func pod(_ guests: [String: String], extra: [String] = []) -> String {
        var lines = ["apiVersion: v1", "kind: Pod", "metadata:", "  name: faulty", "spec:"]
        lines += ["  terminationGracePeriodSeconds: 1", "  containers:"]
        for (name, guest) in guests.sorted(by: { $0.key < $1.key }) {
            lines += ["    - name: \(name)", "      image: \(BuiltProducts.packageRoot)/.build/guests/\(guest).wasm"]
            lines += extra.map { "      \($0)" }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func probe(_ kind: String, failures: Int) -> [String] {
        [
            "\(kind):", "  httpGet: {path: /api/health, port: 8080}", "  periodSeconds: 1", "  timeoutSeconds: 1",
            "  failureThreshold: \(failures)",
        ]
    }

    @Test func `a probe that is never answered fails by its timeout, and the liveness probe restarts`() throws {
        let probes = probe("readinessProbe", failures: 1) + probe("livenessProbe", failures: 2)
        let up = try RunningUp(manifest: pod(["silent": "silent-server"], extra: probes))
        var wasReady = false
        up.eventually("the container is restarted") {
            if try !up.readyPods().isEmpty { wasReady = true }
            return try up.pods().first?.status.containerStatuses.first.map { $0.restartCount >= 1 } == true
        }
        #expect(!wasReady)
        let events = try up.client(["get", "events"]).output
        #expect(events.contains("Unhealthy") && events.contains("Readiness probe failed"), "\(events)")
        #expect(events.contains("Liveness probe failed") && events.contains("Killing"), "\(events)")
    }

    @Test func `a port that another container of the pod has is refused to the guest, which says so`() throws {
        let up = try RunningUp(manifest: pod(["first": "wasm-api", "second": "wasm-api"]))
        up.eventually("one of the two runs, the other one fails") {
            let statuses = try up.pods().first?.status.containerStatuses ?? []
            let failed = statuses.filter { ($0.lastState.terminated ?? $0.state.terminated)?.exitCode == 1 }
            return failed.count == 1 && statuses.filter { $0.state.running != nil }.count == 1
        }
        let statuses = try #require(try up.pods().first).status.containerStatuses
        let failed = try #require(statuses.first { ($0.lastState.terminated ?? $0.state.terminated) != nil })
        let log = try up.client(["logs", "faulty", "-c", failed.name, "--previous"]).output
        let current = try up.client(["logs", "faulty", "-c", failed.name]).output
        #expect((log + current).contains("cannot listen on port 8080"), "\(log)\(current)")
    }

    @Test func `hostPort forwards to the pod`() throws {
        let port = try Socket.freePort()
        let ports = ["ports:", "  - {containerPort: 8080, hostPort: \(port), hostIP: 127.0.0.1}"]
        let up = try RunningUp(manifest: pod(["api": "wasm-api"], extra: ports))
        up.eventually("the host's port answers") {
            try RunningUp.get("http://127.0.0.1:\(port)/api/health")?.contains("ok") == true
        }
        up.program.signal(SIGINT)
        #expect(up.program.wait(seconds: 20)?.code == 0)
        #expect(try RunningUp.get("http://127.0.0.1:\(port)/api/health") == nil, "the port is given back")
    }

    @Test func `a hostPort that is taken keeps the pod waiting, with an event that names it, until it is free`() throws
    {
        let taken = try Socket.listening()
        let ports = ["ports:", "  - {containerPort: 8080, hostPort: \(taken.port), hostIP: 127.0.0.1}"]
        let up = try RunningUp(manifest: pod(["api": "wasm-api"], extra: ports))
        up.eventually("an event names the port") {
            let events = try up.client(["get", "events"]).output
            return events.contains("FailedCreatePodSandBox") && events.contains("127.0.0.1:\(taken.port)")
        }
        #expect(try up.pods().first?.status.phase == .pending)
        close(taken.descriptor)
        up.eventually("the pod starts once the port is free") { try up.readyPods().count == 1 }
    }
}

/// Ports of this machine for a test.
private enum Socket {
    struct Failure: Error { var errno: Int32 }

    /// A listening socket on 127.0.0.1, with a port that the kernel chose.
    static func listening() throws -> (descriptor: Int32, port: UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && listen(descriptor, 1) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        guard result else { throw Failure(errno: errno) }
        return (descriptor, UInt16(bigEndian: name.sin_port))
    }

    /// A port that was free a moment ago.
    static func freePort() throws -> UInt16 {
        let socket = try listening()
        close(socket.descriptor)
        return socket.port
    }
}
