// SPDX-License-Identifier: Apache-2.0
// Swiftlet: why something about a pod could not be done, with upstream's reason.

/// A failure on the way to a running container. `reason` is what the container's waiting state shows.
public struct NodeError: Error, Sendable, Equatable, CustomStringConvertible {
    public var reason: String
    public var message: String

    public init(_ reason: String, _ message: String) {
        self.reason = reason
        self.message = message
    }

    public var description: String { message }

    static func config(_ message: String) -> NodeError { NodeError("CreateContainerConfigError", message) }
    static func mount(_ message: String) -> NodeError { NodeError("FailedMount", message) }
}
