// SPDX-License-Identifier: Apache-2.0
// Swiftlet: how far a pull or a push is.

import Glibc
import Images
import Registry
import Synchronization

/// One line on a terminal, rewritten a few times a second; elsewhere a line per blob. On standard error: standard output
/// has the result.
final class TransferView: Sendable {
    private struct State {
        var total: UInt64 = 0
        var done: [Digest: UInt64] = [:]
        var sizes: [Digest: UInt64] = [:]
        var finished = 0
        var lastMilliseconds: Int64 = 0
        var hasLine = false
    }

    private let state = Mutex(State())
    private let isQuiet: Bool
    private let isTerminal = isatty(STDERR_FILENO) == 1

    init(isQuiet: Bool) { self.isQuiet = isQuiet }

    func show(_ event: TransferEvent) {
        guard !isQuiet else { return }
        state.withLock { state in
            switch event {
            case .resolved(let digest, let bytes):
                state.total = bytes
                if !isTerminal { writeError("manifest \(digest)\n") }
            case .begun(let digest, let bytes):
                state.sizes[digest] = bytes
                state.done[digest] = 0
            case .progressed(let digest, let count): state.done[digest] = count
            case .finished(let digest):
                state.done[digest] = state.sizes[digest]
                state.finished += 1
                if !isTerminal { writeError("blob \(digest.short): \(Self.size(state.sizes[digest] ?? 0))\n") }
            case .present(let digest):
                state.finished += 1
                if !isTerminal { writeError("blob \(digest.short): already there\n") }
            }
            draw(&state, event)
        }
    }

    private func draw(_ state: inout State, _ event: TransferEvent) {
        guard isTerminal else { return }
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        let milliseconds = Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
        // LIMIT: ten times a second.
        guard milliseconds - state.lastMilliseconds >= 100 else { return }
        state.lastMilliseconds = milliseconds
        state.hasLine = true
        let done = state.done.values.reduce(0, +)
        let wanted = max(state.sizes.values.reduce(0, +), done)
        writeError(
            "\r\u{1B}[K\(state.finished) blobs done, \(Self.size(done)) of \(Self.size(max(wanted, state.total)))")
    }

    /// Takes the line away.
    func finish() {
        state.withLock { state in
            if state.hasLine { writeError("\r\u{1B}[K") }
            state.hasLine = false
        }
    }

    /// `812 B`, `1.2 MB`: decimal units, as registries count.
    static func size(_ bytes: UInt64) -> String {
        var value = Double(bytes)
        var units = ["B", "kB", "MB", "GB", "TB"][...]
        while value >= 1000, units.count > 1 {
            value /= 1000
            units = units.dropFirst()
        }
        guard units.count < 5 else { return "\(bytes) B" }
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10) \(units.first ?? "")"
    }
}
