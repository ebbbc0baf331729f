// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the built shim and sandbox with real guests, driven over the shim's socket.
import Glibc
import OCI
import Protobuf
import TTRPC
import TaskAPI
import TestSupport
import Testing

private let needs: ConditionTrait = .enabled(
    if: Pod.isBuilt, "needs root, the built shim and sandbox, and hack/build-guests.sh")

@Suite(.serialized, needs) struct ShimTests {
    @Test func `a container goes from created to deleted`() throws {
        let pod = try Pod("life")
        let pid = try pod.create("c", guest: "hello", ["wasm"], log: "0.log?")
        #expect(try pod.status("c") == .created)
        // exec lets the parent go on a moment before it has put the arguments in place.
        let arguments = "swiftlet-sandbox\0default/\(pod.name)/c\0"
        #expect(isTrue(within: 2) { text("/proc/\(pid)/cmdline") == arguments })
        #expect(text("/proc/\(pod.shimProcess)/cmdline") == "swiftlet-shim\0default/\(pod.name)\0")
        let wait = try pod.client.begin(ServiceName.taskV3, "Wait", WaitRequest(id: "c"))
        try pod.start("c")
        let answer = try pod.client.finish(wait, as: WaitResponse.self)
        #expect(answer.exitStatus == 0)
        #expect((answer.exitedAt?.seconds ?? 0) > 1_700_000_000)
        #expect(try pod.status("c") == .stopped)
        #expect(text("\(pod.root)/0.log").hasSuffix("Z stdout F hello, wasm\n"))
        let record = try pod.exitRecord("c")
        #expect(record["reason"] == .string("Completed") && record["exitCode"] == .number("0"))
        #expect(pod.refusal("Start", StartRequest(id: "c"))?.code == .failedPrecondition)
        #expect(pod.refusal("Kill", KillRequest(id: "c", signal: 15))?.code == .notFound)
        #expect(pod.refusal("Create", CreateTaskRequest(id: "c", bundle: "/x"))?.code == .alreadyExists)
        let deleted = try pod.call("Delete", DeleteRequest(id: "c"), as: DeleteResponse.self)
        #expect(deleted.pid == pid && deleted.exitStatus == 0)
        #expect(pod.refusal("State", StateRequest(id: "c"))?.code == .notFound)
    }

    @Test func `exit codes and traps are told apart`() throws {
        let pod = try Pod("exits")
        try pod.create("code", guest: "exit-code", ["42"])
        try pod.start("code")
        #expect(try pod.wait("code") == 42)
        #expect(try pod.exitRecord("code")["reason"] == .string("Error"))
        try pod.create("trap", guest: "trap")
        try pod.start("trap")
        #expect(try pod.wait("trap") == 134)
        let record = try pod.exitRecord("trap")
        #expect(record["reason"] == .string("Trapped"))
        guard case .string(let message)? = record["message"] else { throw Unexpected("\(record)") }
        #expect(message.contains("unreachable"), "\(message)")
    }

    @Test func `what cannot be run is refused by name and leaves a record`() throws {
        let pod = try Pod("refused")
        #expect(throws: CallFailure.self) { try pod.create("none", guest: "no-such-guest") }
        let record = try pod.exitRecord("none")
        #expect(record["reason"] == .string("StartError") && record["exitCode"] == .number("128"))
        guard case .string(let message)? = record["message"] else { throw Unexpected("\(record)") }
        #expect(message.contains("no-such-guest.wasm"))
        #expect(throws: CallFailure.self) { try pod.create("elf", guest: "hello") { $0.module = Pod.shim } }
        #expect(pod.refusal("Checkpoint", CheckpointTaskRequest(id: "none"))?.code == .unimplemented)
        #expect(pod.refusal("Create", CreateTaskRequest(id: "../x", bundle: "/x"))?.code == .invalidArgument)
        #expect(pod.refusal("Create", CreateTaskRequest(id: "t", bundle: "/x", terminal: true)) != nil)
    }

    @Test func `a guest that ignores the request to stop is killed with 137`() throws {
        let pod = try Pod("stop")
        try pod.create("c", guest: "ignore-stop")
        try pod.start("c")
        try pod.kill("c", SIGTERM)
        usleep(300_000)
        #expect(try pod.status("c") == .running)
        #expect(pod.refusal("Delete", DeleteRequest(id: "c"))?.code == .failedPrecondition)
        try pod.kill("c", SIGKILL)
        #expect(try pod.wait("c") == 137)
        #expect(try pod.exitRecord("c")["signal"] == .number("9"))
    }

    @Test func `a server is served, probed, paused and stopped`() throws {
        let pod = try Pod("server")
        // Another run of the tests on this machine has its own.
        let address = 0x7f5f_0000 | UInt32.random(in: 1...0xfffe)
        try pod.create("api", guest: "wasm-api", environment: ["PORT=8080", "POD_NAME=p"], log: "api.log?") {
            $0.podAddress = address
            $0.containerPorts = [.init(8080)]
            $0.probeExports = ["healthy"]
        }
        try pod.start("api")
        #expect(
            isTrue(within: 10) { text("\(pod.root)/api.log").contains("listening on port 8080") },
            "\(text("\(pod.root)/api.log")) \(text("\(pod.directory)/api/exit.json"))")
        #expect(httpStatus(address, 8080, "/api/health") == "HTTP/1.1 200 OK")
        let request = ProbeCallRequest(id: "api", export: "healthy", timeoutNanoseconds: 2_000_000_000)
        let healthy = try pod.call("Call", request, as: ProbeCallResponse.self, service: ServiceName.probe)
        #expect(healthy == ProbeCallResponse(status: 0))
        #expect(
            pod.refusal("Call", ProbeCallRequest(id: "api", export: "_start"), service: ServiceName.probe)?.code
                == .invalidArgument)
        _ = try pod.call("Pause", PauseRequest(id: "api"))
        #expect(try pod.status("api") == .paused)
        _ = try pod.call("Resume", ResumeRequest(id: "api"))
        #expect(httpStatus(address, 8080, "/api/users") == "HTTP/1.1 200 OK")
        try pod.kill("api", SIGTERM)
        #expect(try pod.wait("api") == 0)
        #expect(text("\(pod.root)/api.log").contains("stopped, every request answered"))
    }

    @Test func `an exec runs another module in the container's cgroup`() throws {
        let pod = try Pod("exec")
        try pod.create("c", guest: "ignore-stop", resources: ResourcesSpec(memoryLimitBytes: 64 << 20))
        try pod.start("c")
        let spec = ProcessSpec(args: ["ignore-stop"])
        func exec(_ id: String, _ spec: ProcessSpec) -> ExecProcessRequest {
            ExecProcessRequest(
                id: "c", execID: id, stdout: "file://\(pod.root)/\(id).out",
                spec: AnyMessage(typeURL: "p", value: spec.json.bytes))
        }
        _ = try pod.call("Exec", exec("again", spec))
        try pod.start("c", exec: "again")
        #expect(isTrue(within: 5) { text("\(pod.root)/again.out") == "sleeping\n" })
        #expect(try pod.call("Pids", PidsRequest(id: "c"), as: PidsResponse.self).processes.count == 2)
        let refused = pod.refusal("Exec", exec("sh", ProcessSpec(args: ["/bin/sh"])))
        #expect(refused?.code == .notFound && refused?.message.contains("/bin/sh") == true)
        #expect(pod.refusal("Exec", exec("again", spec))?.code == .alreadyExists)
        let stats = try pod.call("Stats", StatsRequest(id: "c"), as: StatsResponse.self)
        let metrics = try Metrics(protobuf: stats.stats?.value ?? [])
        #expect(stats.stats?.typeURL == "io.containerd.cgroups.v1.Metrics")
        #expect(metrics.memory?.usage?.limit == 64 << 20)
        #expect((metrics.memory?.usage?.usage ?? 0) > 100_000 && (metrics.cpu?.usage?.total ?? 0) > 0)
        // The container takes its execs with it.
        try pod.kill("c", SIGKILL)
        #expect(try pod.wait("c", exec: "again") == 137)
        #expect(try pod.wait("c") == 137)
        _ = try pod.call("Delete", DeleteRequest(id: "c", execID: "again"), as: DeleteResponse.self)
        _ = try pod.call("Delete", DeleteRequest(id: "c"), as: DeleteResponse.self)
        #expect(pod.cgroups().isEmpty)
    }

    @Test func `the memory limit is OOMKilled 137`() throws {
        let pod = try Pod("oom")
        try pod.create("c", guest: "memory-hog", resources: ResourcesSpec(memoryLimitBytes: 32 << 20))
        try pod.start("c")
        #expect(try pod.wait("c", timeoutMilliseconds: 60_000) == 137)
        #expect(try pod.exitRecord("c")["reason"] == .string("OOMKilled"))
    }

    @Test func `a flood of logs is rotated and bounded`() throws {
        let pod = try Pod("flood")
        try pod.create("c", guest: "log-flood", ["20000"], log: "flood.log?maxSize=100000&maxFiles=3&")
        try pod.start("c")
        #expect(try pod.wait("c", timeoutMilliseconds: 60_000) == 0)
        let files = names(in: pod.root).filter { $0.hasPrefix("flood.log") }.sorted()
        #expect(files == ["flood.log", "flood.log.1", "flood.log.2"])
        for file in files { #expect(text("\(pod.root)/\(file)").utf8.count <= 100_000) }
        #expect(text("\(pod.root)/flood.log").contains("F line 19999 "))
        print("shim after a flood of 20000 lines: \(memory(pod.shimProcess))")
    }

    private func httpStatus(_ address: UInt32, _ port: UInt16, _ path: String) -> String {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = port.bigEndian
        target.sin_addr.s_addr = address.bigEndian
        let result = withUnsafePointer(to: &target) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { return "connect: \(String(cString: strerror(errno)))" }
        let request = Array("GET \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".utf8)
        write(descriptor, request, request.count)
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor, &buffer, buffer.count)
        let answer = String(decoding: buffer[..<max(0, count)], as: UTF8.self)
        return String(answer.split(separator: "\r\n").first ?? "")
    }
}

/// What smaps_rollup says is the process's alone. Pages of the program's file count as private while one shim runs, so
/// the anonymous ones are the price of one more.
func memory(_ process: Int32) -> String {
    text("/proc/\(process)/smaps_rollup").split(separator: "\n")
        .filter { $0.hasPrefix("Private") || $0.hasPrefix("Anonymous") || $0.hasPrefix("Rss") }
        .map { line in line.split(separator: " ").joined(separator: " ") }.joined(separator: ", ")
}
