// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the counting of probes.

import Probes
import Testing

private let pass = ProbeOutcome(.success)
private let fail = ProbeOutcome(.failure, "no")

@Suite struct `A probe's state` {
    @Test func `liveness passes until failureThreshold failures in a row`() {
        var state = ProbeState(kind: .liveness, settings: ProbeSettings(period: .seconds(10), failureThreshold: 3))
        #expect(state.verdict == .passing)
        var now = Duration.zero
        for (index, outcome) in [fail, fail, pass, fail, fail, fail].enumerated() {
            #expect(state.nextAttempt == .seconds(10) * index)
            now = state.nextAttempt
            let report = state.record(outcome, at: now)
            #expect(report.isCounted)
            #expect(report.hasChanged == (index == 5))
        }
        #expect(state.verdict == .failing)
    }

    @Test func `nothing is asked before the initial delay`() {
        let settings = ProbeSettings(initialDelay: .seconds(7))
        for kind in ProbeKind.allCases {
            var state = ProbeState(kind: kind, settings: settings)
            #expect(state.nextAttempt == .seconds(7))
            state.bringForward(to: .seconds(3))
            #expect(state.nextAttempt == .seconds(7))
        }
    }

    @Test func `readiness is asked early and often until it first passes`() {
        var state = ProbeState(kind: .readiness, settings: ProbeSettings(period: .seconds(10)))
        #expect(state.verdict == .failing)
        var times: [Duration] = []
        for _ in 0..<5 {
            times.append(state.nextAttempt)
            let report = state.record(fail, at: state.nextAttempt)
            #expect(!report.isCounted && !report.hasChanged)
        }
        #expect(times == [0, 10, 30, 70, 150].map { .milliseconds($0) })
        let report = state.record(pass, at: state.nextAttempt)
        #expect(report.hasChanged && report.verdict == .passing)
        // 310 ms was the early pass; from there the rhythm is the manifest's.
        #expect(state.nextAttempt == .milliseconds(310) + .seconds(10))
    }

    @Test func `the failures of early attempts never count`() {
        var state = ProbeState(
            kind: .startup, settings: ProbeSettings(period: .seconds(2), failureThreshold: 2))
        var counted = 0
        while state.verdict == .undecided {
            if state.record(fail, at: state.nextAttempt).isCounted { counted += 1 }
        }
        #expect(counted == 2)
        #expect(state.verdict == .failing)
    }

    @Test func `a startup probe has failureThreshold times period to pass`() {
        var state = ProbeState(kind: .startup, settings: ProbeSettings(period: .seconds(10), failureThreshold: 3))
        var last = Duration.zero
        while state.verdict == .undecided {
            last = state.nextAttempt
            _ = state.record(fail, at: last)
        }
        #expect(last == .seconds(30))
    }

    @Test func `a success threshold above one leaves no early attempts`() {
        var state = ProbeState(kind: .readiness, settings: ProbeSettings(period: .seconds(5), successThreshold: 2))
        #expect(!state.record(pass, at: .zero).hasChanged)
        #expect(state.nextAttempt == .seconds(5))
        #expect(state.record(pass, at: .seconds(5)).verdict == .passing)
    }

    @Test func `an unknown outcome counts for nothing`() {
        var state = ProbeState(kind: .liveness, settings: ProbeSettings(failureThreshold: 1))
        #expect(state.record(ProbeOutcome(.unknown), at: .zero).verdict == .passing)
    }

    @Test func `readiness falls after failureThreshold and returns after successThreshold`() {
        var state = ProbeState(kind: .readiness, settings: ProbeSettings(period: .seconds(1), failureThreshold: 2))
        _ = state.record(pass, at: .zero)
        #expect(state.verdict == .passing)
        #expect(!state.record(fail, at: .seconds(1)).hasChanged)
        #expect(state.record(fail, at: .seconds(2)).verdict == .failing)
        #expect(state.nextAttempt == .seconds(3))
        #expect(state.record(pass, at: .seconds(3)).verdict == .passing)
    }
}

@Suite struct `The probe-export annotation` {
    @Test func `alone it means liveness of the only container`() {
        let result = ProbeExport.parse(annotations: ["swiftlet.dev/probe-export": "healthy"], containers: ["api"])
        #expect(result.exports == ["api": [.liveness: "healthy"]])
        #expect(result.problems.isEmpty)
    }

    @Test func `with container and kind it means just that`() {
        let result = ProbeExport.parse(
            annotations: [
                "swiftlet.dev/probe-export.api.readiness": "ready", "swiftlet.dev/probe-export.api.startup": "up",
                "swiftlet.dev/probe-exports": "x", "other": "y",
            ], containers: ["api", "sidecar"])
        #expect(result.exports == ["api": [.readiness: "ready", .startup: "up"]])
        #expect(result.problems.isEmpty)
    }

    @Test(arguments: [
        ["swiftlet.dev/probe-export": "healthy"], ["swiftlet.dev/probe-export.api.health": "x"],
        ["swiftlet.dev/probe-export.nobody.liveness": "x"], ["swiftlet.dev/probe-export.api.liveness": ""],
        ["swiftlet.dev/probe-export.api": "x"],
    ])
    func `nonsense is reported and not obeyed`(annotations: [String: String]) {
        let result = ProbeExport.parse(annotations: annotations, containers: ["api", "sidecar"])
        #expect(result.exports.isEmpty)
        #expect(result.problems.count == 1)
    }
}
