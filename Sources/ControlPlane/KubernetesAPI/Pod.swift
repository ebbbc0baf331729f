// SPDX-License-Identifier: Apache-2.0
// Swiftlet: Pod, its template and its spec.

/// One or more containers that share an address and a fate (core/v1).
public struct Pod: KubernetesObject, Equatable {
    public static let apiVersion = "v1"
    public static let kind = "Pod"
    public static let resource = "pods"
    public static let shortNames: [String] = ["po"]
    public static let isNamespaced = true

    @ZeroIfMissing public var apiVersion: String
    @ZeroIfMissing public var kind: String
    @ZeroIfMissing public var metadata: ObjectMeta
    @ZeroIfMissing public var spec: PodSpec
    @ZeroIfMissing public var status: PodStatus

    public init(metadata: ObjectMeta = ObjectMeta(), spec: PodSpec = PodSpec(), status: PodStatus = PodStatus()) {
        self.apiVersion = Self.apiVersion
        self.kind = Self.kind
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }
}

/// What a controller makes pods from.
public struct PodTemplateSpec: Codable, Sendable, Equatable, HasZero {
    @ZeroIfMissing public var metadata: ObjectMeta
    @ZeroIfMissing public var spec: PodSpec

    public static var zero: Self { Self() }

    public init(metadata: ObjectMeta = ObjectMeta(), spec: PodSpec = PodSpec()) {
        self.metadata = metadata
        self.spec = spec
    }
}

/// Desired state of a pod.
public struct PodSpec: Codable, Sendable, Equatable, HasZero {
    @OmitEmpty public var volumes: [Volume]
    @OmitEmpty public var initContainers: [Container]
    @OmitEmpty public var containers: [Container]
    public var restartPolicy: RestartPolicy?
    public var terminationGracePeriodSeconds: Int64?
    public var activeDeadlineSeconds: Int64?
    public var dnsPolicy: DNSPolicy?
    @OmitEmpty public var nodeSelector: [String: String]
    @OmitEmpty public var serviceAccountName: String
    @OmitEmpty public var serviceAccount: String
    public var automountServiceAccountToken: Bool?
    @OmitEmpty public var nodeName: String
    @OmitEmpty public var hostNetwork: Bool
    @OmitEmpty public var hostPID: Bool
    @OmitEmpty public var hostIPC: Bool
    public var shareProcessNamespace: Bool?
    public var securityContext: PodSecurityContext?
    @OmitEmpty public var imagePullSecrets: [LocalObjectReference]
    @OmitEmpty public var hostname: String
    @OmitEmpty public var subdomain: String
    public var affinity: Affinity?
    @OmitEmpty public var schedulerName: String
    @OmitEmpty public var tolerations: [Toleration]
    @OmitEmpty public var hostAliases: [HostAlias]
    @OmitEmpty public var priorityClassName: String
    public var priority: Int32?
    public var dnsConfig: PodDNSConfig?
    @OmitEmpty public var readinessGates: [PodReadinessGate]
    public var runtimeClassName: String?
    public var enableServiceLinks: Bool?
    public var preemptionPolicy: String?
    @OmitEmpty public var overhead: [String: Quantity]
    @OmitEmpty public var topologySpreadConstraints: [TopologySpreadConstraint]
    public var setHostnameAsFQDN: Bool?
    public var os: PodOS?
    public var hostUsers: Bool?

    public static var zero: Self { Self() }

    public init(
        volumes: [Volume] = [],
        initContainers: [Container] = [],
        containers: [Container] = [],
        restartPolicy: RestartPolicy? = nil,
        terminationGracePeriodSeconds: Int64? = nil,
        activeDeadlineSeconds: Int64? = nil,
        dnsPolicy: DNSPolicy? = nil,
        nodeSelector: [String: String] = [:],
        serviceAccountName: String = "",
        serviceAccount: String = "",
        automountServiceAccountToken: Bool? = nil,
        nodeName: String = "",
        hostNetwork: Bool = false,
        hostPID: Bool = false,
        hostIPC: Bool = false,
        shareProcessNamespace: Bool? = nil,
        securityContext: PodSecurityContext? = nil,
        imagePullSecrets: [LocalObjectReference] = [],
        hostname: String = "",
        subdomain: String = "",
        affinity: Affinity? = nil,
        schedulerName: String = "",
        tolerations: [Toleration] = [],
        hostAliases: [HostAlias] = [],
        priorityClassName: String = "",
        priority: Int32? = nil,
        dnsConfig: PodDNSConfig? = nil,
        readinessGates: [PodReadinessGate] = [],
        runtimeClassName: String? = nil,
        enableServiceLinks: Bool? = nil,
        preemptionPolicy: String? = nil,
        overhead: [String: Quantity] = [:],
        topologySpreadConstraints: [TopologySpreadConstraint] = [],
        setHostnameAsFQDN: Bool? = nil,
        os: PodOS? = nil,
        hostUsers: Bool? = nil
    ) {
        self.volumes = volumes
        self.initContainers = initContainers
        self.containers = containers
        self.restartPolicy = restartPolicy
        self.terminationGracePeriodSeconds = terminationGracePeriodSeconds
        self.activeDeadlineSeconds = activeDeadlineSeconds
        self.dnsPolicy = dnsPolicy
        self.nodeSelector = nodeSelector
        self.serviceAccountName = serviceAccountName
        self.serviceAccount = serviceAccount
        self.automountServiceAccountToken = automountServiceAccountToken
        self.nodeName = nodeName
        self.hostNetwork = hostNetwork
        self.hostPID = hostPID
        self.hostIPC = hostIPC
        self.shareProcessNamespace = shareProcessNamespace
        self.securityContext = securityContext
        self.imagePullSecrets = imagePullSecrets
        self.hostname = hostname
        self.subdomain = subdomain
        self.affinity = affinity
        self.schedulerName = schedulerName
        self.tolerations = tolerations
        self.hostAliases = hostAliases
        self.priorityClassName = priorityClassName
        self.priority = priority
        self.dnsConfig = dnsConfig
        self.readinessGates = readinessGates
        self.runtimeClassName = runtimeClassName
        self.enableServiceLinks = enableServiceLinks
        self.preemptionPolicy = preemptionPolicy
        self.overhead = overhead
        self.topologySpreadConstraints = topologySpreadConstraints
        self.setHostnameAsFQDN = setHostnameAsFQDN
        self.os = os
        self.hostUsers = hostUsers
    }
}

/// The name of an object in the same namespace.
public struct LocalObjectReference: Codable, Sendable, Equatable {
    @OmitEmpty public var name: String

    public init(name: String = "") {
        self.name = name
    }
}

/// Names for one address, added to the pod's hosts.
public struct HostAlias: Codable, Sendable, Equatable {
    @ZeroIfMissing public var ip: String
    @OmitEmpty public var hostnames: [String]

    public init(ip: String = "", hostnames: [String] = []) {
        self.ip = ip
        self.hostnames = hostnames
    }
}

/// Name servers and search domains added to those of the DNS policy.
public struct PodDNSConfig: Codable, Sendable, Equatable {
    @OmitEmpty public var nameservers: [String]
    @OmitEmpty public var searches: [String]
    @OmitEmpty public var options: [PodDNSConfigOption]

    public init(nameservers: [String] = [], searches: [String] = [], options: [PodDNSConfigOption] = []) {
        self.nameservers = nameservers
        self.searches = searches
        self.options = options
    }
}

/// One resolver option.
public struct PodDNSConfigOption: Codable, Sendable, Equatable {
    @OmitEmpty public var name: String
    public var value: String?

    public init(name: String = "", value: String? = nil) {
        self.name = name
        self.value = value
    }
}

/// A condition that must be true as well before the pod counts as ready.
public struct PodReadinessGate: Codable, Sendable, Equatable {
    @ZeroIfMissing public var conditionType: String

    public init(conditionType: String = "") {
        self.conditionType = conditionType
    }
}

/// The operating system a pod needs.
public struct PodOS: Codable, Sendable, Equatable {
    @ZeroIfMissing public var name: String

    public init(name: String = "") {
        self.name = name
    }
}

/// Identity and privileges of all containers of a pod.
public struct PodSecurityContext: Codable, Sendable, Equatable {
    public var seLinuxOptions: SELinuxOptions?
    public var windowsOptions: WindowsSecurityContextOptions?
    public var runAsUser: Int64?
    public var runAsGroup: Int64?
    public var runAsNonRoot: Bool?
    @OmitEmpty public var supplementalGroups: [Int64]
    public var supplementalGroupsPolicy: String?
    public var fsGroup: Int64?
    @OmitEmpty public var sysctls: [Sysctl]
    public var fsGroupChangePolicy: String?
    public var seccompProfile: SeccompProfile?
    public var appArmorProfile: AppArmorProfile?

    public init(
        seLinuxOptions: SELinuxOptions? = nil,
        windowsOptions: WindowsSecurityContextOptions? = nil,
        runAsUser: Int64? = nil,
        runAsGroup: Int64? = nil,
        runAsNonRoot: Bool? = nil,
        supplementalGroups: [Int64] = [],
        supplementalGroupsPolicy: String? = nil,
        fsGroup: Int64? = nil,
        sysctls: [Sysctl] = [],
        fsGroupChangePolicy: String? = nil,
        seccompProfile: SeccompProfile? = nil,
        appArmorProfile: AppArmorProfile? = nil
    ) {
        self.seLinuxOptions = seLinuxOptions
        self.windowsOptions = windowsOptions
        self.runAsUser = runAsUser
        self.runAsGroup = runAsGroup
        self.runAsNonRoot = runAsNonRoot
        self.supplementalGroups = supplementalGroups
        self.supplementalGroupsPolicy = supplementalGroupsPolicy
        self.fsGroup = fsGroup
        self.sysctls = sysctls
        self.fsGroupChangePolicy = fsGroupChangePolicy
        self.seccompProfile = seccompProfile
        self.appArmorProfile = appArmorProfile
    }
}

/// A kernel parameter of the pod.
public struct Sysctl: Codable, Sendable, Equatable {
    @ZeroIfMissing public var name: String
    @ZeroIfMissing public var value: String

    public init(name: String = "", value: String = "") {
        self.name = name
        self.value = value
    }
}
