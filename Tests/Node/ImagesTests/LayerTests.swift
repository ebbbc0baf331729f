// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: layers on disk, also hostile ones.

import Glibc
import Images
import Testing

@Suite struct `Layers` {
    @Test func `lie over each other and hide what is below`() throws {
        let test = try TestStore()
        var low = TarText()
        low.add("a", type: "5")
        low.add("a/old", "1")
        low.add("a/kept", "2")
        low.add("b/deep/gone", "3")
        low.add("c/x", "4")
        low.add("d/x", "low")
        var high = TarText()
        high.add("a/.wh.old")
        high.add("b/.wh.deep")
        high.add("c/.wh..wh..opq")
        high.add("c/y", "5")
        high.add("d/x", "high")
        high.add("e/new", "6")
        high.add("e/.wh.new")
        let root = try test.unpack([low.end, high.end])
        #expect(readFile("\(root)/a/kept") == "2")
        #expect(!exists("\(root)/a/old") && !exists("\(root)/b/deep") && exists("\(root)/b"))
        #expect(!exists("\(root)/c/x") && readFile("\(root)/c/y") == "5")
        #expect(readFile("\(root)/d/x") == "high")
        // A whiteout hides lower layers only.
        #expect(readFile("\(root)/e/new") == "6")
    }

    @Test func `may have long names, links and every form of header`() throws {
        let test = try TestStore()
        let long = (0..<30).map { "folder\($0)" }.joined(separator: "/") + "/file"
        var tar = TarText()
        tar.pax([("path", long), ("mtime", "1234567890.5")])
        tar.add("short", "pax")
        tar.add("././@LongLink", type: "L", long + "2\0")
        tar.add("short", "gnu")
        tar.add("bin", type: "5", mode: 0o755)
        tar.add("bin/tool", "x", mode: 0o4755)
        tar.add("bin/hard", type: "1", link: "bin/tool")
        tar.add("sh", type: "2", link: "/bin/tool")
        tar.add("lib", type: "2", link: "usr/lib")
        tar.add("usr/lib", type: "5")
        tar.add("lib/through", "link")
        tar.add("null", type: "3")
        let root = try test.unpack([tar.end])
        #expect(readFile("\(root)/\(long)") == "pax" && readFile("\(root)/\(long)2") == "gnu")
        #expect(readFile("\(root)/bin/hard") == "x")
        var information = stat()
        #expect(stat("\(root)/bin/tool", &information) == 0)
        // No set-user-ID bit gets through.
        #expect(information.st_mode & 0o7777 == 0o755 && information.st_nlink == 2)
        #expect(readFile("\(root)/usr/lib/through") == "link")
        #expect(!exists("\(root)/null"))
    }

    @Test(arguments: [
        ("../escape", "0", ""), ("a/../../escape", "0", ""), ("/../escape", "5", ""), ("x", "1", "../../escape"),
        (".wh...", "0", ""), ("a/.wh..", "0", ""),
    ])
    func `cannot name what is outside`(path: String, type: String, link: String) throws {
        let test = try TestStore()
        var tar = TarText()
        tar.add("a", type: "5")
        tar.add(path, type: Character(type), link: link)
        #expect(code { _ = try test.unpack([tar.end]) } == .invalidContent)
    }

    @Test(arguments: ["/tmp", "../../../../../../../../tmp", "/"])
    func `cannot write through a link that leads outside`(target: String) throws {
        let test = try TestStore()
        let name = "swiftlet-escape-\(getpid())"
        var tar = TarText()
        tar.add("out", type: "2", link: target)
        tar.add("out/\(name)", "escaped")
        tar.add("file", type: "2", link: "/tmp/\(name)2")
        tar.add("file", "not through the link")
        let root = try? test.unpack([tar.end])
        #expect(!exists("/tmp/\(name)") && !exists("/\(name)") && !exists("/tmp/\(name)2"))
        // Inside the image the link means the image's own folder, if there is one.
        if let root { #expect(readFile("\(root)/file") == "not through the link") }
    }

    @Test func `that are cut short or damaged are refused`() throws {
        let test = try TestStore()
        let good = TarText.of([("file", String(repeating: "x", count: 1000))])
        for length in [100, 512, 700, 1400] {
            // At 512 the header is whole and the content missing.
            #expect(code { _ = try test.unpack([Array(good[..<length])]) } == .invalidContent, "\(length)")
        }
        var flipped = good
        flipped[3] ^= 1
        #expect(code { _ = try test.unpack([flipped]) } == .invalidContent)
        var lying = TarText()
        lying.add("file", "x", size: 1 << 32)
        #expect(code { _ = try test.unpack([lying.end]) } == .invalidContent)
    }

    @Test func `are bounded when unpacked`() throws {
        var limits = ImageLimits()
        limits.unpackedBytes = 100_000
        limits.unpackedEntries = 50
        limits.depth = 10
        let test = try TestStore(limits: limits)
        let big = TarText.of([
            ("a", String(repeating: "a", count: 60_000)), ("b", String(repeating: "b", count: 60_000)),
        ])
        #expect(code { _ = try test.unpack([big]) } == .limitExceeded)
        // Over several layers together.
        let half = { (name: String) in TarText.of([(name, String(repeating: "a", count: 60_000))]) }
        #expect(code { _ = try test.unpack([half("a"), half("b")]) } == .limitExceeded)
        let many = TarText.of((0..<60).map { ("f\($0)", "") })
        #expect(code { _ = try test.unpack([many]) } == .limitExceeded)
        let deep = TarText.of([((0..<20).map { _ in "d" }.joined(separator: "/"), "")])
        #expect(code { _ = try test.unpack([deep]) } == .limitExceeded)
    }

    @Test func `of zeros a thousand times smaller than their content are bounded, too`() throws {
        var limits = ImageLimits()
        limits.unpackedBytes = 1 << 20
        let test = try TestStore(limits: limits)
        let bomb = try #require(gzip(TarText.of([("zeros", String(repeating: "0", count: 4 << 20))])))
        #expect(bomb.count < 100_000)
        let name = try test.add("localhost/bomb", layers: [bomb], diffIDs: [Digest.of([])])
        #expect(code { _ = try test.store.unpack(test.store.image(name)) } == .limitExceeded)
        #expect(try names("\(test.store.root)/rootfs").allSatisfy { $0.hasSuffix(".lock") })
    }

    @Test func `with another diff_id than the config says are refused`() throws {
        let test = try TestStore()
        let layer = TarText.of([("a", "1")])
        let name = try test.add("localhost/lie", layers: [layer], diffIDs: [Digest.of([1])])
        #expect(code { _ = try test.store.unpack(test.store.image(name)) } == .invalidContent)
        let short = try test.add("localhost/short", layers: [layer], diffIDs: [])
        #expect(code { _ = try test.store.unpack(test.store.image(short)) } == .invalidContent)
    }

    @Test func `may be compressed with gzip or zstd, whatever the media type says`() throws {
        let test = try TestStore()
        let tar = TarText.of([("a", "1")])
        for (index, tool) in ["gzip -n", "zstd"].enumerated() {
            guard let packed = filter(tar, through: tool) else { continue }
            let name = try test.add("localhost/z\(index)", layers: [packed], diffIDs: [Digest.of(tar)])
            #expect(readFile(try test.store.unpack(test.store.image(name)) + "/a") == "1")
            let cut = try test.add(
                "localhost/cut\(index)", layers: [Array(packed.dropLast(3))], diffIDs: [Digest.of(tar)])
            #expect(code { _ = try test.store.unpack(test.store.image(cut)) } == .invalidContent, "\(tool)")
        }
    }

    @Test func `are unpacked once by many at the same time`() async throws {
        let test = try TestStore()
        let name = try test.add("localhost/many", layers: [TarText.of((0..<200).map { ("f\($0)", "x") })])
        let image = try test.store.image(name)
        let roots = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<16 { group.addTask { try test.store.unpack(image) } }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(roots.count == 1)
        #expect(try names(#require(roots.first)).count == 200)
    }
}

func names(_ path: String) throws -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        if name != ".", name != ".." { names.append(name) }
    }
    return names
}

func gzip(_ bytes: [UInt8]) -> [UInt8]? { filter(bytes, through: "gzip -n") }

/// Runs a command of the system over the bytes; nil where it is missing.
func filter(_ bytes: [UInt8], through command: String) -> [UInt8]? {
    var template = Array("/tmp/swiftlet-filter-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    guard descriptor >= 0 else { return nil }
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { unlink(path) }
    _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    close(descriptor)
    guard let pipe = popen("\(command) -c < \(path) 2>/dev/null", "r") else { return nil }
    var output: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = fread(&chunk, 1, chunk.count, pipe)
        if count == 0 { break }
        output += chunk[..<count]
    }
    return pclose(pipe) == 0 ? output : nil
}
