// SPDX-License-Identifier: Apache-2.0
// Swiftlet: host names become addresses, without glibc's resolver (the process is static and confined).
internal import Glibc
internal import Linux

extension WASIContext {
    /// How long a guest waits for name servers altogether, in nanoseconds.
    private static let resolutionTimeout: UInt64 = 5_000_000_000
    /// How long one question waits before the next server is asked, in nanoseconds.
    private static let attemptTimeout: UInt64 = 1_500_000_000
    // LIMIT: larger UDP answers do not come without EDNS.
    private static let answerByteCountMax = 1500

    /// The IPv4 addresses of a name: number, hosts table, localhost, name servers, in this order.
    ///
    /// Errors are those of WasmEdge's `sock_getaddrinfo`.
    func resolve(_ name: String) throws(Errno) -> [UInt32] {
        if let address = WASIContext.parseIPv4(name) { return [address] }
        var plain = name.lowercased()
        if plain.hasSuffix("."), plain.utf8.count > 1 { plain.removeLast() }
        let known = network.hosts.filter { $0.name.lowercased() == plain }.map(\.address)
        if !known.isEmpty { return known }
        if plain == "localhost" || plain.hasSuffix(".localhost") { return [0x7F00_0001] }
        guard DNSMessage.query(plain, identifier: 0) != nil else { throw .resolverNoName }
        guard !network.nameServers.isEmpty else { throw .resolverNoName }
        let deadline = Clock.monotonic.now + WASIContext.resolutionTimeout
        while true {
            for server in network.nameServers {
                let now = Clock.monotonic.now
                guard now < deadline else { throw .resolverAgain }
                switch ask(server, plain, deadline: min(now + WASIContext.attemptTimeout, deadline)) {
                case .addresses(let addresses)?:
                    guard !addresses.isEmpty else { throw .resolverNoData }
                    return addresses
                case .noSuchName?: throw .resolverNoName
                case .failed?:
                    if network.nameServers.count == 1 { throw .resolverFailure }
                case nil: break
                }
            }
            // All refused or silent: not faster than this. A pause also serves the supervisor.
            var none: [pollfd] = []
            _ = try waiter.wait(&none, deadline: min(Clock.monotonic.now + 100_000_000, deadline))
        }
    }

    /// Asks one server; nil when no usable answer came in time.
    private func ask(_ server: UInt32, _ name: String, deadline: UInt64) -> DNSMessage.Answer? {
        var identifier: UInt16 = 0
        guard withUnsafeMutableBytes(of: &identifier, { randomBytes(into: $0) }) == 2,
            let query = DNSMessage.query(name, identifier: identifier)
        else {
            return nil
        }
        let flags = Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let host = Glibc.socket(AF_INET, flags, 0)
        guard host >= 0 else { return nil }
        let socket = OwnedDescriptor(host: host)
        // A connected socket takes answers from this server and port only; the kernel chooses a random port of ours.
        let address = SocketAddress(ip: .v4(server), port: network.nameServerPort)
        guard address.withHost({ Glibc.connect(socket.host, $0, $1) }) == 0,
            Glibc.send(socket.host, query, query.count, Int32(MSG_NOSIGNAL)) == query.count
        else { return nil }
        var buffer = [UInt8](repeating: 0, count: WASIContext.answerByteCountMax)
        while true {
            let count = recv(socket.host, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            if count >= 0 {
                if let answer = DNSMessage.answer(Array(buffer[..<count]), to: name, identifier: identifier) {
                    return answer
                }
                continue
            }
            if Glibc.errno == EINTR { continue }
            guard Glibc.errno == EAGAIN,
                let result = try? waiter.wait(for: socket.host, events: POLLIN, deadline: deadline),
                result != .timedOut
            else { return nil }
        }
    }

    /// Dotted decimal with four parts and no leading zeros (which some read as octal).
    static func parseIPv4(_ text: String) -> UInt32? {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.count), part.allSatisfy({ (48...57).contains($0) }),
                part.count == 1 || part.first != 48
            else { return nil }
            let value = part.reduce(UInt32(0)) { $0 * 10 + UInt32($1 - 48) }
            guard value < 256 else { return nil }
            address = address << 8 | value
        }
        return address
    }
}
