// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing
import WASI
import Wasm

/// IPv4 addresses in host byte order.
private let loopback: UInt32 = 0x7F00_0001
let allowed = NetworkAccess(isAllowed: true)

extension FakeGuest {
    convenience init(network: NetworkAccess, waiter: Waiter = Waiter(), listeners: [Int32] = []) {
        self.init(WASIConfiguration(listeners: listeners, network: network), waiter: waiter)
    }

    /// An address struct for 4 bytes, or in the long form with a family.
    func address(_ ip: UInt32, isLong: Bool = false) -> UInt32 {
        let bytes = withUnsafeBytes(of: ip.bigEndian) { Array($0) }
        let buffer = isLong ? put([1, 0] + bytes + [UInt8](repeating: 0, count: 122)) : put(bytes)
        let address = allocate(8)
        set(address, buffer)
        set(address + 4, UInt32(isLong ? 128 : 4))
        return address
    }

    func address6(_ bytes: [UInt8]) -> UInt32 {
        let address = allocate(8)
        set(address, put(bytes))
        set(address + 4, UInt32(16))
        return address
    }

    /// `sock_open`: family 1 (IPv4) or 2, type 1 (datagram) or 2.
    func socket(family: UInt32 = 1, type: UInt32 = 2) -> Result<UInt32, Errno> {
        let result = allocate(4)
        let error = call("sock_open", .i32(family), .i32(type), .i32(result))
        return error == .success ? .success(u32(result)) : .failure(error ?? .noSystemCall)
    }

    /// The local address and port.
    func localAddress(_ socket: UInt32) -> (ip: [UInt8], type: UInt32, port: UInt32) {
        let address = address6([UInt8](repeating: 0xEE, count: 16))
        let (type, port) = (allocate(4), allocate(4))
        #expect(call("sock_getlocaladdr", .i32(socket), .i32(address), .i32(type), .i32(port)) == .success)
        return (read(u32(address), 16), u32(type), u32(port))
    }

    func listen(ip: UInt32 = 0x7F00_0001, port: UInt32 = 0) throws -> (socket: UInt32, port: UInt32) {
        let socket = try socket().get()
        #expect(call("sock_bind", .i32(socket), .i32(address(ip)), .i32(port)) == .success)
        #expect(call("sock_listen", .i32(socket), 16) == .success)
        return (socket, localAddress(socket).port)
    }

    func accept(_ socket: UInt32) -> Result<UInt32, Errno> {
        let result = allocate(4)
        let error = call("sock_accept", .i32(socket), .i32(result))
        return error == .success ? .success(u32(result)) : .failure(error ?? .noSystemCall)
    }

    func setNonblocking(_ socket: UInt32) {
        #expect(call("fd_fdstat_set_flags", .i32(socket), 4) == .success)
    }
}

/// A host's connection to a guest's server.
func connect(port: UInt32, ip: UInt32 = 0x7F00_0001) -> Int32 {
    let host = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = ip.bigEndian
    let code = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            Glibc.connect(host, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
    #expect(code == 0)
    return host
}

/// A bound, optionally listening socket of the host.
func hostSocket(ip: UInt32, type: Int32 = Int32(SOCK_STREAM.rawValue), listens: Bool) -> (host: Int32, port: UInt16) {
    let host = socket(AF_INET, type, 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = ip.bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            _ = bind(host, $0, length)
            _ = getsockname(host, $0, &length)
        }
    }
    if listens { listen(host, 16) }
    return (host, UInt16(bigEndian: address.sin_port))
}

@Suite struct `sockets` {
    @Test func `without a network grant there are none`() {
        let guest = FakeGuest()
        #expect(guest.socket().failure == .access)
        #expect(guest.call("sock_getaddrinfo", 0, 0, 0, 0, 0, 16, 1, 20) == .access)
    }

    @Test func `only internet sockets can be opened`() {
        let guest = FakeGuest(network: allowed)
        #expect(guest.socket(family: 3).failure == .addressFamilyNotSupported)
        #expect(guest.socket(family: 9).failure == .addressFamilyNotSupported)
        #expect(guest.socket(type: 3).failure == .protocolType)
        #expect(guest.call("sock_open", 1, 2, .i32(.max)) == .fault)
    }

    @Test func `a guest serves a connection, in both forms of sock_accept`() throws {
        let guest = FakeGuest(network: allowed)
        let (server, port) = try guest.listen()
        for isStandard in [true, false] {
            let client = connect(port: port)
            let result = guest.allocate(4)
            let error =
                isStandard
                ? guest.call("sock_accept", .i32(server), 0, .i32(result))
                : guest.call("sock_accept", .i32(server), .i32(result))
            #expect(error == .success)
            let connection = guest.u32(result)
            #expect(send(client, "ping", 4, 0) == 4)
            let (vectors, buffer) = guest.vector(16)
            #expect(guest.call("sock_recv", .i32(connection), .i32(vectors), 1, 1, 16, 20) == .success)
            #expect(guest.u32(16) == 4, "peeked")
            #expect(guest.call("sock_recv", .i32(connection), .i32(vectors), 1, 0, 16, 20) == .success)
            #expect(guest.text(buffer, 4) == "ping")
            let reply = guest.vector(of: Array("pong".utf8))
            #expect(guest.call("sock_send", .i32(connection), .i32(reply), 1, 0, 16) == .success)
            #expect(guest.write(connection, Array("!".utf8)) == .success)
            #expect(guest.call("sock_shutdown", .i32(connection), 2) == .success)
            var answer = [UInt8](repeating: 0, count: 16)
            #expect(recv(client, &answer, 16, Int32(MSG_WAITALL)) == 5)
            #expect(answer.starts(with: "pong!".utf8))
            close(client)
            #expect(guest.call("sock_recv", .i32(connection), .i32(vectors), 1, 0, 16, 20) == .success)
            #expect(guest.u32(16) == 0, "the end")
        }
    }

    @Test func `a preopened listener stands right after the directories`() throws {
        let (host, port) = hostSocket(ip: loopback, listens: true)
        let guest = FakeGuest(network: NetworkAccess(isAllowed: false), listeners: [host])
        #expect(guest.call("fd_fdstat_get", 3, 64) == .success)
        #expect(guest.bytes[64] == 6)
        let client = connect(port: UInt32(port))
        defer { close(client) }
        #expect(guest.call("sock_accept", 3, 4, 16) == .success)
        let connection = guest.u32(16)
        #expect(guest.call("fd_fdstat_get", .i32(connection), 64) == .success)
        #expect(guest.u16(66) == 4)
        #expect(guest.read(connection).failure == .again)
        #expect(guest.call("sock_accept", 3, 1, 16) == .invalid)
    }

    @Test func `socket functions on other descriptors say so`() {
        let guest = FakeGuest(network: allowed)
        #expect(guest.call("sock_shutdown", 99, 3) == .badFile)
        guard let directory = try? TemporaryDirectory() else { return }
        let files = FakeGuest(directory)
        #expect(files.call("sock_shutdown", 3, 3) == .notSocket)
        #expect(files.call("sock_accept", 3, 0, 16) == .notSocket)
        #expect(files.call("sock_recv", 3, 0, 0, 0, 16, 20) == .notSocket)
    }

    @Test func `a non-blocking guest is told to come again`() throws {
        let guest = FakeGuest(network: allowed)
        let (server, port) = try guest.listen()
        guest.setNonblocking(server)
        #expect(guest.accept(server).failure == .again)
        let client = try guest.socket().get()
        guest.setNonblocking(client)
        let error = guest.call("sock_connect", .i32(client), .i32(guest.address(loopback)), .i32(port))
        #expect(error == .inProgress)
        // poll_oneoff for writing, then SO_ERROR, as mio does it.
        guest.set(1024, UInt64(7))
        guest.set(1032, UInt8(2))
        guest.set(1040, client)
        #expect(guest.call("poll_oneoff", 1024, 2048, 1, 16) == .success)
        #expect(guest.u64(2048) == 7)
        guest.set(24, UInt32(4))
        #expect(guest.call("sock_getsockopt", .i32(client), 0, 2, 20, 24) == .success)
        #expect(guest.u32(20) == 0)
        let connection = try guest.accept(server).get()
        #expect(guest.read(client).failure == .again)
        #expect(guest.write(connection, [1, 2]) == .success)
        #expect(try guest.read(client).get() == [1, 2])
        // The kernel reports the success of the first attempt once more before it says that there is nothing to do.
        _ = guest.call("sock_connect", .i32(client), .i32(guest.address(loopback)), .i32(port))
        let again = guest.call("sock_connect", .i32(client), .i32(guest.address(loopback)), .i32(port))
        #expect(again == .isConnected)
    }

    @Test func `a refused connection is refused, blocking or not`() throws {
        let (host, port) = hostSocket(ip: loopback, listens: false)
        defer { close(host) }
        let guest = FakeGuest(network: allowed)
        let client = try guest.socket().get()
        let error = guest.call("sock_connect", .i32(client), .i32(guest.address(loopback)), .i32(UInt32(port)))
        #expect(error == .connectionRefused)
    }

    @Test func `a receive timeout ends the wait`() throws {
        let guest = FakeGuest(network: allowed)
        let (server, port) = try guest.listen()
        let client = connect(port: port)
        defer { close(client) }
        let connection = try guest.accept(server).get()
        let value = guest.put([0, 0, 0, 0, 0, 0, 0, 0, 0x20, 0x4E, 0, 0, 0, 0, 0, 0])  // 20 ms
        #expect(guest.call("sock_setsockopt", .i32(connection), 0, 11, .i32(value), 16) == .success)
        #expect(guest.read(connection).failure == .again)
        guest.set(24, UInt32(16))
        #expect(guest.call("sock_getsockopt", .i32(connection), 0, 11, 4096, 24) == .success)
        #expect(guest.u64(4104) == 20_000)
        guest.set(value + 8, UInt64(1_000_000))
        #expect(guest.call("sock_setsockopt", .i32(connection), 0, 11, .i32(value), 16) == .domain)
    }

    @Test func `options are those of the extension`() throws {
        let guest = FakeGuest(network: allowed)
        let socket = try guest.socket().get()
        let one = guest.put([1, 0, 0, 0])
        for option: UInt32 in [0, 3, 4, 7, 8] {
            #expect(guest.call("sock_setsockopt", .i32(socket), 0, .i32(option), .i32(one), 4) == .success)
            guest.set(24, UInt32(4))
            #expect(guest.call("sock_getsockopt", .i32(socket), 0, .i32(option), 20, 24) == .success)
            #expect(guest.u32(20) == 1)
        }
        #expect(guest.call("sock_getsockopt", .i32(socket), 0, 1, 20, 24) == .success)
        #expect(guest.u32(20) == 2, "a stream in the guest's numbers")
        let linger = guest.put([1, 0, 0, 0, 5, 0, 0, 0])
        #expect(guest.call("sock_setsockopt", .i32(socket), 0, 9, .i32(linger), 8) == .success)
        guest.set(24, UInt32(8))
        #expect(guest.call("sock_getsockopt", .i32(socket), 0, 9, 4096, 24) == .success)
        #expect(guest.u32(4100) == 5)
        #expect(guest.call("sock_setsockopt", .i32(socket), 0, 14, .i32(one), 4) == .notPermitted)
        #expect(guest.call("sock_setsockopt", .i32(socket), 0, 13, .i32(one), 4) == .noProtocolOption)
        #expect(guest.call("sock_setsockopt", .i32(socket), 0, 15, .i32(one), 4) == .noProtocolOption)
        #expect(guest.call("sock_setsockopt", .i32(socket), 1, 0, .i32(one), 4) == .invalid)
        #expect(guest.call("sock_setsockopt", .i32(socket), 0, 0, .i32(one), 3) == .invalid)
        #expect(guest.call("sock_setsockopt", .i32(socket), 0, 0, .i32(.max), 4) == .fault)
    }

    @Test func `datagrams carry their sender, in each form of the address`() throws {
        let guest = FakeGuest(network: allowed)
        let (a, b) = (try guest.socket(type: 1).get(), try guest.socket(type: 1).get())
        for socket in [a, b] {
            #expect(guest.call("sock_bind", .i32(socket), .i32(guest.address(loopback)), 0) == .success)
        }
        let (portA, portB) = (guest.localAddress(a).port, guest.localAddress(b).port)
        let data = guest.vector(of: Array("datagram".utf8))
        for isLong in [false, true] {
            let name = isLong ? "sock_send_to_v2" : "sock_send_to"
            let target = guest.address(loopback, isLong: isLong)
            #expect(guest.call(name, .i32(a), .i32(data), 1, .i32(target), .i32(portB), 0, 16) == .success)
            let (vectors, buffer) = guest.vector(4)
            let sender = guest.address(0, isLong: isLong)
            let error = guest.call("sock_recv_from", .i32(b), .i32(vectors), 1, .i32(sender), 0, 20, 16, 24)
            #expect(error == .success)
            #expect(guest.text(buffer, 4) == "data")
            #expect(guest.u32(16) == 4)
            #expect(guest.u16(24) == 1, "cut off")
            #expect(guest.u32(20) == portA)
            let written: [UInt8] = guest.read(guest.u32(sender), 6)
            #expect(isLong ? written == [1, 0, 127, 0, 0, 1] : Array(written.prefix(4)) == [127, 0, 0, 1])
        }
        #expect(
            guest.call("sock_send_to", .i32(a), .i32(data), 1, .i32(guest.address(loopback)), 70_000, 0, 16) == .invalid
        )
        let short = guest.allocate(8)
        guest.set(short + 4, UInt32(5))
        #expect(guest.call("sock_send_to", .i32(a), .i32(data), 1, .i32(short), 9, 0, 16) == .invalid)
    }

    @Test func `an IPv6 socket speaks to IPv4 in mapped form`() throws {
        let guest = FakeGuest(network: NetworkAccess(isAllowed: true, podAddress: 0x7F40_0009))
        guard let server = try? guest.socket(family: 2).get() else { return }  // a kernel without IPv6
        let wildcard = guest.address6([UInt8](repeating: 0, count: 16))
        #expect(guest.call("sock_bind", .i32(server), .i32(wildcard), 0) == .success)
        let (ip, type, port) = guest.localAddress(server)
        #expect(type == 6)
        #expect(ip == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 64, 0, 9])
        #expect(guest.call("sock_listen", .i32(server), 1) == .success)
        close(connect(port: port, ip: 0x7F40_0009))
        #expect(guest.accept(server).failure == nil)
    }
}

@Suite struct `the pod's network` {
    static let pod: UInt32 = 0x7F40_0007

    @Test func `the wildcard is bound to the pod's address, so replicas do not collide`() throws {
        let first = FakeGuest(network: NetworkAccess(isAllowed: true, podAddress: Self.pod))
        let second = FakeGuest(network: NetworkAccess(isAllowed: true, podAddress: Self.pod + 1))
        let (server, port) = try first.listen(ip: 0)
        #expect(first.localAddress(server).ip.starts(with: [127, 64, 0, 7]))
        let (other, same) = try second.listen(ip: 0, port: port)
        #expect(same == port)
        #expect(second.localAddress(other).ip.starts(with: [127, 64, 0, 8]))
    }

    @Test func `a port that the supervisor has bound is taken over`() throws {
        let (host, port) = hostSocket(ip: Self.pod + 2, listens: false)
        let network = NetworkAccess(
            isAllowed: true, podAddress: Self.pod + 2, boundSockets: [(port: port, descriptor: host)])
        let guest = FakeGuest(network: network)
        let datagram = try guest.socket(type: 1).get()
        #expect(guest.call("sock_bind", .i32(datagram), .i32(guest.address(0)), .i32(UInt32(port))) == .success)
        let (server, bound) = try guest.listen(ip: 0, port: UInt32(port))
        #expect(bound == port)
        let client = connect(port: UInt32(port), ip: Self.pod + 2)
        defer { close(client) }
        let connection = try guest.accept(server).get()
        #expect(guest.write(connection, [9]) == .success)
        let another = try guest.socket().get()
        #expect(
            guest.call("sock_bind", .i32(another), .i32(guest.address(0)), .i32(UInt32(port))) == .addressInUse)
    }

    @Test func `peers in the loopback range see the pod's address`() throws {
        let guest = FakeGuest(network: NetworkAccess(isAllowed: true, podAddress: Self.pod + 3))
        let server = FakeGuest(network: NetworkAccess(isAllowed: true, podAddress: Self.pod + 4))
        let (listener, port) = try server.listen(ip: 0)
        let client = try guest.socket().get()
        try #require(
            guest.call("sock_connect", .i32(client), .i32(guest.address(Self.pod + 4)), .i32(port)) == .success)
        let connection = try server.accept(listener).get()
        let address = server.address(0, isLong: true)
        #expect(server.call("sock_getpeeraddr_v2", .i32(connection), .i32(address), 16) == .success)
        let bytes: [UInt8] = server.read(server.u32(address), 6)
        #expect(bytes == [1, 0, 127, 64, 0, 10])
    }

    @Test func `127.0.0.1 is the pod itself and no service of the host`() throws {
        let guest = FakeGuest(network: NetworkAccess(isAllowed: true, podAddress: Self.pod + 5))
        let (host, hostPort) = hostSocket(ip: loopback, listens: true)
        defer { close(host) }
        let stranger = try guest.socket().get()
        let refused = guest.call(
            "sock_connect", .i32(stranger), .i32(guest.address(loopback)), .i32(UInt32(hostPort)))
        #expect(refused == .connectionRefused)
        let (listener, port) = try guest.listen(ip: loopback)
        #expect(guest.localAddress(listener).ip.starts(with: [127, 64, 0, 12]))
        let client = try guest.socket().get()
        #expect(guest.call("sock_connect", .i32(client), .i32(guest.address(loopback)), .i32(port)) == .success)
    }
}
