// SPDX-License-Identifier: Apache-2.0
// Swiftlet: how messages travel on the control socket (SOCK_SEQPACKET: one message is one record).
//
// A LaunchSpec may be larger than a record: a header with its length goes first, pieces follow. Everything else is one
// record. The sandbox only needs read(2), write(2) and poll(2), which its filter has anyway.

internal import Glibc
public import Linux

/// What went wrong on a control socket.
public enum ControlSocketError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The other side is gone.
    case closed
    case malformed(ProtocolError)
    case system(SystemError)

    public var description: String {
        switch self {
        case .closed: "the control socket is closed"
        case .malformed(let error): "malformed control message: \(error)"
        case .system(let error): "control socket: \(error)"
        }
    }
}

private enum SpecFraming {
    static let magic: UInt32 = 0x4857_4C53  // "SLWH"
    static let headerBytes = 8
    static let pieceBytes = 64 << 10
}

/// The supervisor's end. The other side is hostile once the guest runs: no call blocks on it after the spec is sent.
public enum SupervisorSocket {
    /// Sends the spec; waits at most ten seconds for a sandbox that does not read.
    public static func send(_ spec: LaunchSpec, to descriptor: Int32) throws(ControlSocketError) {
        let bytes: [UInt8]
        do { bytes = try spec.encoded() } catch { throw .malformed(error) }
        var writer = ByteWriter()
        writer.write(SpecFraming.magic)
        writer.write(UInt32(bytes.count))
        try send(writer.bytes[...], to: descriptor, waitMilliseconds: 10_000)
        var offset = 0
        while offset < bytes.count {
            let end = min(offset + SpecFraming.pieceBytes, bytes.count)
            try send(bytes[offset..<end], to: descriptor, waitMilliseconds: 10_000)
            offset = end
        }
    }

    /// Sends a request; a sandbox that lets its queue run full makes this fail with EAGAIN.
    public static func send(_ request: ControlRequest, to descriptor: Int32) throws(ControlSocketError) {
        let bytes: [UInt8]
        do { bytes = try request.encoded() } catch { throw .malformed(error) }
        try send(bytes[...], to: descriptor, waitMilliseconds: 0)
    }

    private static func send(
        _ record: ArraySlice<UInt8>, to descriptor: Int32, waitMilliseconds: Int32
    ) throws(ControlSocketError) {
        let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
        while true {
            let count = record.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, flags) }
            if count == record.count { return }
            let error = Errno.current
            switch error {
            case .interrupted: continue
            case .wouldBlock where waitMilliseconds > 0:
                let ready = Poll.wait(descriptor, for: .writable, timeoutMilliseconds: waitMilliseconds)
                if ready.isEmpty { throw .system(SystemError(call: "send", errno: .timedOut)) }
            case .brokenPipe, .connectionReset: throw .closed
            default: throw .system(SystemError(call: "send", errno: error))
            }
        }
    }

    /// The next record, or nil when there is none now. Descriptors that come along are dropped by the kernel, because
    /// no room is given for them.
    public static func receive(from descriptor: Int32) throws(ControlSocketError) -> StatusRecord? {
        let limit = ProtocolLimits.recordBytesMax
        return try withUnsafeTemporaryAllocation(byteCount: limit + 1, alignment: 8) {
            (buffer) throws(ControlSocketError) in
            while true {
                let count = recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
                if count == 0 { throw .closed }
                if count > 0 {
                    do throws(ProtocolError) {
                        return try StatusRecord(decoding: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                    } catch { throw .malformed(error) }
                }
                switch Errno.current {
                case .interrupted: continue
                case .wouldBlock: return nil
                case .connectionReset: throw .closed
                case let error: throw .system(SystemError(call: "recv", errno: error))
                }
            }
        }
    }
}

/// The sandbox's end.
public enum SandboxSocket {
    /// A sandbox that is created by one process and started by another finds a listening socket: this waits for the one
    /// that starts it, and puts the connection in the listener's place. An ordinary control socket stays as it is.
    ///
    /// - Returns: whether it was a listening socket. Then the sandbox is detached: it closes the control socket once the
    ///   guest starts, takes its orders by signal (SIGTERM, SIGINT, SIGQUIT and SIGHUP ask it to stop), tells how it
    ///   ended by its exit code, and a trap on stderr.
    public static func acceptSupervisor(on descriptor: Int32) throws(ControlSocketError) -> Bool {
        var isListening: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &size) == 0, isListening != 0 else {
            return false
        }
        while true {
            let connection = accept(descriptor, nil, nil)
            if connection >= 0 {
                defer { close(connection) }
                guard dup2(connection, descriptor) == descriptor else {
                    throw .system(SystemError(call: "dup2", errno: .current))
                }
                return true
            }
            let error = Errno.current
            // The one that connected has left again: so nobody is to start it.
            if error == .connectionAborted { throw .closed }
            guard error == .interrupted else { throw .system(SystemError(call: "accept", errno: error)) }
        }
    }

    /// Waits for the spec.
    public static func receiveSpec(from descriptor: Int32) throws(ControlSocketError) -> LaunchSpec {
        var header = [UInt8](repeating: 0, count: SpecFraming.headerBytes + 1)
        let headerCount = try read(descriptor, into: &header, from: 0)
        let total = try decodeHeader(header[..<headerCount])
        var bytes = [UInt8](repeating: 0, count: total)
        var offset = 0
        while offset < total {
            offset += try read(descriptor, into: &bytes, from: offset)
        }
        do throws(ProtocolError) { return try LaunchSpec(decoding: bytes) } catch { throw .malformed(error) }
    }

    private static func decodeHeader(_ bytes: ArraySlice<UInt8>) throws(ControlSocketError) -> Int {
        do throws(ProtocolError) {
            return try bytes.span.withUnsafeBytes { (buffer) throws(ProtocolError) in
                var reader = ByteReader(buffer)
                guard try reader.read(UInt32.self) == SpecFraming.magic else { throw ProtocolError("not a header") }
                let total = Int(try reader.read(UInt32.self))
                guard total <= ProtocolLimits.specBytesMax else {
                    throw ProtocolError("a spec of \(total) bytes, limit \(ProtocolLimits.specBytesMax)", offset: 4)
                }
                try reader.finish()
                return total
            }
        } catch { throw .malformed(error) }
    }

    /// The next request of a non-blocking control socket, or nil when there is none now.
    public static func receive(from descriptor: Int32) throws(ControlSocketError) -> ControlRequest? {
        try withUnsafeTemporaryAllocation(byteCount: ControlRequest.bytesMax + 1, alignment: 8) {
            (buffer) throws(ControlSocketError) in
            let count: Int
            do throws(ControlSocketError) { count = try read(descriptor, into: buffer) } catch {
                if case .system(let cause) = error, cause.errno == .wouldBlock { return nil }
                throw error
            }
            do throws(ProtocolError) {
                return try ControlRequest(decoding: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            } catch { throw .malformed(error) }
        }
    }

    /// Sends a record; waits while the supervisor's queue is full. A supervisor that is gone is no error: nobody is
    /// left to tell.
    public static func send(_ record: StatusRecord, to descriptor: Int32) {
        let bytes = record.encoded()
        while true {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 { return }
            switch Errno.current {
            case .interrupted: continue
            case .wouldBlock: _ = Poll.wait(descriptor, for: .writable, timeoutMilliseconds: -1)
            default: return
            }
        }
    }

    private static func read(
        _ descriptor: Int32, into bytes: inout [UInt8], from offset: Int
    ) throws(ControlSocketError) -> Int {
        var span = bytes.mutableSpan
        return try span.withUnsafeMutableBytes { (buffer) throws(ControlSocketError) in
            try read(descriptor, into: UnsafeMutableRawBufferPointer(rebasing: buffer[offset...]))
        }
    }

    private static func read(
        _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer
    ) throws(ControlSocketError) -> Int {
        while true {
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count > 0 { return count }
            if count == 0 { throw .closed }
            switch Errno.current {
            case .interrupted: continue
            case .connectionReset: throw .closed
            case let error: throw .system(SystemError(call: "read", errno: error))
            }
        }
    }
}
