// SPDX-License-Identifier: Apache-2.0
// Swiftlet: Deployment and its spec and status.

/// A set of replicas rolled out from one pod template (apps/v1).
public struct Deployment: KubernetesObject, Equatable {
    public static let apiVersion = "apps/v1"
    public static let kind = "Deployment"
    public static let resource = "deployments"
    public static let shortNames: [String] = ["deploy"]
    public static let isNamespaced = true

    @ZeroIfMissing public var apiVersion: String
    @ZeroIfMissing public var kind: String
    @ZeroIfMissing public var metadata: ObjectMeta
    @ZeroIfMissing public var spec: DeploymentSpec
    @ZeroIfMissing public var status: DeploymentStatus

    public init(
        metadata: ObjectMeta = ObjectMeta(),
        spec: DeploymentSpec = DeploymentSpec(),
        status: DeploymentStatus = DeploymentStatus()
    ) {
        self.apiVersion = Self.apiVersion
        self.kind = Self.kind
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }
}

/// Desired state of a deployment.
public struct DeploymentSpec: Codable, Sendable, Equatable, HasZero {
    public var replicas: Int32?
    @ZeroIfMissing public var selector: LabelSelector
    @ZeroIfMissing public var template: PodTemplateSpec
    @ZeroIfMissing public var strategy: DeploymentStrategy
    @OmitEmpty public var minReadySeconds: Int32
    public var revisionHistoryLimit: Int32?
    @OmitEmpty public var paused: Bool
    public var progressDeadlineSeconds: Int32?

    public static var zero: Self { Self() }

    public init(
        replicas: Int32? = nil,
        selector: LabelSelector = LabelSelector(),
        template: PodTemplateSpec = PodTemplateSpec(),
        strategy: DeploymentStrategy = DeploymentStrategy(),
        minReadySeconds: Int32 = 0,
        revisionHistoryLimit: Int32? = nil,
        paused: Bool = false,
        progressDeadlineSeconds: Int32? = nil
    ) {
        self.replicas = replicas
        self.selector = selector
        self.template = template
        self.strategy = strategy
        self.minReadySeconds = minReadySeconds
        self.revisionHistoryLimit = revisionHistoryLimit
        self.paused = paused
        self.progressDeadlineSeconds = progressDeadlineSeconds
    }
}

/// How old pods make room for new ones.
public struct DeploymentStrategy: Codable, Sendable, Equatable, HasZero {
    public var type: DeploymentStrategyType?
    public var rollingUpdate: RollingUpdateDeployment?

    public static var zero: Self { Self() }

    public init(type: DeploymentStrategyType? = nil, rollingUpdate: RollingUpdateDeployment? = nil) {
        self.type = type
        self.rollingUpdate = rollingUpdate
    }
}

/// The bounds of a rolling update, as numbers or percentages of the replicas.
public struct RollingUpdateDeployment: Codable, Sendable, Equatable {
    public var maxUnavailable: IntOrString?
    public var maxSurge: IntOrString?

    public init(maxUnavailable: IntOrString? = nil, maxSurge: IntOrString? = nil) {
        self.maxUnavailable = maxUnavailable
        self.maxSurge = maxSurge
    }
}

/// Observed state of a deployment.
public struct DeploymentStatus: Codable, Sendable, Equatable, HasZero {
    @OmitEmpty public var observedGeneration: Int64
    @OmitEmpty public var replicas: Int32
    @OmitEmpty public var updatedReplicas: Int32
    @OmitEmpty public var readyReplicas: Int32
    @OmitEmpty public var availableReplicas: Int32
    @OmitEmpty public var unavailableReplicas: Int32
    public var terminatingReplicas: Int32?
    @OmitEmpty public var conditions: [DeploymentCondition]
    public var collisionCount: Int32?

    public static var zero: Self { Self() }

    public init(
        observedGeneration: Int64 = 0,
        replicas: Int32 = 0,
        updatedReplicas: Int32 = 0,
        readyReplicas: Int32 = 0,
        availableReplicas: Int32 = 0,
        unavailableReplicas: Int32 = 0,
        terminatingReplicas: Int32? = nil,
        conditions: [DeploymentCondition] = [],
        collisionCount: Int32? = nil
    ) {
        self.observedGeneration = observedGeneration
        self.replicas = replicas
        self.updatedReplicas = updatedReplicas
        self.readyReplicas = readyReplicas
        self.availableReplicas = availableReplicas
        self.unavailableReplicas = unavailableReplicas
        self.terminatingReplicas = terminatingReplicas
        self.conditions = conditions
        self.collisionCount = collisionCount
    }
}

/// One aspect of a deployment's progress: Progressing, Available or ReplicaFailure.
public struct DeploymentCondition: Codable, Sendable, Equatable {
    @ZeroIfMissing public var type: String
    public var status: ConditionStatus
    public var lastUpdateTime: Time?
    public var lastTransitionTime: Time?
    @OmitEmpty public var reason: String
    @OmitEmpty public var message: String

    public init(
        type: String = "",
        status: ConditionStatus = .unknown,
        lastUpdateTime: Time? = nil,
        lastTransitionTime: Time? = nil,
        reason: String = "",
        message: String = ""
    ) {
        self.type = type
        self.status = status
        self.lastUpdateTime = lastUpdateTime
        self.lastTransitionTime = lastTransitionTime
        self.reason = reason
        self.message = message
    }
}
