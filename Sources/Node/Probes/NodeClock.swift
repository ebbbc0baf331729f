// SPDX-License-Identifier: Apache-2.0
// Swiftlet: time as the node's code sees it, so that tests can hold it.

/// A monotonic clock in two closures. Production uses `.system`; tests advance theirs by hand.
public struct NodeClock: Sendable {
    /// Time since an arbitrary fixed point.
    public var now: @Sendable () -> Duration
    /// Suspends until `now()` has advanced by the duration. Throws `CancellationError` when the task is cancelled.
    public var sleep: @Sendable (Duration) async throws -> Void

    public init(
        now: @escaping @Sendable () -> Duration, sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.now = now
        self.sleep = sleep
    }

    private static let origin = ContinuousClock.now

    public static let system = NodeClock(
        now: { origin.duration(to: ContinuousClock.now) },
        sleep: { try await ContinuousClock().sleep(for: max($0, .zero)) })
}
