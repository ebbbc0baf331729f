// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: pods as Kubernetes runs them, through containerd's CRI plugin.
import Glibc
import TestSupport
import Testing

@Suite(.serialized, Containerd.needs, CRINode.needs) struct CRITests {
    @Test func `a pod of a guest and a native sidecar: run, exec, stats, logs, stop, remove`() throws {
        let node = try CRINode()
        let pod = try node.runPod("mixed")
        #expect(node.containerd.shims().count == 1)
        let api = try node.runContainer(
            "api", in: pod, of: "mixed", ["/wasm-api.wasm"], environment: ["PORT": "8080"], memoryBytes: 64 << 20)
        // They share the pod's network: the sidecar reaches the guest on its loopback.
        let script = "until /busybox wget -qO- http://127.0.0.1:8080/api/users; do /busybox sleep 0.2; done; "
        let sidecar = try node.runContainer(
            "sidecar", in: pod, of: "mixed",
            ["/busybox", "sh", "-c", script + "echo; echo reached; echo oops >&2; exec /busybox sleep 1000"])
        #expect(isTrue(within: 30) { text("\(node.logs)/sidecar.log").contains(" stderr F oops\n") })
        #expect(text("\(node.logs)/sidecar.log").contains(" stdout F reached\n"))
        #expect(text("\(node.logs)/api.log").contains(" F "))
        #expect(node.containerd.shims().count == 1)

        let guest = try node.exec(api, ["/exit-code.wasm", "5"])
        #expect(guest.exitCode == 5 && guest.output == "exiting with 5\n", "\(guest)")
        let native = try node.exec(sidecar, ["/busybox", "sh", "-c", "echo out; echo err >&2; exit 7"])
        #expect(native.exitCode == 7 && native.output == "out\n" && native.errors == "err\n", "\(native)")
        let failure = #expect(throws: GRPCFailure.self) { try node.exec(sidecar, ["/no/such/program"]) }
        #expect(failure?.description.contains("no such file or directory") == true, "\(String(describing: failure))")
        for container in [api, sidecar] {
            #expect(try node.status(container).state == 1)
            let stats = try node.stats(container)
            #expect(stats.cpu.value.value > 0 && stats.memory.value.value > 0, "\(stats)")
        }

        try node.stopAndRemove(api)
        #expect(try node.status(sidecar).state == 1)
        try node.removePod(pod)
        #expect(isTrue(within: 20) { node.containerd.isClean() })
    }

    @Test func `how containers end is told as the kubelet reads it`() throws {
        let node = try CRINode()
        let pod = try node.runPod("ends")
        func end(_ name: String, _ command: [String], memoryBytes: UInt64 = 0) throws -> StatusAnswer.Status {
            let id = try node.runContainer(name, in: pod, of: "ends", command, memoryBytes: memoryBytes)
            _ = try isTrue(within: 30) { try node.status(id).state == 2 }
            return try node.status(id)
        }
        for (name, command, code, reason) in [
            ("zero", ["/hello.wasm"], 0, "Completed"), ("guest", ["/exit-code.wasm", "42"], 42, "Error"),
            ("trap", ["/trap.wasm"], 134, "Error"), ("native", ["/busybox", "sh", "-c", "exit 3"], 3, "Error"),
        ] as [(String, [String], Int32, String)] {
            let status = try end(name, command)
            #expect(status.state == 2 && status.exitCode == code && status.reason == reason, "\(name): \(status)")
        }
        let hog = try end("hog", ["/memory-hog.wasm"], memoryBytes: 32 << 20)
        #expect(hog.exitCode == 137 && hog.reason == "OOMKilled", "\(hog)")
        #expect(throws: GRPCFailure.self) { try end("missing", ["/no.wasm"]) }
        try node.removePod(pod)
        #expect(isTrue(within: 20) { node.containerd.isClean() })
    }

    @Test func `a killed shim takes its pod with it, native containers too`() throws {
        let node = try CRINode()
        let pod = try node.runPod("killed")
        let marker = "\(UInt32.random(in: 1_000_000...999_999_999))"
        _ = try node.runContainer("n", in: pod, of: "killed", ["/busybox", "sleep", marker])
        _ = try node.runContainer("w", in: pod, of: "killed", ["/ignore-stop.wasm"])
        func sleepers() -> Int {
            names(in: "/proc").count { Int32($0) != nil && text("/proc/\($0)/cmdline").contains("sleep\0\(marker)") }
        }
        #expect(sleepers() == 1)
        for shim in node.containerd.shims() { kill(shim, SIGKILL) }
        #expect(isTrue(within: 20) { sleepers() == 0 })
        try node.removePod(pod)
        #expect(isTrue(within: 20) { node.containerd.isClean() })
        let again = try node.runPod("again")
        try node.removePod(again)
    }
}
