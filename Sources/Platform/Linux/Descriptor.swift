// SPDX-License-Identifier: Apache-2.0
// Swiftlet: file descriptors, owned and borrowed.

internal import CLinux
public import Glibc

/// A file descriptor with one owner; it is closed when the owner goes.
public struct OwnedDescriptor: ~Copyable, Sendable {
    /// The number, for calls that only use it. It must not outlive the owner.
    public let rawValue: Int32

    /// Takes over an open descriptor.
    public init(owning rawValue: Int32) {
        precondition(rawValue >= 0, "a descriptor is never negative")
        self.rawValue = rawValue
    }

    deinit { _ = close(rawValue) }

    /// Gives the number away; the caller closes it.
    public consuming func release() -> Int32 {
        let number = rawValue
        discard self
        return number
    }

    /// A second descriptor for the same open file, close-on-exec.
    public func duplicate() throws(SystemError) -> OwnedDescriptor { try Descriptors.duplicate(rawValue) }
}

/// Calls on descriptors that somebody else owns.
public enum Descriptors {
    /// A second descriptor for the same open file, close-on-exec.
    public static func duplicate(_ descriptor: Int32) throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(owning: try checkRaw("fcntl") { swl_fcntl(descriptor, F_DUPFD_CLOEXEC, 0) })
    }

    /// Reads up to `buffer.count` bytes; 0 is the end of the file.
    public static func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int
    {
        try check("read") { Glibc.read(descriptor, buffer.baseAddress, buffer.count) }
    }

    /// Writes a part of `bytes`; returns how much.
    public static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int {
        try check("write") { Glibc.write(descriptor, bytes.baseAddress, bytes.count) }
    }

    /// Writes all of `bytes`, waiting where the descriptor blocks.
    public static func writeAll(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = try write(descriptor, UnsafeRawBufferPointer(rebasing: rest))
            rest = rest.dropFirst(count)
        }
    }

    /// Writes all of `text` as UTF-8.
    public static func writeAll(_ descriptor: Int32, _ text: String) throws(SystemError) {
        try writeAll(descriptor, Array(text.utf8))
    }

    /// Writes all of `bytes`.
    public static func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) throws(SystemError) {
        var offset = 0
        while offset < bytes.count {
            let start = offset
            offset += try check("write") {
                bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress?.advanced(by: start), $0.count - start) }
            }
        }
    }

    public static func setNonBlocking(_ descriptor: Int32, _ isNonBlocking: Bool = true) throws(SystemError) {
        let flags = try checkRaw("fcntl") { swl_fcntl(descriptor, F_GETFL, 0) }
        let wanted = isNonBlocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK
        if wanted != flags { _ = try checkRaw("fcntl") { swl_fcntl(descriptor, F_SETFL, Int(wanted)) } }
    }

    public static func setCloseOnExec(_ descriptor: Int32, _ isCloseOnExec: Bool = true) throws(SystemError) {
        _ = try checkRaw("fcntl") { swl_fcntl(descriptor, F_SETFD, isCloseOnExec ? Int(FD_CLOEXEC) : 0) }
    }

    /// fstat(2).
    public static func status(_ descriptor: Int32) throws(SystemError) -> stat {
        var result = stat()
        _ = try check("fstat") { fstat(descriptor, &result) }
        return result
    }

    /// Closes all descriptors from `first` to `last` (close_range(2)).
    public static func closeRange(_ first: UInt32, _ last: UInt32 = .max) throws(SystemError) {
        _ = try checkRaw("close_range") { swl_close_range(first, last, 0) }
    }
}

/// Both ends of something with two ends.
public struct DescriptorPair: ~Copyable, Sendable {
    /// The reading end of a pipe, or one of two equal ends.
    public let first: OwnedDescriptor
    /// The writing end of a pipe, or the other one.
    public let second: OwnedDescriptor

    init(_ numbers: [Int32]) {
        first = OwnedDescriptor(owning: numbers[0])
        second = OwnedDescriptor(owning: numbers[1])
    }

    /// Takes the ends out: `let (reading, writing) = pipe.ends()`.
    public consuming func split(
        _ body: (consuming OwnedDescriptor, consuming OwnedDescriptor) -> Void
    ) { body(first, second) }

    /// A pipe, close-on-exec: `first` reads what `second` writes.
    public static func pipe() throws(SystemError) -> DescriptorPair {
        var ends: [Int32] = [-1, -1]
        _ = try checkRaw("pipe2") { swl_pipe(&ends) }
        return DescriptorPair(ends)
    }

    /// Two connected AF_UNIX sockets that keep record borders (SOCK_SEQPACKET), close-on-exec.
    public static func sequencedPackets() throws(SystemError) -> DescriptorPair {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        _ = try check("socketpair") { socketpair(AF_UNIX, type, 0, &ends) }
        return DescriptorPair(ends)
    }
}
