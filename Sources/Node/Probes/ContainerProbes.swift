// SPDX-License-Identifier: Apache-2.0
// Swiftlet: all probes of one run of a container, each in its own child task.

/// What the probes tell the container's owner.
public enum ProbeEvent: Sendable, Equatable {
    /// The startup probe has passed, or there is none: `status.started`.
    case started
    /// Readiness went up or down.
    case ready(Bool)
    /// Liveness or startup is lost: the container must be killed. `message` is the last failure.
    case mustRestart(kind: ProbeKind, message: String, terminationGracePeriodSeconds: Int?)
    /// A regular attempt failed: upstream's `Unhealthy` event.
    case unhealthy(kind: ProbeKind, message: String)
    /// A probe passed with something to tell: upstream's `ProbeWarning` event.
    case warning(kind: ProbeKind, message: String)
}

/// Runs the probes of one container until cancelled, or until the container must be restarted.
public struct ContainerProbes: Sendable {
    private let specifications: [ProbeKind: ProbeSpecification]
    private let attempt: @Sendable (ProbeSpecification) async -> ProbeOutcome
    private let clock: NodeClock

    /// - Parameter attempt: performs one probe and keeps to its timeout.
    public init(
        _ specifications: [ProbeSpecification], clock: NodeClock = .system,
        attempt: @escaping @Sendable (ProbeSpecification) async -> ProbeOutcome
    ) {
        self.specifications = Dictionary(specifications.map { ($0.kind, $0) }) { first, _ in first }
        self.clock = clock
        self.attempt = attempt
    }

    /// Startup first; then liveness and readiness side by side, neither waiting for the other.
    ///
    /// - Parameter startedAt: the clock's time at which the container started; delays count from there.
    public func run(startedAt: Duration, report: @escaping @Sendable (ProbeEvent) async -> Void) async {
        if let startup = specifications[.startup] {
            guard await watch(startup, startedAt: startedAt, atOnce: false, report: report) == .passing else { return }
        }
        guard !Task.isCancelled else { return }
        await report(.started)
        if specifications[.readiness] == nil { await report(.ready(true)) }
        let afterStartup = specifications[.startup] != nil
        await withTaskGroup(of: Void.self) { group in
            for kind in [ProbeKind.liveness, .readiness] {
                guard let specification = specifications[kind] else { continue }
                group.addTask {
                    _ = await watch(
                        specification, startedAt: startedAt, atOnce: afterStartup && kind == .readiness, report: report)
                }
            }
        }
    }

    /// One probe's loop. Returns the verdict that ended it.
    private func watch(
        _ specification: ProbeSpecification, startedAt: Duration, atOnce: Bool,
        report: @Sendable (ProbeEvent) async -> Void
    ) async -> ProbeState.Verdict {
        var state = ProbeState(kind: specification.kind, settings: specification.settings)
        if atOnce || clock.now() - startedAt > state.nextAttempt { state.bringForward(to: clock.now() - startedAt) }
        while true {
            let pause = startedAt + state.nextAttempt - clock.now()
            if pause > .zero { try? await clock.sleep(pause) }
            if Task.isCancelled { return state.verdict }
            let outcome = await attempt(specification)
            if Task.isCancelled { return state.verdict }
            let change = state.record(outcome, at: clock.now() - startedAt)
            if outcome.verdict == .failure, change.isCounted {
                await report(.unhealthy(kind: specification.kind, message: outcome.message))
            }
            if outcome.verdict == .warning {
                await report(.warning(kind: specification.kind, message: outcome.message))
            }
            guard change.hasChanged else { continue }
            switch (specification.kind, change.verdict) {
            case (.readiness, let verdict):
                await report(.ready(verdict == .passing))
            case (.startup, .passing):
                return .passing
            case (_, .failing):
                await report(
                    .mustRestart(
                        kind: specification.kind, message: outcome.message,
                        terminationGracePeriodSeconds: specification.settings.terminationGracePeriodSeconds))
                return .failing
            case (_, _):
                continue
            }
        }
    }
}
