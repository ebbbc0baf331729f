// SPDX-License-Identifier: Apache-2.0
// Swiftlet: tests of watches and events.
import KubernetesAPI
import ObjectStore
import Testing

@Suite struct `A watch` {
    let clock = ManualClock()

    @Test func `sees each change once and in order from any remembered version`() async throws {
        let store = try ObjectStore(path: nil, environment: clock.environment)
        let start = store.resourceVersion
        try store.create(makePod("a"))
        let middle = store.resourceVersion
        try store.modify(Pod.self, namespace: "default", name: "a") { $0.status.podIP = "127.64.0.2" }
        try store.create(ConfigMap(metadata: ObjectMeta(name: "c")))
        let late = try store.watch([Pod.self], from: .resourceVersion(middle))
        let early = try store.watch([Pod.self], from: .resourceVersion(start))
        try store.delete(Pod.self, namespace: "default", name: "a")
        var types: [WatchEvent.Kind] = []
        for await event in early {
            types.append(event.type)
            if event.type == .deleted { break }
        }
        #expect(types == [.added, .modified, .deleted])
        var iterator = late.makeAsyncIterator()
        let first = try #require(await iterator.next())
        #expect(first.type == .modified)
        #expect(first.object(as: Pod.self)?.status.podIP == "127.64.0.2")
        #expect((first.previous as? Pod)?.status.podIP == "")
        #expect(await iterator.next()?.type == .deleted)
    }

    @Test func `of the current state begins with every object`() async throws {
        let store = try ObjectStore(path: nil, environment: clock.environment)
        for name in ["a", "b", "c"] { try store.create(makePod(name)) }
        let stream = try store.watch([Pod.self])
        try store.create(makePod("d"))
        var names: [String] = []
        for await event in stream {
            names.append(event.object.metadata.name)
            if names.count == 4 { break }
        }
        #expect(Set(names.prefix(3)) == ["a", "b", "c"] && names[3] == "d")
    }

    @Test func `is refused when the history does not reach back`() throws {
        let store = try ObjectStore(path: nil, environment: clock.environment, historyLimit: 10)
        let start = store.resourceVersion
        for index in 0..<50 { try store.create(makePod("p\(index)")) }
        #expect(throws: StoreError.self) { try store.watch(from: .resourceVersion(start)) }
        #expect(throws: StoreError.self) { try store.changes(after: store.resourceVersion - 11) }
        #expect(try store.changes(after: store.resourceVersion - 10).count == 10)
    }

    @Test func `ends when its consumer falls too far behind`() async throws {
        let store = try ObjectStore(path: nil, environment: clock.environment)
        let stream = try store.watch([Pod.self], from: .now, bufferLimit: 3)
        for index in 0..<10 { try store.create(makePod("p\(index)")) }
        var count = 0
        for await _ in stream { count += 1 }
        #expect(count == 3)
    }

    @Test func `delivers what many threads write without gaps`() async throws {
        let store = try ObjectStore(path: nil, environment: clock.environment)
        let stream = try store.watch([ConfigMap.self], from: .now)
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<4 {
                group.addTask {
                    for index in 0..<250 {
                        _ = try? store.create(ConfigMap(metadata: ObjectMeta(name: "c\(task)-\(index)")))
                    }
                }
            }
        }
        var last: UInt64 = 0
        var count = 0
        for await event in stream {
            #expect(event.resourceVersion > last)
            last = event.resourceVersion
            count += 1
            if count == 1000 { break }
        }
        #expect(store.list(ConfigMap.self).count == 1000)
    }

    /// A subscriber that is cancelled holds locks of the runtime which delivering waits for: the store must not wait for
    /// the subscriber at the same time.
    @Test(.timeLimit(.minutes(2))) func `can be cancelled while a change is delivered`() async throws {
        let store = try ObjectStore(path: nil, environment: clock.environment)
        try store.create(makePod("a"))
        for round in 0..<2_000 {
            let stream = try store.watch([Pod.self], from: .now)
            await withTaskGroup(of: Void.self) { group in
                group.addTask { for await _ in stream {} }
                group.addTask {
                    for change in 0..<3 {
                        _ = try? store.modify(Pod.self, namespace: "default", name: "a") {
                            $0.status.podIP = "127.64.\(change).\(round % 250)"
                        }
                    }
                }
                if round % 2 == 0 { await Task.yield() }
                group.cancelAll()
            }
        }
        let last = try store.watch([Pod.self])
        for await event in last {
            #expect(event.object.metadata.name == "a")
            break
        }
    }
}

@Suite struct `Events` {
    let clock = ManualClock()

    @Test func `are counted instead of repeated`() throws {
        let store = try ObjectStore(path: nil, environment: clock.environment)
        let pod = try store.create(makePod("a"))
        for _ in 0..<3 {
            store.record(.warning, reason: "BackOff", message: "again", about: pod, component: "kubelet")
            clock.advance(seconds: 10)
        }
        store.record(.normal, reason: "Pulled", message: "image", about: pod, component: "kubelet")
        let events = store.list(Event.self, namespace: "default")
        #expect(events.count == 2)
        let repeated = try #require(events.first { $0.reason == "BackOff" })
        #expect(repeated.count == 3)
        #expect(repeated.involvedObject.uid == pod.metadata.uid)
        #expect(repeated.lastTimestamp == repeated.firstTimestamp?.adding(seconds: 20))
        #expect(repeated.metadata.name.hasPrefix("a."))
    }

    @Test func `are forgotten an hour after they were last seen`() throws {
        let store = try ObjectStore(path: nil, environment: clock.environment)
        let pod = try store.create(makePod("a"))
        store.record(.normal, reason: "One", message: "m", about: pod, component: "kubelet")
        clock.advance(seconds: 3000)
        store.record(.normal, reason: "Two", message: "m", about: pod, component: "kubelet")
        clock.advance(seconds: 1000)
        store.record(.normal, reason: "Three", message: "m", about: pod, component: "kubelet")
        #expect(Set(store.list(Event.self).map { $0.reason }) == ["Two", "Three"])
    }
}
