// SPDX-License-Identifier: Apache-2.0
// Swiftlet: `sock_getaddrinfo` of the WasmEdge socket extension.
internal import Glibc

/// `ai_flags`.
private struct AddressInfoFlags: OptionSet {
    let rawValue: UInt16

    static let passive = AddressInfoFlags(rawValue: 1)
    static let canonicalName = AddressInfoFlags(rawValue: 2)
    static let numericHost = AddressInfoFlags(rawValue: 4)
    static let numericService = AddressInfoFlags(rawValue: 8)
    static let v4Mapped = AddressInfoFlags(rawValue: 16)
    static let all = AddressInfoFlags(rawValue: 127)
}

/// What is asked for; read from the `hints`, a struct like the results: {flags u16, family u8, socktype u8,
/// protocol u8, pad, addrlen u32 at 8, addr u32, canonname u32, canonnamelen u32, next u32}, 28 bytes.
private struct Hints {
    var flags: AddressInfoFlags
    var family: AddressFamily
    var type: SocketType
    var isUDP = false
    var isTCP = false
}

/// Services that a guest may name. There is no services file in a sandbox.
private let wellKnownServices: [String: UInt16] = [
    "domain": 53, "ftp": 21, "http": 80, "https": 443, "imap": 143, "mysql": 3306, "ntp": 123, "postgresql": 5432,
    "redis": 6379, "smtp": 25, "ssh": 22, "telnet": 23,
]

extension WASIContext {
    // LIMIT: results in one call.
    private static let resultCountMax: UInt32 = 64

    /// Parameters: node, its length, service, its length, hints, pointer to the first of a list of results that the
    /// guest has allocated, its length, result count.
    func sockGetaddrinfo(_ guest: Guest) throws(Errno) {
        try checkNetwork()
        let node = try text(guest, guest.u32(0), guest.u32(1))
        let service = try text(guest, guest.u32(2), guest.u32(3))
        let hints = try hints(guest, at: guest.u32(4))
        _ = try guest.bytes(guest.u32(7), 4)
        let capacity = min(guest.u32(6), WASIContext.resultCountMax)
        guard capacity > 0 else { throw .resolverMemory }
        if node.isEmpty, service.isEmpty { throw .resolverNoName }
        if node.isEmpty, hints.flags.contains(.canonicalName) { throw .resolverBadFlags }
        let port = try port(of: service, hints)

        var types: [SocketType] = hints.type == .any ? [.stream, .datagram] : [hints.type]
        if hints.isTCP { types.removeAll { $0 == .datagram } }
        if hints.isUDP { types.removeAll { $0 == .stream } }
        guard !types.isEmpty else { throw .resolverSocketType }
        let first = try guest.load(UInt32.self, at: guest.u32(5))
        var next = first
        var previous: UInt32?
        var count: UInt32 = 0
        for address in try addresses(of: node, hints) {
            for type in types where count < capacity {
                let info = next
                next = try fill(info, SocketAddress(ip: address, port: port), type, hints, node, guest)
                previous = info
                count += 1
            }
        }
        if let previous { try guest.store(UInt32(0), at: try guest.address(previous, plus: 24)) }
        try guest.store(count, at: guest.u32(7))
    }

    private func addresses(of node: String, _ hints: Hints) throws(Errno) -> [SocketAddress.IP] {
        let found: [UInt32]
        if node.isEmpty {
            found = [hints.flags.contains(.passive) ? 0 : 0x7F00_0001]
        } else if hints.flags.contains(.numericHost) {
            guard let address = WASIContext.parseIPv4(node) else { throw .resolverNoName }
            found = [address]
        } else {
            found = try resolve(node)
        }
        guard hints.family == .inet6 else { return found.map { .v4($0) } }
        if node.isEmpty {
            // The wildcard, or ::1.
            return [.v6([UInt8](repeating: 0, count: 15) + [found[0] == 0 ? 0 : 1])]
        }
        guard hints.flags.contains(.v4Mapped) else { throw .resolverAddressFamily }
        return found.map { .v6(SocketAddress(ip: .v4($0), port: 0).v6) }
    }

    /// Fills one result and returns the next one in the guest's list.
    private func fill(
        _ info: UInt32, _ address: SocketAddress, _ type: SocketType, _ hints: Hints, _ node: String, _ guest: Guest
    ) throws(Errno) -> UInt32 {
        _ = try guest.bytes(info, 28)
        let (family, data) = WASIContext.socketAddressData(address)
        try guest.store(hints.flags.rawValue, at: info)
        try guest.store(family.rawValue, at: info + 2)
        try guest.store(type.rawValue, at: info + 3)
        try guest.store(UInt8(type == .stream ? 1 : 2), at: info + 4)
        // The kernel's sizes of sockaddr_in and sockaddr_in6, as WasmEdge gives them.
        try guest.store(UInt32(family == .inet4 ? 16 : 28), at: info + 8)

        // sockaddr: {family u8, data length u32 at 4, data u32 at 8}
        let socketAddress = try guest.load(UInt32.self, at: info + 12)
        _ = try guest.bytes(socketAddress, 12)
        let out = try guest.bytes(try guest.load(UInt32.self, at: socketAddress + 8), UInt32(data.count))
        out.copyBytes(from: data)
        try guest.store(family.rawValue, at: socketAddress)
        try guest.store(UInt32(data.count), at: socketAddress + 4)

        let nameCapacity = try guest.load(UInt32.self, at: info + 20)
        if hints.flags.contains(.canonicalName), nameCapacity > 0 {
            let name = Array(node.utf8.prefix(Int(nameCapacity) - 1)) + [0]
            try guest.bytes(try guest.load(UInt32.self, at: info + 16), UInt32(name.count)).copyBytes(from: name)
            try guest.store(UInt32(name.count), at: info + 20)
        }
        return try guest.load(UInt32.self, at: info + 24)
    }

    /// What follows the family in a sockaddr: sockaddr_in's 14 bytes, sockaddr_in6's 26.
    private static func socketAddressData(_ address: SocketAddress) -> (AddressFamily, [UInt8]) {
        let port = [UInt8(address.port >> 8), UInt8(address.port & 0xFF)]
        switch address.ip {
        case .v4(let value): return (.inet4, port + SocketAddress.bytes(value) + [UInt8](repeating: 0, count: 8))
        case .v6(let bytes): return (.inet6, port + [0, 0, 0, 0] + bytes + [0, 0, 0, 0])
        }
    }

    private func hints(_ guest: Guest, at offset: UInt32) throws(Errno) -> Hints {
        guard offset != 0 else { return Hints(flags: [], family: .unspecified, type: .any) }
        let bytes = try guest.bytes(offset, 28)
        let flags = AddressInfoFlags(rawValue: try guest.load(UInt16.self, at: offset))
        guard AddressInfoFlags.all.isSuperset(of: flags) else { throw .resolverBadFlags }
        guard let family = AddressFamily(rawValue: bytes[2]) else { throw .resolverFamily }
        guard let type = SocketType(rawValue: bytes[3]) else { throw .resolverSocketType }
        guard bytes[4] <= 2 else { throw .noSystemCall }
        return Hints(flags: flags, family: family, type: type, isUDP: bytes[4] == 2, isTCP: bytes[4] == 1)
    }

    private func port(of service: String, _ hints: Hints) throws(Errno) -> UInt16 {
        if service.isEmpty { return 0 }
        if service.utf8.allSatisfy({ (48...57).contains($0) }) {
            guard let port = UInt16(service) else { throw .resolverService }
            return port
        }
        guard !hints.flags.contains(.numericService), let port = wellKnownServices[service.lowercased()] else {
            throw .resolverService
        }
        return port
    }

    /// A name; guests end it with NUL and count that in.
    private func text(_ guest: Guest, _ offset: UInt32, _ count: UInt32) throws(Errno) -> String {
        // LIMIT: longer than any host or service name.
        guard count <= 1024 else { throw .resolverNoName }
        let bytes = try guest.bytes(offset, count)
        guard let text = String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self) else { throw .resolverNoName }
        return text
    }
}
