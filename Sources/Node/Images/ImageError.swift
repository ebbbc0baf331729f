// SPDX-License-Identifier: Apache-2.0
// Swiftlet: why something about an image could not be done.

public import Linux

/// A failure with an image, its content, the store or a registry.
public struct ImageError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// The reference breaks the grammar of image names.
        case invalidName
        /// No such image, blob, file or platform.
        case notFound
        /// Content that is not what it says it is: a wrong digest, a truncated or malformed document.
        case invalidContent
        /// Content beyond a limit of `ImageLimits`.
        case limitExceeded
        /// Well formed, but nothing Swiftlet can use.
        case unsupported
        /// The store's file system refused.
        case storage
        /// The registry wants other credentials.
        case unauthorized
        /// The registry did not answer, or not in time; trying again may help.
        case unavailable
        /// Another process holds the store.
        case busy
    }

    public var code: Code
    /// Object, place, expected, found; lower case.
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public init(_ error: SystemError) { self.init(.storage, "\(error)") }

    /// A failed call of libc on `path`, with errno as it is now.
    static func system(_ call: String, _ path: String) -> ImageError {
        ImageError(SystemError(call: call, path: path, errno: .current))
    }

    public var description: String { message }

    /// The same failure, told of something larger.
    public func about(_ what: String) -> ImageError { ImageError(code, "\(what): \(message)") }
}

/// Runs `body` and turns a failed system call into an `ImageError`.
func storing<Result: ~Copyable>(_ body: () throws(SystemError) -> Result) throws(ImageError) -> Result {
    do { return try body() } catch { throw ImageError(error) }
}
