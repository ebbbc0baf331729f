// SPDX-License-Identifier: Apache-2.0
// Swiftlet: CRI logs: the format, long lines, rotation, a full disk.
import EventLoop
import Glibc
import TaskService
import Testing

/// A folder for one test.
final class TemporaryFolder {
    let path: String

    init() {
        path = "/tmp/swl-taskservice-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        mkdir(path, 0o700)
    }

    deinit {
        for name in files { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    var files: [String] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    func write(_ name: String, _ bytes: [UInt8]) -> String {
        let descriptor = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o755)
        _ = Glibc.write(descriptor, bytes, bytes.count)
        close(descriptor)
        return "\(path)/\(name)"
    }

    func text(_ name: String) -> String {
        let descriptor = open("\(path)/\(name)", O_RDONLY)
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes[..<max(0, count)], as: UTF8.self)
    }
}

private func lines(_ text: String) -> [(stream: Substring, tag: Substring, content: Substring)] {
    text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map { line in
        let parts = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
        return (parts[1], parts[2], parts[3])
    }
}

@Suite struct CivilTimeTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000000000Z"), (951_782_399_999_999_999, "2000-02-28T23:59:59.999999999Z"),
            (951_782_400_000_000_000, "2000-02-29T00:00:00.000000000Z"),
            (951_868_800_000_000_001, "2000-03-01T00:00:00.000000001Z"),
            (4_107_542_399_000_000_000, "2100-02-28T23:59:59.000000000Z"),
            (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000000000Z"),
            (1_735_689_599_123_456_789, "2024-12-31T23:59:59.123456789Z"),
        ] as [(UInt64, String)])
    func `the date is the Gregorian one`(nanoseconds: UInt64, text: String) {
        #expect(CivilTime(nanosecondsSince1970: nanoseconds).rfc3339Nano == text)
        #expect(CivilTime(nanosecondsSince1970: nanoseconds).rfc3339 == "\(text.prefix(19))Z")
    }

    @Test func `it agrees with gmtime`() {
        for day in stride(from: 0, to: 60_000, by: 17) {
            var seconds = time_t(day * 86_400 + 43_200)
            var parts = tm()
            gmtime_r(&seconds, &parts)
            let text = CivilTime(nanosecondsSince1970: UInt64(seconds) * 1_000_000_000).rfc3339
            #expect(Int(text.prefix(4)) == Int(parts.tm_year) + 1900)
            #expect(Int(text.dropFirst(5).prefix(2)) == Int(parts.tm_mon) + 1)
            #expect(Int(text.dropFirst(8).prefix(2)) == Int(parts.tm_mday))
        }
    }
}

@Suite struct LogTests {
    @Test func `lines are whole however the bytes arrive`() throws {
        let folder = TemporaryFolder()
        var writer = CRILogWriter(file: try LogFile(path: "\(folder.path)/0.log"), stream: .stderr)
        for piece in ["a", "b\nc", "", "d\n\n", "last"] { writer.write(Array(piece.utf8)[...]) }
        writer.finish()
        let found = lines(folder.text("0.log"))
        #expect(found.map(\.content) == ["ab", "cd", "", "last"])
        #expect(found.allSatisfy { $0.stream == "stderr" && $0.tag == "F" })
    }

    @Test(arguments: [16_383, 16_384, 16_385, 40_000])
    func `long lines are cut at 16 KiB and come together again`(length: Int) throws {
        let folder = TemporaryFolder()
        var writer = CRILogWriter(file: try LogFile(path: "\(folder.path)/0.log"), stream: .stdout)
        let content = (0..<length).map { UInt8(ascii: "a") + UInt8($0 % 26) }
        var rest = content[...]
        while !rest.isEmpty {
            writer.write(Array(rest.prefix(5000))[...])
            rest = rest.dropFirst(5000)
        }
        writer.write([0x0a])
        let found = lines(folder.text("0.log"))
        #expect(found.map(\.content).joined() == String(decoding: content, as: UTF8.self))
        #expect(found.dropLast().allSatisfy { $0.tag == "P" && $0.content.utf8.count == 16_384 })
        #expect(found.last?.tag == "F")
        #expect(found.count == (length + 16_383) / 16_384)
    }

    @Test func `a file is rotated before it is too large and the oldest goes`() throws {
        let folder = TemporaryFolder()
        let rotation = LogFile.Rotation(sizeBytesMax: 1000, filesMax: 3)
        var writer = CRILogWriter(file: try LogFile(path: "\(folder.path)/0.log", rotation: rotation), stream: .stdout)
        for number in 0..<100 { writer.write(Array("line \(number)\n".utf8)[...]) }
        #expect(folder.files == ["0.log", "0.log.1", "0.log.2"])
        let all = ["0.log.2", "0.log.1", "0.log"].flatMap { lines(folder.text($0)).map { String($0.content) } }
        #expect(all.last == "line 99")
        let first = try #require(all.first.flatMap { Int($0.dropFirst(5)) })
        #expect(all == (first..<100).map { "line \($0)" })
        for name in folder.files { #expect(folder.text(name).utf8.count <= 1000) }
    }

    @Test func `one file of history means none`() throws {
        let folder = TemporaryFolder()
        let rotation = LogFile.Rotation(sizeBytesMax: 200, filesMax: 1)
        var writer = CRILogWriter(file: try LogFile(path: "\(folder.path)/0.log", rotation: rotation), stream: .stdout)
        for number in 0..<50 { writer.write(Array("line \(number)\n".utf8)[...]) }
        #expect(folder.files == ["0.log"])
        #expect(lines(folder.text("0.log")).last?.content == "line 49")
    }

    @Test func `a full disk costs lines, which are counted, and half a line is taken back`() throws {
        let folder = TemporaryFolder()
        var room = 150
        let file = try LogFile(path: "\(folder.path)/0.log") { descriptor, bytes in
            guard room > 0 else {
                errno = ENOSPC
                return -1
            }
            let count = min(room, bytes.count)
            room -= count
            return write(descriptor, bytes.baseAddress, count)
        }
        var writer = CRILogWriter(file: file, stream: .stdout)
        for number in 0..<10 { writer.write(Array("line \(number)\n".utf8)[...]) }
        #expect(file.droppedLines > 0)
        #expect(folder.text("0.log").hasSuffix("\n"))
        let written = lines(folder.text("0.log")).count
        room = 10_000
        writer.write(Array("after\n".utf8)[...])
        let contents = lines(folder.text("0.log")).map { String($0.content) }
        #expect(contents[written] == "swiftlet: \(10 - written) log lines dropped here: No space left on device")
        #expect(contents.last == "after")
        #expect(file.droppedLines == 0)
    }

    @Test func `the device that is always full is survived`() throws {
        let folder = TemporaryFolder()
        let file = try LogFile(path: "/dev/full", rotation: .init(sizeBytesMax: 0, filesMax: 1))
        var writer = CRILogWriter(file: file, stream: .stdout)
        for _ in 0..<1000 { writer.write(Array("x\n".utf8)[...]) }
        #expect(file.droppedLines == 1000)
        #expect(folder.files.isEmpty)
    }
}

@Suite struct StreamTargetTests {
    @Test func `every form is read`() throws {
        #expect(try StreamTarget(parsing: "", stream: .stdout) == .none)
        #expect(try StreamTarget(parsing: "/run/f", stream: .stdout) == .fifo(path: "/run/f"))
        #expect(try StreamTarget(parsing: "file:///var/a%20b", stream: .stdout) == .file(path: "/var/a b"))
        #expect(
            try StreamTarget(parsing: "cri:///l/0.log?stream=stderr&maxSize=4096&maxFiles=2", stream: .stderr)
                == .cri(path: "/l/0.log", stream: .stderr, rotation: .init(sizeBytesMax: 4096, filesMax: 2)))
        #expect(
            try StreamTarget(parsing: "cri:///l/0.log", stream: .stdout)
                == .cri(path: "/l/0.log", stream: .stdout, rotation: .init()))
    }

    @Test(arguments: [
        "relative", "file://relative", "binary:///bin/logger", "cri:///l?stream=stderr", "cri:///l?maxSize=x",
        "cri:///l?maxFiles=0", "cri:///l?level=3", "file:///a%0", "file:///a%00b", "file:///", "cri://",
    ])
    func `the rest is refused`(text: String) {
        #expect(throws: (any Error).self) { try StreamTarget(parsing: text, stream: .stdout) }
    }
}
