// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing
import WASI
import Wasm

/// The wire form of a name.
private func labels(_ name: String) -> [UInt8] {
    name.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
}

/// An answer to a query for `name`: records as (owner, type, data), owners in wire form.
private func response(
    _ name: String, identifier: UInt16, flags: UInt16 = 0x8180,
    _ records: [(owner: [UInt8], type: UInt16, data: [UInt8])]
) -> [UInt8] {
    func word(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 255)] }
    var message = word(identifier) + word(flags) + word(1) + word(UInt16(records.count)) + [0, 0, 0, 0]
    message += labels(name) + [0, 1, 0, 1]
    for record in records {
        message +=
            record.owner + word(record.type) + [0, 1, 0, 0, 0, 60] + word(UInt16(record.data.count)) + record.data
    }
    return message
}

@Suite struct `DNS messages` {
    /// A pointer to the question's name.
    static let same: [UInt8] = [0xC0, 12]

    @Test func `a query asks for one address with recursion`() {
        let query = DNSMessage.query("Example.COM", identifier: 0x1234)
        #expect(query == [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0] + labels("example.com") + [0, 1, 0, 1])
        #expect(DNSMessage.query("example.com.", identifier: 0x1234) == query)
    }

    @Test(arguments: ["", ".", "a..b", String(repeating: "a", count: 64), ".a", "a b", "ü.de"])
    func `what is no host name is not asked for`(name: String) {
        #expect(DNSMessage.query(name, identifier: 1) == nil)
    }

    @Test func `names have an end`() {
        #expect(DNSMessage.query(String(repeating: "abcdefg.", count: 31), identifier: 1) != nil)
        #expect(DNSMessage.query(String(repeating: "abcdefg.", count: 32), identifier: 1) == nil)
    }

    @Test func `addresses are taken out, through aliases, and of the right owner only`() {
        let message = response(
            "www.example.com", identifier: 7,
            [
                (Self.same, 5, labels("web.example.net")), (labels("other.org"), 1, [9, 9, 9, 9]),
                (labels("WEB.example.net"), 1, [10, 0, 0, 1]),
                (labels("web.example.net"), 28, [UInt8](repeating: 1, count: 16)),
                (labels("web.example.net"), 1, [10, 0, 0, 2]),
            ])
        let answer = DNSMessage.answer(message, to: "www.example.com", identifier: 7)
        #expect(answer == .addresses([0x0A00_0001, 0x0A00_0002]))
    }

    @Test func `answers to other questions are none`() {
        let good = response("a.b", identifier: 7, [(Self.same, 1, [1, 2, 3, 4])])
        #expect(DNSMessage.answer(good, to: "a.b", identifier: 7) == .addresses([0x0102_0304]))
        #expect(DNSMessage.answer(good, to: "a.b", identifier: 8) == nil)
        #expect(DNSMessage.answer(good, to: "a.c", identifier: 7) == nil)
        let query = response("a.b", identifier: 7, flags: 0x0100, [(Self.same, 1, [1, 2, 3, 4])])
        #expect(DNSMessage.answer(query, to: "a.b", identifier: 7) == nil)
        let short = response("a.b", identifier: 7, [(Self.same, 1, [1, 2, 3])])
        #expect(DNSMessage.answer(short, to: "a.b", identifier: 7) == nil)
        for count in 0..<good.count where DNSMessage.answer(Array(good[..<count]), to: "a.b", identifier: 7) != nil {
            Issue.record("a message cut at \(count) was accepted")
        }
    }

    @Test func `codes are told apart`() {
        #expect(
            DNSMessage.answer(response("a", identifier: 1, flags: 0x8183, []), to: "a", identifier: 1) == .noSuchName)
        #expect(DNSMessage.answer(response("a", identifier: 1, flags: 0x8182, []), to: "a", identifier: 1) == .failed)
        #expect(DNSMessage.answer(response("a", identifier: 1, []), to: "a", identifier: 1) == .addresses([]))
    }

    @Test func `a name that points at itself ends`() {
        let loop = response("a", identifier: 1, [([0xC0, 19], 1, [1, 2, 3, 4])])
        #expect(DNSMessage.answer(loop, to: "a", identifier: 1) == nil)
    }

    @Test func `random changes never crash, and never make up an unrelated answer`() {
        let seed = response(
            "www.example.com", identifier: 7,
            [(Self.same, 5, [3, 0x77, 0x65, 0x62, 0xC0, 16]), (labels("web.example.com"), 1, [10, 0, 0, 1])])
        var state: UInt64 = 42
        func random(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % limit
        }
        for _ in 0..<200_000 {
            var message = seed
            for _ in 0...random(6) {
                switch random(4) {
                case 0: message[random(message.count)] = UInt8(random(256))
                case 1: message[random(message.count)] ^= 1 << UInt8(random(8))
                case 2: if message.count > 1 { message.removeLast(random(message.count - 1)) }
                default: message.insert(UInt8(random(256)), at: random(message.count))
                }
            }
            if case .addresses(let found) = DNSMessage.answer(message, to: "www.example.com", identifier: 7) {
                #expect(found.count <= 16)
            }
        }
    }
}

extension FakeGuest {
    /// `sock_getaddrinfo` as the Rust crate prepares it: a list of `capacity` results. IPv4 addresses, ports, types.
    func resolve(
        _ node: String, _ service: String = "80", flags: UInt16 = 0, family: UInt8 = 1, type: UInt8 = 2,
        capacity: UInt32 = 8
    ) -> Result<[(address: [UInt8], port: Int, type: UInt8)], Errno> {
        let hints = put([UInt8](repeating: 0, count: 28))
        set(hints, flags)
        set(hints + 2, family)
        set(hints + 3, type)
        let infos = (0..<capacity).map { _ in put([UInt8](repeating: 0, count: 28)) }
        for (index, info) in infos.enumerated() {
            let (address, data) = (put([UInt8](repeating: 0, count: 12)), put([UInt8](repeating: 0, count: 26)))
            set(address + 4, UInt32(14))
            set(address + 8, data)
            set(info + 12, address)
            set(info + 24, index + 1 < infos.count ? infos[index + 1] : 0)
        }
        let (result, count) = (put([0, 0, 0, 0]), put([0, 0, 0, 0]))
        set(result, infos.first ?? 0)
        let (name, port) = (Array((node + "\0").utf8), Array((service + "\0").utf8))
        let error = call(
            "sock_getaddrinfo", .i32(put(name)), .i32(UInt32(name.count)), .i32(put(port)), .i32(UInt32(port.count)),
            .i32(hints), .i32(result), .i32(capacity), .i32(count))
        guard error == .success else { return .failure(error ?? .noSystemCall) }
        var list: [(address: [UInt8], port: Int, type: UInt8)] = []
        var info = u32(result)
        while info != 0 {
            let data = u32(u32(info + 12) + 8)
            let isLong = bytes[Int(info) + 2] == 2
            let raw: [UInt8] = read(data, 26)
            list.append(
                (Array(isLong ? raw[6..<22] : raw[2..<6]), Int(raw[0]) << 8 | Int(raw[1]), bytes[Int(info) + 3]))
            info = u32(info + 24)
        }
        #expect(u32(count) == list.count)
        return .success(list)
    }
}

@Suite struct `resolving names` {
    @Test func `numbers, the hosts table and localhost need no server`() throws {
        let guest = FakeGuest(
            network: NetworkAccess(
                isAllowed: true, hosts: [("Web.default", 0x0A01_0203), ("web.default", 0x0A01_0204)]))
        #expect(try guest.resolve("127.0.0.9", "8080").get().map(\.address) == [[127, 0, 0, 9]])
        #expect(try guest.resolve("127.0.0.9", "8080").get().map(\.port) == [8080])
        #expect(try guest.resolve("web.DEFAULT.", "https").get().map(\.address) == [[10, 1, 2, 3], [10, 1, 2, 4]])
        #expect(try guest.resolve("web.default", "https").get().map(\.port) == [443, 443])
        #expect(try guest.resolve("localhost", "").get().map(\.address) == [[127, 0, 0, 1]])
        #expect(try guest.resolve("", "80").get().map(\.address) == [[127, 0, 0, 1]])
        #expect(try guest.resolve("", "80", flags: 1).get().map(\.address) == [[0, 0, 0, 0]])
        #expect(try guest.resolve("localhost", type: 0).get().map(\.type) == [2, 1])
        #expect(try guest.resolve("web.default", capacity: 1).get().count == 1)
        let mapped = try guest.resolve("10.0.0.1", flags: 16, family: 2).get()
        #expect(mapped.map(\.address) == [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1]])
    }

    @Test func `what cannot be is refused by its reason`() {
        let guest = FakeGuest(network: NetworkAccess(isAllowed: true))
        #expect(guest.resolve("unknown.example").failure == .resolverNoName)
        #expect(guest.resolve("256.1.1.1").failure == .resolverNoName)
        #expect(guest.resolve("a b").failure == .resolverNoName)
        #expect(guest.resolve("", "").failure == .resolverNoName)
        #expect(guest.resolve("localhost", "gopher").failure == .resolverService)
        #expect(guest.resolve("localhost", "70000").failure == .resolverService)
        #expect(guest.resolve("localhost", "http", flags: 8).failure == .resolverService)
        #expect(guest.resolve("localhost", flags: 128).failure == .resolverBadFlags)
        #expect(guest.resolve("localhost", family: 3).failure == .resolverFamily)
        #expect(guest.resolve("localhost", family: 2).failure == .resolverAddressFamily)
        #expect(guest.resolve("localhost", type: 4).failure == .resolverSocketType)
        #expect(guest.resolve("localhost", flags: 4).failure == .resolverNoName)
        #expect(guest.resolve("localhost", capacity: 0).failure == .resolverMemory)
    }

    /// Answers `count` questions with `make(name's query)`, on a thread.
    private func serving(
        _ answers: [@Sendable ([UInt8]) -> [[UInt8]]], _ body: (FakeGuest) throws -> Void
    ) rethrows {
        let (host, port) = hostSocket(ip: 0x7F00_0001, type: Int32(SOCK_DGRAM.rawValue), listens: false)
        defer { close(host) }
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(host, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let guest = FakeGuest(
            network: NetworkAccess(isAllowed: true, nameServers: [0x7F00_0001], nameServerPort: port))
        try withThread({
            for answer in answers {
                var query = [UInt8](repeating: 0, count: 512)
                var peer = sockaddr_in()
                var length = socklen_t(MemoryLayout<sockaddr_in>.size)
                withUnsafeMutablePointer(to: &peer) { pointer in
                    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                        let count = recvfrom(host, &query, query.count, 0, address, &length)
                        guard count > 0 else { return }
                        for message in answer(Array(query[..<count])) {
                            sendto(host, message, message.count, 0, address, length)
                        }
                    }
                }
            }
        }) { try body(guest) }
    }

    @Test func `a name server is asked, and forged answers are passed over`() throws {
        serving([
            { query in
                let identifier = UInt16(query[0]) << 8 | UInt16(query[1])
                return [
                    [1, 2, 3], response("db.example", identifier: identifier &+ 1, [([0xC0, 12], 1, [6, 6, 6, 6])]),
                    response("other.example", identifier: identifier, [([0xC0, 12], 1, [6, 6, 6, 6])]),
                    response("db.example", identifier: identifier, [([0xC0, 12], 1, [10, 9, 8, 7])]),
                ]
            }
        ]) { guest in
            #expect((try? guest.resolve("db.example", "3306").get())?.map(\.address) == [[10, 9, 8, 7]])
        }
    }

    @Test func `no such name, no address and a failing server are different errors`() {
        for (flags, error) in [
            (UInt16(0x8183), Errno.resolverNoName), (0x8180, .resolverNoData), (0x8182, .resolverFailure),
        ] {
            serving([
                { query in
                    [response("x.example", identifier: UInt16(query[0]) << 8 | UInt16(query[1]), flags: flags, [])]
                }
            ]) { guest in #expect(guest.resolve("x.example").failure == error) }
        }
    }

    @Test func `a silent server is asked again, then given up`() {
        serving([
            { _ in [] },
            { query in
                [
                    response(
                        "x.example", identifier: UInt16(query[0]) << 8 | UInt16(query[1]),
                        [([0xC0, 12], 1, [1, 1, 1, 1])])
                ]
            },
        ]) { guest in #expect((try? guest.resolve("x.example").get())?.count == 1) }
    }
}
