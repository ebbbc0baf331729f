// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what a node agent is told by whoever starts it.

public import PodNetwork

/// Where a node keeps its things and what it is called.
public struct NodeConfiguration: Sendable {
    /// The runtime root; holds `pods/` and `logs/`.
    public var root: String
    public var nodeName: String
    /// Distinguishes instances on one machine: cgroups live under `/swiftlet-INSTANCE`.
    public var instanceName: String
    /// Absolute path of `containerd-shim-swiftlet-v1`.
    public var shimPath: String
    /// `status.hostIP`, and where host ports without an address listen when `hostPortAddress` is not given.
    public var hostAddress: IPv4Address
    /// Relative image paths start here.
    public var workingDirectory: String
    /// Size at which a container's log is rotated, and how many files of it are kept.
    public var logBytesMax: UInt64
    public var logFilesMax: Int

    public init(
        root: String, nodeName: String, instanceName: String, shimPath: String,
        hostAddress: IPv4Address = .loopback, workingDirectory: String, logBytesMax: UInt64 = 10 << 20,
        logFilesMax: Int = 5
    ) {
        self.root = root
        self.nodeName = nodeName
        self.instanceName = instanceName
        self.shimPath = shimPath
        self.hostAddress = hostAddress
        self.workingDirectory = workingDirectory
        self.logBytesMax = logBytesMax
        self.logFilesMax = logFilesMax
    }
}

/// Who a pod is: a name may be used again, the uid never.
public struct PodIdentity: Sendable, Hashable {
    public var namespace: String
    public var name: String
    public var uid: String

    public init(namespace: String, name: String, uid: String) {
        self.namespace = namespace
        self.name = name
        self.uid = uid
    }

    /// `NAMESPACE_NAME_UID`. Unambiguous: an underscore is in none of the three.
    public var directoryName: String { "\(namespace)_\(name)_\(uid)" }

    /// Reads `directoryName` back.
    public init?(directoryName: String) {
        let parts = directoryName.split(separator: "_", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        self.init(namespace: parts[0], name: parts[1], uid: parts[2])
    }
}

/// The paths of one pod.
struct PodPaths: Sendable {
    let directory: String
    let logs: String

    init(root: String, pod: PodIdentity) {
        directory = "\(root)/pods/\(pod.directoryName)"
        logs = "\(root)/logs/\(pod.directoryName)"
    }

    func bundle(_ container: String, _ attempt: Int) -> String { "\(directory)/\(container)-\(attempt)" }
    func volume(_ name: String) -> String { "\(directory)/volumes/\(name)" }
    func log(_ container: String, _ attempt: Int) -> String { "\(logs)/\(container)/\(attempt).log" }
}
