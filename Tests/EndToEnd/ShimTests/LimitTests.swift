// SPDX-License-Identifier: Apache-2.0
// Swiftlet: limits that the kernel holds, and what Stats tells of them, on either version of cgroups.
import Glibc
import OCI
import Protobuf
import TTRPC
import TaskAPI
import TestSupport
import Testing

@Suite(
    .serialized, .enabled(if: Pod.isBuilt, "needs root, the built shim and sandbox, and hack/build-guests.sh"))
struct LimitTests {
    private func metrics(_ pod: Pod, _ id: String) throws -> Metrics {
        let stats = try pod.call("Stats", StatsRequest(id: id), as: StatsResponse.self)
        return try Metrics(protobuf: stats.stats?.value ?? [])
    }

    private func processor(_ pod: Pod, _ id: String) throws -> UInt64 { try metrics(pod, id).cpu?.usage?.total ?? 0 }

    @Test func `a CPU quota throttles, and Stats counts it`() throws {
        let pod = try Pod("quota")
        let resources = ResourcesSpec(cpuQuotaMicroseconds: 20_000, cpuPeriodMicroseconds: 100_000)
        try pod.create("c", guest: "endless-loop", resources: resources)
        try pod.start("c")
        // However slow the machine: an endless loop runs into its quota, period after period.
        #expect(isTrue(within: 60) { ((try? metrics(pod, "c"))?.cpu?.throttling?.throttledPeriods ?? 0) >= 5 })
        let found = try metrics(pod, "c")
        let throttling = try #require(found.cpu?.throttling)
        #expect(throttling.periods >= throttling.throttledPeriods && throttling.throttledTime > 0)
        let used = try #require(found.cpu?.usage?.total)
        #expect(used > 0)
        // 20 ms per period, and the one under way; the kernel's slices make it a little more.
        #expect(used <= (throttling.periods + 2) * 30_000_000, "\(used) ns in \(throttling.periods) periods")
    }

    @Test func `the limit of processes and of memory is told, and can be changed`() throws {
        let pod = try Pod("told")
        try pod.create(
            "c", guest: "ignore-stop", resources: ResourcesSpec(memoryLimitBytes: 64 << 20, pidsLimit: 16))
        try pod.start("c")
        #expect(try metrics(pod, "c").pids?.limit == 16)
        #expect(try metrics(pod, "c").memory?.usage?.limit == 64 << 20)
        #expect((try metrics(pod, "c").memory?.usage?.usage ?? 0) > 100_000)
        for bytes in [128 << 20, 48 << 20] as [Int64] {
            let resources = ResourcesSpec(memoryLimitBytes: bytes, pidsLimit: 32)
            _ = try pod.call(
                "Update",
                UpdateTaskRequest(id: "c", resources: AnyMessage(typeURL: "r", value: resources.json.bytes)))
            #expect(try metrics(pod, "c").memory?.usage?.limit == UInt64(bytes))
            #expect(try metrics(pod, "c").pids?.limit == 32)
        }
    }

    @Test func `a paused container and its execs use no CPU`() throws {
        let pod = try Pod("paused")
        try pod.create("c", guest: "endless-loop", resources: ResourcesSpec(pidsLimit: 16))
        try pod.start("c")
        let spec = AnyMessage(typeURL: "p", value: ProcessSpec(args: ["endless-loop"]).json.bytes)
        _ = try pod.call("Exec", ExecProcessRequest(id: "c", execID: "e", spec: spec))
        try pod.start("c", exec: "e")
        #expect(isTrue(within: 20) { (try? processor(pod, "c")) ?? 0 > 10_000_000 })
        _ = try pod.call("Pause", PauseRequest(id: "c"))
        usleep(50_000)
        let before = try processor(pod, "c")
        usleep(300_000)
        #expect(try processor(pod, "c") < before + 5_000_000)
        #expect(try pod.status("c") == .paused)
        _ = try pod.call("Resume", ResumeRequest(id: "c"))
        #expect(isTrue(within: 20) { (try? processor(pod, "c")) ?? 0 > before + 20_000_000 })
    }
}
