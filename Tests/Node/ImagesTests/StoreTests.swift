// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: blobs, names, leases and garbage collection.

import Glibc
import Images
import Synchronization
import Testing

@Suite struct `The content store` {
    @Test func `shows a blob only when its digest is right`() throws {
        let test = try TestStore()
        let content = Array("content".utf8)
        let digest = Digest.of(content)
        let ingest = try #require(try test.store.begin(digest, size: 7))
        try write("contenX", ingest)
        #expect(!test.store.contains(digest))
        #expect(code { try ingest.commit(what: "test") } == .invalidContent)
        #expect(!test.store.contains(digest))
        let again = try #require(try test.store.begin(digest, size: 7))
        #expect(again.offset == 0)
        try write("content", again)
        try again.commit(what: "test")
        #expect(try test.store.read(digest) == content)
        #expect(try test.store.begin(digest, size: 7) == nil)
    }

    @Test func `goes on where an interrupted download ended`() throws {
        let test = try TestStore()
        let digest = Digest.of(Array("content".utf8))
        do {
            let ingest = try #require(try test.store.begin(digest, size: 7))
            try write("cont", ingest)
            #expect(code { try ingest.commit(what: "test") } == .unavailable)
        }
        let again = try #require(try test.store.begin(digest, size: 7))
        #expect(again.offset == 4)
        try write("ent", again)
        try again.commit(what: "test")
        #expect(test.store.contains(digest))
    }

    @Test func `takes no more than was announced`() throws {
        var limits = ImageLimits()
        limits.blobBytes = 100
        let test = try TestStore(limits: limits)
        let digest = Digest.of([])
        #expect(code { _ = try test.store.begin(digest, size: 101) } == .limitExceeded)
        let ingest = try #require(try test.store.begin(digest, size: 3))
        #expect(code { try write("four", ingest) } == .invalidContent)
        let open = try #require(try test.store.begin(Digest.of([1]), size: nil))
        #expect(code { try write(String(repeating: "x", count: 101), open) } == .limitExceeded)
    }

    @Test func `lets one of many write a blob`() async throws {
        let test = try TestStore()
        let content = [UInt8](repeating: 7, count: 100_000)
        let digest = Digest.of(content)
        let writers = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    guard let ingest = try test.store.begin(digest, size: 100_000) else { return }
                    writers.value.withLock { $0 += 1 }
                    try content.withUnsafeBytes { try ingest.write($0) }
                    try ingest.commit(what: "test")
                }
            }
            try await group.waitForAll()
        }
        #expect(writers.value.withLock { $0 } == 1)
        #expect(try test.store.read(digest) == content)
        #expect(try names("\(test.store.root)/ingest").isEmpty)
    }

    @Test func `notices a blob that the disk has changed`() throws {
        let test = try TestStore()
        let digest = try test.store.add(Array("content".utf8))
        let path = test.store.path(of: digest)
        chmod(path, 0o644)
        _ = try #require(fopen(path, "w")).pointee
        #expect(code { _ = try test.store.read(digest) } == .invalidContent)
    }

    @Test func `keeps what is named or leased, and what is young`() throws {
        let test = try TestStore()
        let layer = TarText.of([("app.wasm", "module")])
        let kept = try test.add("localhost/kept:1", layers: [layer])
        let gone = try test.add("localhost/gone:1", layers: [layer, TarText.of([("b", "2")])])
        let leased = try test.add("localhost/leased:1", layers: [TarText.of([("c", "3")])])
        let roots = try [kept, gone, leased].map { try test.store.unpack(test.store.image($0)) }
        let target = try #require(try test.store.target(of: leased))
        try test.store.addLease("pod-1", on: target)
        #expect(try test.store.removeName(gone) && test.store.removeName(leased))
        #expect(try !test.store.removeName(gone))

        #expect(try test.store.collectGarbage(ageSeconds: 3600) == CollectionReport())
        let report = try #require(try test.store.collectGarbage(ageSeconds: 0))
        // gone's manifest, config and own layer; the shared layer stays.
        #expect(report.blobs == 3 && report.rootFileSystems == 1)
        #expect(roots.map(exists) == [true, false, true])
        #expect(try test.store.image(kept).config.entrypoint == ["/app.wasm"])
        #expect(test.store.contains(target.digest))

        try test.store.removeLease("pod-1")
        #expect(try test.store.leases().isEmpty)
        #expect(try test.store.collectGarbage(ageSeconds: 0)?.blobs == 3)
        #expect(!test.store.contains(target.digest) && !exists(roots[2]))
    }

    @Test func `is not collected while somebody adds to it`() throws {
        let test = try TestStore()
        let hold = try test.store.hold()
        #expect(try test.store.collectGarbage(ageSeconds: 0) == nil)
        withExtendedLifetime(hold) {}
    }

    @Test func `lists names, and survives a damaged one`() throws {
        let test = try TestStore()
        for name in ["localhost/b:1", "localhost/a:1"] { _ = try test.add(name, layers: [TarText.of([])]) }
        _ = try test.write("store/names/broken.json", Array("{".utf8))
        #expect(try test.store.names().map(\.name.description) == ["localhost/a:1", "localhost/b:1"])
        #expect(code { _ = try test.store.image(ImageName("localhost/none")) } == .notFound)
        #expect(code { try test.store.addLease("../x", on: test.store.names()[0].target) } == .invalidName)
    }

    private func write(_ text: String, _ ingest: BlobIngest) throws {
        try Array(text.utf8).withUnsafeBytes { try ingest.write($0) }
    }
}

private final class Counter: Sendable {
    let value = Mutex(0)
}
