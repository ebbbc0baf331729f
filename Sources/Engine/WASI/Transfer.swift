// SPDX-License-Identifier: Apache-2.0
// Swiftlet: reading, writing and positioning of descriptors.
internal import Glibc

extension WASIContext {
    // MARK: functions

    func fdRead(_ guest: Guest) throws(Errno) {
        _ = try file(guest.u32(0), .fdRead)
        let vectors = try guest.vectors(guest.u32(1), guest.u32(2))
        // The result's place is checked before anything is consumed.
        _ = try guest.bytes(guest.u32(3), 4)
        let count = try read(guest.u32(0), vectors)
        try guest.store(UInt32(count), at: guest.u32(3))
    }

    func fdWrite(_ guest: Guest) throws(Errno) {
        _ = try file(guest.u32(0), .fdWrite)
        let vectors = try guest.vectors(guest.u32(1), guest.u32(2))
        _ = try guest.bytes(guest.u32(3), 4)
        let count = try write(guest.u32(0), vectors)
        try guest.store(UInt32(count), at: guest.u32(3))
    }

    func fdPread(_ guest: Guest) throws(Errno) {
        let (descriptor, offset) = try positioned(guest, .fdRead)
        let vectors = try guest.vectors(guest.u32(1), guest.u32(2))
        _ = try guest.bytes(guest.u32(4), 4)
        let count = try retry { preadv(descriptor.host, vectors.parts, Int32(vectors.parts.count), offset) }
        try guest.store(UInt32(count), at: guest.u32(4))
    }

    func fdPwrite(_ guest: Guest) throws(Errno) {
        let (descriptor, offset) = try positioned(guest, .fdWrite)
        let vectors = try guest.vectors(guest.u32(1), guest.u32(2))
        _ = try guest.bytes(guest.u32(4), 4)
        let count = try retry { pwritev(descriptor.host, vectors.parts, Int32(vectors.parts.count), offset) }
        try guest.store(UInt32(count), at: guest.u32(4))
    }

    func fdSeek(_ guest: Guest) throws(Errno) {
        guard let whence = guest.snapshot.hostWhence(guest.u32(2)) else { throw .invalid }
        let offset = Int64(bitPattern: guest.u64(1))
        // Asking for the position needs less than changing it.
        let isTell = offset == 0 && whence == SEEK_CUR
        let descriptor = try seekable(guest.u32(0), isTell ? .fdTell : .fdSeek)
        try position(descriptor, offset, whence, guest, result: 3)
    }

    func fdTell(_ guest: Guest) throws(Errno) {
        try position(try seekable(guest.u32(0), .fdTell), 0, SEEK_CUR, guest, result: 1)
    }

    // MARK: transfer with waiting

    /// Reads what is there, waiting for the first byte where the guest's descriptor blocks.
    func read(_ number: UInt32, _ vectors: Vectors) throws(Errno) -> Int {
        while true {
            let descriptor = try file(number, .fdRead)
            if descriptor.kind == .socket { return try receive(number, vectors, flags: []).byteCount }
            if vectors.byteCount == 0 { return 0 }
            if descriptor.needsPoll {
                switch try waitToRead(descriptor) {
                case .lookAgain: continue
                case .ended: return 0
                case .ready: break
                }
            }
            let count = readv(descriptor.host, vectors.parts, Int32(vectors.parts.count))
            if count >= 0 { return count }
            switch Glibc.errno {
            case EINTR: continue
            case EAGAIN where !descriptor.flags.contains(.nonblock):
                if waiter.state == .stopping, descriptor.readingEndsOnStop { return 0 }
                _ = try waiter.wait(for: descriptor.host, events: POLLIN)
            default: throw .last
            }
        }
    }

    /// Writes; a blocking pipe or socket takes everything before the guest goes on.
    func write(_ number: UInt32, _ vectors: Vectors) throws(Errno) -> Int {
        var rest = vectors
        var written = 0
        while true {
            let descriptor = try file(number, .fdWrite)
            if descriptor.kind == .socket { return try send(number, vectors) }
            if rest.byteCount == 0 { return written }
            var part = rest
            if descriptor.needsPoll {
                // A writable pipe takes PIPE_BUF bytes without blocking, and promises no more.
                part = rest.prefix(Int(PIPE_BUF))
                guard try waitToWrite(descriptor, written: written) else {
                    if written > 0, descriptor.flags.contains(.nonblock) { return written }
                    continue
                }
            }
            let count = writev(descriptor.host, part.parts, Int32(part.parts.count))
            if count >= 0 {
                written += count
                rest.drop(count)
                if descriptor.kind == .regularFile { return written }
                continue
            }
            switch Glibc.errno {
            case EINTR: continue
            case EAGAIN:
                if descriptor.flags.contains(.nonblock) {
                    if written > 0 { return written }
                    throw .again
                }
                _ = try waiter.wait(for: descriptor.host, events: POLLOUT)
            default:
                if written > 0 { return written }
                throw .last
            }
        }
    }

    private enum Readiness {
        case ready, lookAgain
        /// The guest is stopping, and nothing is left to read.
        case ended
    }

    /// Makes a read of a host-blocking stream safe. Throws AGAIN where the guest does not block.
    private func waitToRead(_ descriptor: Descriptor) throws(Errno) -> Readiness {
        let isImmediate =
            descriptor.flags.contains(.nonblock)
            || (waiter.state == .stopping && descriptor.readingEndsOnStop)
        let result = try waiter.wait(for: descriptor.host, events: POLLIN, deadline: isImmediate ? 0 : nil)
        switch result {
        case .ready: return .ready
        case .interrupted: return .lookAgain
        case .timedOut:
            if descriptor.flags.contains(.nonblock) { throw .again }
            return .ended
        }
    }

    private func waitToWrite(_ descriptor: Descriptor, written: Int) throws(Errno) -> Bool {
        let isNonblocking = descriptor.flags.contains(.nonblock)
        let result = try waiter.wait(for: descriptor.host, events: POLLOUT, deadline: isNonblocking ? 0 : nil)
        if result == .timedOut, written == 0 { throw .again }
        return result == .ready
    }

    /// Repeats a transfer that a signal interrupted.
    func retry(_ body: () -> Int) throws(Errno) -> Int {
        while true {
            let count = body()
            if count >= 0 { return count }
            if Glibc.errno != EINTR { throw .last }
        }
    }

    // MARK: positions

    private func positioned(_ guest: Guest, _ rights: Rights) throws(Errno) -> (Descriptor, off_t) {
        let descriptor = try file(guest.u32(0), rights.union(.fdSeek))
        guard let offset = off_t(exactly: guest.u64(3)) else { throw .invalid }
        guard descriptor.kind == .regularFile, !descriptor.isStandard else { throw .invalidSeek }
        return (descriptor, offset)
    }

    private func seekable(_ number: UInt32, _ rights: Rights) throws(Errno) -> Descriptor {
        guard let descriptor = descriptors[number] else { throw .badFile }
        switch descriptor.kind {
        case .directory: throw .isDirectory
        case .stream, .socket: throw .invalidSeek
        case .regularFile: break
        }
        guard !descriptor.isStandard else { throw .invalidSeek }
        // The right to seek includes the right to tell.
        let held = descriptor.rights
        guard held.contains(rights) || (rights == .fdTell && held.contains(.fdSeek)) else { throw .notCapable }
        return descriptor
    }

    private func position(
        _ descriptor: Descriptor, _ offset: Int64, _ whence: Int32, _ guest: Guest, result: Int
    ) throws(Errno) {
        _ = try guest.bytes(guest.u32(result), 8)
        let position = lseek(descriptor.host, off_t(offset), whence)
        guard position >= 0 else { throw .last }
        try guest.store(UInt64(position), at: guest.u32(result))
    }
}
