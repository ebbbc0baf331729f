// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the table of states, and the shim's command line.
import TTRPC
import TaskService
import Testing

@Suite struct LifecycleTests {
    private static let states: [Lifecycle] = [.created, .starting, .running, .paused, .stopped]
    private static let events: [Lifecycle.Event] = [.start, .started, .pause, .resume, .ended]

    /// Rows: states, columns: events; nil is refused.
    private static let table: [[Lifecycle?]] = [
        [.starting, nil, nil, nil, .stopped],
        [nil, .running, nil, nil, .stopped],
        [nil, nil, .paused, nil, .stopped],
        [nil, nil, nil, .running, .stopped],
        [nil, nil, nil, nil, nil],
    ]

    @Test func `the table is exactly this`() {
        for (row, state) in Self.states.enumerated() {
            for (column, event) in Self.events.enumerated() {
                do throws(Status) {
                    #expect(try state.after(event, of: "container c") == Self.table[row][column])
                } catch {
                    #expect(Self.table[row][column] == nil, "\(state) \(event)")
                    #expect(error.code == .failedPrecondition)
                    #expect(error.message.hasPrefix("container c is \(state): \(event) needs "))
                }
            }
        }
    }

    @Test func `stopped is the end of every walk`() throws {
        var state: UInt64 = 3
        for _ in 0..<500 {
            var lifecycle = Lifecycle.created
            for _ in 0..<20 {
                state = state &* 6_364_136_223_846_793_005 &+ 1
                let event = Self.events[Int(state >> 40) % Self.events.count]
                let before = lifecycle
                lifecycle = (try? lifecycle.after(event, of: "c")) ?? lifecycle
                if before == .stopped { #expect(lifecycle == .stopped) }
            }
            #expect(lifecycle == .stopped || (try? lifecycle.after(.ended, of: "c")) == .stopped)
        }
    }
}

@Suite struct ShimArgumentsTests {
    @Test func `containerd's start call is read`() throws {
        let arguments = try ShimArguments(parsing: [
            "-namespace", "k8s.io", "-address", "/run/containerd/containerd.sock", "-publish-binary",
            "/usr/bin/containerd", "-id", "abc", "-debug", "start",
        ])
        #expect(arguments.action == .start && arguments.namespace == "k8s.io" && arguments.id == "abc")
        #expect(arguments.address == "/run/containerd/containerd.sock" && arguments.isDebug)
        let node = try ShimArguments(parsing: ["--namespace=default", "-id=p", "-address", "", "-bundle=/b", "delete"])
        #expect(node.action == .delete && node.bundle == "/b" && node.address.isEmpty)
        #expect(try ShimArguments(parsing: ["-info"]).action == .info)
    }

    @Test(arguments: [
        [], ["start"], ["-namespace", "a", "start"], ["-namespace", "a", "-id", "start"],
        ["-id", "../x", "-namespace", "a", "start"],
        ["-namespace", "a", "-id", "b", "stop"], ["-namespace", "a", "-id", "b", "-frob", "start"],
        ["-namespace", "a", "-id", "b", "start", "start"], ["-namespace", "a", "-id", "a/b", "start"], ["-id"],
    ])
    func `anything else is refused`(arguments: [String]) {
        #expect(throws: ShimFailure.self) { try ShimArguments(parsing: arguments) }
    }
}
