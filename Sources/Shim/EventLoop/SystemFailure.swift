// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a failed system call, with the object it was about.
internal import CEpoll
internal import Glibc

/// What failed, on what, and errno.
public struct SystemFailure: Error, Equatable, CustomStringConvertible {
    public var call: String
    /// Path, address, descriptor number: what a reader needs to find the cause.
    public var object: String
    public var errno: Int32

    public init(_ call: String, _ object: String, errno: Int32) {
        self.call = call
        self.object = object
        self.errno = errno
    }

    /// Takes errno from the call that has just failed.
    public static func last(_ call: String, _ object: String) -> SystemFailure {
        SystemFailure(call, object, errno: Glibc.errno)
    }

    public var description: String {
        "\(call) \(object): \(String(cString: strerror(errno)))"
    }
}

/// Calls again while a signal interrupts. Returns the result, -1 with errno set on failure.
@discardableResult
public func retryingInterrupts<Result: FixedWidthInteger & SignedInteger>(_ body: () -> Result) -> Result {
    while true {
        let result = body()
        if result != -1 || errno != EINTR { return result }
    }
}

/// The user at the other end of a connected unix socket (SO_PEERCRED); nil if the kernel does not say.
public func peerUser(of descriptor: Int32) -> UInt32? {
    let user = swiftlet_peer_user(descriptor)
    return user < 0 ? nil : UInt32(user)
}
