// SPDX-License-Identifier: Apache-2.0
// Swiftlet: events: what happened to an object, counted instead of repeated, forgotten after an hour.
public import KubernetesAPI

/// Severity of an event.
public enum EventType: String, Sendable {
    case normal = "Normal"
    case warning = "Warning"
}

/// What makes two occurrences the same event.
struct EventIdentity: Hashable {
    var uid: String
    var fieldPath: String
    var type: String
    var reason: String
    var message: String
    var component: String

    init(uid: String, fieldPath: String, type: String, reason: String, message: String, component: String) {
        self.uid = uid
        self.fieldPath = fieldPath
        self.type = type
        self.reason = reason
        self.message = message
        self.component = component
    }

    init(_ event: Event) {
        self.init(
            uid: event.involvedObject.uid, fieldPath: event.involvedObject.fieldPath, type: event.type,
            reason: event.reason, message: event.message, component: event.source.component)
    }
}

/// Finds the event that counts an occurrence; rebuilt from the table when in doubt.
struct EventIndex {
    private var names: [EventIdentity: (namespace: String, name: String)]?
    var nextSweepSeconds: Int64 = 0
    var serial: UInt64 = 0

    mutating func invalidate() { names = nil }

    mutating func lookUp(_ identity: EventIdentity, in table: TypedTable<Event>) -> Event? {
        if names == nil {
            var built: [EventIdentity: (namespace: String, name: String)] = [:]
            for group in table.objects.values {
                for event in group.values {
                    built[EventIdentity(event)] = (event.metadata.namespace, event.metadata.name)
                }
            }
            names = built
        }
        return names?[identity].flatMap { table[$0.namespace, $0.name] }
    }

    mutating func insert(_ event: Event) {
        names?[EventIdentity(event)] = (event.metadata.namespace, event.metadata.name)
    }

    mutating func remove(_ event: Event) { names?[EventIdentity(event)] = nil }
}

extension StoreTransaction {
    // LIMIT: upstream keeps events for one hour (kube-apiserver --event-ttl).
    static let eventLifetimeSeconds: Int64 = 3600
    // LIMIT: as many events as a few thousand pods produce; beyond it the oldest go.
    static let eventCountMax = 20_000

    /// Records that something happened to `object`; see `ObjectStore.record`.
    public func record<T: KubernetesObject>(
        _ type: EventType, reason: String, message: String, about object: T, fieldPath: String = "",
        component: String, host: String = ""
    ) {
        let now = environment.now()
        let table = table(Event.self)
        sweepEvents(now: now, table)
        // LIMIT: upstream's API refuses longer messages.
        let message = String(message.prefix(1024))
        let identity = EventIdentity(
            uid: object.metadata.uid, fieldPath: fieldPath, type: type.rawValue, reason: reason, message: message,
            component: component)
        if let known = eventIndex.lookUp(identity, in: table) {
            var event = known
            event.count &+= 1
            event.lastTimestamp = now
            _ = put(event, replacing: known, in: table)
            return
        }
        eventIndex.serial += 1
        let namespace = T.isNamespaced ? object.metadata.namespace : "default"
        let stamp = String(UInt64(clamping: now.secondsSinceEpoch) << 20 | eventIndex.serial & 0xFFFFF, radix: 16)
        let event = Event(
            metadata: ObjectMeta(
                name: "\(object.metadata.name).\(stamp)", namespace: namespace, uid: environment.makeIdentifier(),
                creationTimestamp: now),
            involvedObject: ObjectReference(
                kind: T.kind, namespace: object.metadata.namespace, name: object.metadata.name,
                uid: object.metadata.uid, apiVersion: T.apiVersion,
                resourceVersion: object.metadata.resourceVersion, fieldPath: fieldPath),
            reason: reason, message: message, source: EventSource(component: component, host: host),
            firstTimestamp: now, lastTimestamp: now, count: 1, type: type.rawValue, reportingComponent: component,
            reportingInstance: host)
        let stored = put(event, replacing: table[namespace, event.metadata.name], in: table)
        eventIndex.insert(stored)
    }

    /// Forgets events that have not recurred for an hour; looks at most once a minute.
    func sweepEvents(now: Time, _ table: TypedTable<Event>) {
        guard now.secondsSinceEpoch >= eventIndex.nextSweepSeconds else { return }
        eventIndex.nextSweepSeconds = now.secondsSinceEpoch + 60
        let oldest = now.secondsSinceEpoch - Self.eventLifetimeSeconds
        var events = list(Event.self) { _ in true }
        events.sort { $0.lastSeenSeconds < $1.lastSeenSeconds }
        let excess = max(0, events.count - Self.eventCountMax)
        for (index, event) in events.enumerated() where index < excess || event.lastSeenSeconds < oldest {
            eventIndex.remove(event)
            take(event, replacing: event, from: table)
        }
    }
}

extension Event {
    fileprivate var lastSeenSeconds: Int64 {
        (lastTimestamp ?? metadata.creationTimestamp)?.secondsSinceEpoch ?? 0
    }
}
