// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what the node agent needs of whatever runs containers; the shim in production, a fake in tests.

/// The pod as the runtime knows it.
public struct PodSandbox: Sendable, Hashable {
    public var identity: PodIdentity
    /// The pod's directory: working directory of its shim, parent of its bundles.
    public var directory: String

    public init(identity: PodIdentity, directory: String) {
        self.identity = identity
        self.directory = directory
    }
}

/// Starts, finds and cleans up after shims.
public protocol PodRuntime: Sendable {
    /// Starts the pod's shim, or finds the one that runs.
    func start(_ pod: PodSandbox) async throws -> any PodShim
    /// The shim of an earlier agent, if it still answers.
    func adopt(_ pod: PodSandbox) async -> (any PodShim)?
    /// Kills what a dead shim has left running, writes the missing exit records, removes cgroups. May be repeated.
    func cleanUp(_ pod: PodSandbox) async
}

/// How far a container is.
public enum ContainerTaskState: Sendable, Equatable {
    case created
    case running
    case stopped
    /// The shim does not know it.
    case missing
}

/// One pod's shim. Every call may throw `ShimError`.
public protocol PodShim: Sendable {
    func create(_ id: String, bundle: String, stdout: String, stderr: String) async throws
    func start(_ id: String) async throws
    func state(_ id: String) async throws -> ContainerTaskState
    /// Returns when the container has ended, with its exit code.
    func wait(_ id: String) async throws -> Int32
    func kill(_ id: String, signal: UInt32) async throws
    /// Forgets a stopped container.
    func delete(_ id: String) async throws
    /// Runs a process in a fresh sandbox with the container's grants. `process` is an OCI process as JSON.
    func exec(_ id: String, execID: String, process: [UInt8], output: String, timeout: Duration) async throws -> Int32
    /// Calls an exported function of the running guest.
    func callExport(_ id: String, export: String, timeout: Duration) async throws -> Int32
    /// Ends the shim.
    func shutdown() async
}

/// Why a call to a shim has no result.
public struct ShimError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Code: Sendable {
        /// The shim is gone, or the connection to it.
        case disconnected
        case timedOut
        case notFound
        case refused
    }

    public var code: Code
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
