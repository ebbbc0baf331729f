// SPDX-License-Identifier: Apache-2.0
// Swiftlet: EndpointSlice: the addresses behind a service.

/// Addresses behind a service, with their readiness (discovery.k8s.io/v1).
public struct EndpointSlice: KubernetesObject, Equatable {
    public static let apiVersion = "discovery.k8s.io/v1"
    public static let kind = "EndpointSlice"
    public static let resource = "endpointslices"
    public static let shortNames: [String] = []
    public static let isNamespaced = true

    @ZeroIfMissing public var apiVersion: String
    @ZeroIfMissing public var kind: String
    @ZeroIfMissing public var metadata: ObjectMeta
    @ZeroIfMissing public var addressType: String
    @ZeroIfMissing public var endpoints: [Endpoint]
    @ZeroIfMissing public var ports: [EndpointPort]

    public init(
        metadata: ObjectMeta = ObjectMeta(),
        addressType: String = "",
        endpoints: [Endpoint] = [],
        ports: [EndpointPort] = []
    ) {
        self.apiVersion = Self.apiVersion
        self.kind = Self.kind
        self.metadata = metadata
        self.addressType = addressType
        self.endpoints = endpoints
        self.ports = ports
    }
}

/// One backend.
public struct Endpoint: Codable, Sendable, Equatable {
    @ZeroIfMissing public var addresses: [String]
    @ZeroIfMissing public var conditions: EndpointConditions
    public var hostname: String?
    public var targetRef: ObjectReference?
    @OmitEmpty public var deprecatedTopology: [String: String]
    public var nodeName: String?
    public var zone: String?
    public var hints: EndpointHints?

    public init(
        addresses: [String] = [],
        conditions: EndpointConditions = EndpointConditions(),
        hostname: String? = nil,
        targetRef: ObjectReference? = nil,
        deprecatedTopology: [String: String] = [:],
        nodeName: String? = nil,
        zone: String? = nil,
        hints: EndpointHints? = nil
    ) {
        self.addresses = addresses
        self.conditions = conditions
        self.hostname = hostname
        self.targetRef = targetRef
        self.deprecatedTopology = deprecatedTopology
        self.nodeName = nodeName
        self.zone = zone
        self.hints = hints
    }
}

/// Readiness of a backend; `nil` means unknown.
public struct EndpointConditions: Codable, Sendable, Equatable, HasZero {
    public var ready: Bool?
    public var serving: Bool?
    public var terminating: Bool?

    public static var zero: Self { Self() }

    public init(ready: Bool? = nil, serving: Bool? = nil, terminating: Bool? = nil) {
        self.ready = ready
        self.serving = serving
        self.terminating = terminating
    }
}

/// Which zones should use a backend.
public struct EndpointHints: Codable, Sendable, Equatable {
    @OmitEmpty public var forZones: [ForZone]
    @OmitEmpty public var forNodes: [ForNode]

    public init(forZones: [ForZone] = [], forNodes: [ForNode] = []) {
        self.forZones = forZones
        self.forNodes = forNodes
    }
}

/// A zone.
public struct ForZone: Codable, Sendable, Equatable {
    @ZeroIfMissing public var name: String

    public init(name: String = "") {
        self.name = name
    }
}

/// A node.
public struct ForNode: Codable, Sendable, Equatable {
    @ZeroIfMissing public var name: String

    public init(name: String = "") {
        self.name = name
    }
}

/// One port of the backends.
public struct EndpointPort: Codable, Sendable, Equatable {
    public var name: String?
    public var `protocol`: PortProtocol?
    public var port: Int32?
    public var appProtocol: String?

    public init(
        name: String? = nil,
        `protocol`: PortProtocol? = nil,
        port: Int32? = nil,
        appProtocol: String? = nil
    ) {
        self.name = name
        self.protocol = `protocol`
        self.port = port
        self.appProtocol = appProtocol
    }
}
