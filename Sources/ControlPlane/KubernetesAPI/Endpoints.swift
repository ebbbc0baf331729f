// SPDX-License-Identifier: Apache-2.0
// Swiftlet: Endpoints: the older form of endpoint slices.

/// Addresses behind a service, grouped by ports (core/v1).
public struct Endpoints: KubernetesObject, Equatable {
    public static let apiVersion = "v1"
    public static let kind = "Endpoints"
    public static let resource = "endpoints"
    public static let shortNames: [String] = ["ep"]
    public static let isNamespaced = true

    @ZeroIfMissing public var apiVersion: String
    @ZeroIfMissing public var kind: String
    @ZeroIfMissing public var metadata: ObjectMeta
    @OmitEmpty public var subsets: [EndpointSubset]

    public init(metadata: ObjectMeta = ObjectMeta(), subsets: [EndpointSubset] = []) {
        self.apiVersion = Self.apiVersion
        self.kind = Self.kind
        self.metadata = metadata
        self.subsets = subsets
    }
}

/// Addresses that share the same ports.
public struct EndpointSubset: Codable, Sendable, Equatable {
    @OmitEmpty public var addresses: [EndpointAddress]
    @OmitEmpty public var notReadyAddresses: [EndpointAddress]
    @OmitEmpty public var ports: [EndpointSubsetPort]

    public init(
        addresses: [EndpointAddress] = [],
        notReadyAddresses: [EndpointAddress] = [],
        ports: [EndpointSubsetPort] = []
    ) {
        self.addresses = addresses
        self.notReadyAddresses = notReadyAddresses
        self.ports = ports
    }
}

/// One address and the pod behind it.
public struct EndpointAddress: Codable, Sendable, Equatable {
    @ZeroIfMissing public var ip: String
    @OmitEmpty public var hostname: String
    public var nodeName: String?
    public var targetRef: ObjectReference?

    public init(ip: String = "", hostname: String = "", nodeName: String? = nil, targetRef: ObjectReference? = nil) {
        self.ip = ip
        self.hostname = hostname
        self.nodeName = nodeName
        self.targetRef = targetRef
    }
}

/// One port of a subset.
public struct EndpointSubsetPort: Codable, Sendable, Equatable {
    @OmitEmpty public var name: String
    @ZeroIfMissing public var port: Int32
    public var `protocol`: PortProtocol?
    public var appProtocol: String?

    public init(name: String = "", port: Int32 = 0, `protocol`: PortProtocol? = nil, appProtocol: String? = nil) {
        self.name = name
        self.port = port
        self.protocol = `protocol`
        self.appProtocol = appProtocol
    }
}
