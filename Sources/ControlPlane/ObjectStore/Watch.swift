// SPDX-License-Identifier: Apache-2.0
// Swiftlet: changes of stored objects, as a stream that can start in the past.
public import KubernetesAPI

/// One change of one object.
public struct WatchEvent: Sendable {
    public enum Kind: String, Sendable {
        case added = "ADDED"
        case modified = "MODIFIED"
        case deleted = "DELETED"
    }

    public var type: Kind
    /// The object after the change; for `.deleted` its last state, with the deletion's resourceVersion.
    public var object: any KubernetesObject
    /// The object before the change, so that a filtered watch can tell an object leaving its filter.
    public var previous: (any KubernetesObject)?
    public var resourceVersion: UInt64

    public init(
        type: Kind, object: any KubernetesObject, previous: (any KubernetesObject)?, resourceVersion: UInt64
    ) {
        self.type = type
        self.object = object
        self.previous = previous
        self.resourceVersion = resourceVersion
    }

    /// `object` if it is a `T`.
    public func object<T: KubernetesObject>(as type: T.Type) -> T? { object as? T }
}

/// Where a watch begins.
public enum WatchStart: Sendable, Equatable {
    /// Changes from now on.
    case now
    /// First an `.added` for every object there is, then changes; nothing is lost between the two.
    case currentState
    /// Changes after this resourceVersion; throws `.expired` if the history does not reach that far back.
    case resourceVersion(UInt64)
}

/// The most recent changes, oldest first, bounded.
struct WatchHistory {
    private var events: [WatchEvent] = []
    /// Index of the first live element; the array is compacted when half of it is dead.
    private var start = 0
    private let limit: Int
    /// Changes up to and including this version are no longer (or never were) in the history.
    private(set) var forgottenVersion: UInt64

    init(limit: Int, openedAt version: UInt64) {
        self.limit = limit
        forgottenVersion = version
    }

    mutating func append(_ event: WatchEvent) {
        events.append(event)
        guard events.count - start > limit else { return }
        forgottenVersion = events[start].resourceVersion
        start += 1
        if start > limit {
            events.removeFirst(start)
            start = 0
        }
    }

    /// The changes after `version`; nil if some of them are forgotten.
    func events(after version: UInt64) -> ArraySlice<WatchEvent>? {
        guard version >= forgottenVersion else { return nil }
        let live = events[start...]
        // Versions ascend, so the first one of interest is found by bisection.
        var low = live.startIndex
        var high = live.endIndex
        while low < high {
            let middle = low + (high - low) / 2
            if live[middle].resourceVersion <= version { low = middle + 1 } else { high = middle }
        }
        return live[low...]
    }
}

/// One subscriber.
struct Watcher {
    /// nil: every kind.
    var kinds: Set<String>?
    var continuation: AsyncStream<WatchEvent>.Continuation

    func wants(_ event: WatchEvent) -> Bool {
        guard let kinds else { return true }
        return kinds.contains(Swift.type(of: event.object).kind)
    }

    /// False once the subscriber is gone or too slow; its stream is then finished and must be dropped.
    func deliver(_ event: WatchEvent) -> Bool {
        switch continuation.yield(event) {
        case .enqueued: return true
        case .dropped, .terminated:
            // The caller drops the watcher itself.
            continuation.onTermination = nil
            continuation.finish()
            return false
        @unknown default: return true
        }
    }
}
