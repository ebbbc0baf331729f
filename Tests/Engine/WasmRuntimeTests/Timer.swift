// SPDX-License-Identifier: Apache-2.0
// Swiftlet: does something a moment later, on another thread.
import Glibc
import Synchronization

/// A thread that calls `action` 50 ms after each `arm()`, unless `disarm()` comes first; neither overlaps the action.
final class Timer: Sendable {
    private let action: @Sendable () -> Void
    private let deadline = Mutex<UInt64?>(nil)
    private let isStopped = Atomic<Bool>(false)

    init(_ action: @escaping @Sendable () -> Void) {
        self.action = action
        // A thread of its own: the tests keep the ones of the concurrency runtime busy.
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self).toOpaque()
        pthread_create(
            &thread, nil,
            { context in
                if let context { Unmanaged<Timer>.fromOpaque(context).takeRetainedValue().loop() }
                return nil
            }, context)
        pthread_detach(thread)
    }

    private func loop() {
        while !isStopped.load(ordering: .acquiring) {
            usleep(2000)
            deadline.withLock { deadline in
                guard let time = deadline, Self.now() >= time else { return }
                deadline = nil
                action()
            }
        }
    }

    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    func arm() { deadline.withLock { $0 = Self.now() + 50_000_000 } }
    func disarm() { deadline.withLock { $0 = nil } }
    func stop() {
        disarm()
        isStopped.store(true, ordering: .releasing)
    }
}
