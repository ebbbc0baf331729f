// SPDX-License-Identifier: Apache-2.0
// Swiftlet: killed shims, killed sandboxes, and 500 random steps: nothing may be left, nothing may take long.
import Glibc
import OCI
import Protobuf
import TTRPC
import TaskAPI
import TestSupport
import Testing

private let needs: ConditionTrait = .enabled(
    if: Pod.isBuilt, "needs root, the built shim and sandbox, and hack/build-guests.sh")

@Suite(.serialized, needs) struct ShimFaultTests {
    @Test func `a killed sandbox is 137 and its container can be deleted`() throws {
        let pod = try Pod("killed")
        let pid = try pod.create("c", guest: "ignore-stop", resources: ResourcesSpec(pidsLimit: 16))
        try pod.start("c")
        #expect(!pod.cgroups().isEmpty)
        kill(pid_t(pid), SIGKILL)
        #expect(try pod.wait("c") == 137)
        #expect(try pod.exitRecord("c")["reason"] == .string("Error"))
        _ = try pod.call("Delete", DeleteRequest(id: "c"), as: DeleteResponse.self)
        #expect(pod.cgroups().isEmpty)
    }

    @Test func `a killed shim takes its sandboxes along and the next one cleans up`() throws {
        let pod = try Pod("shimless")
        let running = try pod.create("running", guest: "ignore-stop", resources: ResourcesSpec(pidsLimit: 16))
        try pod.start("running")
        let created = try pod.create("created", guest: "hello")
        let first = pod.address
        kill(pod.shimProcess, SIGKILL)
        #expect(isTrue(within: 5) { pod.processes().isEmpty }, "\(running) \(created)")
        try pod.restart()
        #expect(pod.address == first)
        #expect(pod.cgroups().isEmpty)
        let record = try pod.exitRecord("running")
        #expect(record["exitCode"] == .number("137") && record["message"] == .string("the shim was killed"))
        #expect(pod.refusal("State", StateRequest(id: "running"))?.code == .notFound)
        try pod.create("running", guest: "hello")
    }

    @Test func `start twice is one shim and Shutdown leaves nothing`() throws {
        let pod = try Pod("once")
        let process = pod.shimProcess
        let address = pod.address
        try pod.restart()
        #expect(pod.address == address && pod.shimProcess == process)
        try pod.create("c", guest: "ignore-stop")
        try pod.start("c")
        _ = try pod.call("Shutdown", ShutdownRequest(id: pod.name))
        #expect(pod.processes().count == 2)
        _ = try pod.call("Shutdown", ShutdownRequest(id: pod.name, now: true))
        #expect(isTrue(within: 5) { pod.processes().isEmpty && access(String(address.dropFirst(7)), F_OK) != 0 })
        #expect(pod.cgroups().isEmpty)
    }

    @Test func `the delete command kills what runs and works twice`() throws {
        let pod = try Pod("delete")
        try pod.create("c", guest: "endless-loop", resources: ResourcesSpec(memoryLimitBytes: 64 << 20))
        try pod.start("c")
        _ = try pod.deleteCommand()
        #expect(pod.processes().isEmpty)
        #expect(pod.cgroups().isEmpty)
        #expect(try pod.exitRecord("c")["exitCode"] == .number("137"))
        _ = try pod.deleteCommand()
    }

    @Test func `two idle pods: the memory of a shim`() throws {
        let pods = [try Pod("idle-a"), try Pod("idle-b")]
        for pod in pods {
            try pod.create("c", guest: "ignore-stop", log: "c.log?")
            try pod.start("c")
        }
        sync()
        for pod in pods {
            let process = pod.shimProcess
            print("idle shim with one container: \(memory(process))")
            let lines = text("/proc/\(process)/smaps_rollup").split(separator: "\n")
            let anonymous = lines.first { $0.hasPrefix("Anonymous:") }.flatMap { line in
                line.split(separator: " ").dropFirst().first.flatMap { Int($0) }
            }
            #expect(try #require(anonymous) <= 3 * 1024)
        }
        // A pod ends with its value, and a value with its last use: the last measured one must be there until here.
        withExtendedLifetime(pods) {}
    }

    @Test(arguments: [1, 2] as [UInt64])
    func `500 random steps leave nothing`(seed: UInt64) throws {
        let pod = try Pod("random")
        var walk = RandomWalk(pod: pod, state: seed)
        for step in 0..<500 { try walk.step(step) }
        try walk.connect()
        _ = try pod.call("Shutdown", ShutdownRequest(id: pod.name, now: true))
        #expect(isTrue(within: 10) { pod.processes().isEmpty }, "\(pod.processes())")
        #expect(pod.cgroups().isEmpty)
        #expect(names(in: "\(pod.root)/s").isEmpty)
        #expect(walk.slowest < 5, "a step took \(walk.slowest) s")
        print("500 steps: \(walk.containerCount) containers, slowest step \(walk.slowest) s")
    }
}

/// Calls in any order, most of them wrong, with kills of both programs in between.
private struct RandomWalk {
    let pod: Pod
    var state: UInt64
    var containerCount = 0
    var known: [String] = []
    var slowest = 0.0
    var isConnected = true

    mutating func random(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % bound
    }

    mutating func connect() throws {
        if !isConnected { try pod.restart() }
        isConnected = true
    }

    mutating func step(_ number: Int) throws {
        let clock = ContinuousClock()
        let begin = clock.now
        try connect()
        let id = known.isEmpty ? "none" : known[random(known.count)]
        do { try act(random(14), id, number) } catch CallFailure.status {
            // Refusals are what most steps are for.
        } catch is CallFailure {
            isConnected = false
        }
        let duration = (clock.now - begin).components
        slowest = max(slowest, Double(duration.seconds) + Double(duration.attoseconds) / 1e18)
    }

    private mutating func act(_ action: Int, _ id: String, _ number: Int) throws {
        switch action {
        case 0, 1:
            containerCount += 1
            let guests = ["hello", "ignore-stop", "endless-loop", "trap", "exit-code"]
            let limits = [
                ResourcesSpec(), ResourcesSpec(memoryLimitBytes: 64 << 20), ResourcesSpec(pidsLimit: 16),
            ]
            known.append("k\(containerCount)")
            try pod.create(
                "k\(containerCount)", guest: guests[random(5)], resources: limits[random(3)], log: "k.log?")
        case 2, 3:
            // Not waited for, so that what comes next falls into the start.
            let call = try pod.client.begin(ServiceName.task, "Start", StartRequest(id: id))
            if random(2) == 0 { _ = try pod.client.finish(call, as: StartResponse.self) }
        case 4: try pod.kill(id, SIGTERM)
        case 5: try pod.kill(id, SIGKILL, all: true)
        case 6:
            _ = try pod.call("Delete", DeleteRequest(id: id), as: DeleteResponse.self)
            known.removeAll { $0 == id }
        case 7:
            let spec = AnyMessage(typeURL: "p", value: ProcessSpec(args: ["#_start"]).json.bytes)
            _ = try pod.call("Exec", ExecProcessRequest(id: id, execID: "e\(number)", spec: spec))
            _ = try pod.client.begin(ServiceName.task, "Start", StartRequest(id: id, execID: "e\(number)"))
        case 8:
            guard random(3) == 0 else { return }
            kill(pod.shimProcess, SIGKILL)
            isConnected = false
            known = []
            if random(2) == 0 { _ = try pod.deleteCommand() }
        case 9:
            let sandboxes = pod.processes().filter { $0 != pod.shimProcess }
            if !sandboxes.isEmpty { kill(sandboxes[random(sandboxes.count)], SIGKILL) }
        case 10: try pod.restart()
        case 11: _ = try pod.call(random(2) == 0 ? "Pause" : "Resume", PauseRequest(id: id))
        case 12: _ = try pod.call("Stats", StatsRequest(id: id), as: StatsResponse.self)
        default: _ = try pod.client.begin(ServiceName.task, "Wait", WaitRequest(id: id))
        }
    }
}
