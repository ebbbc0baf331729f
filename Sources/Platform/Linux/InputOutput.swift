// SPDX-License-Identifier: Apache-2.0
// Swiftlet: waiting, accepting, allocating, random bytes: what Swift's Glibc module leaves out.
internal import CLinux
internal import Glibc

/// Finds something without a right to its content (open(2)).
public let openPathOnly: Int32 = 0o10000000
/// *at calls act on the descriptor itself when the path is empty (open(2), utimensat(2)).
public let atEmptyPath: Int32 = 0x1000
/// poll(2): the peer has closed its writing side.
public let pollPeerClosed: Int16 = 0x2000

/// ppoll(2).
/// - Parameter entries: `count` values of `pollfd`.
/// - Parameter timeout: in nanoseconds; nil: no end.
/// - Returns: the number of ready entries, 0 at the timeout, or -1 with errno.
public func waitForDescriptors(_ entries: UnsafeMutableRawPointer, count: Int, timeout: UInt64?) -> Int32 {
    guard let timeout else { return swl_ppoll(entries, count, nil) }
    var time = timespec(tv_sec: Int(timeout / 1_000_000_000), tv_nsec: Int(timeout % 1_000_000_000))
    return swl_ppoll(entries, count, &time)
}

/// Accepts a connection (accept4(2)), non-blocking and close-on-exec; -1 with errno.
public func acceptNonblocking(_ listener: Int32) -> Int32 { swl_accept(listener) }

/// Allocates `byteCount` bytes from `offset` on (fallocate(2)); -1 with errno.
public func allocateSpace(_ file: Int32, offset: Int64, byteCount: Int64) -> Int32 {
    swl_fallocate(file, offset, byteCount)
}

/// Fills `buffer` with random bytes (getrandom(2)). Returns how many, or -1 with errno.
public func randomBytes(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    swl_getrandom(buffer.baseAddress, buffer.count)
}
