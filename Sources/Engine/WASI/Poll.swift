// SPDX-License-Identifier: Apache-2.0
// Swiftlet: `poll_oneoff`.
internal import Glibc
internal import Linux

/// One subscription, read from guest memory.
private struct Subscription {
    enum Event {
        /// `deadline` in nanoseconds of `clock`.
        case clock(Clock, deadline: UInt64)
        case read(UInt32)
        case write(UInt32)
        /// Reported at once.
        case failed(Errno)
    }

    var userdata: UInt64
    var tag: UInt8
    var event: Event
}

/// One event, as it is written to guest memory.
private struct Event {
    var userdata: UInt64
    var error: Errno = .success
    var tag: UInt8
    var byteCount: UInt64 = 0
    var isHangup = false
}

extension WASIContext {
    // LIMIT: subscriptions in one call.
    private static let subscriptionCountMax: UInt32 = 4096
    /// A guest that goes on sleeping while it is asked to end gets this much sleep at a time, in nanoseconds.
    private static let sleepWhileStoppingMax: UInt64 = 10_000_000
    /// The wall clock may be set while a guest waits for a point on it; it is looked at this often, in nanoseconds.
    private static let realtimeCheckInterval: UInt64 = 1_000_000_000

    func pollOneoff(_ guest: Guest) throws(Errno) {
        let count = guest.u32(2)
        guard count > 0, count <= WASIContext.subscriptionCountMax else { throw .invalid }
        _ = try guest.bytes(guest.u32(1), count * 32)
        _ = try guest.bytes(guest.u32(3), 4)
        let start = Clock.monotonic.now
        var subscriptions: [Subscription] = []
        subscriptions.reserveCapacity(Int(count))
        let size = guest.snapshot.subscriptionSize
        _ = try guest.bytes(guest.u32(0), count * size)
        for index in 0..<count {
            subscriptions.append(try subscription(guest, at: guest.u32(0) + index * size, start: start))
        }
        var events: [Event] = []
        repeat { events = try collect(subscriptions) } while events.isEmpty
        for (index, event) in events.enumerated() {
            try write(event, guest, at: guest.u32(1) + UInt32(index) * 32)
        }
        try guest.store(UInt32(events.count), at: guest.u32(3))
    }

    // MARK: one round

    /// Waits once; empty when something happened that calls for another look.
    private func collect(_ subscriptions: [Subscription]) throws(Errno) -> [Event] {
        var events: [Event] = []
        var entries: [pollfd] = []
        /// Which subscription each poll entry stands for.
        var owners: [Int] = []
        var deadline: UInt64?
        for (index, subscription) in subscriptions.enumerated() {
            switch subscription.event {
            case .failed(let error):
                events.append(Event(userdata: subscription.userdata, error: error, tag: subscription.tag))
            case .clock(let clock, let end):
                deadline = min(deadline ?? .max, monotonicDeadline(clock, end))
            case .read(let number):
                let mask = POLLIN | Int32(pollPeerClosed)
                prepare(subscription, number, .fdRead, mask, index, &entries, &owners, &events)
            case .write(let number):
                prepare(subscription, number, .fdWrite, POLLOUT, index, &entries, &owners, &events)
            }
        }
        if waiter.state == .stopping, entries.isEmpty, events.isEmpty {
            return try endSleep(subscriptions, deadline: deadline)
        }
        // With an event at hand, only what is ready besides is added.
        let result = try waiter.wait(&entries, deadline: events.isEmpty ? deadline : 0)
        if result == .interrupted { return events }
        for (entry, owner) in zip(entries, owners) where entry.revents != 0 {
            events.append(event(for: subscriptions[owner], entry))
        }
        appendDue(subscriptions, to: &events)
        return events
    }

    /// Adds a poll entry, or the event that is clear without polling.
    private func prepare(
        _ subscription: Subscription, _ number: UInt32, _ right: Rights, _ mask: Int32, _ index: Int,
        _ entries: inout [pollfd], _ owners: inout [Int], _ events: inout [Event]
    ) {
        var event = Event(userdata: subscription.userdata, tag: subscription.tag)
        guard let descriptor = descriptors[number] else {
            event.error = .badFile
            return events.append(event)
        }
        guard descriptor.rights.isSuperset(of: right.union(.pollFdReadwrite)) else {
            event.error = .notCapable
            return events.append(event)
        }
        if waiter.state == .stopping, right == .fdRead, descriptor.socket?.isListening == true {
            event.error = .canceled
            event.isHangup = true
            return events.append(event)
        }
        if waiter.state == .stopping, right == .fdRead, descriptor.readingEndsOnStop {
            event.isHangup = true
            event.byteCount = readableByteCount(descriptor)
            return events.append(event)
        }
        entries.append(pollfd(fd: descriptor.host, events: Int16(mask), revents: 0))
        owners.append(index)
    }

    /// Nothing but clocks, and the guest is asked to end: the first sleep ends at once, later ones soon.
    private func endSleep(_ subscriptions: [Subscription], deadline: UInt64?) throws(Errno) -> [Event] {
        var none: [pollfd] = []
        let cap = hasEndedSleep ? Clock.monotonic.now + WASIContext.sleepWhileStoppingMax : 0
        hasEndedSleep = true
        _ = try waiter.wait(&none, deadline: min(cap, deadline ?? .max))
        // The clock that would have been first.
        var first: (deadline: UInt64, index: Int)?
        for (index, subscription) in subscriptions.enumerated() {
            guard case .clock(let clock, let end) = subscription.event else { continue }
            let deadline = monotonicDeadline(clock, end)
            if deadline < first?.deadline ?? .max { first = (deadline, index) }
        }
        let subscription = subscriptions[first?.index ?? 0]
        return [Event(userdata: subscription.userdata, tag: subscription.tag)]
    }

    private func appendDue(_ subscriptions: [Subscription], to events: inout [Event]) {
        for subscription in subscriptions {
            guard case .clock(let clock, let end) = subscription.event, clock.now >= end else { continue }
            events.append(Event(userdata: subscription.userdata, tag: subscription.tag))
        }
    }

    private func monotonicDeadline(_ clock: Clock, _ end: UInt64) -> UInt64 {
        if clock == .monotonic { return end }
        let now = clock.now
        let left = min(end > now ? end - now : 0, WASIContext.realtimeCheckInterval)
        return Clock.monotonic.now + left
    }

    private func event(for subscription: Subscription, _ entry: pollfd) -> Event {
        var event = Event(userdata: subscription.userdata, tag: subscription.tag)
        let happened = Int32(entry.revents)
        if happened & POLLNVAL != 0 {
            event.error = .badFile
            return event
        }
        event.isHangup = happened & (POLLHUP | POLLERR | Int32(pollPeerClosed)) != 0
        switch subscription.event {
        case .read(let number):
            if let descriptor = descriptors[number] { event.byteCount = readableByteCount(descriptor) }
        default:
            event.byteCount = 1
        }
        return event
    }

    /// How much can be read at once, as far as the kernel says.
    private func readableByteCount(_ descriptor: Descriptor) -> UInt64 {
        if descriptor.kind == .regularFile {
            var status = stat()
            let position = lseek(descriptor.host, 0, SEEK_CUR)
            guard fstat(descriptor.host, &status) == 0, position >= 0 else { return 1 }
            return UInt64(max(status.st_size - position, 0))
        }
        // A listener has connections, not bytes.
        if descriptor.socket?.isListening == true { return 1 }
        var count: Int32 = 0
        guard ioctl(descriptor.host, UInt(FIONREAD), &count) == 0 else { return 1 }
        return UInt64(max(count, 0))
    }

    // MARK: layouts

    private func subscription(_ guest: Guest, at offset: UInt32, start: UInt64) throws(Errno) -> Subscription {
        let tag = try guest.load(UInt8.self, at: offset + 8)
        var result = Subscription(userdata: try guest.load(UInt64.self, at: offset), tag: tag, event: .failed(.invalid))
        switch tag {
        case 0:
            // Snapshot 0 has an identifier in front.
            let clockOffset = offset + (guest.snapshot == .zero ? 24 : 16)
            let timeout = try guest.load(UInt64.self, at: clockOffset + 8)
            let flags = try guest.load(UInt16.self, at: clockOffset + 24)
            guard let clock = Clock(rawValue: try guest.load(UInt32.self, at: clockOffset)), flags <= 1 else { break }
            switch clock {
            case .monotonic, .realtime:
                // A relative time is one of the monotonic clock: setting the wall clock does not change it.
                result.event =
                    flags == 1
                    ? .clock(clock, deadline: timeout)
                    : .clock(.monotonic, deadline: start.addingSaturating(timeout))
            case .processCPUTime, .threadCPUTime:
                // They stand still while the guest waits.
                result.event = .failed(.notSupported)
            }
        case 1: result.event = .read(try guest.load(UInt32.self, at: offset + 16))
        case 2: result.event = .write(try guest.load(UInt32.self, at: offset + 16))
        default: throw .invalid
        }
        return result
    }

    private func write(_ event: Event, _ guest: Guest, at offset: UInt32) throws(Errno) {
        try guest.bytes(offset, 32).initializeMemory(as: UInt8.self, repeating: 0)
        try guest.store(event.userdata, at: offset)
        try guest.store(event.error.rawValue, at: offset + 8)
        try guest.store(event.tag, at: offset + 10)
        if event.tag != 0 {
            try guest.store(event.byteCount, at: offset + 16)
            try guest.store(UInt16(event.isHangup ? 1 : 0), at: offset + 24)
        }
    }
}

extension UInt64 {
    fileprivate func addingSaturating(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
