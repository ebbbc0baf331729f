// SPDX-License-Identifier: Apache-2.0
// Swiftlet: socket options and the addresses of both ends.
internal import Glibc

/// Option names of the WasmEdge extension (level `SOL_SOCKET` = 0).
private enum SocketOption: UInt32 {
    case reuseAddress, type, error, dontRoute, broadcast, sendBuffer, receiveBuffer, keepAlive, outOfBandInline
    case linger, receiveLowWater, receiveTimeout, sendTimeout, acceptsConnections, bindToDevice

    /// Options whose value is a plain integer for the kernel too.
    var host: Int32? {
        switch self {
        case .reuseAddress: SO_REUSEADDR
        case .dontRoute: SO_DONTROUTE
        case .broadcast: SO_BROADCAST
        case .sendBuffer: SO_SNDBUF
        case .receiveBuffer: SO_RCVBUF
        case .keepAlive: SO_KEEPALIVE
        case .outOfBandInline: SO_OOBINLINE
        case .receiveLowWater: SO_RCVLOWAT
        case .acceptsConnections: SO_ACCEPTCONN
        default: nil
        }
    }
}

extension WASIContext {
    /// Parameters: socket, level, name, value, length (in: capacity, out: used).
    func sockGetsockopt(_ guest: Guest) throws(Errno) {
        let (descriptor, state) = try socket(guest.u32(0))
        let option = try option(guest)
        let capacity = try guest.load(UInt32.self, at: guest.u32(4))
        _ = try guest.bytes(guest.u32(3), capacity)
        var words: [UInt32] = []
        switch option {
        case .type: words = [UInt32(state.type.rawValue)]
        case .error:
            words = [UInt32(Errno(host: try integer(SO_ERROR, of: descriptor)).rawValue)]
        case .linger:
            var value = linger()
            var length = socklen_t(MemoryLayout<linger>.size)
            guard getsockopt(descriptor.host, SOL_SOCKET, SO_LINGER, &value, &length) == 0 else { throw .last }
            words = [UInt32(bitPattern: value.l_onoff), UInt32(bitPattern: value.l_linger)]
        case .receiveTimeout: words = timeval(state.receiveTimeout)
        case .sendTimeout: words = timeval(state.sendTimeout)
        case .bindToDevice: words = []  // bound to none
        default:
            guard let host = option.host else { throw .noProtocolOption }
            words = [UInt32(bitPattern: try integer(host, of: descriptor))]
        }
        guard Int(capacity) >= words.count * 4 else { throw .invalid }
        for (index, word) in words.enumerated() {
            try guest.store(word, at: try guest.address(guest.u32(3), plus: UInt64(index * 4)))
        }
        try guest.store(UInt32(words.count * 4), at: guest.u32(4))
    }

    /// Parameters: socket, level, name, value, length.
    func sockSetsockopt(_ guest: Guest) throws(Errno) {
        let (descriptor, _) = try socket(guest.u32(0))
        let option = try option(guest)
        let bytes = try guest.bytes(guest.u32(3), guest.u32(4))
        func word(_ index: Int) throws(Errno) -> UInt32 {
            guard bytes.count >= (index + 1) * 4 else { throw .invalid }
            return UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self))
        }
        /// {i64 seconds, i64 microseconds}
        func duration() throws(Errno) -> UInt64 {
            let seconds = UInt64(try word(0)) | UInt64(try word(1)) << 32
            let microseconds = UInt64(try word(2)) | UInt64(try word(3)) << 32
            // LIMIT: 100 years; what is longer, or negative, is a mistake.
            guard seconds < 3_155_760_000, microseconds < 1_000_000 else { throw .domain }
            return seconds * 1_000_000_000 + microseconds * 1000
        }
        switch option {
        case .receiveTimeout: descriptor.socket?.receiveTimeout = try duration()
        case .sendTimeout: descriptor.socket?.sendTimeout = try duration()
        case .linger:
            var value = linger(l_onoff: Int32(bitPattern: try word(0)), l_linger: Int32(bitPattern: try word(1)))
            let length = socklen_t(MemoryLayout<linger>.size)
            guard setsockopt(descriptor.host, SOL_SOCKET, SO_LINGER, &value, length) == 0 else { throw .last }
        case .bindToDevice:
            // Which way packets take is the supervisor's business.
            throw .notPermitted
        case .type, .error, .acceptsConnections: throw .noProtocolOption
        default:
            guard let host = option.host else { throw .noProtocolOption }
            var value = Int32(bitPattern: try word(0))
            let length = socklen_t(MemoryLayout<Int32>.size)
            guard setsockopt(descriptor.host, SOL_SOCKET, host, &value, length) == 0 else { throw .last }
        }
    }

    private func option(_ guest: Guest) throws(Errno) -> SocketOption {
        guard guest.u32(1) == 0 else { throw .invalid }
        guard let option = SocketOption(rawValue: guest.u32(2)) else { throw .noProtocolOption }
        return option
    }

    private func integer(_ option: Int32, of descriptor: Descriptor) throws(Errno) -> Int32 {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor.host, SOL_SOCKET, option, &value, &length) == 0 else { throw .last }
        return value
    }

    private func timeval(_ nanoseconds: UInt64) -> [UInt32] {
        let seconds = nanoseconds / 1_000_000_000
        return [
            UInt32(truncatingIfNeeded: seconds), UInt32(truncatingIfNeeded: seconds >> 32),
            UInt32(nanoseconds % 1_000_000_000 / 1000), 0,
        ]
    }

    // MARK: addresses of both ends

    /// Parameters: socket, address, type result (4 or 6), port result.
    func sockGetlocaladdr(_ guest: Guest) throws(Errno) {
        try write(try localAddress(guest), guest, type: guest.u32(2), port: guest.u32(3))
    }

    /// Parameters: socket, address (128 bytes, family inside), port result.
    func sockGetlocaladdrWithFamily(_ guest: Guest) throws(Errno) {
        try write(try localAddress(guest), guest, type: nil, port: guest.u32(2))
    }

    func sockGetpeeraddr(_ guest: Guest) throws(Errno) {
        try write(try peerAddress(guest), guest, type: guest.u32(2), port: guest.u32(3))
    }

    func sockGetpeeraddrWithFamily(_ guest: Guest) throws(Errno) {
        try write(try peerAddress(guest), guest, type: nil, port: guest.u32(2))
    }

    private func localAddress(_ guest: Guest) throws(Errno) -> SocketAddress { try address(guest, getsockname) }

    private func peerAddress(_ guest: Guest) throws(Errno) -> SocketAddress { try address(guest, getpeername) }

    private func address(
        _ guest: Guest, _ ask: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) throws(Errno) -> SocketAddress {
        let (descriptor, state) = try socket(guest.u32(0))
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let code = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { ask(descriptor.host, $0, &length) }
        }
        guard code == 0 else { throw .last }
        guard let address = SocketAddress(host: storage, byteCount: length)?.converted(to: state.family) else {
            throw .addressFamilyNotSupported
        }
        return address
    }

    private func write(_ address: SocketAddress, _ guest: Guest, type: UInt32?, port: UInt32) throws(Errno) {
        try storeAddress(address, guest, at: guest.u32(1))
        if let type {
            let number: UInt32 = if case .v4 = address.ip { 4 } else { 6 }
            try guest.store(number, at: type)
        }
        try guest.store(UInt32(address.port), at: port)
    }
}
