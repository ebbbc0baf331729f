// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what can go wrong in the pod network.

/// A refusal of the pod network, with a message for people.
public struct NetworkError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// No address or slice is left.
        case exhausted
        /// Somebody else has the address or port.
        case addressInUse
        case unsupported
        /// The system refused.
        case unavailable
    }

    public var code: Code
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
