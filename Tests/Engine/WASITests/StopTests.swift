// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing
import WASI
import Wasm

/// A waiter with a pipe as its control descriptor: a byte makes it call `action`.
final class Supervisor {
    let waiter: Waiter
    private let write: Int32

    init(_ action: @escaping (Waiter) -> Void = { $0.stop() }) {
        var ends: [Int32] = [0, 0]
        pipe(&ends)
        let read = ends[0]
        write = ends[1]
        let counter = Counter()
        waiter = Waiter(controlDescriptor: read) { waiter in
            var byte: UInt8 = 0
            _ = Glibc.read(read, &byte, 1)
            counter.count += 1
            action(waiter)
        }
        self.counter = counter
    }

    private final class Counter { var count = 0 }
    private let counter: Counter
    var count: Int { counter.count }

    func ask() { _ = Glibc.write(write, "x", 1) }

    /// Asks after `milliseconds`, from another thread, while `body` runs.
    func asking(after milliseconds: UInt32 = 30, _ body: () throws -> Void) rethrows {
        let descriptor = write
        try withThread(
            {
                usleep(milliseconds * 1000)
                _ = Glibc.write(descriptor, "x", 1)
            }, body)
    }
}

extension FakeGuest {
    struct PollEvent: Equatable {
        var userdata: UInt64
        var error: Errno?
        var tag: UInt8
        var byteCount: UInt64
        var flags: UInt16
    }

    enum Poll {
        /// Nanoseconds of clock 0 or 1; flags 1: a point in time.
        case clock(UInt32, UInt64, flags: UInt16 = 0)
        case read(UInt32)
        case write(UInt32)
    }

    /// `poll_oneoff`; userdata is the index.
    func poll(_ subscriptions: Poll..., as name: String = "poll_oneoff") -> Result<[PollEvent], Errno> {
        let isOld = module == "wasi_unstable"
        let size = isOld ? 56 : 48
        let input = put([UInt8](repeating: 0, count: size * subscriptions.count))
        for (index, subscription) in subscriptions.enumerated() {
            let offset = input + UInt32(index * size)
            set(offset, UInt64(index))
            switch subscription {
            case .clock(let clock, let time, let flags):
                let start = offset + (isOld ? 24 : 16)
                set(start, clock)
                set(start + 8, time)
                set(start + 24, flags)
            case .read(let descriptor):
                set(offset + 8, UInt8(1))
                set(offset + 16, descriptor)
            case .write(let descriptor):
                set(offset + 8, UInt8(2))
                set(offset + 16, descriptor)
            }
        }
        let output = allocate(32 * subscriptions.count)
        let error = call(name, .i32(input), .i32(output), .i32(UInt32(subscriptions.count)), 16)
        guard error == .success else { return .failure(error ?? .noSystemCall) }
        return .success(
            (0..<u32(16)).map { index in
                let offset = output + index * 32
                return PollEvent(
                    userdata: u64(offset), error: Errno(rawValue: u16(offset + 8)), tag: bytes[Int(offset) + 10],
                    byteCount: u64(offset + 16), flags: u16(offset + 24))
            })
    }
}

private func milliseconds(_ body: () throws -> Void) rethrows -> Double {
    let clock = ContinuousClock()
    let start = clock.now
    try body()
    return (clock.now - start) / .milliseconds(1)
}

@Suite struct `polling` {
    @Test func `clocks end when they should`() throws {
        for module in ["wasi_snapshot_preview1", "wasi_unstable"] {
            let guest = FakeGuest(module: module)
            let relative = try milliseconds {
                let events = try guest.poll(.clock(1, 5_000_000_000), .clock(1, 20_000_000)).get()
                #expect(events == [.init(userdata: 1, error: .success, tag: 0, byteCount: 0, flags: 0)])
            }
            #expect(relative > 19 && relative < 2000)
            for clock: UInt32 in [0, 1] {
                #expect(guest.call("clock_time_get", .i32(clock), .i64(0), 24) == .success)
                let now = guest.u64(24)
                let absolute = milliseconds {
                    #expect((try? guest.poll(.clock(clock, now + 20_000_000, flags: 1)).get())?.count == 1)
                }
                #expect(absolute > 15 && absolute < 2000)
                #expect(try guest.poll(.clock(clock, now - 1, flags: 1)).get().count == 1, "a time gone by")
            }
        }
    }

    @Test func `epoll_oneoff is the same call`() throws {
        let guest = FakeGuest()
        let events = try guest.poll(.read(99), .clock(1, 1_000_000), as: "epoll_oneoff").get()
        #expect(events.map(\.userdata) == [0] && events.map(\.error) == [.badFile])
        let later = try guest.poll(.clock(1, 1_000_000), as: "epoll_oneoff").get()
        #expect(later.map(\.tag) == [0])
    }

    @Test func `bad subscriptions are events or errors`() throws {
        let guest = FakeGuest()
        #expect(guest.call("poll_oneoff", 1024, 2048, 0, 16) == .invalid)
        #expect(guest.call("poll_oneoff", 1024, 2048, 4097, 16) == .invalid)
        #expect(guest.call("poll_oneoff", .i32(UInt32(guest.bytes.count) - 47), 2048, 1, 16) == .fault)
        guest.set(1032, UInt8(3))
        #expect(guest.call("poll_oneoff", 1024, 2048, 1, 16) == .invalid)
        let events = try guest.poll(.read(99), .clock(7, 0), .clock(2, 0), .clock(1, .max)).get()
        #expect(events.map(\.error) == [.badFile, .invalid, .notSupported])
        #expect(events.map(\.userdata) == [0, 1, 2])
    }

    @Test func `regular files are always ready and say how much is left`() throws {
        let directory = try TemporaryDirectory()
        defer { withExtendedLifetime(directory) {} }
        directory.write("f", "12345")
        let guest = FakeGuest(directory)
        let file = try guest.open("f", rights: FakeGuest.allRights).get()
        let events = try guest.poll(.read(file), .write(file), .clock(1, .max)).get()
        #expect(events.count == 2)
        #expect(events[0].byteCount == 5)
        let blind = try guest.open("f", rights: 2).get()
        #expect(try guest.poll(.read(blind)).get()[0].error == .notCapable)
    }

    @Test func `sockets are ready with their bytes, and hang up`() throws {
        let guest = FakeGuest(network: allowed)
        let (server, port) = try guest.listen()
        #expect(try guest.poll(.read(server), .clock(1, 1_000_000)).get().map(\.userdata) == [1])
        let client = connect(port: port)
        #expect(try guest.poll(.read(server), .clock(1, .max)).get().map(\.userdata) == [0])
        let connection = try guest.accept(server).get()
        #expect(try guest.poll(.read(connection), .write(connection)).get().map(\.userdata) == [1])
        send(client, "abc", 3, 0)
        let ready = try guest.poll(.read(connection), .clock(1, .max)).get()
        #expect(ready == [.init(userdata: 0, error: .success, tag: 1, byteCount: 3, flags: 0)])
        close(client)
        let ended = try guest.poll(.read(connection), .clock(1, .max)).get()
        #expect(ended[0].flags == 1)
    }

    @Test func `many subscriptions in one call`() throws {
        let guest = FakeGuest(network: allowed)
        let (server, _) = try guest.listen()
        let size: UInt32 = 48
        let count: UInt32 = 4096
        for index in 0..<count {
            guest.set(200_000 + index * size, UInt64(index))
            guest.set(200_000 + index * size + 8, UInt8(1))
            guest.set(200_000 + index * size + 16, index == 4000 ? 999 : server)
        }
        let error = guest.call("poll_oneoff", .i32(200_000), .i32(600_000), .i32(count), 16)
        // poll(2) takes as many entries as the process may have files; one bad one is reported either way.
        #expect(error == .success)
        #expect(guest.u32(16) == 1)
        #expect(guest.u64(600_000) == 4000)
    }
}

@Suite struct `being asked to end` {
    @Test func `a blocked accept is cancelled, and later ones too`() throws {
        let supervisor = Supervisor()
        let guest = FakeGuest(network: allowed, waiter: supervisor.waiter)
        let (server, port) = try guest.listen()
        supervisor.asking { #expect(guest.accept(server).failure == .canceled) }
        #expect(supervisor.waiter.state == .stopping)
        let client = connect(port: port)
        defer { close(client) }
        #expect(guest.accept(server).failure == .canceled, "also with a connection waiting")
        guest.setNonblocking(server)
        #expect(guest.accept(server).failure == .canceled)
    }

    @Test func `polling a listener reports the hang-up`() throws {
        let supervisor = Supervisor()
        let guest = FakeGuest(network: allowed, waiter: supervisor.waiter)
        let (server, _) = try guest.listen()
        try supervisor.asking {
            let events = try guest.poll(.read(server), .clock(1, .max)).get()
            #expect(events == [.init(userdata: 0, error: .canceled, tag: 1, byteCount: 0, flags: 1)])
        }
    }

    @Test func `a sleep ends early, and a loop around it does not spin`() throws {
        let supervisor = Supervisor()
        let guest = FakeGuest(WASIConfiguration(), waiter: supervisor.waiter)
        let first = milliseconds {
            supervisor.asking { #expect((try? guest.poll(.clock(1, 60_000_000_000)).get())?.count == 1) }
        }
        #expect(first < 3000)
        let later = milliseconds {
            for _ in 0..<5 { #expect((try? guest.poll(.clock(1, 60_000_000_000)).get())?.count == 1) }
        }
        #expect(later > 45 && later < 3000)
    }

    @Test func `an established connection goes on`() throws {
        let supervisor = Supervisor()
        let guest = FakeGuest(network: allowed, waiter: supervisor.waiter)
        let (server, port) = try guest.listen()
        let client = connect(port: port)
        defer { close(client) }
        let connection = try guest.accept(server).get()
        supervisor.ask()
        withThread({
            usleep(50_000)
            send(client, "late", 4, 0)
        }) {
            #expect((try? guest.read(connection).get()) == Array("late".utf8))
        }
        #expect(supervisor.waiter.state == .stopping)
        #expect(guest.write(connection, Array("answer".utf8)) == .success)
        var answer = [UInt8](repeating: 0, count: 16)
        #expect(recv(client, &answer, 16, 0) == 6)
        let mixed = try guest.poll(.read(connection), .clock(1, 20_000_000)).get()
        #expect(mixed.map(\.userdata) == [1], "a sleep beside a connection lasts")
    }

    @Test func `reading a pipe ends after what is left in it`() throws {
        let directory = try TemporaryDirectory()
        defer { withExtendedLifetime(directory) {} }
        mkfifo(directory.path + "/pipe", 0o600)
        let supervisor = Supervisor()
        let preopen = PreopenedDirectory(descriptor: directory.open(), guestPath: "/")
        let guest = FakeGuest(WASIConfiguration(preopens: [preopen]), waiter: supervisor.waiter)
        let pipe = try guest.open("pipe", rights: FakeGuest.allRights).get()
        #expect(guest.write(pipe, [1, 2, 3]) == .success)
        supervisor.ask()
        #expect(try guest.read(pipe).get() == [1, 2, 3])
        #expect(try guest.read(pipe).get() == [])
        let events = try guest.poll(.read(pipe), .clock(1, .max)).get()
        #expect(events.first?.flags == 1)
    }

    @Test func `a connect under way is not disturbed`() throws {
        let supervisor = Supervisor()
        let guest = FakeGuest(network: allowed, waiter: supervisor.waiter)
        let (_, port) = try guest.listen()
        supervisor.ask()
        let client = try guest.socket().get()
        let error = guest.call("sock_connect", .i32(client), .i32(guest.address(0x7F00_0001)), .i32(port))
        #expect(error == .success)
    }

    @Test func `the guest may be called while it waits, and may wait itself`() throws {
        final class Holder { var guest: FakeGuest?; var answer: Int?; var depths: [Int] = [] }
        let holder = Holder()
        let supervisor = Supervisor { waiter in
            holder.depths.append(waiter.depth)
            // What a probe export would do: a call of its own, which waits too.
            holder.answer = try? holder.guest?.poll(.clock(1, 5_000_000)).get().count
        }
        let guest = FakeGuest(network: allowed, waiter: supervisor.waiter)
        holder.guest = guest
        let (server, port) = try guest.listen()
        let descriptor = Int32(port)
        supervisor.asking {
            withThread({
                usleep(100_000)
                close(connect(port: UInt32(descriptor)))
            }) {
                #expect(guest.accept(server).failure == nil)
            }
        }
        #expect(holder.answer == 1)
        #expect(holder.depths == [1])
        #expect(supervisor.waiter.depth == 0)
        holder.guest = nil
    }

    @Test func `a descriptor that the call closed meanwhile is noticed`() throws {
        final class Holder { var guest: FakeGuest? }
        let holder = Holder()
        let supervisor = Supervisor { _ in _ = holder.guest?.call("fd_close", 3) }
        let guest = FakeGuest(network: allowed, waiter: supervisor.waiter)
        holder.guest = guest
        let (server, _) = try guest.listen()
        #expect(server == 3)
        supervisor.asking { #expect(guest.accept(server).failure == .badFile) }
        holder.guest = nil
    }

    @Test func `yielding serves the supervisor`() {
        let supervisor = Supervisor()
        let guest = FakeGuest(WASIConfiguration(), waiter: supervisor.waiter)
        #expect(guest.call("sched_yield") == .success)
        #expect(supervisor.count == 0)
        supervisor.ask()
        #expect(guest.call("sched_yield") == .success)
        #expect(supervisor.waiter.state == .stopping)
    }
}
