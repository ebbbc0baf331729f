// SPDX-License-Identifier: Apache-2.0
// Swiftlet: sending and receiving on sockets.
internal import Glibc

/// What came out of a receive.
struct Received {
    var byteCount = 0
    var isTruncated = false
    var address: SocketAddress?
}

struct ReceiveFlags: OptionSet {
    let rawValue: UInt16

    static let peek = ReceiveFlags(rawValue: 1)
    static let waitAll = ReceiveFlags(rawValue: 2)
    static let all = ReceiveFlags(rawValue: 3)
}

extension WASIContext {
    /// Parameters: socket, vectors, count, flags, length result, flags result.
    func sockRecv(_ guest: Guest) throws(Errno) {
        let (vectors, flags) = try receiveArguments(guest, flags: 3, results: [(4, 4), (5, 2)])
        let received = try receive(guest.u32(0), vectors, flags: flags)
        try guest.store(UInt32(received.byteCount), at: guest.u32(4))
        try guest.store(UInt16(received.isTruncated ? 1 : 0), at: guest.u32(5))
    }

    /// Parameters: socket, vectors, count, address, flags, length result, flags result.
    func sockRecvFrom(_ guest: Guest) throws(Errno) {
        let (vectors, flags) = try receiveArguments(guest, flags: 4, results: [(5, 4), (6, 2)])
        let received = try receive(guest.u32(0), vectors, flags: flags)
        if let address = received.address { try storeAddress(address, guest, at: guest.u32(3)) }
        try guest.store(UInt32(received.byteCount), at: guest.u32(5))
        try guest.store(UInt16(received.isTruncated ? 1 : 0), at: guest.u32(6))
    }

    /// Same, with a port result before the others.
    func sockRecvFromWithPort(_ guest: Guest) throws(Errno) {
        let (vectors, flags) = try receiveArguments(guest, flags: 4, results: [(5, 4), (6, 4), (7, 2)])
        let received = try receive(guest.u32(0), vectors, flags: flags)
        if let address = received.address {
            try storeAddress(address, guest, at: guest.u32(3))
            try guest.store(UInt32(address.port), at: guest.u32(5))
        }
        try guest.store(UInt32(received.byteCount), at: guest.u32(6))
        try guest.store(UInt16(received.isTruncated ? 1 : 0), at: guest.u32(7))
    }

    /// Checks everything before data is taken from the socket.
    private func receiveArguments(
        _ guest: Guest, flags: Int, results: [(Int, UInt32)]
    ) throws(Errno) -> (Vectors, ReceiveFlags) {
        _ = try socket(guest.u32(0), .fdRead)
        let flags = ReceiveFlags(rawValue: try guest.u16(flags))
        guard ReceiveFlags.all.isSuperset(of: flags) else { throw .invalid }
        for (index, size) in results { _ = try guest.bytes(guest.u32(index), size) }
        return (try guest.vectors(guest.u32(1), guest.u32(2)), flags)
    }

    /// Parameters: socket, vectors, count, flags, length result.
    func sockSend(_ guest: Guest) throws(Errno) {
        _ = try socket(guest.u32(0), .fdWrite)
        guard guest.u32(3) == 0 else { throw .invalid }
        let vectors = try guest.vectors(guest.u32(1), guest.u32(2))
        _ = try guest.bytes(guest.u32(4), 4)
        try guest.store(UInt32(try send(guest.u32(0), vectors)), at: guest.u32(4))
    }

    /// Parameters: socket, vectors, count, address, port, flags, length result.
    func sockSendTo(_ guest: Guest) throws(Errno) {
        let (_, state) = try socket(guest.u32(0), .fdWrite)
        guard guest.u32(5) == 0 else { throw .invalid }
        let vectors = try guest.vectors(guest.u32(1), guest.u32(2))
        _ = try guest.bytes(guest.u32(6), 4)
        let asked = withinPod(try loadAddress(guest, at: guest.u32(3), port: guest.u32(4)))
        guard asked.converted(to: state.family) != nil, let address = asked.converted(to: state.hostFamily) else {
            throw .addressFamilyNotSupported
        }
        try guest.store(UInt32(try send(guest.u32(0), vectors, to: address)), at: guest.u32(6))
    }

    // MARK: transfer with waiting

    /// Receives what is there, or everything asked for with `waitAll`; 0 bytes on a stream is its end.
    func receive(_ number: UInt32, _ vectors: Vectors, flags: ReceiveFlags) throws(Errno) -> Received {
        var rest = vectors
        var received = Received()
        var deadline: UInt64??
        while true {
            let (descriptor, state) = try socket(number, .fdRead)
            let count = receiveOnce(descriptor, state, &rest, flags, &received)
            if count >= 0 {
                received.byteCount += count
                rest.drop(count)
                let wantsMore = flags == .waitAll && state.type == .stream && count > 0 && rest.byteCount > 0
                if !wantsMore { return received }
                continue
            }
            if Glibc.errno == EINTR { continue }
            guard Glibc.errno == EAGAIN else {
                if received.byteCount > 0 { return received }
                throw .last
            }
            var isOver = descriptor.flags.contains(.nonblock)
            if !isOver {
                let end = deadline ?? WASIContext.deadline(after: state.receiveTimeout)
                deadline = .some(end)
                isOver = try waiter.wait(for: descriptor.host, events: POLLIN, deadline: end) == .timedOut
            }
            if isOver {
                if received.byteCount > 0 { return received }
                throw .again
            }
        }
    }

    private func receiveOnce(
        _ descriptor: Descriptor, _ state: SocketState, _ vectors: inout Vectors, _ flags: ReceiveFlags,
        _ received: inout Received
    ) -> Int {
        var storage = sockaddr_storage()
        var message = msghdr()
        var hostFlags = Int32(MSG_DONTWAIT)
        if flags.contains(.peek) { hostFlags |= Int32(MSG_PEEK) }
        let count = withUnsafeMutablePointer(to: &storage) { address in
            vectors.parts.withUnsafeMutableBufferPointer { parts in
                message.msg_name = UnsafeMutableRawPointer(address)
                message.msg_namelen = socklen_t(MemoryLayout<sockaddr_storage>.size)
                message.msg_iov = parts.baseAddress
                message.msg_iovlen = parts.count
                return recvmsg(descriptor.host, &message, hostFlags)
            }
        }
        guard count >= 0 else { return count }
        received.isTruncated = message.msg_flags & Int32(MSG_TRUNC) != 0
        received.address = SocketAddress(host: storage, byteCount: message.msg_namelen)?.converted(to: state.family)
        return count
    }

    /// Sends; where the guest's descriptor blocks, a stream takes everything.
    func send(_ number: UInt32, _ vectors: Vectors, to address: SocketAddress? = nil) throws(Errno) -> Int {
        var rest = vectors
        var sent = 0
        var deadline: UInt64??
        while true {
            let (descriptor, state) = try socket(number, .fdWrite)
            let count = sendOnce(descriptor, &rest, address)
            if count >= 0 {
                sent += count
                rest.drop(count)
                if state.type != .stream || rest.byteCount == 0 || descriptor.flags.contains(.nonblock) { return sent }
                continue
            }
            if Glibc.errno == EINTR { continue }
            guard Glibc.errno == EAGAIN else {
                if sent > 0 { return sent }
                throw .last
            }
            var isOver = descriptor.flags.contains(.nonblock)
            if !isOver {
                let end = deadline ?? WASIContext.deadline(after: state.sendTimeout)
                deadline = .some(end)
                isOver = try waiter.wait(for: descriptor.host, events: POLLOUT, deadline: end) == .timedOut
            }
            if isOver {
                if sent > 0 { return sent }
                throw .again
            }
        }
    }

    private func sendOnce(_ descriptor: Descriptor, _ vectors: inout Vectors, _ address: SocketAddress?) -> Int {
        func send(_ name: UnsafePointer<sockaddr>?, _ length: socklen_t) -> Int {
            vectors.parts.withUnsafeMutableBufferPointer { parts in
                var message = msghdr()
                message.msg_name = UnsafeMutableRawPointer(mutating: name)
                message.msg_namelen = length
                message.msg_iov = parts.baseAddress
                message.msg_iovlen = parts.count
                return sendmsg(
                    descriptor.host, &message, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
            }
        }
        guard let address else { return send(nil, 0) }
        return address.withHost { send($0, $1) }
    }
}
