// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: native code of a module, made by programs in the compiler's place.
import Glibc
import Linux
import NativeCache
import NativeImage
import Testing

@Suite struct `A module on its way to native code` {
    private static let moduleBytes: [UInt8] = [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0]

    /// A module, a compiler that does `script`, and the job of both.
    private struct Fixture {
        let cache: NativeCache
        let folder: String
        var module: String { "\(folder)/app.wasm" }
        var runs: Int {
            ((try? Files.readText("\(folder)/runs")) ?? "").split(separator: "\n").count
        }

        init(_ cache: NativeCache, _ folder: String, _ script: String) throws {
            self.cache = cache
            self.folder = folder
            try write(moduleBytes, to: module)
            let lines = "#!/bin/sh\necho run >> \(folder)/runs\n\(script)\n"
            try write(Array(lines.utf8), to: "\(folder)/compiler")
            chmod("\(folder)/compiler", 0o755)
            let digest = try #require(
                try moduleBytes.withUnsafeBytes { (bytes) throws -> ModuleDigest? in ModuleDigest.of(bytes) })
            let key = NativeCacheKey(digest, .full)
            try write(try image(key), to: "\(folder)/image")
        }

        func job(heedsFailures: Bool = true) throws -> NativeJob {
            try NativeJob(
                try Files.open(module, O_RDONLY), CompileRequest(name: "app"), in: cache,
                compiler: try NativeCompiler(executablePath: "\(folder)/compiler"), heedsFailures: heedsFailures)
        }

        /// Why there is no native code; empty when there is.
        func failure(heedsFailures: Bool = true) -> String {
            do {
                _ = try job(heedsFailures: heedsFailures).run()
                return ""
            } catch { return "\(error)" }
        }

        var entryCount: Int? { try? cache.entries().count }
        var leftovers: [String] { ((try? Files.names(in: "\(cache.root)/making")) ?? []) }
    }

    private func with(_ script: String, _ body: (Fixture) throws -> Void) throws {
        try withCache { cache, folder in
            try body(try Fixture(cache, folder, script.split(separator: "FOLDER").joined(separator: folder)))
        }
    }

    @Test func `becomes an entry, and is found for any copy of the file`() throws {
        try with("cat FOLDER/image >&4; echo 7; echo 3 1") { fixture in
            let made = try fixture.job().run()
            #expect(made.summary?.compiled == 3 && made.summary?.interpreted == 1)
            #expect(made.key.level == "full" && made.byteCount > 0)
            #expect(try fixture.job().run().summary == nil)
            #expect(fixture.runs == 1)
            try write(Self.moduleBytes, to: "\(fixture.folder)/copy.wasm")
            let copy = try Files.open("\(fixture.folder)/copy.wasm", O_RDONLY)
            let isFound = try fixture.cache.find(copy.rawValue) != nil
            #expect(isFound)
            // It was not noted: the next copy has another name again.
            #expect(fixture.cache.rememberedDigest(of: copy.rawValue) == nil)
        }
    }

    @Test(arguments: [
        ("kill -SEGV $$", "app: the compiler crashed (signal 11)"), ("kill -SYS $$", "system call"),
        ("echo no such type; exit 1", "app: no such type"), ("exit 1", "app: "), ("exit 3", "ended with code 3"),
        ("echo 1 0", "the compiler's image"),
    ])
    func `that the compiler cannot take is not tried again unless asked for`(
        _ script: String, _ reason: String
    ) throws {
        try with(script) { fixture in
            #expect(fixture.failure().contains(reason))
            #expect(fixture.failure().contains(reason))
            #expect(fixture.runs == 1)
            #expect(fixture.failure(heedsFailures: false).contains(reason))
            #expect(fixture.runs == 2)
            #expect(fixture.leftovers.isEmpty)
            #expect(fixture.entryCount == 0)
        }
    }

    @Test(arguments: [("kill -KILL $$", "was killed"), ("echo disk full; exit 75", "disk full")])
    func `that fails for reasons outside of it is tried again in a while`(_ script: String, _ reason: String) throws {
        try with(script) { fixture in
            #expect(fixture.failure().contains(reason))
            #expect(fixture.failure().contains(reason))
            #expect(fixture.runs == 1)
            let note = try #require(try Files.names(in: "\(fixture.cache.root)/failures").first)
            var times = [timespec(), timespec()]
            (times[0].tv_sec, times[1].tv_sec) = (time(nil) - 601, time(nil) - 601)
            utimensat(AT_FDCWD, "\(fixture.cache.root)/failures/\(note)", times, 0)
            #expect(fixture.failure().contains(reason))
            #expect(fixture.runs == 2)
        }
    }

    @Test func `is what was read once, whoever writes to the file meanwhile`() throws {
        try with("cat /proc/self/fd/3 > FOLDER/seen; cat FOLDER/image >&4; echo 1 0") { fixture in
            let job = try fixture.job()
            while job.digest == nil { _ = try job.advance() }
            let file = try Files.open(fixture.module, O_RDWR)
            #expect(pwrite(file.rawValue, [0xFF], 1, 7) == 1)
            let made = try job.run()
            #expect(made.key.module == job.digest)
            #expect(try Files.read("\(fixture.folder)/seen") == Self.moduleBytes)
        }
    }

    @Test func `that is given up leaves no process, no lock and no entry`() throws {
        try with("exec sleep 1000") { fixture in
            let job = try fixture.job()
            while job.processIdentifier == nil { _ = try job.advance() }
            let process = try #require(job.processIdentifier)
            #expect(kill(process, 0) == 0)
            job.cancel()
            #expect(kill(process, 0) != 0)
            #expect(fixture.leftovers.isEmpty)
            #expect(fixture.entryCount == 0)
            #expect(try Files.names(in: "\(fixture.cache.root)/failures").isEmpty)
        }
    }

    @Test func `whose entry is damaged is compiled again`() throws {
        try with("cat FOLDER/image >&4; echo 1 0") { fixture in
            let made = try fixture.job().run()
            let name = try #require(try Files.names(in: "\(fixture.cache.root)/images").first)
            let path = "\(fixture.cache.root)/images/\(name)"
            chmod(path, 0o600)
            try write([1, 2, 3], to: path)
            let again = try fixture.job().run()
            #expect(again.summary != nil && again.key == made.key && fixture.runs == 2)
        }
    }

    private func isFree(_ cache: NativeCache) throws -> Bool { try cache.takeBackgroundSlot() != nil }

    @Test func `one process of a machine at a time compiles in the background`() throws {
        try withCache { cache, _ in
            do {
                let first = try #require(try cache.takeBackgroundSlot()?.release())
                defer { close(first) }
                #expect(try isFree(cache) == false)
            }
            #expect(try isFree(cache))
        }
    }
}
