// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a module in pieces that are compiled on their own, and the threads that do it.

import CLLVM
import Glibc
import Synchronization
import Wasm
import WasmRuntime

/// Which functions are compiled together.
struct UnitPlan: Sendable {
    // LIMIT: bytes of function bodies per unit. LLVM's memory grows with it (a few hundred bytes for each), what can be
    // inlined as well.
    static let unitBytes = 384 << 10

    let module: Module
    let layout: ContextLayout
    let indices: IndexSpaces
    private(set) var units: [Range<UInt32>] = []
    /// Type indices whose thunk the unit makes.
    private(set) var thunks: [[UInt32]] = []

    init(_ module: Module) {
        self.module = module
        layout = ContextLayout(module)
        indices = IndexSpaces(module)
        let first = UInt32(layout.importedFunctionCount)
        var start = first
        var bytes = 0
        for (offset, body) in module.code.enumerated() {
            bytes += body.code.count
            guard bytes >= Self.unitBytes || offset == module.code.count - 1 else { continue }
            let end = first + UInt32(offset) + 1
            units.append(start..<end)
            start = end
            bytes = 0
        }
        var seen: Set<UInt32> = []
        for unit in units {
            var needed: [UInt32] = []
            for index in unit {
                let type = module.functionTypeIndices[Int(index - first)]
                if seen.insert(type).inserted { needed.append(type) }
            }
            thunks.append(needed)
        }
    }

    func byteCount(_ unit: Int) -> Int {
        let first = UInt32(layout.importedFunctionCount)
        return units[unit].reduce(0) { $0 + module.code[Int($1 - first)].code.count }
    }
}

/// What became of a unit.
struct UnitOutcome: Sendable {
    var object: [UInt8]
    /// Indices of the functions that have code.
    var compiled: [UInt32]
}

/// Units that several threads take one after the other.
final class UnitWork: Sendable {
    private struct State {
        var next = 0
        var doneBytes = 0
        var outcomes: [UnitOutcome?]
        var failure: (any Error)?
    }

    private let state: Mutex<State>
    private let sizes: [Int]
    private let progress: (@Sendable (Double) -> Void)?
    private let compile: @Sendable (Int) throws -> UnitOutcome

    init(
        _ plan: UnitPlan, progress: (@Sendable (Double) -> Void)?,
        compile: @escaping @Sendable (Int) throws -> UnitOutcome
    ) {
        state = Mutex(State(outcomes: Array(repeating: nil, count: plan.units.count)))
        sizes = plan.units.indices.map { plan.byteCount($0) }
        self.progress = progress
        self.compile = compile
    }

    /// The outcomes in the order of the units, or the first failure.
    func run(threads: Int) throws -> [UnitOutcome] {
        var others: [pthread_t] = []
        for _ in 1..<max(1, min(threads, sizes.count)) {
            guard let thread = Self.start(self) else { break }
            others.append(thread)
        }
        takeAll()
        for thread in others { pthread_join(thread, nil) }
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
            state.next += 1
            return state.next - 1
        }
    }

    /// LLVM recurses over expressions: its threads get the stack that a main thread has.
    private static func start(_ work: UnitWork) -> pthread_t? {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, 16 << 20)
        var thread = pthread_t()
        let context = Unmanaged.passRetained(work)
        let error = pthread_create(
            &thread, &attributes,
            { context in
                guard let context else { return nil }
                Unmanaged<UnitWork>.fromOpaque(context).takeRetainedValue().takeAll()
                return nil
            }, context.toOpaque())
        if error != 0 {
            context.release()
            return nil
        }
        return thread
    }
}
