// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing
import WASI

private let read: UInt64 = 1 << 1
private let write: UInt64 = 1 << 6
private let seek: UInt64 = 1 << 2
private let tell: UInt64 = 1 << 5
private let create: UInt32 = 1
private let exclusive: UInt32 = 4
private let truncate: UInt32 = 8

@Suite struct `files` {
    @Test func `what is written can be read back at the right place`() throws {
        let directory = try TemporaryDirectory()
        defer { withExtendedLifetime(directory) {} }
        let guest = FakeGuest(directory)
        let file = try guest.open("new", oflags: create, rights: read | write | seek | tell).get()
        #expect(file == 4)
        #expect(guest.write(file, Array("hello world".utf8)) == .success)
        #expect(directory.text("new") == "hello world")
        #expect(guest.call("fd_seek", .i32(file), .i64(6), 0, 16) == .success)
        #expect(guest.u64(16) == 6)
        #expect(try guest.read(file).get() == Array("world".utf8))
        #expect(try guest.read(file).get() == [])
        #expect(guest.call("fd_tell", .i32(file), 16) == .success)
        #expect(guest.u64(16) == 11)
        let (vectors, buffer) = guest.vector(4)
        #expect(guest.call("fd_pread", .i32(file), .i32(vectors), 1, .i64(2), 16) == .success)
        #expect(guest.text(buffer, 4) == "llo ")
        #expect(guest.call("fd_pwrite", .i32(file), .i32(guest.vector(of: [0x21])), 1, .i64(0), 16) == .success)
        #expect(directory.text("new") == "!ello world")
        #expect(guest.call("fd_close", .i32(file)) == .success)
        #expect(guest.call("fd_close", .i32(file)) == .badFile)
    }

    @Test func `seeking counts from start, position and end, in each snapshot's order`() throws {
        let directory = try TemporaryDirectory()
        defer { withExtendedLifetime(directory) {} }
        directory.write("f", "0123456789")
        for (module, whence) in [("wasi_snapshot_preview1", [0, 1, 2]), ("wasi_unstable", [2, 0, 1])] {
            let preopen = PreopenedDirectory(descriptor: directory.open(), guestPath: "/")
            let guest = FakeGuest(WASIConfiguration(preopens: [preopen]), module: module)
            let file = try guest.open("f", rights: read | seek).get()
            let (set, current, end) = (UInt32(whence[0]), UInt32(whence[1]), UInt32(whence[2]))
            #expect(guest.call("fd_seek", .i32(file), .i64(4), .i32(set), 16) == .success)
            #expect(guest.u64(16) == 4)
            #expect(guest.call("fd_seek", .i32(file), .i64(3), .i32(current), 16) == .success)
            #expect(guest.u64(16) == 7)
            #expect(guest.call("fd_seek", .i32(file), .i64(UInt64(bitPattern: -1)), .i32(end), 16) == .success)
            #expect(guest.u64(16) == 9)
            #expect(guest.call("fd_seek", .i32(file), .i64(UInt64(bitPattern: -99)), .i32(current), 16) == .invalid)
            #expect(guest.call("fd_seek", .i32(file), .i64(0), 3, 16) == .invalid)
        }
    }

    @Test func `vectors are limited, bounded and cannot overflow`() throws {
        let directory = try TemporaryDirectory()
        defer { withExtendedLifetime(directory) {} }
        let guest = FakeGuest(directory)
        let file = try guest.open("f", oflags: create, rights: read | write).get()
        let end = UInt32(guest.bytes.count)
        #expect(guest.call("fd_write", .i32(file), 0, 1025, 16) == .invalid)
        #expect(guest.call("fd_write", .i32(file), .i32(end - 8), 2, 16) == .fault)
        #expect(guest.call("fd_write", .i32(file), .i32(.max), 1, 16) == .fault)
        let vectors = guest.allocate(16)
        guest.set(vectors, end - 2)
        guest.set(vectors + 4, UInt32(3))
        #expect(guest.call("fd_write", .i32(file), .i32(vectors), 1, 16) == .fault)
        guest.set(vectors, UInt32.max)
        guest.set(vectors + 4, UInt32.max)
        #expect(guest.call("fd_write", .i32(file), .i32(vectors), 1, 16) == .fault)
        guest.set(vectors, UInt32(0))
        guest.set(vectors + 4, UInt32(16))
        #expect(guest.call("fd_write", .i32(file), .i32(vectors), 1, .i32(end - 2)) == .fault)
        #expect(directory.text("f")?.isEmpty == true, "a call that fails writes nothing")
        #expect(guest.call("fd_write", .i32(file), .i32(vectors), 0, 16) == .success)
        #expect(guest.u32(16) == 0)
    }

    @Test func `creating, truncating and exclusive opening do what POSIX says`() throws {
        let directory = try TemporaryDirectory()
        defer { withExtendedLifetime(directory) {} }
        directory.write("old", "text")
        let guest = FakeGuest(directory)
        #expect(guest.open("none").failure == .noEntry)
        #expect(guest.open("old", oflags: create | exclusive).failure == .exists)
        #expect(guest.open("old", oflags: truncate, rights: 0).failure == nil)
        #expect(directory.text("old")?.isEmpty == true)
        #expect(guest.open("old", oflags: 2).failure == .notDirectory)
        #expect(guest.open("dir", oflags: create | 2).failure == .invalid)
        #expect(guest.open("old", oflags: 16).failure == .invalid)
        #expect(guest.open("old", flags: 32).failure == .invalid)
        #expect(guest.open(".", rights: read | write).failure == .isDirectory)
    }

    @Test func `append, sync and their reports`() throws {
        let directory = try TemporaryDirectory()
        defer { withExtendedLifetime(directory) {} }
        directory.write("log", "a")
        let guest = FakeGuest(directory)
        let file = try guest.open("log", rights: FakeGuest.allRights, flags: 1 | 16).get()
        #expect(guest.write(file, [0x62]) == .success)
        #expect(directory.text("log") == "ab")
        #expect(guest.call("fd_fdstat_get", .i32(file), 64) == .success)
        #expect(guest.bytes[64] == 4)
        #expect(guest.u16(66) == 17)
        #expect(guest.call("fd_fdstat_set_flags", .i32(file), 0) == .notSupported, "sync cannot be taken away")
        #expect(guest.call("fd_fdstat_set_flags", .i32(file), 16) == .success)
        #expect(guest.call("fd_seek", .i32(file), .i64(0), 0, 16) == .success)
        #expect(guest.write(file, [0x63]) == .success)
        #expect(directory.text("log") == "cb")
        #expect(guest.call("fd_sync", .i32(file)) == .success)
        #expect(guest.call("fd_datasync", .i32(file)) == .success)
    }

    @Test func `sizes and times can be set`() throws {
        let directory = try TemporaryDirectory()
        defer { withExtendedLifetime(directory) {} }
        let guest = FakeGuest(directory)
        let file = try guest.open("f", oflags: create, rights: FakeGuest.allRights).get()
        #expect(guest.call("fd_filestat_set_size", .i32(file), .i64(100)) == .success)
        #expect(guest.call("fd_allocate", .i32(file), .i64(90), .i64(20)) == .success)
        #expect(guest.call("fd_allocate", .i32(file), .i64(0), .i64(0)) == .invalid)
        #expect(guest.call("fd_advise", .i32(file), .i64(0), .i64(10), 3) == .success)
        #expect(guest.call("fd_advise", .i32(file), .i64(0), .i64(10), 9) == .invalid)
        #expect(guest.call("fd_filestat_set_times", .i32(file), .i64(1), .i64(5_000_000_007), 5) == .success)
        #expect(guest.call("fd_filestat_set_times", .i32(file), .i64(1), .i64(1), 3) == .invalid)
        #expect(guest.call("fd_filestat_set_times", .i32(file), .i64(1), .i64(1), 16) == .invalid)
        #expect(guest.call("fd_filestat_get", .i32(file), 64) == .success)
        #expect(guest.bytes[80] == 4)
        #expect(guest.u64(88) == 1)
        #expect(guest.u64(96) == 110)
        #expect(guest.u64(112) == 5_000_000_007)
    }

    @Test func `snapshot 0 has a filestat of 56 bytes with a short link count`() throws {
        let directory = try TemporaryDirectory()
        defer { withExtendedLifetime(directory) {} }
        directory.write("f", "123")
        let preopen = PreopenedDirectory(descriptor: directory.open(), guestPath: "/")
        let guest = FakeGuest(WASIConfiguration(preopens: [preopen]), module: "wasi_unstable")
        let name = guest.put(Array("f".utf8))
        guest.set(64 + 56, UInt64.max)
        #expect(guest.call("path_filestat_get", 3, 0, .i32(name), 1, 64) == .success)
        #expect(guest.bytes[80] == 4)
        #expect(guest.u32(84) == 1)
        #expect(guest.u64(88) == 3)
        #expect(guest.u64(104) > 0)
        #expect(guest.u64(120) == .max, "nothing behind it is touched")
    }

    @Test func `a guest holds as many descriptors as it is given, and the numbers are used again`() throws {
        let directory = try TemporaryDirectory()
        defer { withExtendedLifetime(directory) {} }
        directory.write("f", "")
        let preopen = PreopenedDirectory(descriptor: directory.open(), guestPath: "/")
        let guest = FakeGuest(WASIConfiguration(preopens: [preopen], descriptorCountMax: 6))
        #expect(try guest.open("f").get() == 4)
        #expect(try guest.open("f").get() == 5)
        #expect(guest.open("f").failure == .tooManyFiles)
        #expect(guest.call("fd_close", 4) == .success)
        #expect(try guest.open("f").get() == 4)
    }

    @Test func `renumbering replaces an open descriptor only`() throws {
        let directory = try TemporaryDirectory()
        defer { withExtendedLifetime(directory) {} }
        directory.write("a", "A")
        directory.write("b", "B")
        let guest = FakeGuest(directory)
        let (a, b) = (try guest.open("a").get(), try guest.open("b").get())
        #expect(guest.call("fd_renumber", .i32(a), .i32(b)) == .success)
        #expect(try guest.read(b).get() == Array("A".utf8))
        #expect(guest.read(a).failure == .badFile)
        #expect(guest.call("fd_renumber", .i32(b), .i32(a)) == .badFile)
        #expect(guest.call("fd_renumber", .i32(b), .i32(b)) == .success)
        #expect(guest.call("fd_renumber", 99, .i32(b)) == .badFile)
    }

    @Test func `directory entries come in full buffers, and cookies continue`() throws {
        let directory = try TemporaryDirectory()
        defer { withExtendedLifetime(directory) {} }
        for index in 0..<200 { directory.write("file-\(index)", "") }
        let guest = FakeGuest(directory)
        var names: Set<String> = []
        var cookie: UInt64 = 0
        for _ in 0..<1000 {
            #expect(guest.call("fd_readdir", 3, 4096, 300, .i64(cookie), 16) == .success)
            let used = guest.u32(16)
            var offset: UInt32 = 0
            while offset + 24 <= used {
                let length = guest.u32(4096 + offset + 16)
                guard offset + 24 + length <= used else { break }
                cookie = guest.u64(4096 + offset)
                names.insert(guest.text(4096 + offset + 24, Int(length)))
                offset += 24 + length
            }
            if used < 300 { break }
        }
        #expect(names.count == 202)
        #expect(names.isSuperset(of: [".", "..", "file-0", "file-199"]))
        #expect(guest.call("fd_readdir", 3, 4096, 10, .i64(0), 16) == .success)
        #expect(guest.u32(16) == 10, "a cut entry fills the buffer")
        #expect(guest.call("fd_readdir", 1, 4096, 300, .i64(0), 16) == .notDirectory)
    }

    @Test func `preopened directories have names, other descriptors have none`() throws {
        let directory = try TemporaryDirectory()
        defer { withExtendedLifetime(directory) {} }
        let guest = FakeGuest(
            WASIConfiguration(preopens: [PreopenedDirectory(descriptor: directory.open(), guestPath: "/data")]))
        #expect(guest.call("fd_prestat_get", 3, 16) == .success)
        #expect(guest.u32(16) == 0)
        #expect(guest.u32(20) == 5)
        #expect(guest.call("fd_prestat_dir_name", 3, 32, 4) == .nameTooLong)
        #expect(guest.call("fd_prestat_dir_name", 3, 32, 5) == .success)
        #expect(guest.text(32, 5) == "/data")
        #expect(guest.call("fd_prestat_get", 0, 16) == .badFile)
        #expect(guest.call("fd_prestat_get", 4, 16) == .badFile)
    }

    @Test func `file functions on a directory say so`() {
        guard let directory = try? TemporaryDirectory() else { return }
        let guest = FakeGuest(directory)
        #expect(guest.read(3).failure == .isDirectory)
        #expect(guest.write(3, [1]) == .isDirectory)
        #expect(guest.call("fd_seek", 3, .i64(0), 1, 16) == .isDirectory)
        #expect(guest.call("fd_tell", 3, 16) == .isDirectory)
        #expect(guest.call("fd_allocate", 3, .i64(0), .i64(1)) == .isDirectory)
        #expect(guest.call("fd_filestat_set_size", 3, .i64(1)) == .isDirectory)
    }
}

@Suite struct `rights` {
    @Test func `a function needs its right`() throws {
        let directory = try TemporaryDirectory()
        defer { withExtendedLifetime(directory) {} }
        directory.write("f", "text")
        let guest = FakeGuest(directory)
        let file = try guest.open("f", rights: 0).get()
        #expect(guest.read(file).failure == .notCapable)
        #expect(guest.write(file, [1]) == .notCapable)
        #expect(guest.call("fd_seek", .i32(file), .i64(0), 0, 16) == .notCapable)
        #expect(guest.call("fd_tell", .i32(file), 16) == .notCapable)
        #expect(guest.call("fd_filestat_get", .i32(file), 64) == .notCapable)
        #expect(guest.call("fd_sync", .i32(file)) == .notCapable)
        #expect(guest.call("fd_fdstat_set_flags", .i32(file), 1) == .notCapable)
        let teller = try guest.open("f", rights: tell).get()
        #expect(guest.call("fd_seek", .i32(teller), .i64(0), 1, 16) == .success)
        #expect(guest.call("fd_seek", .i32(teller), .i64(1), 1, 16) == .notCapable)
    }

    @Test func `rights only become fewer`() throws {
        let directory = try TemporaryDirectory()
        defer { withExtendedLifetime(directory) {} }
        directory.write("f", "text")
        directory.makeDirectory("d")
        let guest = FakeGuest(directory)
        let sub = try guest.open("d", rights: FakeGuest.allRights & ~write, inheriting: read).get()
        #expect(guest.open("x", in: sub, oflags: create, rights: write).failure == .notCapable)
        #expect(guest.call("fd_fdstat_set_rights", .i32(sub), .i64(1 << 13), .i64(0)) == .success)
        #expect(guest.call("fd_fdstat_set_rights", .i32(sub), .i64(1 << 14), .i64(0)) == .notCapable)
        #expect(guest.call("fd_readdir", .i32(sub), 4096, 300, .i64(0), 16) == .notCapable)
        #expect(guest.open("x", in: sub, oflags: create).failure == .notCapable)
        #expect(guest.path("path_create_directory", "x", in: sub) == .notCapable)
        #expect(guest.path("path_unlink_file", "x", in: sub) == .notCapable)
        #expect(guest.path("path_remove_directory", "x", in: sub) == .notCapable)
        #expect(guest.open("f", rights: FakeGuest.allRights, inheriting: 0).failure == nil)
    }
}
