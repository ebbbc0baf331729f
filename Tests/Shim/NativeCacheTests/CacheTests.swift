// SPDX-License-Identifier: Apache-2.0
// Swiftlet: native code on disk: whole or not there, made once, from its owner only, and not too much of it.
import Glibc
import Linux
import NativeCache
import NativeImage
import TestSupport
import Testing

@Suite struct `The cache of native code` {
    @Test func `gives what was put in, read-only, and nothing else`() throws {
        try withCache { cache, _ in
            let key = try key(1)
            #expect(try !has(cache, key))
            let bytes = try image(key)
            try add(key, bytes, to: cache)
            let file = try #require(try cache.open(key)?.release())
            defer { close(file) }
            #expect(UnnamedFile.read(file) == bytes)
            #expect(try Descriptors.status(file).st_mode & 0o777 == 0o400)
            #expect(try !has(cache, try self.key(2)))
            #expect(try !has(cache, try self.key(1, level: "quick")))
            #expect(try has(cache, try self.key(1, level: "quick"), levels: ["full", "quick"]))
        }
    }

    func key(_ number: UInt8, level: String = "full") throws -> NativeCacheKey {
        try NativeCacheTests.key(number, level: level)
    }

    @Test func `is found again by another process's value, and is not there where nobody made it`() throws {
        try withCache { cache, folder in
            try add(try key(1), to: cache)
            let again = try #require(try NativeCache(at: cache.root))
            #expect(try has(again, try key(1)))
            #expect(try NativeCache(at: "\(folder)/elsewhere") == nil)
        }
    }

    @Test func `lets one make an entry, and the others know`() throws {
        try withCache { cache, _ in
            let key = try key(1)
            guard case .begun(let writer) = try cache.begin(key) else {
                Issue.record("nobody makes it yet")
                return
            }
            #expect(cache.isBeingMade(key))
            guard case .taken = try cache.begin(key) else {
                Issue.record("it is being made")
                return
            }
            guard case .begun = try cache.begin(try self.key(2)) else {
                Issue.record("another module is nobody's yet")
                return
            }
            try Descriptors.writeAll(writer.descriptor, try image(key))
            try writer.commit()
            #expect(!cache.isBeingMade(key))
            guard case .present = try cache.begin(key) else {
                Issue.record("it is there")
                return
            }
        }
    }

    @Test func `holds nothing of an entry that was given up`() throws {
        try withCache { cache, _ in
            let key = try key(1)
            do {
                guard case .begun(let writer) = try cache.begin(key) else {
                    Issue.record("nobody makes it yet")
                    return
                }
                try Descriptors.writeAll(writer.descriptor, try image(key))
            }
            #expect(try Files.names(in: "\(cache.root)/images").isEmpty)
            #expect(try Files.names(in: "\(cache.root)/making").isEmpty)
            try add(key, to: cache)
            #expect(try Files.names(in: "\(cache.root)/making").isEmpty)
        }
    }

    @Test func `refuses an image that is damaged, of another module or of another version`() throws {
        func refusal(_ cache: NativeCache, _ bytes: [UInt8]) throws -> String {
            let error = #expect(throws: NativeCacheError.self) { try add(try key(1), bytes, to: cache) }
            #expect(try Files.names(in: "\(cache.root)/images").isEmpty)
            return error?.description ?? ""
        }
        try withCache { cache, _ in
            var damaged = try image(try key(1))
            damaged[damaged.count - 1] ^= 1
            #expect(try refusal(cache, damaged).contains("checksum of the content"))
            #expect(try refusal(cache, []).contains("found 0 bytes"))
            #expect(try refusal(cache, try image(try key(2))).contains("module digest: expected 0101"))
            #expect(
                try refusal(cache, try image(try key(1), abiVersion: 5)).contains("ABI version: expected 4, found 5"))
        }
    }

    @Test func `removes what was not used for longest`() throws {
        let size = Int64(try image(try key(1), textBytes: 100_000).count)
        try withCache(byteCountMax: 3 * size) { cache, _ in
            for number in UInt8(1)...3 {
                try add(try key(number), try image(try key(number), textBytes: 100_000), to: cache)
                // Long ago, in this order.
                let path = try #require(
                    try Files.names(in: "\(cache.root)/images").first {
                        $0.hasPrefix(try key(number).module.description)
                    })
                var times = [timespec(), timespec()]
                (times[0].tv_sec, times[1].tv_sec) = (1000 + Int(number), 1000 + Int(number))
                #expect(utimensat(AT_FDCWD, "\(cache.root)/images/\(path)", times, 0) == 0)
            }
            // Using the oldest makes the second one the oldest.
            #expect(try has(cache, try key(1)))
            try add(try key(4), try image(try key(4), textBytes: 100_000), to: cache)
            let modules = try cache.entries().map { $0.key.module.bytes[0] }
            #expect(Set(modules) == [1, 3, 4])
            #expect(modules.last == 3)
        }
    }

    @Test func `keeps a new entry even when it alone is too large`() throws {
        try withCache(byteCountMax: 10) { cache, _ in
            try add(try key(1), to: cache)
            try add(try key(2), to: cache)
            #expect(try cache.entries().map(\.key) == [try key(2)])
        }
    }

    @Test func `lists what there is`() throws {
        try withCache { cache, _ in
            try add(try key(1), to: cache)
            try add(try key(1, level: "quick"), to: cache)
            try write([1], to: "\(cache.root)/images/README")
            let entries = try cache.entries()
            #expect(Set(entries.map(\.key)) == [try key(1), try key(1, level: "quick")])
            #expect(entries.allSatisfy { $0.byteCount > 0 && $0.lastUsed > 1_600_000_000 })
            try cache.remove(try key(1))
            #expect(try cache.entries().map(\.key.level) == ["quick"])
        }
    }

    @Test func `works for many processes' worth of threads at once`() async throws {
        let folder = "/tmp/swiftlet-cache-threads-\(getpid())"
        defer { removeTree(folder) }
        try Files.makeDirectory(folder, mode: 0o700)
        let cache = try NativeCache(making: "\(folder)/native")
        let made = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var made = 0
                    for number in UInt8(0)..<20 {
                        let key = try NativeCacheTests.key(number)
                        waiting: while true {
                            switch try cache.begin(key) {
                            case .present: break waiting
                            case .taken: usleep(200)
                            case .begun(let writer):
                                try Descriptors.writeAll(writer.descriptor, try image(key))
                                try writer.commit()
                                made += 1
                                break waiting
                            }
                        }
                        #expect(try has(cache, key))
                    }
                    return made
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(made == 20)
        #expect(try cache.entries().count == 20)
        #expect(try Files.names(in: "\(cache.root)/making").isEmpty)
    }
}

@Suite struct `The cache of native code trusts` {
    func refusal<Value>(_ body: () throws -> Value) -> String {
        let error = #expect(throws: NativeCacheError.self) { _ = try body() }
        return error?.description ?? ""
    }

    @Test func `no folder that others can write`() throws {
        try withCache { cache, _ in
            for name in ["", "/images", "/making", "/digests"] {
                chmod(cache.root + name, 0o770)
                #expect(refusal { try NativeCache(at: cache.root) }.contains("found mode 0770"))
                chmod(cache.root + name, 0o700)
            }
            let mended = try NativeCache(at: cache.root)
            #expect(mended != nil)
        }
    }

    @Test func `no entry that others can write, no link and no folder`() throws {
        try withCache { cache, folder in
            let key = try key(1)
            try add(key, to: cache)
            let path = "\(cache.root)/images/" + (try #require(try Files.names(in: "\(cache.root)/images").first))
            chmod(path, 0o620)
            #expect(refusal { try has(cache, key) }.contains("expected no right to write for others, found mode 0620"))
            unlink(path)
            try write(try image(key), to: "\(folder)/real")
            symlink("\(folder)/real", path)
            #expect(refusal { try has(cache, key) }.contains("ELOOP"))
            unlink(path)
            mkdir(path, 0o700)
            #expect(refusal { try has(cache, key) }.contains("expected a regular file"))
        }
    }

    @Test(.enabled(if: geteuid() == 0, "gives files to another user, which only root can"))
    func `no owner but us and root`() throws {
        try withCache { cache, _ in
            let key = try key(1)
            try add(key, to: cache)
            let path = "\(cache.root)/images/" + (try #require(try Files.names(in: "\(cache.root)/images").first))
            chown(path, 12345, 12345)
            #expect(refusal { try has(cache, key) }.contains("expected user 0 or 0 as its owner, found 12345"))
            chown(cache.root, 12345, 12345)
            #expect(refusal { try NativeCache(at: cache.root) }.contains("found 12345"))
        }
    }
}

@Suite struct `A key` {
    @Test func `names all that the code depends on`() throws {
        let base = try key(1)
        var others = [base, try key(2), try key(1, level: "quick")]
        others.append(NativeCacheKey(module: base.module, abiVersion: 5, compilerVersion: 1, level: "full"))
        others.append(NativeCacheKey(module: base.module, abiVersion: 4, compilerVersion: 2, level: "full"))
        others.append(
            NativeCacheKey(module: base.module, abiVersion: 4, compilerVersion: 1, processor: 1, level: "full"))
        try withCache { cache, _ in
            for key in others { try add(key, to: cache) }
            #expect(Set(try cache.entries().map(\.key)) == Set(others))
        }
    }

    @Test func `has the number of this processor`() {
        #expect(NativeCacheKey.currentProcessor != 0)
    }
}
