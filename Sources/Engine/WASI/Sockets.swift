// SPDX-License-Identifier: Apache-2.0
// Swiftlet: opening, binding, listening, accepting and connecting sockets.
internal import Glibc
internal import Linux

extension Descriptor {
    /// A listening (or otherwise ready made) socket of the supervisor.
    static func adopted(_ host: Int32) -> Descriptor? {
        var type: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(host, SOL_SOCKET, SO_TYPE, &type, &length) == 0 else { return nil }
        var isListening: Int32 = 0
        _ = getsockopt(host, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &length)
        let isDatagram = type == SocketType.datagram.host
        var state = SocketState(type: isDatagram ? .datagram : .stream, family: Descriptor.family(of: host))
        state.isListening = isListening != 0
        state.isBound = true
        makeNonblocking(host)
        return socket(host, state)
    }

    static func socket(_ host: Int32, _ state: SocketState) -> Descriptor {
        let descriptor = Descriptor(
            host: host, kind: .socket, fileType: state.type == .datagram ? .socketDatagram : .socketStream,
            rights: .socket, inheriting: .socket)
        descriptor.isHostNonblocking = true
        descriptor.socket = state
        return descriptor
    }

    static func makeNonblocking(_ host: Int32) {
        let flags = fcntl(host, F_GETFL)
        if flags >= 0 { _ = fcntl(host, F_SETFL, flags | O_NONBLOCK) }
    }

    static func family(of host: Int32) -> AddressFamily {
        var domain: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(host, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 else { return .unspecified }
        switch domain {
        case AF_INET: return .inet4
        case AF_INET6: return .inet6
        default: return .unspecified
        }
    }
}

extension WASIContext {
    /// BADF, NOTSOCK, NOTCAPABLE.
    func socket(_ number: UInt32, _ rights: Rights = []) throws(Errno) -> (Descriptor, SocketState) {
        guard let descriptor = descriptors[number] else { throw .badFile }
        guard let state = descriptor.socket else { throw .notSocket }
        guard descriptor.rights.isSuperset(of: rights) else { throw .notCapable }
        return (descriptor, state)
    }

    /// ACCES without a network grant.
    func checkNetwork() throws(Errno) {
        guard network.isAllowed else { throw .access }
    }

    // MARK: open, bind, listen

    /// Parameters: family, type, result.
    func sockOpen(_ guest: Guest) throws(Errno) {
        try checkNetwork()
        guard let family = UInt8(exactly: guest.u32(0)).flatMap(AddressFamily.init) else {
            throw .addressFamilyNotSupported
        }
        guard let type = UInt8(exactly: guest.u32(1)).flatMap(SocketType.init) else { throw .protocolType }
        _ = try guest.bytes(guest.u32(2), 4)
        let asked: AddressFamily = family == .unspecified ? .inet4 : family
        let kind = type == .any ? SocketType.stream : type
        let flags = Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let host = Glibc.socket(asked.host, kind.host | flags, 0)
        guard host >= 0 else { throw .last }
        let number = try descriptors.add(.socket(host, SocketState(type: kind, family: asked)))
        try guest.store(number, at: guest.u32(2))
    }

    /// Parameters: socket, address, port. The wildcard and 127.0.0.1 become the pod's address, so that replicas with one
    /// port do not collide; a port that the supervisor has bound already is taken over from it.
    func sockBind(_ guest: Guest) throws(Errno) {
        let (descriptor, state) = try socket(guest.u32(0))
        let asked = try loadAddress(guest, at: guest.u32(1), port: guest.u32(2))
        guard let own = asked.converted(to: state.family) else { throw .addressFamilyNotSupported }
        var address = own
        if let pod = network.podAddress, own.isWildcard || own.isLoopback { address.ip = .v4(pod) }
        if !state.isBound, address.isWildcard || address.v4 == network.podAddress,
            takeBoundSocket(port: address.port, for: descriptor)
        {
            return
        }
        guard let host = address.converted(to: state.hostFamily) else { throw .addressNotAvailable }
        // As servers' libraries do: a restarted guest gets its port back while old connections are timing out.
        if state.type == .stream {
            var one: Int32 = 1
            setsockopt(descriptor.host, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        }
        guard host.withHost({ Glibc.bind(descriptor.host, $0, $1) }) == 0 else { throw .last }
        descriptor.socket?.isBound = true
    }

    /// Puts the supervisor's socket for `port` into `descriptor`, if there is one of its type.
    private func takeBoundSocket(port: UInt16, for descriptor: Descriptor) -> Bool {
        guard let state = descriptor.socket else { return false }
        let index = boundSockets.firstIndex { candidate in
            var type: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            return candidate.port == port && port != 0
                && getsockopt(candidate.descriptor, SOL_SOCKET, SO_TYPE, &type, &length) == 0
                && type == state.type.host
        }
        guard let index else { return false }
        let taken = boundSockets.remove(at: index).descriptor
        close(descriptor.host)
        Descriptor.makeNonblocking(taken)
        descriptor.host = taken
        descriptor.socket?.hostFamily = Descriptor.family(of: taken)
        descriptor.socket?.isBound = true
        return true
    }

    /// Parameters: socket, backlog.
    func sockListen(_ guest: Guest) throws(Errno) {
        let (descriptor, _) = try socket(guest.u32(0))
        let backlog = Int32(clamping: min(guest.u32(1), UInt32(SOMAXCONN)))
        guard Glibc.listen(descriptor.host, backlog) == 0 else { throw .last }
        descriptor.socket?.isListening = true
    }

    // MARK: accept, connect

    /// Parameters: socket, flags, result: the standard's `sock_accept`.
    func sockAccept(_ guest: Guest) throws(Errno) {
        try accept(guest, flags: FDFlags(rawValue: try guest.u16(1)), result: guest.u32(2))
    }

    /// Parameters: socket, result: WasmEdge's `sock_accept`.
    func sockAcceptWithoutFlags(_ guest: Guest) throws(Errno) {
        try accept(guest, flags: [], result: guest.u32(1))
    }

    private func accept(_ guest: Guest, flags: FDFlags, result: UInt32) throws(Errno) {
        guard FDFlags.nonblock.isSuperset(of: flags) else { throw .invalid }
        _ = try guest.bytes(result, 4)
        while true {
            let (descriptor, state) = try socket(guest.u32(0), .sockAccept)
            // Asked to end: what is in the backlog already is left to another replica.
            if state.isListening, waiter.state == .stopping { throw .canceled }
            let host = acceptNonblocking(descriptor.host)
            if host >= 0 {
                var accepted = SocketState(type: state.type, family: state.family, hostFamily: state.hostFamily)
                accepted.isBound = true
                let connection = Descriptor.socket(host, accepted)
                connection.flags = flags
                return try guest.store(try descriptors.add(connection), at: result)
            }
            switch Glibc.errno {
            case EINTR, ECONNABORTED: continue
            case EAGAIN:
                guard !descriptor.flags.contains(.nonblock) else { throw .again }
                let deadline = WASIContext.deadline(after: state.receiveTimeout)
                let waited = try waiter.wait(for: descriptor.host, events: POLLIN, deadline: deadline)
                if waited == .timedOut { throw .again }
            default: throw .last
            }
        }
    }

    /// Parameters: socket, address, port.
    func sockConnect(_ guest: Guest) throws(Errno) {
        let (descriptor, state) = try socket(guest.u32(0))
        let asked = try loadAddress(guest, at: guest.u32(1), port: guest.u32(2))
        guard asked.converted(to: state.family) != nil,
            let address = withinPod(asked).converted(to: state.hostFamily)
        else { throw .addressFamilyNotSupported }
        if !state.isBound { bindToPod(descriptor, towards: address) }
        if address.withHost({ Glibc.connect(descriptor.host, $0, $1) }) == 0 { return }
        switch Glibc.errno {
        case EINPROGRESS, EINTR: break
        case EALREADY where !descriptor.flags.contains(.nonblock): break
        default: throw .last
        }
        guard !descriptor.flags.contains(.nonblock) else { throw .inProgress }
        try finishConnecting(guest.u32(0), deadline: WASIContext.deadline(after: state.sendTimeout))
    }

    /// A pod's 127.0.0.1 is the pod itself, as it is with a network namespace: never a service of the host.
    func withinPod(_ asked: SocketAddress) -> SocketAddress {
        guard let pod = network.podAddress, asked.isLoopback || asked.isWildcard else { return asked }
        var own = asked
        own.ip = .v4(pod)
        return own
    }

    private func finishConnecting(_ number: UInt32, deadline: UInt64?) throws(Errno) {
        while true {
            let (descriptor, _) = try socket(number)
            switch try waiter.wait(for: descriptor.host, events: POLLOUT, deadline: deadline) {
            case .interrupted: continue
            case .timedOut: throw .timedOut
            case .ready: break
            }
            var code: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            guard getsockopt(descriptor.host, SOL_SOCKET, SO_ERROR, &code, &length) == 0 else { throw .last }
            guard code == 0 else { throw Errno(host: code) }
            return
        }
    }

    /// Makes the peer see the pod's address. Only between loopback addresses, where the kernel would choose 127.0.0.1;
    /// a failure leaves the choice to the kernel.
    private func bindToPod(_ descriptor: Descriptor, towards address: SocketAddress) {
        guard let pod = network.podAddress, pod >> 24 == 127, let target = address.v4, target >> 24 == 127,
            let family = descriptor.socket?.hostFamily,
            let source = SocketAddress(ip: .v4(pod), port: 0).converted(to: family)
        else { return }
        // The port is chosen at connect(2), so that many connections may share one.
        var on: Int32 = 1
        let bindAddressNoPort: Int32 = 24  // IP_BIND_ADDRESS_NO_PORT, linux/in.h
        _ = setsockopt(
            descriptor.host, Int32(IPPROTO_IP), bindAddressNoPort, &on, socklen_t(MemoryLayout<Int32>.size))
        _ = source.withHost { Glibc.bind(descriptor.host, $0, $1) }
    }

    /// Parameters: socket, how (1: receive, 2: send).
    func sockShutdown(_ guest: Guest) throws(Errno) {
        let (descriptor, _) = try socket(guest.u32(0), .sockShutdown)
        let how: Int32
        switch guest.u32(1) {
        case 1: how = Int32(SHUT_RD)
        case 2: how = Int32(SHUT_WR)
        case 3: how = Int32(SHUT_RDWR)
        default: throw .invalid
        }
        guard Glibc.shutdown(descriptor.host, how) == 0 else { throw .last }
    }

    /// CLOCK_MONOTONIC now plus `timeout` nanoseconds; nil for 0.
    static func deadline(after timeout: UInt64) -> UInt64? {
        guard timeout > 0 else { return nil }
        let (sum, overflow) = Clock.monotonic.now.addingReportingOverflow(timeout)
        return overflow ? .max : sum
    }
}
