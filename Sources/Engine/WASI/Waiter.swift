// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the one place where a guest's thread waits, and where the supervisor reaches it.
internal import Glibc
internal import Linux

/// Waits for descriptors and, at the same time, for the supervisor.
///
/// A guest has one thread and no signals. Whatever may block in a WASI function (reading a pipe or socket, accepting,
/// connecting, polling, sleeping) waits here, so that a request on the control descriptor is served while the guest
/// waits. See docs/guide/lifecycle.md for what a guest sees after `stop()`.
public final class Waiter {
    public enum State: Sendable, Equatable {
        case running
        /// The supervisor wants the guest to end: listeners accept no more, sleeps and reads of stdin end.
        case stopping
    }

    public enum Result: Sendable, Equatable {
        /// At least one descriptor has events in `revents`.
        case ready
        case timedOut
        /// `onControl` ran. The guest may have been called, descriptors may be closed, the state may have changed:
        /// look at everything again.
        case interrupted
    }

    public private(set) var state: State = .running
    /// How many waits are under way, one inside the other; more than 1 while a probe called from `onControl` waits.
    public private(set) var depth = 0
    /// Held by the calling thread outside of poll(2); nil when the guest has one thread.
    var lock: GuestLock?
    private let controlDescriptor: Int32?
    private let onControl: (Waiter) -> Void

    /// - Parameter controlDescriptor: polled for reading in every wait; nil when nobody supervises.
    /// - Parameter onControl: called when `controlDescriptor` is readable or hung up, on the guest's thread, inside a
    ///   host call. It must consume what made the descriptor readable. It may call `stop()`, and it may call the guest
    ///   (a probe export): the base address of the guest's memory must not change by that, its size may grow.
    ///   With `depth` > 1 it runs inside such a call already.
    public init(controlDescriptor: Int32? = nil, onControl: @escaping (Waiter) -> Void = { _ in }) {
        self.controlDescriptor = controlDescriptor
        self.onControl = onControl
    }

    /// From now on the guest is asked to end.
    public func stop() { state = .stopping }

    /// Serves what the supervisor has already asked, without waiting.
    public func serveControl() {
        guard let controlDescriptor else { return }
        var entry = pollfd(fd: controlDescriptor, events: Int16(POLLIN), revents: 0)
        if Glibc.poll(&entry, 1, 0) > 0 { runControl() }
    }

    /// Waits until a descriptor is ready, `deadline` has come, or the supervisor was served.
    ///
    /// - Parameter entries: poll(2) entries; `revents` is set. May be empty.
    /// - Parameter deadline: CLOCK_MONOTONIC in nanoseconds; nil: no end.
    /// - Throws: what ppoll(2) fails with, other than EINTR.
    func wait(_ entries: inout [pollfd], deadline: UInt64?) throws(Errno) -> Result {
        let count = entries.count
        if let controlDescriptor {
            entries.append(pollfd(fd: controlDescriptor, events: Int16(POLLIN), revents: 0))
        }
        defer { entries.removeLast(entries.count - count) }
        while true {
            lock?.unlock()
            var ready = Waiter.poll(&entries, deadline: deadline)
            lock?.lock()
            if lock != nil, ready > 0 {
                // Another thread may have taken what was there while the lock was free.
                ready = Waiter.poll(&entries, deadline: 0)
                if ready == 0 { continue }
            }
            guard ready >= 0 else {
                if Glibc.errno == EINTR { continue }
                throw .last
            }
            if ready == 0 { return .timedOut }
            // Descriptors first: what is there already is not lost to a stop that comes at the same time.
            if entries.count > count, entries[count].revents != 0 {
                runControl()
                return .interrupted
            }
            return .ready
        }
    }

    /// Waits for one descriptor. `result` is `.ready` also for errors and hang-ups.
    func wait(for descriptor: Int32, events: Int32, deadline: UInt64? = nil) throws(Errno) -> Result {
        var entries = [pollfd(fd: descriptor, events: Int16(events), revents: 0)]
        return try wait(&entries, deadline: deadline)
    }

    private func runControl() {
        depth += 1
        defer { depth -= 1 }
        onControl(self)
    }

    private static func poll(_ entries: inout [pollfd], deadline: UInt64?) -> Int32 {
        guard let deadline else { return waitForDescriptors(&entries, count: entries.count, timeout: nil) }
        let now = Clock.monotonic.now
        let left = deadline > now ? deadline - now : 0
        return waitForDescriptors(&entries, count: entries.count, timeout: left)
    }
}

/// The clocks of WASI (`clockid`).
enum Clock: UInt32 {
    case realtime, monotonic, processCPUTime, threadCPUTime

    var hostIdentifier: clockid_t {
        switch self {
        case .realtime: CLOCK_REALTIME
        case .monotonic: CLOCK_MONOTONIC
        case .processCPUTime: CLOCK_PROCESS_CPUTIME_ID
        case .threadCPUTime: CLOCK_THREAD_CPUTIME_ID
        }
    }

    /// In nanoseconds.
    var now: UInt64 {
        var time = timespec()
        clock_gettime(hostIdentifier, &time)
        return time.nanoseconds
    }

    /// In nanoseconds, at least 1.
    var resolution: UInt64 {
        var time = timespec()
        clock_getres(hostIdentifier, &time)
        return max(time.nanoseconds, 1)
    }
}

extension timespec {
    /// Since the epoch; times before it count as 0, times after the year 2554 as the last one WASI can say.
    var nanoseconds: UInt64 {
        guard tv_sec >= 0 else { return 0 }
        let (product, overflow) = UInt64(tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carry) = product.addingReportingOverflow(UInt64(tv_nsec))
        return overflow || carry ? .max : sum
    }

    init(nanoseconds: UInt64) {
        self.init(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    }
}
