// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the counting part of a probe, without time, sockets or tasks.

/// One probe of one run of a container: when to ask next, and what the answers add up to.
///
/// Times are durations since the container started. A new run of the container gets a new state.
///
/// While nothing has been decided yet (a readiness or startup probe that never passed, `successThreshold` 1), there are
/// *early* attempts between the regular ones, 10 ms apart at first and up to a second: a server that needs 15 ms to
/// listen is ready after 15 ms and not after `periodSeconds`. Upstream allows attempts "at times other than the
/// configured periodSeconds interval" while a pod is not ready. Only the passes of early attempts count, never their
/// failures: `failureThreshold × periodSeconds` keeps its meaning.
public struct ProbeState: Sendable, Equatable {
    public enum Verdict: Sendable, Equatable {
        /// A startup probe before its first decision.
        case undecided
        case passing
        case failing
    }

    /// What an attempt changed.
    public struct Report: Sendable, Equatable {
        /// Whether the attempt was a regular one, so that its failure deserves an event.
        public var isCounted: Bool
        public var verdict: Verdict
        /// Whether the attempt moved the verdict.
        public var hasChanged: Bool
    }

    /// The first pause between early attempts.
    public static let earlyPauseMin: Duration = .milliseconds(10)
    /// The longest pause between early attempts.
    public static let earlyPauseMax: Duration = .seconds(1)

    public let kind: ProbeKind
    public let settings: ProbeSettings
    public private(set) var verdict: Verdict
    /// When to ask next.
    public private(set) var nextAttempt: Duration

    private var nextRegular: Duration
    private var earlyPause = ProbeState.earlyPauseMin
    private var hasPassed = false
    private var passesInRow = 0
    private var failuresInRow = 0

    public init(kind: ProbeKind, settings: ProbeSettings) {
        self.kind = kind
        self.settings = settings
        verdict =
            switch kind {
            case .startup: .undecided
            case .liveness: .passing
            case .readiness: .failing
            }
        nextAttempt = settings.initialDelay
        nextRegular = settings.initialDelay
        // Early attempts fill the first period, so a slow start costs neither a failure nor an event.
        if mayAskEarly { nextRegular += settings.period }
    }

    private var mayAskEarly: Bool { kind != .liveness && !hasPassed && settings.successThreshold == 1 }

    /// Asks at once: upstream does so for readiness when the startup probe has passed.
    public mutating func bringForward(to now: Duration) {
        guard now >= settings.initialDelay else { return }
        nextAttempt = now
        nextRegular = mayAskEarly ? now + settings.period : now
    }

    /// Takes an answer that came at `now`.
    public mutating func record(_ outcome: ProbeOutcome, at now: Duration) -> Report {
        let isRegular = nextAttempt >= nextRegular
        let before = verdict
        // An early pass starts the regular rhythm; a late attempt does not make the following ones hurry.
        if isRegular || (outcome.hasPassed && mayAskEarly) { nextRegular = max(nextAttempt, now) + settings.period }
        switch outcome.verdict {
        case .success, .warning:
            passesInRow += 1
            failuresInRow = 0
            if passesInRow >= settings.successThreshold { verdict = .passing }
        case .failure where isRegular:
            failuresInRow += 1
            passesInRow = 0
            if failuresInRow >= settings.failureThreshold { verdict = .failing }
        case .failure, .unknown:
            break
        }
        if outcome.hasPassed { hasPassed = true }
        scheduleNext(after: now)
        return Report(isCounted: isRegular, verdict: verdict, hasChanged: verdict != before)
    }

    private mutating func scheduleNext(after now: Duration) {
        nextAttempt = nextRegular
        guard mayAskEarly else { return }
        nextAttempt = min(nextRegular, now + earlyPause)
        earlyPause = min(earlyPause * 2, ProbeState.earlyPauseMax)
    }
}
