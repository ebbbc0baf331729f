// SPDX-License-Identifier: Apache-2.0
// Swiftlet: waiting for descriptors, and clocks.

internal import CLinux
internal import Glibc

/// What a descriptor is ready for, or asked about (the bits of epoll_ctl(2), equal to those of poll(2)).
public struct Readiness: OptionSet, Sendable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let readable = Readiness(rawValue: 0x001)
    public static let writable = Readiness(rawValue: 0x004)
    public static let error = Readiness(rawValue: 0x008)
    public static let hangUp = Readiness(rawValue: 0x010)
    public static let peerClosedWriting = Readiness(rawValue: 0x2000)
}

/// An epoll(7) instance, level-triggered.
public struct EventQueue: ~Copyable, Sendable {
    public let descriptor: OwnedDescriptor

    public struct Event: Sendable {
        /// What `add` was given.
        public var token: UInt64
        public var readiness: Readiness
    }

    public init() throws(SystemError) {
        descriptor = OwnedDescriptor(owning: try checkRaw("epoll_create1") { swl_epoll_create() })
    }

    public func add(_ watched: Int32, _ interest: Readiness, token: UInt64) throws(SystemError) {
        try control(1, watched, interest, token)
    }

    public func modify(_ watched: Int32, _ interest: Readiness, token: UInt64) throws(SystemError) {
        try control(3, watched, interest, token)
    }

    public func remove(_ watched: Int32) throws(SystemError) { try control(2, watched, [], 0) }

    /// Waits up to `timeoutMilliseconds` (-1: for ever) and returns what is ready, at most 64 at once. A signal ends
    /// the wait with nothing.
    public func wait(timeoutMilliseconds: Int32 = -1) throws(SystemError) -> [Event] {
        var events = [swl_event](repeating: swl_event(), count: 64)
        let count = swl_epoll_wait(descriptor.rawValue, &events, timeoutMilliseconds)
        guard count >= 0 else {
            let error = Errno(rawValue: -count)
            if error == .interrupted { return [] }
            throw SystemError(call: "epoll_wait", errno: error)
        }
        return events[..<Int(count)].map { Event(token: $0.token, readiness: Readiness(rawValue: $0.readiness)) }
    }

    private func control(
        _ operation: Int32, _ watched: Int32, _ interest: Readiness, _ token: UInt64
    ) throws(SystemError) {
        _ = try checkRaw("epoll_ctl") {
            swl_epoll_control(descriptor.rawValue, operation, watched, interest.rawValue, token)
        }
    }
}

/// A counter that wakes whoever waits for it (eventfd(2)), non-blocking.
public struct EventCounter: ~Copyable, Sendable {
    public let descriptor: OwnedDescriptor

    public init() throws(SystemError) {
        descriptor = OwnedDescriptor(
            owning: try checkRaw("eventfd") { swl_eventfd() })
    }

    /// Adds one; safe in a signal handler and from any thread.
    public func signal() {
        var one: UInt64 = 1
        _ = write(descriptor.rawValue, &one, 8)
    }

    /// Takes the count back to zero and returns it.
    @discardableResult
    public func drain() -> UInt64 {
        var count: UInt64 = 0
        return read(descriptor.rawValue, &count, 8) == 8 ? count : 0
    }
}

/// Clocks, in nanoseconds.
public enum Clock {
    /// Nanoseconds that only grow; does not stand still in suspend (CLOCK_BOOTTIME would; this is CLOCK_MONOTONIC).
    public static func monotonicNanoseconds() -> UInt64 { nanoseconds(CLOCK_MONOTONIC) }

    /// Nanoseconds since 1970-01-01T00:00:00Z.
    public static func realNanoseconds() -> UInt64 { nanoseconds(CLOCK_REALTIME) }

    public static func sleep(milliseconds: UInt32) {
        var rest = timespec(tv_sec: Int(milliseconds / 1000), tv_nsec: Int(milliseconds % 1000) * 1_000_000)
        var remaining = timespec()
        while nanosleep(&rest, &remaining) != 0, Errno.current == .interrupted { rest = remaining }
    }

    private static func nanoseconds(_ clock: clockid_t) -> UInt64 {
        var now = timespec()
        clock_gettime(clock, &now)
        return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    }
}

/// poll(2) for one descriptor.
public enum Poll {
    /// What `descriptor` is ready for, or nothing when the time is over. A signal ends the wait with nothing.
    public static func wait(_ descriptor: Int32, for interest: Readiness, timeoutMilliseconds: Int32) -> Readiness {
        var entry = pollfd(fd: descriptor, events: Int16(truncatingIfNeeded: interest.rawValue), revents: 0)
        guard poll(&entry, 1, timeoutMilliseconds) > 0 else { return [] }
        return Readiness(rawValue: UInt32(UInt16(bitPattern: entry.revents)))
    }
}
