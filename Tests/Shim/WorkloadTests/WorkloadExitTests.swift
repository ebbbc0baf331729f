// SPDX-License-Identifier: Apache-2.0
// Swiftlet: how the end of a sandbox is judged.

import Glibc
import LaunchProtocol
import Linux
import Testing

import Workload

@Suite struct `The end of a workload` {
    private func judged(
        _ cause: ProcessExit.Cause, _ outcome: StatusRecord? = nil, kills: UInt64 = 0, hasStarted: Bool = true
    ) -> WorkloadExit {
        let end = ProcessExit(cause: cause, userMicroseconds: 0, systemMicroseconds: 0, residentKibibytesMax: 0)
        var exit = WorkloadExit(startedAtNanoseconds: hasStarted ? 1 : nil, finishedAtNanoseconds: 2, end: end)
        exit.judge(cause, outcome: outcome, outOfMemoryKills: kills)
        return exit
    }

    @Test func `is Completed with code 0 and Error with any other`() {
        #expect(judged(.exited(code: 0), .exited(code: 0)).reason == .completed)
        let exit = judged(.exited(code: 3), .exited(code: 3))
        #expect(exit.reason == .error && exit.code == 3)
    }

    @Test func `is what the records say, whatever the process did after`() {
        let exit = judged(.signaled(signal: SIGKILL), .trapped(reason: 1, message: "unreachable"), kills: 1)
        #expect(exit.reason == .trapped && exit.code == 134 && exit.message == "unreachable")
    }

    @Test func `is OOMKilled 137 only when the kernel counted a kill`() {
        let killed = judged(.signaled(signal: SIGKILL), kills: 1)
        #expect(killed.reason == .outOfMemory && killed.code == 137 && killed.signal == 9)
        #expect(judged(.signaled(signal: SIGKILL)).reason == .error)
    }

    @Test func `is StartError 125 when the guest never ran`() {
        let exit = judged(.exited(code: 125), .failed(stage: .module, message: "not a module"), hasStarted: false)
        #expect(exit.reason == .startError && exit.code == 125 && exit.failedStage == .module)
        #expect(judged(.exited(code: 0), hasStarted: false).code == 125)
    }

    @Test func `names the filter when a system call was refused`() {
        let exit = judged(.signaled(signal: SIGSYS))
        #expect(exit.code == 159 && exit.message.contains("SIGSYS"))
    }
}

@Suite struct `Descriptors of a launch` {
    @Test func `are numbered from 4 in the order of the spec`() {
        var spec = LaunchSpec(
            name: "a", moduleDescriptor: 20,
            preopens: [Preopen(descriptor: 9, guestPath: "/", isReadOnly: true)],
            network: NetworkGrant(
                isAllowed: true, listeners: [9], boundSockets: [BoundSocket(port: 80, descriptor: 4)]))
        let inheritances = SandboxLauncher.assignDescriptors(&spec)
        #expect(spec.descriptors == [4, 5, 6, 7])
        #expect(inheritances == [.init(20, as: 4), .init(9, as: 5), .init(9, as: 6), .init(4, as: 7)])
    }

    @Test func `a missing sandbox executable is named`() {
        let error = #expect(throws: WorkloadError.self) { try SandboxLauncher(executablePath: "/nowhere/sandbox") }
        #expect(error?.description == "sandbox executable /nowhere/sandbox: no such file or directory (ENOENT)")
    }
}
