// SPDX-License-Identifier: Apache-2.0
// Swiftlet: ReplicaSet and its spec and status.

/// A number of equal pods kept running (apps/v1).
public struct ReplicaSet: KubernetesObject, Equatable {
    public static let apiVersion = "apps/v1"
    public static let kind = "ReplicaSet"
    public static let resource = "replicasets"
    public static let shortNames: [String] = ["rs"]
    public static let isNamespaced = true

    @ZeroIfMissing public var apiVersion: String
    @ZeroIfMissing public var kind: String
    @ZeroIfMissing public var metadata: ObjectMeta
    @ZeroIfMissing public var spec: ReplicaSetSpec
    @ZeroIfMissing public var status: ReplicaSetStatus

    public init(
        metadata: ObjectMeta = ObjectMeta(),
        spec: ReplicaSetSpec = ReplicaSetSpec(),
        status: ReplicaSetStatus = ReplicaSetStatus()
    ) {
        self.apiVersion = Self.apiVersion
        self.kind = Self.kind
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }
}

/// Desired state of a replica set.
public struct ReplicaSetSpec: Codable, Sendable, Equatable, HasZero {
    public var replicas: Int32?
    @OmitEmpty public var minReadySeconds: Int32
    @ZeroIfMissing public var selector: LabelSelector
    @ZeroIfMissing public var template: PodTemplateSpec

    public static var zero: Self { Self() }

    public init(
        replicas: Int32? = nil,
        minReadySeconds: Int32 = 0,
        selector: LabelSelector = LabelSelector(),
        template: PodTemplateSpec = PodTemplateSpec()
    ) {
        self.replicas = replicas
        self.minReadySeconds = minReadySeconds
        self.selector = selector
        self.template = template
    }
}

/// Observed state of a replica set.
public struct ReplicaSetStatus: Codable, Sendable, Equatable, HasZero {
    @ZeroIfMissing public var replicas: Int32
    @OmitEmpty public var fullyLabeledReplicas: Int32
    @OmitEmpty public var readyReplicas: Int32
    @OmitEmpty public var availableReplicas: Int32
    public var terminatingReplicas: Int32?
    @OmitEmpty public var observedGeneration: Int64
    @OmitEmpty public var conditions: [ReplicaSetCondition]

    public static var zero: Self { Self() }

    public init(
        replicas: Int32 = 0,
        fullyLabeledReplicas: Int32 = 0,
        readyReplicas: Int32 = 0,
        availableReplicas: Int32 = 0,
        terminatingReplicas: Int32? = nil,
        observedGeneration: Int64 = 0,
        conditions: [ReplicaSetCondition] = []
    ) {
        self.replicas = replicas
        self.fullyLabeledReplicas = fullyLabeledReplicas
        self.readyReplicas = readyReplicas
        self.availableReplicas = availableReplicas
        self.terminatingReplicas = terminatingReplicas
        self.observedGeneration = observedGeneration
        self.conditions = conditions
    }
}

/// One aspect of a replica set, for example ReplicaFailure.
public struct ReplicaSetCondition: Codable, Sendable, Equatable {
    @ZeroIfMissing public var type: String
    public var status: ConditionStatus
    public var lastTransitionTime: Time?
    @OmitEmpty public var reason: String
    @OmitEmpty public var message: String

    public init(
        type: String = "",
        status: ConditionStatus = .unknown,
        lastTransitionTime: Time? = nil,
        reason: String = "",
        message: String = ""
    ) {
        self.type = type
        self.status = status
        self.lastTransitionTime = lastTransitionTime
        self.reason = reason
        self.message = message
    }
}
