// SPDX-License-Identifier: Apache-2.0
// Swiftlet: tests of what survives the end of the process.
import CSQLite
import KubernetesAPI
import ObjectStore
import Testing

@Suite struct `The store's file` {
    @Test func `has every acknowledged write at the moment the process is killed`() throws {
        let folder = TemporaryFolder()
        let store = try ObjectStore(path: folder.database)
        var random = SystemRandomNumberGenerator()
        var expected: [String: String] = [:]
        for step in 0..<300 {
            let name = "c\(Int.random(in: 0..<20, using: &random))"
            if expected[name] == nil {
                try store.create(ConfigMap(metadata: ObjectMeta(name: name), data: ["step": "\(step)"]))
                expected[name] = "\(step)"
            } else if step % 3 == 0 {
                try store.delete(ConfigMap.self, namespace: "default", name: name)
                expected[name] = nil
            } else {
                try store.modify(ConfigMap.self, namespace: "default", name: name) { $0.data["step"] = "\(step)" }
                expected[name] = "\(step)"
            }
            guard step % 10 == 0 else { continue }
            // The files as they are now, while the writer still has them open.
            let survivor = try ObjectStore(path: try folder.copyDatabase())
            let found = survivor.list(ConfigMap.self).map { ($0.metadata.name, $0.data["step"] ?? "") }
            #expect(Dictionary(uniqueKeysWithValues: found) == expected)
            #expect(survivor.resourceVersion == store.resourceVersion)
        }
    }

    @Test func `continues versions and refuses watches from before it was opened`() throws {
        let folder = TemporaryFolder()
        var version: UInt64 = 0
        do {
            let store = try ObjectStore(path: folder.database)
            let pod = try store.create(makePod("a"))
            store.record(.normal, reason: "Kept", message: "m", about: pod, component: "kubelet")
            try store.create(makePod("b"))
            try store.delete(Pod.self, namespace: "default", name: "b")
            version = store.resourceVersion
        }
        let reopened = try ObjectStore(path: folder.database)
        #expect(reopened.resourceVersion == version)
        #expect(reopened.list(Pod.self).map { $0.metadata.name } == ["a"])
        #expect(reopened.list(Event.self).map { $0.reason } == ["Kept"])
        #expect(throws: StoreError.self) { try reopened.watch(from: .resourceVersion(version - 1)) }
        #expect(try reopened.changes(after: version).isEmpty)
        #expect(try reopened.create(makePod("c")).metadata.resourceVersion == "\(version + 1)")
    }

    @Test func `that cannot be written leaves memory as it was`() throws {
        let folder = TemporaryFolder()
        let store = try ObjectStore(path: folder.database)
        try store.create(makePod("a"))
        var other: OpaquePointer?
        sqlite3_open(folder.database, &other)
        defer { sqlite3_close(other) }
        sqlite3_exec(other, "BEGIN IMMEDIATE", nil, nil, nil)
        #expect(throws: StoreError.self) { try store.create(makePod("b")) }
        #expect(throws: StoreError.self) { try store.delete(Pod.self, namespace: "default", name: "a") }
        #expect(store.list(Pod.self).map { $0.metadata.name } == ["a"])
        sqlite3_exec(other, "ROLLBACK", nil, nil, nil)
        try store.create(makePod("b"))
        #expect(store.list(Pod.self).count == 2)
    }

    @Test func `with an unreadable object still gives all others`() throws {
        let folder = TemporaryFolder()
        do {
            let store = try ObjectStore(path: folder.database)
            try store.create(makePod("a"))
            try store.create(makePod("b"))
        }
        var other: OpaquePointer?
        sqlite3_open(folder.database, &other)
        sqlite3_exec(other, "UPDATE objects SET body = '{\"metadata\":[' WHERE name = 'a'", nil, nil, nil)
        sqlite3_close(other)
        #expect(try ObjectStore(path: folder.database).list(Pod.self).map { $0.metadata.name } == ["b"])
    }

    @Test func `that is no database is refused by name`() throws {
        #expect(throws: StoreError.self) { try ObjectStore(path: "/proc/self/cmdline") }
    }

    @Test func `takes pods one by one and in bulk`() throws {
        let folder = TemporaryFolder()
        let store = try ObjectStore(path: folder.database)
        let clock = ContinuousClock()
        let single = try clock.measure {
            for index in 0..<200 { try store.create(makePod("single-\(index)", node: "n1")) }
        }
        let batch = try clock.measure {
            try store.transaction { transaction throws(StoreError) in
                for index in 0..<200 { try transaction.create(makePod("batch-\(index)", node: "n1")) }
            }
        }
        let listing = clock.measure {
            for _ in 0..<100 { _ = store.list(Pod.self, namespace: "default") }
        }
        print("200 single creates \(single), 200 in one transaction \(batch), 100 lists of 400 pods \(listing)")
        #expect(single < .seconds(10) && batch < .seconds(10))
    }
}
