// SPDX-License-Identifier: Apache-2.0
// Swiftlet: Service and its spec and status.

/// One stable address for a set of pods (core/v1).
public struct Service: KubernetesObject, Equatable {
    public static let apiVersion = "v1"
    public static let kind = "Service"
    public static let resource = "services"
    public static let shortNames: [String] = ["svc"]
    public static let isNamespaced = true

    @ZeroIfMissing public var apiVersion: String
    @ZeroIfMissing public var kind: String
    @ZeroIfMissing public var metadata: ObjectMeta
    @ZeroIfMissing public var spec: ServiceSpec
    @ZeroIfMissing public var status: ServiceStatus

    public init(
        metadata: ObjectMeta = ObjectMeta(),
        spec: ServiceSpec = ServiceSpec(),
        status: ServiceStatus = ServiceStatus()
    ) {
        self.apiVersion = Self.apiVersion
        self.kind = Self.kind
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }
}

/// Desired state of a service.
public struct ServiceSpec: Codable, Sendable, Equatable, HasZero {
    @OmitEmpty public var ports: [ServicePort]
    @OmitEmpty public var selector: [String: String]
    @OmitEmpty public var clusterIP: String
    @OmitEmpty public var clusterIPs: [String]
    public var type: ServiceType?
    @OmitEmpty public var externalIPs: [String]
    public var sessionAffinity: SessionAffinity?
    @OmitEmpty public var loadBalancerIP: String
    @OmitEmpty public var loadBalancerSourceRanges: [String]
    @OmitEmpty public var externalName: String
    public var externalTrafficPolicy: String?
    @OmitEmpty public var healthCheckNodePort: Int32
    @OmitEmpty public var publishNotReadyAddresses: Bool
    public var sessionAffinityConfig: SessionAffinityConfig?
    @OmitEmpty public var ipFamilies: [String]
    public var ipFamilyPolicy: String?
    public var allocateLoadBalancerNodePorts: Bool?
    public var loadBalancerClass: String?
    public var internalTrafficPolicy: String?
    public var trafficDistribution: String?

    public static var zero: Self { Self() }

    public init(
        ports: [ServicePort] = [],
        selector: [String: String] = [:],
        clusterIP: String = "",
        clusterIPs: [String] = [],
        type: ServiceType? = nil,
        externalIPs: [String] = [],
        sessionAffinity: SessionAffinity? = nil,
        loadBalancerIP: String = "",
        loadBalancerSourceRanges: [String] = [],
        externalName: String = "",
        externalTrafficPolicy: String? = nil,
        healthCheckNodePort: Int32 = 0,
        publishNotReadyAddresses: Bool = false,
        sessionAffinityConfig: SessionAffinityConfig? = nil,
        ipFamilies: [String] = [],
        ipFamilyPolicy: String? = nil,
        allocateLoadBalancerNodePorts: Bool? = nil,
        loadBalancerClass: String? = nil,
        internalTrafficPolicy: String? = nil,
        trafficDistribution: String? = nil
    ) {
        self.ports = ports
        self.selector = selector
        self.clusterIP = clusterIP
        self.clusterIPs = clusterIPs
        self.type = type
        self.externalIPs = externalIPs
        self.sessionAffinity = sessionAffinity
        self.loadBalancerIP = loadBalancerIP
        self.loadBalancerSourceRanges = loadBalancerSourceRanges
        self.externalName = externalName
        self.externalTrafficPolicy = externalTrafficPolicy
        self.healthCheckNodePort = healthCheckNodePort
        self.publishNotReadyAddresses = publishNotReadyAddresses
        self.sessionAffinityConfig = sessionAffinityConfig
        self.ipFamilies = ipFamilies
        self.ipFamilyPolicy = ipFamilyPolicy
        self.allocateLoadBalancerNodePorts = allocateLoadBalancerNodePorts
        self.loadBalancerClass = loadBalancerClass
        self.internalTrafficPolicy = internalTrafficPolicy
        self.trafficDistribution = trafficDistribution
    }
}

/// One port of a service and the pods' port behind it.
public struct ServicePort: Codable, Sendable, Equatable {
    @OmitEmpty public var name: String
    public var `protocol`: PortProtocol?
    public var appProtocol: String?
    @ZeroIfMissing public var port: Int32
    public var targetPort: IntOrString?
    @OmitEmpty public var nodePort: Int32

    public init(
        name: String = "",
        `protocol`: PortProtocol? = nil,
        appProtocol: String? = nil,
        port: Int32 = 0,
        targetPort: IntOrString? = nil,
        nodePort: Int32 = 0
    ) {
        self.name = name
        self.protocol = `protocol`
        self.appProtocol = appProtocol
        self.port = port
        self.targetPort = targetPort
        self.nodePort = nodePort
    }
}

/// Settings of session affinity.
public struct SessionAffinityConfig: Codable, Sendable, Equatable {
    public var clientIP: ClientIPConfig?

    public init(clientIP: ClientIPConfig? = nil) {
        self.clientIP = clientIP
    }
}

/// How long a client stays with its pod.
public struct ClientIPConfig: Codable, Sendable, Equatable {
    public var timeoutSeconds: Int32?

    public init(timeoutSeconds: Int32? = nil) {
        self.timeoutSeconds = timeoutSeconds
    }
}

/// Observed state of a service.
public struct ServiceStatus: Codable, Sendable, Equatable, HasZero {
    @ZeroIfMissing public var loadBalancer: LoadBalancerStatus
    @OmitEmpty public var conditions: [Condition]

    public static var zero: Self { Self() }

    public init(loadBalancer: LoadBalancerStatus = LoadBalancerStatus(), conditions: [Condition] = []) {
        self.loadBalancer = loadBalancer
        self.conditions = conditions
    }
}

/// Addresses under which a load balancer serves.
public struct LoadBalancerStatus: Codable, Sendable, Equatable, HasZero {
    @OmitEmpty public var ingress: [LoadBalancerIngress]

    public static var zero: Self { Self() }

    public init(ingress: [LoadBalancerIngress] = []) {
        self.ingress = ingress
    }
}

/// One address of a load balancer.
public struct LoadBalancerIngress: Codable, Sendable, Equatable {
    @OmitEmpty public var ip: String
    @OmitEmpty public var hostname: String
    public var ipMode: String?
    @OmitEmpty public var ports: [PortStatus]

    public init(ip: String = "", hostname: String = "", ipMode: String? = nil, ports: [PortStatus] = []) {
        self.ip = ip
        self.hostname = hostname
        self.ipMode = ipMode
        self.ports = ports
    }
}

/// State of one load balancer port.
public struct PortStatus: Codable, Sendable, Equatable {
    @ZeroIfMissing public var port: Int32
    @ZeroIfMissing public var `protocol`: String
    public var error: String?

    public init(port: Int32 = 0, `protocol`: String = "", error: String? = nil) {
        self.port = port
        self.protocol = `protocol`
        self.error = error
    }
}
