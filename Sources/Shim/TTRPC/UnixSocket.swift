// SPDX-License-Identifier: Apache-2.0
// Swiftlet: unix stream sockets with paths that fit.
public import EventLoop
import Glibc

/// A listening or connected unix socket's address.
public enum UnixSocket {
    /// LIMIT: sizeof(sun_path) - 1, see unix(7).
    public static let pathBytesMax = 107

    /// Connects; the descriptor is close-on-exec and blocking.
    ///
    /// - Parameter isNonBlocking: never waits, not even for room in the listener's queue, which is EAGAIN then.
    public static func connect(to path: String, isNonBlocking: Bool = false) throws(SystemFailure) -> Int32 {
        let descriptor = try socket(path)
        if isNonBlocking { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
        let result = try withAddress(path) { address, length in
            retryingInterrupts { Glibc.connect(descriptor, address, length) }
        }
        guard result == 0 else {
            let failure = SystemFailure.last("connect", path)
            close(descriptor)
            throw failure
        }
        return descriptor
    }

    /// Binds and listens, mode 0600. Fails with EADDRINUSE when the path exists, be there a listener or not.
    public static func listen(at path: String, backlog: Int32 = 64) throws(SystemFailure) -> Int32 {
        let descriptor = try socket(path)
        // The mode must be right before anybody can connect, so it comes from the umask, not from a later chmod.
        let mask = umask(0o177)
        let result = try withAddress(path) { address, length in Glibc.bind(descriptor, address, length) }
        let bindError = errno
        umask(mask)
        guard result == 0 else {
            close(descriptor)
            throw SystemFailure("bind", path, errno: bindError)
        }
        guard Glibc.listen(descriptor, backlog) == 0 else {
            let failure = SystemFailure.last("listen", path)
            close(descriptor)
            throw failure
        }
        return descriptor
    }

    /// Whether somebody listens.
    public static func isAlive(_ path: String) -> Bool {
        guard let descriptor = try? connect(to: path) else { return false }
        close(descriptor)
        return true
    }

    private static func socket(_ path: String) throws(SystemFailure) -> Int32 {
        guard path.utf8.count <= pathBytesMax else { throw SystemFailure("socket", path, errno: ENAMETOOLONG) }
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = Glibc.socket(AF_UNIX, type, 0)
        guard descriptor >= 0 else { throw .last("socket", path) }
        return descriptor
    }

    private static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) throws(SystemFailure) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // SAFETY: `socket` checked the length; the rest of sun_path is zero.
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
