// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the one loop of a shim process: descriptors, timers, signals.
internal import CEpoll
import Glibc

/// A single-threaded epoll loop.
///
/// A shim waits for many things and computes almost nothing. One thread without locks is the smallest and the easiest
/// to reason about: every handler runs to its end before the next, and a call that must wait (Task `Wait`) keeps its
/// reply for later instead of a thread. Not Sendable: everything happens on the thread that calls `run`.
public final class EventLoop {
    public struct Readiness: OptionSet, Sendable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static let read = Readiness(rawValue: 1)
        public static let write = Readiness(rawValue: 2)
        /// The peer hung up or an error is pending; delivered whatever was asked for.
        public static let hangup = Readiness(rawValue: 4)
    }

    public struct Timer: Hashable, Sendable {
        fileprivate let id: UInt64
    }

    private struct Watch {
        var generation: UInt32
        var handler: (Readiness) -> Void
    }

    private let epoll: Int32
    private var watches: [Int32: Watch] = [:]
    private var generation: UInt32 = 0
    private var timers: [UInt64: (deadline: UInt64, action: () -> Void)] = [:]
    private var timerCount: UInt64 = 0
    private var isStopped = false

    public init() throws(SystemFailure) {
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw .last("epoll_create1", "event loop") }
    }

    deinit { close(epoll) }

    /// Nanoseconds of CLOCK_MONOTONIC.
    public static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Calls the handler whenever the descriptor is ready (level-triggered). The caller keeps the descriptor.
    public func watch(
        _ descriptor: Int32, for readiness: Readiness, _ handler: @escaping (Readiness) -> Void
    ) throws(SystemFailure) {
        generation &+= 1
        var event = self.event(descriptor, readiness, generation)
        guard epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0 else {
            throw .last("epoll_ctl add", "descriptor \(descriptor)")
        }
        watches[descriptor] = Watch(generation: generation, handler: handler)
    }

    /// Changes what a watched descriptor is watched for; nothing but hang-up with an empty set.
    public func change(_ descriptor: Int32, to readiness: Readiness) {
        guard let watch = watches[descriptor] else { return }
        var event = self.event(descriptor, readiness, watch.generation)
        epoll_ctl(epoll, EPOLL_CTL_MOD, descriptor, &event)
    }

    /// Ends the watch; to be called before the descriptor is closed. Unknown descriptors are fine.
    public func unwatch(_ descriptor: Int32) {
        guard watches.removeValue(forKey: descriptor) != nil else { return }
        epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, nil)
    }

    /// Runs the action once, not before `nanoseconds` from now.
    @discardableResult
    public func schedule(afterNanoseconds nanoseconds: UInt64, _ action: @escaping () -> Void) -> Timer {
        timerCount += 1
        let (deadline, overflow) = Self.now.addingReportingOverflow(nanoseconds)
        timers[timerCount] = (overflow ? .max : deadline, action)
        return Timer(id: timerCount)
    }

    public func cancel(_ timer: Timer) { timers[timer.id] = nil }

    /// Blocks the signals for the process and hands their numbers to the handler. Call before any thread exists.
    ///
    /// The returned descriptor stays watched for the life of the loop.
    public func watchSignals(_ signals: [Int32], _ handler: @escaping (Int32) -> Void) throws(SystemFailure) {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        sigprocmask(SIG_BLOCK, &set, nil)
        let descriptor = signalfd(-1, &set, Int32(SFD_CLOEXEC | SFD_NONBLOCK))
        guard descriptor >= 0 else { throw .last("signalfd", "\(signals)") }
        try watch(descriptor, for: .read) { _ in
            var information = signalfd_siginfo()
            let size = MemoryLayout<signalfd_siginfo>.size
            while read(descriptor, &information, size) == size { handler(Int32(information.ssi_signo)) }
        }
    }

    public func stop() { isStopped = true }

    /// Handles events until `stop`.
    public func run() throws(SystemFailure) {
        isStopped = false
        while !isStopped { try runOnce(timeoutMilliseconds: -1) }
    }

    /// Handles what is ready, waiting for it at most so long (-1: for ever).
    public func runOnce(timeoutMilliseconds: Int32) throws(SystemFailure) {
        var timeout = timeoutMilliseconds
        if let first = timers.values.lazy.map(\.deadline).min() {
            let now = Self.now
            let milliseconds = first <= now ? 0 : (first - now + 999_999) / 1_000_000
            let bounded = Int32(clamping: milliseconds)
            timeout = timeout < 0 ? bounded : min(timeout, bounded)
        }
        // LIMIT: events per turn; what is left over is reported again.
        var events = [epoll_event](repeating: epoll_event(), count: 16)
        let count = epoll_wait(epoll, &events, 16, timeout)
        guard count >= 0 else {
            if errno == EINTR { return }
            throw .last("epoll_wait", "event loop")
        }
        for event in events.prefix(Int(count)) { dispatch(event) }
        fireTimers()
    }

    private func dispatch(_ event: epoll_event) {
        let descriptor = Int32(truncatingIfNeeded: event.data.u64)
        // A handler earlier in this turn may have closed the descriptor, and a new one may have its number.
        guard let watch = watches[descriptor], watch.generation == UInt32(truncatingIfNeeded: event.data.u64 >> 32)
        else { return }
        var readiness: Readiness = []
        if event.events & EPOLLIN.rawValue != 0 { readiness.insert(.read) }
        if event.events & EPOLLOUT.rawValue != 0 { readiness.insert(.write) }
        if event.events & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { readiness.insert(.hangup) }
        watch.handler(readiness)
    }

    private func fireTimers() {
        guard !timers.isEmpty else { return }
        let now = Self.now
        let due = timers.filter { $0.value.deadline <= now }.sorted { $0.value.deadline < $1.value.deadline }
        for (id, timer) in due where timers.removeValue(forKey: id) != nil { timer.action() }
    }

    private func event(_ descriptor: Int32, _ readiness: Readiness, _ generation: UInt32) -> epoll_event {
        var event = epoll_event()
        if readiness.contains(.read) { event.events |= EPOLLIN.rawValue }
        if readiness.contains(.write) { event.events |= EPOLLOUT.rawValue }
        event.data.u64 = UInt64(generation) << 32 | UInt64(UInt32(bitPattern: descriptor))
        return event
    }
}
