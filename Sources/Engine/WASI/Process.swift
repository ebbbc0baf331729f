// SPDX-License-Identifier: Apache-2.0
// Swiftlet: arguments, environment, clocks, randomness and the end of the process.
internal import Glibc
internal import Linux
internal import Wasm

extension WASIContext {
    /// `args_get`, `environ_get`: pointers at parameter 0, the strings behind each other at parameter 1.
    func writeStrings(_ strings: [[UInt8]], _ guest: Guest) throws(Errno) {
        var pointer = guest.u32(0)
        var offset = guest.u32(1)
        for string in strings {
            try guest.store(offset, at: pointer)
            try guest.bytes(offset, UInt32(string.count)).copyBytes(from: string)
            pointer = try guest.address(pointer, plus: 4)
            offset = try guest.address(offset, plus: UInt64(string.count))
        }
    }

    /// `args_sizes_get`, `environ_sizes_get`.
    func writeSizes(of strings: [[UInt8]], _ guest: Guest) throws(Errno) {
        let byteCount = strings.reduce(0) { $0 + $1.count }
        guard let total = UInt32(exactly: byteCount) else { throw .overflow }
        try guest.store(UInt32(strings.count), at: guest.u32(0))
        try guest.store(total, at: guest.u32(1))
    }

    func clockResGet(_ guest: Guest) throws(Errno) {
        guard let clock = Clock(rawValue: guest.u32(0)) else { throw .invalid }
        try guest.store(clock.resolution, at: guest.u32(1))
    }

    func clockTimeGet(_ guest: Guest) throws(Errno) {
        guard let clock = Clock(rawValue: guest.u32(0)) else { throw .invalid }
        try guest.store(clock.now, at: guest.u32(2))
    }

    func randomGet(_ guest: Guest) throws(Errno) {
        let buffer = try guest.bytes(guest.u32(0), guest.u32(1))
        var filled = 0
        while filled < buffer.count {
            let count = randomBytes(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
            if count < 0 {
                if Glibc.errno == EINTR { continue }
                throw .last
            }
            filled += count
        }
    }

    /// Also a moment at which the supervisor is served.
    func schedYield(_ guest: Guest) throws(Errno) {
        waiter.serveControl()
        Glibc.sched_yield()
    }

    func procExit(_ guest: Guest) -> HostOutcome { .exit(guest.u32(0)) }

    /// Raises a signal whose default action is to end the process: exit status 128 + number, as a shell shows it.
    /// Those that are ignored by default do nothing; stopping a process is NOTSUP.
    func procRaise(_ guest: Guest) -> HostOutcome {
        let signal = guest.u32(0)
        switch signal {
        case 0, 16, 17, 22, 27:  // none, chld, cont, urg, winch
            guest.call.results[0] = UInt64(Errno.success.rawValue)
            return .returned
        case 18...21:  // stop, tstp, ttin, ttou
            guest.call.results[0] = UInt64(Errno.notSupported.rawValue)
            return .returned
        case 1...30:
            return .exit(128 + signal)
        default:
            guest.call.results[0] = UInt64(Errno.invalid.rawValue)
            return .returned
        }
    }
}
