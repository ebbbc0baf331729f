// SPDX-License-Identifier: Apache-2.0
// Swiftlet: socket addresses as the guest writes them and as the kernel wants them.
internal import Glibc

/// Families of the WasmEdge socket extension; `UNIX` (3) is refused.
enum AddressFamily: UInt8 {
    case unspecified, inet4, inet6

    var host: Int32 { self == .inet6 ? AF_INET6 : AF_INET }
}

enum SocketType: UInt8 {
    case any, datagram, stream

    var host: Int32 { Int32((self == .datagram ? SOCK_DGRAM : SOCK_STREAM).rawValue) }
}

/// What is known of a guest's socket beyond its host descriptor.
struct SocketState {
    var type: SocketType
    /// What the guest asked for.
    var family: AddressFamily
    /// What the host descriptor is: a socket taken over from the supervisor may be IPv4 where the guest has IPv6.
    var hostFamily: AddressFamily
    var isListening = false
    var isBound = false
    /// SO_RCVTIMEO and SO_SNDTIMEO, in nanoseconds; 0: none. The host descriptor itself never blocks.
    var receiveTimeout: UInt64 = 0
    var sendTimeout: UInt64 = 0

    init(type: SocketType, family: AddressFamily, hostFamily: AddressFamily? = nil) {
        self.type = type
        self.family = family
        self.hostFamily = hostFamily ?? family
    }
}

/// An IP address and port.
struct SocketAddress: Equatable {
    enum IP: Equatable {
        /// Host byte order.
        case v4(UInt32)
        /// 16 bytes, network byte order.
        case v6([UInt8])
    }

    var ip: IP
    var port: UInt16

    private static let mappedPrefix: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]

    var isWildcard: Bool {
        switch ip {
        case .v4(let address): address == 0
        case .v6(let bytes): bytes.allSatisfy { $0 == 0 }
        }
    }

    /// 127.0.0.1 or ::1. The rest of 127.0.0.0/8 holds pods and Services of the embedded network.
    var isLoopback: Bool {
        if v4 == 0x7F00_0001 { return true }
        guard case .v6(let bytes) = ip else { return false }
        return bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1
    }

    /// The IPv4 address, also out of `::ffff:a.b.c.d`; the IPv6 wildcard counts as the IPv4 one.
    var v4: UInt32? {
        switch ip {
        case .v4(let address): return address
        case .v6(let bytes):
            if isWildcard { return 0 }
            guard bytes.starts(with: SocketAddress.mappedPrefix) else { return nil }
            return bytes.suffix(4).reduce(0) { $0 << 8 | UInt32($1) }
        }
    }

    /// As `::ffff:a.b.c.d` where it is an IPv4 address.
    var v6: [UInt8] {
        switch ip {
        case .v4(let address): SocketAddress.mappedPrefix + SocketAddress.bytes(address)
        case .v6(let bytes): bytes
        }
    }

    /// Network byte order.
    static func bytes(_ address: UInt32) -> [UInt8] { withUnsafeBytes(of: address.bigEndian) { Array($0) } }

    /// In the form a socket of `family` uses; nil where there is none.
    func converted(to family: AddressFamily) -> SocketAddress? {
        switch family {
        case .unspecified: return self
        case .inet4: return v4.map { SocketAddress(ip: .v4($0), port: port) }
        case .inet6:
            if case .v4(0) = ip { return SocketAddress(ip: .v6([UInt8](repeating: 0, count: 16)), port: port) }
            return SocketAddress(ip: .v6(v6), port: port)
        }
    }

    /// Calls `body` with the kernel's form.
    func withHost<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        switch ip {
        case .v4(let address):
            var host = sockaddr_in()
            host.sin_family = sa_family_t(AF_INET)
            host.sin_port = port.bigEndian
            host.sin_addr.s_addr = address.bigEndian
            return SocketAddress.rebind(&host, body)
        case .v6(let bytes):
            var host = sockaddr_in6()
            host.sin6_family = sa_family_t(AF_INET6)
            host.sin6_port = port.bigEndian
            withUnsafeMutableBytes(of: &host.sin6_addr) { $0.copyBytes(from: bytes.prefix(16)) }
            return SocketAddress.rebind(&host, body)
        }
    }

    private static func rebind<T, R>(_ host: inout T, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        withUnsafePointer(to: &host) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<T>.size)) }
        }
    }

    /// From what the kernel filled in; nil for other families, or when it filled in nothing.
    init?(host storage: sockaddr_storage, byteCount: socklen_t) {
        let found = withUnsafeBytes(of: storage) { bytes -> SocketAddress? in
            switch Int32(storage.ss_family) {
            case AF_INET where Int(byteCount) >= MemoryLayout<sockaddr_in>.size:
                let host = bytes.loadUnaligned(as: sockaddr_in.self)
                return SocketAddress(
                    ip: .v4(UInt32(bigEndian: host.sin_addr.s_addr)), port: UInt16(bigEndian: host.sin_port))
            case AF_INET6 where Int(byteCount) >= MemoryLayout<sockaddr_in6>.size:
                let host = bytes.loadUnaligned(as: sockaddr_in6.self)
                let address = withUnsafeBytes(of: host.sin6_addr) { Array($0) }
                return SocketAddress(ip: .v6(address), port: UInt16(bigEndian: host.sin6_port))
            default:
                return nil
            }
        }
        guard let found else { return nil }
        self = found
    }

    init(ip: IP, port: UInt16) {
        self.ip = ip
        self.port = port
    }
}

// MARK: the guest's form

extension WASIContext {
    /// Reads an address struct {buf, len}: 4 or 16 bytes of address, or 128 bytes with a u16 family in front.
    func loadAddress(_ guest: Guest, at offset: UInt32, port: UInt32) throws(Errno) -> SocketAddress {
        guard let port = UInt16(exactly: port) else { throw .invalid }
        let buffer = try guest.load(UInt32.self, at: offset)
        let length = try guest.load(UInt32.self, at: try guest.address(offset, plus: 4))
        guard length == 4 || length == 16 || length == 128 else { throw .invalid }
        let bytes = try guest.bytes(buffer, length)
        let family: UInt16
        let start: Int
        switch length {
        case 4: (family, start) = (UInt16(AddressFamily.inet4.rawValue), 0)
        case 16: (family, start) = (UInt16(AddressFamily.inet6.rawValue), 0)
        default: (family, start) = (UInt16(littleEndian: bytes.loadUnaligned(as: UInt16.self)), 2)
        }
        switch family {
        case UInt16(AddressFamily.inet4.rawValue):
            let address = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self))
            return SocketAddress(ip: .v4(address), port: port)
        case UInt16(AddressFamily.inet6.rawValue):
            return SocketAddress(ip: .v6(Array(bytes[start..<(start + 16)])), port: port)
        default:
            throw .addressFamilyNotSupported
        }
    }

    /// Writes an address into the buffer of an address struct, without its port.
    func storeAddress(_ address: SocketAddress, _ guest: Guest, at offset: UInt32) throws(Errno) {
        let buffer = try guest.load(UInt32.self, at: offset)
        let length = try guest.load(UInt32.self, at: try guest.address(offset, plus: 4))
        let family: AddressFamily
        let raw: [UInt8]
        switch address.ip {
        case .v4(let value): (family, raw) = (.inet4, SocketAddress.bytes(value))
        case .v6(let bytes): (family, raw) = (.inet6, bytes)
        }
        guard length == 4 || length == 16 || length == 128, raw.count <= length else { throw .invalid }
        let out = try guest.bytes(buffer, length)
        out.initializeMemory(as: UInt8.self, repeating: 0)
        if length == 128 {
            try guest.store(UInt16(family.rawValue), at: buffer)
            UnsafeMutableRawBufferPointer(rebasing: out[2...]).copyBytes(from: raw)
        } else {
            out.copyBytes(from: raw)
        }
    }
}
