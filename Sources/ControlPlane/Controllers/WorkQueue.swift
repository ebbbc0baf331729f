// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what is to be reconciled next: each object once, failures later and later.

/// One object that some controller shall look at.
package struct Request: Hashable, Sendable {
    package var controller: String
    package var namespace: String
    package var name: String

    package init(controller: String, namespace: String, name: String) {
        self.controller = controller
        self.namespace = namespace
        self.name = name
    }
}

/// A de-duplicating queue with delayed entries; the caller supplies the time, so it has none of its own.
///
/// See: k8s.io/client-go/util/workqueue
package struct WorkQueue {
    // LIMIT: the first retry comes after 50 ms, each next one after twice the time, at most 30 s.
    static let backOffMillisecondsFirst: Int64 = 50
    static let backOffMillisecondsMax: Int64 = 30_000

    private var ready: [Request] = []
    /// Index of the first waiting element of `ready`.
    private var head = 0
    private var queued: Set<Request> = []
    /// When delayed requests are due, in milliseconds; each request has only its earliest time.
    private var delayed: [Request: Int64] = [:]
    private var failures: [Request: Int] = [:]

    package init() {}

    /// The earliest time at which a delayed request is due.
    package var nextDue: Int64? { delayed.values.min() }

    package mutating func add(_ request: Request) {
        guard queued.insert(request).inserted else { return }
        ready.append(request)
    }

    package mutating func add(_ request: Request, atMilliseconds due: Int64) {
        delayed[request] = min(delayed[request] ?? Int64.max, due)
    }

    /// Schedules a retry after a failure.
    package mutating func retry(_ request: Request, nowMilliseconds now: Int64) {
        let count = failures[request, default: 0]
        failures[request] = count + 1
        let delay = min(Self.backOffMillisecondsMax, Self.backOffMillisecondsFirst << Int64(min(count, 20)))
        add(request, atMilliseconds: now + delay)
    }

    package mutating func succeeded(_ request: Request) { failures[request] = nil }

    /// The next request, including delayed ones that are due.
    package mutating func next(nowMilliseconds now: Int64) -> Request? {
        if delayed.contains(where: { $0.value <= now }) {
            let due = delayed.filter { $0.value <= now }.sorted { $0.value < $1.value }
            for (request, _) in due {
                delayed[request] = nil
                add(request)
            }
        }
        guard head < ready.count else { return nil }
        let request = ready[head]
        head += 1
        if head > 64, head * 2 > ready.count {
            ready.removeFirst(head)
            head = 0
        }
        queued.remove(request)
        return request
    }
}
