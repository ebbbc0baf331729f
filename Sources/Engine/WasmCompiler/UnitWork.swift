// SPDX-License-Identifier: Apache-2.0
// Swiftlet: units of work that several threads take one after the other.

import Glibc
import Synchronization

/// What became of a unit.
struct UnitOutcome: Sendable {
    var object: [UInt8]
    /// Indices of the functions that have code.
    var compiled: [UInt32]
    /// Indices of functions that are called here and have no code here.
    var wanted: [UInt32]
}

/// Units that several threads take one after the other.
final class UnitWork: Sendable {
    private struct State {
        var next = 0
        var doneBytes = 0
        var outcomes: [UnitOutcome?]
        var failure: (any Error)?
    }

    /// Processor time of the process, in nanoseconds, after which no unit is begun except the first.
    private let end: UInt64?

    private let state: Mutex<State>
    private let sizes: [Int]
    private let progress: (@Sendable (Double) -> Void)?
    private let compile: @Sendable (Int) throws -> UnitOutcome

    init(
        _ plan: UnitPlan, processorSeconds: Double?, progress: (@Sendable (Double) -> Void)?,
        compile: @escaping @Sendable (Int) throws -> UnitOutcome
    ) {
        state = Mutex(State(outcomes: Array(repeating: nil, count: plan.units.count)))
        sizes = plan.units.map(\.byteCount)
        end = processorSeconds.map { Self.processorTime() + UInt64(max(0, min($0, 1e6)) * 1e9) }
        self.progress = progress
        self.compile = compile
    }

    private static func processorTime() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// The outcomes in the order of the units, without those that time did not allow; or the first failure.
    func run(_ threads: CompilerThreads?) throws -> [UnitOutcome] {
        if let threads { threads.run { self.takeAll() } } else { takeAll() }
        return try state.withLock { state in
            if let failure = state.failure { throw failure }
            return state.outcomes.compactMap { $0 }
        }
    }

    private func takeAll() {
        while let unit = takeNext() {
            do {
                let outcome = try compile(unit)
                let share = state.withLock { state in
                    state.outcomes[unit] = outcome
                    state.doneBytes += sizes[unit]
                    return Double(state.doneBytes) / Double(max(1, sizes.reduce(0, +)))
                }
                progress?(share)
            } catch {
                state.withLock { $0.failure = $0.failure ?? error }
            }
        }
    }

    private func takeNext() -> Int? {
        state.withLock { state in
            guard state.failure == nil, state.next < sizes.count else { return nil }
            if let end, state.next > 0, Self.processorTime() >= end { return nil }
            state.next += 1
            return state.next - 1
        }
    }
}
