// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the probes of a container, over time.

import Probes
import Synchronization
import TestSupport
import Testing

/// Remembers events with their times; answers probes from a script.
private final class Recorder: Sendable {
    let clock = ManualClock()
    private let state = Mutex<[(Duration, ProbeEvent)]>([])

    var events: [ProbeEvent] { state.withLock { $0.map(\.1) } }
    func time(of event: ProbeEvent) -> Duration? { state.withLock { $0.first { $0.1 == event }?.0 } }

    var nodeClock: NodeClock {
        NodeClock(now: { self.clock.now }, sleep: { try await self.clock.sleep($0) })
    }

    func run(
        _ specifications: [ProbeSpecification],
        answer: @escaping @Sendable (ProbeKind, Duration) async -> ProbeOutcome
    ) -> Task<Void, Never> {
        let probes = ContainerProbes(specifications, clock: nodeClock) { await answer($0.kind, self.clock.now) }
        return Task {
            await probes.run(startedAt: .zero) { event in
                self.state.withLock { $0.append((self.clock.now, event)) }
            }
        }
    }
}

private func probe(_ kind: ProbeKind, _ settings: ProbeSettings = ProbeSettings()) -> ProbeSpecification {
    ProbeSpecification(kind: kind, action: .tcpSocket(host: "127.0.0.1", port: 1), settings: settings)
}

@Suite struct `The probes of a container` {
    @Test func `without probes it is started and ready at once`() async {
        let recorder = Recorder()
        await recorder.run([]) { _, _ in ProbeOutcome(.success) }.value
        #expect(recorder.events == [.started, .ready(true)])
    }

    @Test func `startup gates liveness and readiness`() async {
        let recorder = Recorder()
        let asked = Mutex<[ProbeKind: Duration]>([:])
        let task = recorder.run([probe(.startup), probe(.liveness), probe(.readiness)]) { kind, now in
            asked.withLock { if $0[kind] == nil { $0[kind] = now } }
            return ProbeOutcome(kind != .startup || now >= .milliseconds(300) ? .success : .failure)
        }
        await recorder.clock.advance(by: .seconds(1))
        #expect(recorder.events == [.started, .ready(true)])
        let first = asked.withLock { $0 }
        #expect(first[.startup] == .zero)
        // 310 ms is the first early attempt after 300 ms; readiness follows without a pause.
        #expect(first[.readiness] == .milliseconds(310))
        #expect(first[.liveness] == .milliseconds(310))
        task.cancel()
        await task.value
    }

    @Test func `a startup probe that never passes restarts the container in time`() async {
        let recorder = Recorder()
        let settings = ProbeSettings(period: .seconds(2), failureThreshold: 3, terminationGracePeriodSeconds: 5)
        let task = recorder.run([probe(.startup, settings), probe(.liveness)]) { _, _ in
            ProbeOutcome(.failure, "refused")
        }
        await recorder.clock.advance(by: .seconds(7))
        let restart = ProbeEvent.mustRestart(kind: .startup, message: "refused", terminationGracePeriodSeconds: 5)
        #expect(recorder.events.last == restart)
        #expect(recorder.time(of: restart) == .seconds(6))
        #expect(recorder.events.filter { $0 == .unhealthy(kind: .startup, message: "refused") }.count == 3)
        #expect(!recorder.events.contains(.started))
        await task.value
    }

    @Test func `a probe that hangs holds up no other probe`() async {
        let recorder = Recorder()
        let task = recorder.run([probe(.liveness, ProbeSettings(failureThreshold: 1)), probe(.readiness)]) { kind, _ in
            if kind == .readiness { try? await recorder.clock.sleep(.seconds(1000)) }
            return ProbeOutcome(.failure, "dead")
        }
        await recorder.clock.advance(by: .seconds(1))
        #expect(
            recorder.events.contains(
                .mustRestart(kind: .liveness, message: "dead", terminationGracePeriodSeconds: nil)))
        task.cancel()
        await task.value
    }

    @Test func `readiness comes and goes with events`() async {
        let recorder = Recorder()
        let settings = ProbeSettings(period: .seconds(1), failureThreshold: 2)
        let task = recorder.run([probe(.readiness, settings)]) { _, now in
            ProbeOutcome(now > .seconds(2) && now < .seconds(5) ? .failure : .success, "busy")
        }
        await recorder.clock.advance(by: .seconds(8))
        #expect(
            recorder.events == [
                .started, .ready(true), .unhealthy(kind: .readiness, message: "busy"),
                .unhealthy(kind: .readiness, message: "busy"), .ready(false), .ready(true),
            ])
        task.cancel()
        await task.value
    }
}
