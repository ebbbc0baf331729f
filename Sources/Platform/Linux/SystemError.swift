// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a failed system call, with everything one needs to understand it.

internal import CLinux
internal import Glibc

/// An error number of errno(3).
public struct Errno: RawRepresentable, Sendable, Hashable {
    public let rawValue: Int32

    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// `errno` of the calling thread, as the last failed call left it.
    public static var current: Errno { Errno(rawValue: Glibc.errno) }

    public static let noSuchFile = Errno(rawValue: ENOENT)
    public static let noSuchProcess = Errno(rawValue: ESRCH)
    public static let interrupted = Errno(rawValue: EINTR)
    public static let wouldBlock = Errno(rawValue: EAGAIN)
    public static let permissionDenied = Errno(rawValue: EACCES)
    public static let notPermitted = Errno(rawValue: EPERM)
    public static let fileExists = Errno(rawValue: EEXIST)
    public static let busy = Errno(rawValue: EBUSY)
    public static let invalidArgument = Errno(rawValue: EINVAL)
    public static let noSuchCall = Errno(rawValue: ENOSYS)
    public static let notSupported = Errno(rawValue: EOPNOTSUPP)
    public static let brokenPipe = Errno(rawValue: EPIPE)
    public static let connectionReset = Errno(rawValue: ECONNRESET)
    public static let connectionAborted = Errno(rawValue: ECONNABORTED)
    public static let connectionRefused = Errno(rawValue: ECONNREFUSED)
    public static let notDirectory = Errno(rawValue: ENOTDIR)
    public static let directoryNotEmpty = Errno(rawValue: ENOTEMPTY)
    public static let noDevice = Errno(rawValue: ENODEV)
    public static let fileTooLarge = Errno(rawValue: EFBIG)
    public static let readOnlyFileSystem = Errno(rawValue: EROFS)
    public static let timedOut = Errno(rawValue: ETIMEDOUT)
}

extension Errno: CustomStringConvertible {
    /// `ENOENT`, or `errno 4711` for a number without a name.
    public var name: String {
        guard let name = swl_errno_name(rawValue) else { return "errno \(rawValue)" }
        return String(cString: name)
    }

    /// `no such file or directory (ENOENT)`.
    public var description: String {
        guard let text = strerror(rawValue) else { return name }
        let message = String(cString: text)
        return "\(message.prefix(1).lowercased())\(message.dropFirst()) (\(name))"
    }
}

/// A system call that failed: which one, on what, and why.
public struct SystemError: Error, Sendable, Equatable {
    public var call: String
    /// The file, address or process it was about, where there is one.
    public var path: String?
    public var errno: Errno

    public init(call: String, path: String? = nil, errno: Errno) {
        self.call = call
        self.path = path
        self.errno = errno
    }
}

extension SystemError: CustomStringConvertible {
    /// `openat /etc/x: no such file or directory (ENOENT)`.
    public var description: String {
        guard let path else { return "\(call): \(errno)" }
        return "\(call) \(path): \(errno)"
    }
}

/// The result of a call that follows the C convention (-1 and errno); EINTR is retried.
@inline(__always)
func check<Result: SignedInteger>(
    _ call: @autoclosure () -> StaticString, _ path: @autoclosure () -> String? = nil, _ body: () -> Result
) throws(SystemError) -> Result {
    while true {
        let result = body()
        if result >= 0 { return result }
        let error = Errno.current
        if error == .interrupted { continue }
        throw SystemError(call: "\(call())", path: path(), errno: error)
    }
}

/// The result of a CLinux function (-errno); EINTR is retried.
@inline(__always)
func checkRaw(
    _ call: @autoclosure () -> StaticString, _ path: @autoclosure () -> String? = nil, _ body: () -> Int32
) throws(SystemError) -> Int32 {
    while true {
        let result = body()
        if result >= 0 { return result }
        let error = Errno(rawValue: -result)
        if error == .interrupted { continue }
        throw SystemError(call: "\(call())", path: path(), errno: error)
    }
}
