// SPDX-License-Identifier: Apache-2.0
// Swiftlet: watches over the API: one JSON line per change.
import KubernetesAPI
import ObjectStore

/// One line of a watch.
private struct WatchLine<Object: Encodable>: Encodable {
    var type: String
    var object: Object
}

/// A bookmark: nothing but a version.
private struct Bookmark: Encodable {
    var apiVersion: String
    var kind: String
    var metadata: ObjectMeta
}

extension ResourceHandler {
    // LIMIT: a watch without a timeout of its own ends after an hour; clients start another one.
    private static var timeoutSecondsMax: Int64 { 3600 }
    // LIMIT: clients that asked for bookmarks get one each minute, as from upstream.
    private static var bookmarkInterval: Duration { .seconds(60) }

    func watch<T: KubernetesObject>(
        _ type: T.Type, _ target: ResourceTarget, _ request: APIRequest
    ) throws -> APIResponse {
        let filter = try ObjectFilter(request, target)
        let lines = WatchLines<T>(
            isTable: request.wantsTable, included: try included(request), now: now, filter: filter)
        let version = request.query["resourceVersion"] ?? ""
        let startsAtState = version.isEmpty || version == "0" || request.flag("sendInitialEvents")
        let changes: AsyncStream<WatchEvent>
        if startsAtState {
            changes = try store.watch([type], from: .currentState)
        } else {
            guard let number = UInt64(version) else {
                throw APIError.badRequest("resourceVersion: expected a number, found \"\(version)\"")
            }
            changes = try store.watch([type], from: .resourceVersion(number))
        }
        let requested = Int64(request.query["timeoutSeconds"] ?? "") ?? Self.timeoutSecondsMax
        let timeout = Duration.seconds(min(max(1, requested), Self.timeoutSecondsMax))
        let wantsBookmarks = request.flag("allowWatchBookmarks") && request.query["allowWatchBookmarks"] != nil
        let endsInitialEvents = request.query["sendInitialEvents"] == "true"
        // The stream begins with what was there; the first later change, or a pause, comes after the bookmark.
        let initialCount = endsInitialEvents ? store.list(type).count : 0
        let initialEnd = endsInitialEvents ? lines.bookmark(store.resourceVersion, endsInitialEvents: true) : nil
        let (output, continuation) = AsyncStream.makeStream(of: [UInt8].self, bufferingPolicy: .unbounded)
        let store = store
        let pump = ResponsePump {
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    var count = 0
                    if initialCount == 0, let initialEnd { continuation.yield(initialEnd) }
                    for await change in changes {
                        if let line = lines.line(for: change) { continuation.yield(line) }
                        count += 1
                        if count == initialCount, let initialEnd { continuation.yield(initialEnd) }
                    }
                }
                group.addTask {
                    let clock = ContinuousClock()
                    let end = clock.now + timeout
                    while wantsBookmarks, clock.now + Self.bookmarkInterval < end {
                        guard (try? await Task.sleep(for: Self.bookmarkInterval)) != nil else { return }
                        continuation.yield(lines.bookmark(store.resourceVersion, endsInitialEvents: false))
                    }
                    try? await Task.sleep(until: end, clock: clock)
                }
                await group.next()
                group.cancelAll()
            }
            continuation.finish()
        }
        var response = APIResponse(body: .stream(output))
        response.pump = pump
        return response
    }
}

/// Turns changes into lines, seen through a filter.
private struct WatchLines<T: KubernetesObject>: Sendable {
    var isTable: Bool
    var included: Table.IncludedObject
    var now: @Sendable () -> Time
    var filter: ObjectFilter

    func line(for change: WatchEvent) -> [UInt8]? {
        guard let object = change.object as? T else { return nil }
        let isIn = change.type != .deleted && filter.matches(object)
        let wasIn = filter.matches(change.previous ?? object)
        switch (wasIn, isIn) {
        // Without a previous state the object is new to the watcher.
        case (_, true) where change.previous == nil: return encode("ADDED", object)
        case (true, true): return encode("MODIFIED", object)
        case (false, true): return encode("ADDED", object)
        case (true, false): return encode("DELETED", object)
        case (false, false): return nil
        }
    }

    private func encode(_ type: String, _ object: T) -> [UInt8]? {
        if isTable {
            let table = Table(
                [object], now: now(), resourceVersion: object.metadata.resourceVersion, including: included)
            return bytes(WatchLine(type: type, object: table))
        }
        return bytes(WatchLine(type: type, object: object))
    }

    func bookmark(_ version: UInt64, endsInitialEvents: Bool) -> [UInt8] {
        var metadata = ObjectMeta(resourceVersion: String(version))
        if endsInitialEvents { metadata.annotations["k8s.io/initial-events-end"] = "true" }
        if isTable {
            let table = Table([T](), now: now(), resourceVersion: String(version))
            return bytes(WatchLine(type: "BOOKMARK", object: table)) ?? []
        }
        let bookmark = Bookmark(apiVersion: T.apiVersion, kind: T.kind, metadata: metadata)
        return bytes(WatchLine(type: "BOOKMARK", object: bookmark)) ?? []
    }

    private func bytes(_ line: some Encodable) -> [UInt8]? {
        (try? KubernetesJSON.encode(line)).map { $0 + [0x0A] }
    }
}
