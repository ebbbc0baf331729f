// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization
import Testing
import WASI

private let create: UInt32 = 1
private let readWrite: UInt64 = 1 << 1 | 1 << 6

/// outside/secret beside inside/, which is the guest's.
private func prison() throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    defer { withExtendedLifetime(directory) {} }
    directory.makeDirectory("outside")
    directory.write("outside/secret", "secret")
    directory.makeDirectory("inside")
    directory.makeDirectory("inside/dir")
    directory.write("inside/file", "mine")
    directory.link("inside/up", to: "..")
    directory.link("inside/out", to: "../outside")
    directory.link("inside/absolute", to: directory.path + "/outside")
    directory.link("inside/secret", to: "../outside/secret")
    directory.link("inside/proc", to: "/proc/self/root")
    directory.link("inside/dir/back", to: "../file")
    return directory
}

@Suite struct `confinement to the preopened directory` {
    static let escapes = [
        "..", "../", "../outside/secret", "dir/../../outside/secret", "./../inside/file", "/etc/passwd", "/",
        "up/outside/secret", "out/secret", "absolute/secret", "secret", "proc/etc/passwd", "dir/../up/outside/secret",
    ]

    @Test(arguments: escapes) func `no path leads out, whatever the function`(path: String) throws {
        let directory = try prison()
        defer { withExtendedLifetime(directory) {} }
        let guest = FakeGuest(directory, "inside")
        for follow in [true, false] where follow || path != "secret" {
            #expect(guest.open(path, follow: follow).failure == .notPermitted)
            #expect(guest.open(path, follow: follow, oflags: create, rights: readWrite).failure == .notPermitted)
        }
        let name = Array(path.utf8)
        let (at, count) = (guest.put(name), UInt32(name.count))
        let fresh = guest.put(Array("new".utf8))
        #expect(guest.call("path_filestat_get", 3, 1, .i32(at), .i32(count), 64) == .notPermitted)
        #expect(
            guest.call("path_filestat_set_times", 3, 1, .i32(at), .i32(count), .i64(0), .i64(0), 5) == .notPermitted)
        guard path != "secret" else { return }
        #expect(guest.path("path_create_directory", path + "/x") == .notPermitted)
        #expect(guest.path("path_unlink_file", path + "/x") == .notPermitted)
        #expect(guest.path("path_remove_directory", path + "/x") == .notPermitted)
        let longer = Array((path + "/x").utf8)
        let (deep, deepCount) = (guest.put(longer), UInt32(longer.count))
        #expect(guest.call("path_readlink", 3, .i32(deep), .i32(deepCount), 4096, 64, 16) == .notPermitted)
        #expect(guest.call("path_symlink", .i32(fresh), 3, 3, .i32(deep), .i32(deepCount)) == .notPermitted)
        let file = guest.put(Array("file".utf8))
        #expect(guest.call("path_rename", 3, .i32(file), 4, 3, .i32(deep), .i32(deepCount)) == .notPermitted)
        #expect(guest.call("path_rename", 3, .i32(deep), .i32(deepCount), 3, .i32(fresh), 3) == .notPermitted)
        #expect(guest.call("path_link", 3, 0, .i32(file), 4, 3, .i32(deep), .i32(deepCount)) == .notPermitted)
        #expect(guest.call("path_link", 3, 0, .i32(deep), .i32(deepCount), 3, .i32(fresh), 3) == .notPermitted)
        #expect(directory.text("outside/secret") == "secret")
        #expect(directory.text("inside/file") == "mine")
    }

    @Test func `links that stay inside are followed`() throws {
        let guest = FakeGuest(try prison(), "inside")
        let file = try guest.open("dir/back", follow: true).get()
        #expect(try guest.read(file).get() == Array("mine".utf8))
        #expect(guest.open("dir/back").failure == .loop)
        #expect(guest.open("dir/../file").failure == nil)
    }

    @Test func `a link whose name ends in a slash is not followed out by linking or renaming`() throws {
        let directory = try prison()
        defer { withExtendedLifetime(directory) {} }
        let guest = FakeGuest(directory, "inside")
        let out = guest.put(Array("out/".utf8))
        let new = guest.put(Array("new".utf8))
        #expect(guest.call("path_link", 3, 0, .i32(out), 4, 3, .i32(new), 3) == .notPermitted)
        #expect(guest.call("path_rename", 3, .i32(out), 4, 3, .i32(new), 3) == .notDirectory)
        #expect(guest.path("path_remove_directory", "out/") == .notDirectory)
        #expect(guest.path("path_create_directory", "out/") == .exists)
        #expect(directory.exists("outside/secret"))
    }

    @Test func `an absolute link target is refused, a relative one may be dangling`() throws {
        let guest = FakeGuest(try prison(), "inside")
        let root = guest.put(Array("/etc".utf8))
        let name = guest.put(Array("l".utf8))
        #expect(guest.call("path_symlink", .i32(root), 4, 3, .i32(name), 1) == .notPermitted)
        let dangling = guest.put(Array("a/b".utf8))
        #expect(guest.call("path_symlink", .i32(dangling), 3, 3, .i32(name), 1) == .success)
        #expect(guest.call("path_readlink", 3, .i32(name), 1, 4096, 2, 16) == .success)
        #expect(guest.text(4096, 2) == "a/")
        #expect(guest.open("l", follow: true).failure == .noEntry)
    }

    @Test func `bad path strings are refused`() throws {
        let guest = FakeGuest(try prison(), "inside")
        #expect(guest.open("").failure == .noEntry)
        #expect(guest.open("file\0").failure == .invalid)
        #expect(guest.open(String(repeating: "a/", count: 3000)).failure == .nameTooLong)
        #expect(guest.open(String(repeating: "a", count: 300)).failure == .nameTooLong)
        let bad = guest.put([0xC3, 0x28])
        #expect(guest.call("path_create_directory", 3, .i32(bad), 2) == .illegalSequence)
        #expect(guest.call("path_create_directory", 3, .i32(UInt32(guest.bytes.count) - 1), 2) == .fault)
        #expect(guest.path("path_create_directory", "file/x") == .notDirectory)
        #expect(guest.path("path_create_directory", "x", in: 77) == .badFile)
        #expect(guest.path("path_create_directory", "x", in: 1) == .notDirectory)
    }

    @Test func `dots name nothing that can be made or removed`() throws {
        let guest = FakeGuest(try prison(), "inside")
        for dots in [".", "dir/.", "dir/.."] {
            #expect(guest.path("path_create_directory", dots) == .exists)
            #expect(guest.path("path_remove_directory", dots) == .invalid)
            #expect(guest.path("path_unlink_file", dots) == .isDirectory)
        }
    }

    @Test func `a descriptor is confined to itself, not to what it was opened from`() throws {
        let guest = FakeGuest(try prison(), "inside")
        let sub = try guest.open("dir", rights: FakeGuest.allRights & ~(1 << 6)).get()
        #expect(guest.open("../file", in: sub).failure == .notPermitted)
        #expect(guest.open("back", in: sub, follow: true).failure == .notPermitted)
    }

    @Test func `links swapped while paths are resolved never lead out`() throws {
        let directory = try prison()
        defer { withExtendedLifetime(directory) {} }
        // inside/flip is in turn a directory with a harmless `secret` and a link to the outside.
        directory.makeDirectory("inside/a")
        directory.write("inside/a/secret", "harmless")
        directory.link("inside/b", to: "../outside")
        let isOver = Atomic<Bool>(false)
        let base = directory.path + "/inside/"
        withThread({
            while !isOver.load(ordering: .relaxed) {
                rename(base + "a", base + "flip")
                rename(base + "flip", base + "a")
                rename(base + "b", base + "flip")
                rename(base + "flip", base + "b")
            }
        }) {
            defer { isOver.store(true, ordering: .relaxed) }
            let guest = FakeGuest(directory, "inside")
            var readCount = 0
            for _ in 0..<20_000 {
                if let file = try? guest.open("flip/secret", follow: true).get() {
                    #expect((try? guest.read(file).get()) == Array("harmless".utf8))
                    readCount += 1
                    _ = guest.call("fd_close", .i32(file))
                }
                _ = guest.path("path_create_directory", "flip/made")
                _ = guest.path("path_remove_directory", "flip/made")
                _ = guest.path("path_unlink_file", "flip/../../outside/secret")
            }
            #expect(readCount > 0)
        }
        #expect(directory.text("outside/secret") == "secret")
        #expect(!directory.exists("outside/made"))
    }

    @Test func `a directory moved away under a path with dots does not open what is above`() throws {
        let directory = try prison()
        defer { withExtendedLifetime(directory) {} }
        directory.makeDirectory("inside/deep")
        directory.makeDirectory("inside/deep/er")
        let isOver = Atomic<Bool>(false)
        let (here, there) = (directory.path + "/inside/deep/er", directory.path + "/outside/er")
        withThread({
            while !isOver.load(ordering: .relaxed) {
                rename(here, there)
                rename(there, here)
            }
        }) {
            defer { isOver.store(true, ordering: .relaxed) }
            let guest = FakeGuest(directory, "inside")
            for _ in 0..<20_000 {
                // From outside/er, two levels up and down again would be the secret's folder.
                let opened = guest.open("deep/er/../../outside/secret")
                #expect(opened.failure != nil)
                let sideways = guest.open("deep/er/../secret")
                #expect(sideways.failure != nil)
            }
        }
    }
}

@Suite struct `read-only directories` {
    @Test func `nothing can be changed`() throws {
        let directory = try prison()
        defer { withExtendedLifetime(directory) {} }
        let guest = FakeGuest(directory, "inside", isReadOnly: true)
        let file = guest.put(Array("file".utf8))
        let new = guest.put(Array("new".utf8))
        #expect(guest.open("new", oflags: create).failure == .readOnlyFileSystem)
        #expect(guest.open("file", rights: readWrite).failure == .readOnlyFileSystem)
        #expect(guest.open("file", oflags: 8).failure == .readOnlyFileSystem)
        #expect(guest.open("file", oflags: create | 4).failure == .exists)
        #expect(guest.open("none", rights: readWrite).failure == .noEntry)
        #expect(guest.open("../outside/secret", rights: readWrite).failure == .notPermitted)
        #expect(guest.path("path_create_directory", "new") == .readOnlyFileSystem)
        #expect(guest.path("path_unlink_file", "file") == .readOnlyFileSystem)
        #expect(guest.path("path_remove_directory", "dir") == .readOnlyFileSystem)
        #expect(guest.call("path_rename", 3, .i32(file), 4, 3, .i32(new), 3) == .readOnlyFileSystem)
        #expect(guest.call("path_link", 3, 0, .i32(file), 4, 3, .i32(new), 3) == .readOnlyFileSystem)
        #expect(guest.call("path_symlink", .i32(file), 4, 3, .i32(new), 3) == .readOnlyFileSystem)
        #expect(
            guest.call("path_filestat_set_times", 3, 0, .i32(file), 4, .i64(0), .i64(0), 5) == .readOnlyFileSystem)
        let opened = try guest.open("file", rights: FakeGuest.allRights & ~(1 << 6)).get()
        #expect(try guest.read(opened).get() == Array("mine".utf8))
        #expect(guest.write(opened, [1]) == .notCapable)
        #expect(guest.call("fd_filestat_set_size", .i32(opened), .i64(0)) == .notCapable)
        #expect(guest.call("fd_allocate", .i32(opened), .i64(0), .i64(9)) == .notCapable)
        #expect(guest.call("fd_filestat_set_times", .i32(opened), .i64(0), .i64(0), 5) == .readOnlyFileSystem)
        let sub = try guest.open("dir", rights: FakeGuest.allRights & ~(1 << 6)).get()
        #expect(guest.path("path_create_directory", "x", in: sub) == .readOnlyFileSystem)
        #expect(directory.text("inside/file") == "mine")
    }

    @Test func `a file cannot be linked or moved out of it into a writable one`() throws {
        let directory = try prison()
        defer { withExtendedLifetime(directory) {} }
        let guest = FakeGuest(
            WASIConfiguration(preopens: [
                PreopenedDirectory(descriptor: directory.open("inside"), guestPath: "/ro", isReadOnly: true),
                PreopenedDirectory(descriptor: directory.open("outside"), guestPath: "/rw"),
            ]))
        let file = guest.put(Array("file".utf8))
        #expect(guest.call("path_link", 3, 0, .i32(file), 4, 4, .i32(file), 4) == .readOnlyFileSystem)
        #expect(guest.call("path_rename", 3, .i32(file), 4, 4, .i32(file), 4) == .readOnlyFileSystem)
        #expect(!directory.exists("outside/file"))
    }
}

/// Runs `body` while a thread runs `other`, and joins it.
func withThread(_ other: @escaping @Sendable () -> Void, _ body: () throws -> Void) rethrows {
    final class Box { let run: () -> Void; init(_ run: @escaping () -> Void) { self.run = run } }
    var thread = pthread_t()
    let box = Unmanaged.passRetained(Box(other))
    pthread_create(
        &thread, nil,
        { pointer in
            guard let pointer else { return nil }
            Unmanaged<Box>.fromOpaque(pointer).takeRetainedValue().run()
            return nil
        }, box.toOpaque())
    defer { pthread_join(thread, nil) }
    try body()
}
