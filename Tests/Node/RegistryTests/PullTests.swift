// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: pulling, from a registry that behaves and from one that does not.

import Glibc
import Images
import NIOHTTP1
import NIOSSL
import Registry
import Synchronization
import Testing

/// A registry, a store, and the client between them.
struct Bench: Sendable {
    let fake: FakeRegistry
    let folder: String
    var registry: Registry
    let pauses: Pauses

    /// The pauses that a client made, without making them.
    final class Pauses: Sendable {
        let list = Mutex<[Duration]>([])
        var all: [Duration] { list.withLock { $0 } }
    }

    init(limits: ImageLimits = ImageLimits(), credentials: [CredentialFile] = [], tls: NIOSSLContext? = nil)
        async throws
    {
        fake = try await FakeRegistry.start(tls: tls)
        var template = Array("/tmp/swiftlet-registry-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        pauses = Pauses()
        registry = Registry(
            store: try ContentStore(root: folder, limits: limits), credentials: CredentialChain(credentials))
        registry.retry.random = { 0 }
        registry.retry.sleep = { [pauses] pause in pauses.list.withLock { $0.append(pause) } }
    }

    func name(_ tag: String = "1") throws -> ImageName { try ImageName("\(fake.host)/team/app:\(tag)") }

    @discardableResult
    func pull(_ tag: String = "1") async throws -> StoredImage { try await registry.pull(try name(tag)) }

    /// What a pull that fails says.
    func failure(_ tag: String = "1") async throws -> ImageError {
        do {
            try await pull(tag)
        } catch let error as ImageError {
            // Nothing of it can be seen.
            #expect(try registry.store.names().isEmpty)
            return error
        }
        throw ImageError(.storage, "the pull succeeded")
    }
}

/// Runs a test with a bench, and takes everything away.
func withBench(
    limits: ImageLimits = ImageLimits(), credentials: [CredentialFile] = [], tls: NIOSSLContext? = nil,
    _ body: (inout Bench) async throws -> Void
) async throws {
    var bench = try await Bench(limits: limits, credentials: credentials, tls: tls)
    do { try await body(&bench) } catch {
        await bench.fake.stop()
        throw error
    }
    await bench.fake.stop()
    _ = system("rm -rf \(bench.folder)")
}

func bytes(_ seed: UInt8, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) ^ seed } }

@Suite struct `Pulling` {
    @Test func `brings config and layers, each once`() async throws {
        try await withBench { bench in
            let layers = (0..<5).map { bytes($0, 100_000) }
            bench.fake.addImage("1", layers: layers + [layers[0]])
            let image = try await bench.pull()
            #expect(image.manifest.layers.count == 6 && image.config.entrypoint == ["/app.wasm"])
            for layer in layers { #expect(bench.registry.store.contains(Digest.of(layer))) }
            #expect(bench.fake.count("GET", "/blobs/") == 6)
            #expect(try bench.registry.store.names().map(\.name) == [bench.name()])
            // Again: only the manifest is asked for.
            try await bench.pull()
            #expect(bench.fake.count("GET", "/blobs/") == 6)
        }
    }

    @Test func `takes the platform that fits best`() async throws {
        try await withBench { bench in
            let platforms = ["linux/amd64", "wasip1/wasm", "linux/s390x"]
            var entries: [ContentDescriptor] = []
            for (index, platform) in platforms.enumerated() {
                entries.append(
                    bench.fake.addImage(nil, layers: [bytes(UInt8(index), 1000)], platform: try Platform(platform)))
            }
            _ = bench.fake.add(ImageIndex(manifests: entries).bytes, MediaType.index, as: "1")
            #expect(try await bench.pull().config.platform.description == "wasip1/wasm")
            #expect(bench.fake.count("GET", "/blobs/") == 2)
            _ = bench.fake.add(ImageIndex(manifests: [entries[2]]).bytes, MediaType.index, as: "other")
            let error = await #expect(throws: ImageError.self) { try await bench.pull("other") }
            #expect(error?.code == .notFound)
            #expect(error?.message.contains("no match for platform") == true)
            bench.fake.addImage("single", layers: [[1]], platform: try Platform("windows/amd64"))
            let single = await #expect(throws: ImageError.self) { try await bench.pull("single") }
            #expect(single?.message.contains("found windows/amd64") == true)
        }
    }

    @Test func `by many at once fetches a blob once`() async throws {
        try await withBench { bench in
            bench.fake.addImage("1", layers: (0..<4).map { bytes($0, 200_000) })
            let registry = bench.registry
            let name = try bench.name()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 { group.addTask { try await registry.pull(name) } }
                try await group.waitForAll()
            }
            #expect(bench.fake.count("GET", "/blobs/") == 5)
        }
    }

    @Test func `goes on where the connection broke`() async throws {
        try await withBench { bench in
            let layer = bytes(9, 300_000)
            bench.fake.addImage("1", layers: [layer])
            let fake = bench.fake
            fake.onRequest { request in
                guard request.path.contains(Digest.of(layer).hex), request.header("range") == nil else { return nil }
                var response = fake.usual(request)
                response.cut = 120_000
                return response
            }
            try await bench.pull()
            let ranges = fake.log.compactMap { $0.header("range") }
            #expect(ranges == ["bytes=120000-"])
            #expect(bench.pauses.all == [.milliseconds(500)])
        }
    }

    @Test func `begins anew where a registry cannot resume`() async throws {
        try await withBench { bench in
            let layer = bytes(9, 300_000)
            bench.fake.addImage("1", layers: [layer])
            let fake = bench.fake
            let attempt = Mutex2<Int>()
            fake.onRequest { request in
                guard request.path.contains(Digest.of(layer).hex) else { return nil }
                let number = attempt.value.withLock { count in
                    count = (count ?? 0) + 1
                    return count
                }
                var plain = request
                plain.headers.remove(name: "range")
                // First cut short, then everything again with 200, whatever was asked for.
                var response = fake.usual(plain)
                if number == 1 { response.cut = 1000 }
                return response
            }
            try await bench.pull()
            #expect(bench.registry.store.contains(Digest.of(layer)))
        }
    }

    @Test func `waits as long as the registry asks for`() async throws {
        try await withBench { bench in
            bench.fake.addImage("1", layers: [[1]])
            let fake = bench.fake
            fake.onRequest { _ in
                fake.log.count == 1 ? .json(429, "{}", [("retry-after", "7")]) : nil
            }
            try await bench.pull()
            #expect(bench.pauses.all == [.seconds(7)])
        }
    }

    @Test(arguments: [500, 502, 503, 504, 429])
    func `gives up after five attempts`(status: Int) async throws {
        try await withBench { bench in
            bench.fake.onRequest { _ in .json(status, #"{"errors":[{"code":"BUSY","message":"too\u0007 busy"}]}"#) }
            let error = try await bench.failure()
            #expect(error.code == .unavailable)
            #expect(error.message.contains("HTTP \(status): BUSY: too busy (after 5 attempts)"), "\(error)")
            #expect(bench.pauses.all == [0.5, 1, 2, 4].map { .seconds($0) })
        }
    }

    @Test func `says what is not there`() async throws {
        try await withBench { bench in
            let error = try await bench.failure()
            #expect(error.code == .notFound && error.message.contains("manifest 1: not found: MANIFEST_UNKNOWN"))
            #expect(bench.pauses.all.isEmpty)
            // And a registry that is not there at all.
            await bench.fake.stop()
            let down = try await bench.failure()
            #expect(down.code == .unavailable && down.message.contains("cannot connect"), "\(down)")
        }
    }

    @Test func `refuses what is not what was asked for`() async throws {
        try await withBench { bench in
            let layer = bytes(3, 5000)
            bench.fake.addImage("1", layers: [layer])
            let fake = bench.fake
            // Another blob.
            fake.onRequest { request in
                request.path.contains(Digest.of(layer).hex) ? FakeResponse(body: bytes(4, 5000)) : nil
            }
            try await #expect(bench.failure().code == .invalidContent)
            #expect(!bench.registry.store.contains(Digest.of(layer)))
            // Too much of it.
            fake.onRequest { request in
                request.path.contains(Digest.of(layer).hex) ? FakeResponse(body: layer + [0]) : nil
            }
            try await #expect(bench.failure().code == .invalidContent)
            // A manifest that its own header belies.
            fake.onRequest { request in
                guard request.path.hasSuffix("/manifests/1") else { return nil }
                var response = fake.usual(request)
                response.headers[1].1 = "\(Digest.of([]))"
                return response
            }
            try await #expect(bench.failure().message.contains("expected digest \(Digest.of([]))"))
        }
    }

    @Test func `by digest takes only that`() async throws {
        try await withBench { bench in
            let good = bench.fake.addImage("1", layers: [[1]])
            let other = bench.fake.addImage("2", layers: [[2]])
            let name = try ImageName("\(bench.fake.host)/team/app@\(good.digest)")
            #expect(try await bench.registry.pull(name).descriptor.digest == good.digest)
            let fake = bench.fake
            fake.onRequest { request in
                guard request.path.contains(good.digest.hex) else { return nil }
                var wrong = request
                wrong.path = "/v2/team/app/manifests/\(other.digest)"
                var response = fake.usual(wrong)
                response.headers = []
                return response
            }
            await #expect(throws: ImageError.self) { try await bench.registry.pull(name) }
        }
    }

    @Test func `gives up on a registry that stalls or drips`() async throws {
        try await withBench { bench in
            let layer = bytes(1, 100_000)
            bench.fake.addImage("1", layers: [layer])
            bench.registry.timeouts.stall = .milliseconds(200)
            bench.registry.retry.attemptsMax = 2
            let fake = bench.fake
            fake.onRequest { request in
                guard request.path.contains(Digest.of(layer).hex) else { return nil }
                var response = fake.usual(request)
                response.cut = min(10, response.body.count)
                response.stalls = true
                return response
            }
            let error = try await bench.failure()
            #expect(error.code == .unavailable && error.message.contains("stalled"), "\(error)")
        }
    }

    @Test func `is not led around in circles`() async throws {
        try await withBench { bench in
            bench.fake.onRequest { FakeResponse(status: 307, headers: [("location", $0.path)]) }
            let error = try await bench.failure()
            #expect(error.code == .invalidContent && error.message.contains("redirects"))
            #expect(bench.fake.log.count == 9)
            bench.fake.onRequest { _ in FakeResponse(status: 302, headers: [("location", "file:///etc/passwd")]) }
            try await #expect(bench.failure().message.contains("a redirect to nowhere"))
        }
    }

    @Test func `takes no giants`() async throws {
        var limits = ImageLimits()
        limits.documentBytes = 10_000
        limits.blobBytes = 20_000
        try await withBench(limits: limits) { bench in
            bench.fake.addImage("1", layers: [bytes(1, 20_001)])
            try await #expect(bench.failure().code == .limitExceeded)
            bench.fake.addImage("1", layers: (0..<200).map { [UInt8($0)] })
            try await #expect(bench.failure().code == .limitExceeded)
            bench.fake.onRequest { _ in FakeResponse(body: bytes(1, 9 << 20)) }
            try await #expect(bench.failure().code == .limitExceeded)
        }
    }

    @Test func `refuses a Spin application before it is fetched`() async throws {
        try await withBench { bench in
            bench.fake.addImage("1", layers: [bytes(1, 1000)], configType: MediaType.spinConfig)
            let error = try await bench.failure()
            #expect(error.code == .unsupported && error.message.contains("is a Spin application"))
            #expect(bench.fake.count("GET", "/blobs/") == 0)
        }
    }

    @Test func `asks mirrors first, and the registry where they fail`() async throws {
        try await withBench { bench in
            let mirror = try await FakeRegistry.start()
            bench.registry.configuration.hosts["registry.example"] = RegistryConfiguration.Host(
                mirrors: ["http://\(mirror.host)/", "http://\(bench.fake.host)/"])
            bench.fake.addImage("1", layers: [[1]])
            let name = try ImageName("registry.example/team/app:1")
            try await bench.registry.pull(name)
            #expect(mirror.log.count == 1 && bench.fake.count("GET", "/blobs/") == 2)
            #expect(try bench.registry.store.names().map(\.name) == [name])
            mirror.addImage("2", layers: [[2]])
            try await bench.registry.pull(ImageName("registry.example/team/app:2"))
            #expect(bench.fake.count("GET", "/manifests/2") == 0)
            await mirror.stop()
        }
    }

    @Test func `comes back after a push`() async throws {
        try await withBench { bench in
            bench.fake.addImage("1", layers: [bytes(1, 1 << 20), [2]])
            let image = try await bench.pull()
            let other = try await FakeRegistry.start()
            let target = try ImageName("\(other.host)/else/where:2")
            #expect(try await bench.registry.push(target, from: bench.name()) == image.descriptor.digest)
            // What is there is not sent again.
            try await bench.registry.push(target, from: bench.name())
            #expect(other.count("PUT", "/blobs/") == 3)
            try await withBench { second in
                try await #expect(second.registry.pull(target).descriptor.digest == image.descriptor.digest)
            }
            await other.stop()
        }
    }
}
