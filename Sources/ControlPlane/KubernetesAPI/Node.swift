// SPDX-License-Identifier: Apache-2.0
// Swiftlet: Node and its spec and status.

/// A machine (core/v1).
public struct Node: KubernetesObject, Equatable {
    public static let apiVersion = "v1"
    public static let kind = "Node"
    public static let resource = "nodes"
    public static let shortNames: [String] = ["no"]
    public static let isNamespaced = false

    @ZeroIfMissing public var apiVersion: String
    @ZeroIfMissing public var kind: String
    @ZeroIfMissing public var metadata: ObjectMeta
    @ZeroIfMissing public var spec: NodeSpec
    @ZeroIfMissing public var status: NodeStatus

    public init(metadata: ObjectMeta = ObjectMeta(), spec: NodeSpec = NodeSpec(), status: NodeStatus = NodeStatus()) {
        self.apiVersion = Self.apiVersion
        self.kind = Self.kind
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }
}

/// Desired state of a node.
public struct NodeSpec: Codable, Sendable, Equatable, HasZero {
    @OmitEmpty public var podCIDR: String
    @OmitEmpty public var podCIDRs: [String]
    @OmitEmpty public var providerID: String
    @OmitEmpty public var unschedulable: Bool
    @OmitEmpty public var taints: [Taint]
    @OmitEmpty public var externalID: String

    public static var zero: Self { Self() }

    public init(
        podCIDR: String = "",
        podCIDRs: [String] = [],
        providerID: String = "",
        unschedulable: Bool = false,
        taints: [Taint] = [],
        externalID: String = ""
    ) {
        self.podCIDR = podCIDR
        self.podCIDRs = podCIDRs
        self.providerID = providerID
        self.unschedulable = unschedulable
        self.taints = taints
        self.externalID = externalID
    }
}

/// Observed state of a node.
public struct NodeStatus: Codable, Sendable, Equatable, HasZero {
    @OmitEmpty public var capacity: [String: Quantity]
    @OmitEmpty public var allocatable: [String: Quantity]
    @OmitEmpty public var phase: String
    @OmitEmpty public var conditions: [NodeCondition]
    @OmitEmpty public var addresses: [NodeAddress]
    @ZeroIfMissing public var daemonEndpoints: NodeDaemonEndpoints
    @ZeroIfMissing public var nodeInfo: NodeSystemInfo
    @OmitEmpty public var images: [ContainerImage]
    @OmitEmpty public var volumesInUse: [String]

    public static var zero: Self { Self() }

    public init(
        capacity: [String: Quantity] = [:],
        allocatable: [String: Quantity] = [:],
        phase: String = "",
        conditions: [NodeCondition] = [],
        addresses: [NodeAddress] = [],
        daemonEndpoints: NodeDaemonEndpoints = NodeDaemonEndpoints(),
        nodeInfo: NodeSystemInfo = NodeSystemInfo(),
        images: [ContainerImage] = [],
        volumesInUse: [String] = []
    ) {
        self.capacity = capacity
        self.allocatable = allocatable
        self.phase = phase
        self.conditions = conditions
        self.addresses = addresses
        self.daemonEndpoints = daemonEndpoints
        self.nodeInfo = nodeInfo
        self.images = images
        self.volumesInUse = volumesInUse
    }
}

/// One aspect of a node: Ready, MemoryPressure, DiskPressure, PIDPressure.
public struct NodeCondition: Codable, Sendable, Equatable {
    @ZeroIfMissing public var type: String
    public var status: ConditionStatus
    public var lastHeartbeatTime: Time?
    public var lastTransitionTime: Time?
    @OmitEmpty public var reason: String
    @OmitEmpty public var message: String

    public init(
        type: String = "",
        status: ConditionStatus = .unknown,
        lastHeartbeatTime: Time? = nil,
        lastTransitionTime: Time? = nil,
        reason: String = "",
        message: String = ""
    ) {
        self.type = type
        self.status = status
        self.lastHeartbeatTime = lastHeartbeatTime
        self.lastTransitionTime = lastTransitionTime
        self.reason = reason
        self.message = message
    }
}

/// One address of a node and its type.
public struct NodeAddress: Codable, Sendable, Equatable {
    @ZeroIfMissing public var type: String
    @ZeroIfMissing public var address: String

    public init(type: String = "", address: String = "") {
        self.type = type
        self.address = address
    }
}

/// Ports of the node's daemons.
public struct NodeDaemonEndpoints: Codable, Sendable, Equatable, HasZero {
    public var kubeletEndpoint: DaemonEndpoint?

    public static var zero: Self { Self() }

    public init(kubeletEndpoint: DaemonEndpoint? = nil) {
        self.kubeletEndpoint = kubeletEndpoint
    }
}

/// One port; upstream spells its JSON name with a capital letter.
public struct DaemonEndpoint: Codable, Sendable, Equatable {
    @ZeroIfMissing public var port: Int32

    enum CodingKeys: String, CodingKey {
        case port = "Port"
    }

    public init(port: Int32 = 0) {
        self.port = port
    }
}

/// Versions and identity of the machine.
public struct NodeSystemInfo: Codable, Sendable, Equatable, HasZero {
    @ZeroIfMissing public var machineID: String
    @ZeroIfMissing public var systemUUID: String
    @ZeroIfMissing public var bootID: String
    @ZeroIfMissing public var kernelVersion: String
    @ZeroIfMissing public var osImage: String
    @ZeroIfMissing public var containerRuntimeVersion: String
    @ZeroIfMissing public var kubeletVersion: String
    @ZeroIfMissing public var kubeProxyVersion: String
    @ZeroIfMissing public var operatingSystem: String
    @ZeroIfMissing public var architecture: String

    public static var zero: Self { Self() }

    public init(
        machineID: String = "",
        systemUUID: String = "",
        bootID: String = "",
        kernelVersion: String = "",
        osImage: String = "",
        containerRuntimeVersion: String = "",
        kubeletVersion: String = "",
        kubeProxyVersion: String = "",
        operatingSystem: String = "",
        architecture: String = ""
    ) {
        self.machineID = machineID
        self.systemUUID = systemUUID
        self.bootID = bootID
        self.kernelVersion = kernelVersion
        self.osImage = osImage
        self.containerRuntimeVersion = containerRuntimeVersion
        self.kubeletVersion = kubeletVersion
        self.kubeProxyVersion = kubeProxyVersion
        self.operatingSystem = operatingSystem
        self.architecture = architecture
    }
}

/// An image present on the node.
public struct ContainerImage: Codable, Sendable, Equatable {
    @OmitEmpty public var names: [String]
    @OmitEmpty public var sizeBytes: Int64

    public init(names: [String] = [], sizeBytes: Int64 = 0) {
        self.names = names
        self.sizeBytes = sizeBytes
    }
}
