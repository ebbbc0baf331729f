// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a clock that moves only when a test says so.

import Synchronization

/// Monotonic time in the hands of a test. Sleepers wake in the order of their deadlines.
public final class ManualClock: Sendable {
    private struct State {
        var now: Duration = .zero
        var nextID = 0
        var sleepers: [Int: (deadline: Duration, continuation: CheckedContinuation<Void, any Error>)] = [:]
        var cancelled: Set<Int> = []
    }

    private let state = Mutex(State())

    public init() {}

    public var now: Duration { state.withLock { $0.now } }

    /// How many tasks sleep now.
    public var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    public func sleep(_ duration: Duration) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let isCancelled = state.withLock { state in
                    if state.cancelled.remove(id) != nil { return true }
                    state.sleepers[id] = (state.now + duration, continuation)
                    return false
                }
                if isCancelled { continuation.resume(throwing: CancellationError()) }
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                let sleeper = state.sleepers.removeValue(forKey: id)
                if sleeper == nil { state.cancelled.insert(id) }
                return sleeper
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Moves time, stopping at every sleeper's deadline on the way so that what it does next is seen in order.
    public func advance(by duration: Duration) async {
        let end = now + duration
        await settle()
        while true {
            let due = state.withLock { state -> CheckedContinuation<Void, any Error>? in
                guard let next = state.sleepers.min(by: { $0.value.deadline < $1.value.deadline }),
                    next.value.deadline <= end
                else { return nil }
                state.now = max(state.now, next.value.deadline)
                state.sleepers[next.key] = nil
                return next.value.continuation
            }
            guard let due else { break }
            due.resume()
            await settle()
        }
        state.withLock { $0.now = end }
        await settle()
    }

    /// Lets the other tasks run until they sleep again; a few real milliseconds.
    public func settle() async {
        for _ in 0..<20 { await Task.yield() }
        try? await Task.sleep(for: .milliseconds(2))
    }
}
