// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a process that somebody else started, named for good.

internal import CLinux
public import Glibc

/// A process by number and start time: the kernel uses numbers again, the two together it does not.
public struct ProcessReference: Sendable, Equatable {
    public let processIdentifier: pid_t
    /// Field 22 of /proc/PID/stat, in clock ticks since boot; 0 never matches.
    public let startTime: UInt64

    public init(processIdentifier: pid_t, startTime: UInt64) {
        self.processIdentifier = processIdentifier
        self.startTime = startTime
    }

    /// The process that has the number now; nil when none has.
    public init?(processIdentifier: pid_t) {
        guard let now = Self.status(processIdentifier) else { return nil }
        self.init(processIdentifier: processIdentifier, startTime: now.startTime)
    }

    public enum Condition: Sendable, Equatable {
        case running
        /// By SIGSTOP.
        case stopped
        /// Gone, or a zombie.
        case ended
    }

    public var condition: Condition {
        guard processIdentifier > 0, startTime > 0, let now = Self.status(processIdentifier),
            now.startTime == startTime
        else { return .ended }
        switch now.state {
        case UInt8(ascii: "Z"), UInt8(ascii: "X"): return .ended
        case UInt8(ascii: "T"): return .stopped
        default: return .running
        }
    }

    /// Sends a signal. Returns whether the process was there to get it.
    @discardableResult
    public func signal(_ number: Int32) throws(SystemError) -> Bool {
        let raw = swl_pidfd_open(processIdentifier)
        if raw == -ESRCH || raw == -EINVAL { return false }
        let descriptor = OwnedDescriptor(owning: try checkRaw("pidfd_open", "\(processIdentifier)") { raw })
        // The descriptor holds whoever has the number now; only then is it worth asking who that is.
        guard condition != .ended else { return false }
        let result = swl_pidfd_send_signal(descriptor.rawValue, number)
        if result == -ESRCH { return false }
        _ = try checkRaw("pidfd_send_signal", "\(processIdentifier)") { result }
        return true
    }

    /// Waits until the process has ended; false when the time is over.
    public func waitForEnd(timeoutMilliseconds: UInt32) -> Bool {
        let raw = swl_pidfd_open(processIdentifier)
        guard raw >= 0 else { return condition == .ended }
        let descriptor = OwnedDescriptor(owning: raw)
        if condition == .ended { return true }
        _ = Poll.wait(descriptor.rawValue, for: .readable, timeoutMilliseconds: Int32(clamping: timeoutMilliseconds))
        return condition == .ended
    }

    private static func status(_ process: pid_t) -> (state: UInt8, startTime: UInt64)? {
        guard let text = try? Files.readText("/proc/\(process)/stat"), let end = text.lastIndex(of: ")") else {
            return nil
        }
        let fields = text[text.index(after: end)...].split(separator: " ")
        // Field 3 is the first after the name.
        guard fields.count > 19, let state = fields[0].utf8.first, let time = UInt64(fields[19]) else { return nil }
        return (state, time)
    }
}
