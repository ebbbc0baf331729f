// SPDX-License-Identifier: Apache-2.0
// Swiftlet: observed state of a pod and its containers.

/// Observed state of a pod.
public struct PodStatus: Codable, Sendable, Equatable, HasZero {
    @OmitEmpty public var observedGeneration: Int64
    public var phase: PodPhase?
    @OmitEmpty public var conditions: [PodCondition]
    @OmitEmpty public var message: String
    @OmitEmpty public var reason: String
    @OmitEmpty public var nominatedNodeName: String
    @OmitEmpty public var hostIP: String
    @OmitEmpty public var hostIPs: [HostIP]
    @OmitEmpty public var podIP: String
    @OmitEmpty public var podIPs: [PodIP]
    public var startTime: Time?
    @OmitEmpty public var initContainerStatuses: [ContainerStatus]
    @OmitEmpty public var containerStatuses: [ContainerStatus]
    @OmitEmpty public var qosClass: String

    public static var zero: Self { Self() }

    public init(
        observedGeneration: Int64 = 0,
        phase: PodPhase? = nil,
        conditions: [PodCondition] = [],
        message: String = "",
        reason: String = "",
        nominatedNodeName: String = "",
        hostIP: String = "",
        hostIPs: [HostIP] = [],
        podIP: String = "",
        podIPs: [PodIP] = [],
        startTime: Time? = nil,
        initContainerStatuses: [ContainerStatus] = [],
        containerStatuses: [ContainerStatus] = [],
        qosClass: String = ""
    ) {
        self.observedGeneration = observedGeneration
        self.phase = phase
        self.conditions = conditions
        self.message = message
        self.reason = reason
        self.nominatedNodeName = nominatedNodeName
        self.hostIP = hostIP
        self.hostIPs = hostIPs
        self.podIP = podIP
        self.podIPs = podIPs
        self.startTime = startTime
        self.initContainerStatuses = initContainerStatuses
        self.containerStatuses = containerStatuses
        self.qosClass = qosClass
    }
}

/// One aspect of a pod: PodScheduled, Initialized, ContainersReady, Ready, PodReadyToStartContainers.
public struct PodCondition: Codable, Sendable, Equatable {
    @ZeroIfMissing public var type: String
    @OmitEmpty public var observedGeneration: Int64
    public var status: ConditionStatus
    public var lastProbeTime: Time?
    public var lastTransitionTime: Time?
    @OmitEmpty public var reason: String
    @OmitEmpty public var message: String

    public init(
        type: String = "",
        observedGeneration: Int64 = 0,
        status: ConditionStatus = .unknown,
        lastProbeTime: Time? = nil,
        lastTransitionTime: Time? = nil,
        reason: String = "",
        message: String = ""
    ) {
        self.type = type
        self.observedGeneration = observedGeneration
        self.status = status
        self.lastProbeTime = lastProbeTime
        self.lastTransitionTime = lastTransitionTime
        self.reason = reason
        self.message = message
    }
}

/// An address of the node.
public struct HostIP: Codable, Sendable, Equatable {
    @ZeroIfMissing public var ip: String

    public init(ip: String = "") {
        self.ip = ip
    }
}

/// An address of the pod.
public struct PodIP: Codable, Sendable, Equatable {
    @ZeroIfMissing public var ip: String

    public init(ip: String = "") {
        self.ip = ip
    }
}

/// Observed state of one container.
public struct ContainerStatus: Codable, Sendable, Equatable {
    @ZeroIfMissing public var name: String
    @ZeroIfMissing public var state: ContainerState
    @ZeroIfMissing public var lastState: ContainerState
    @ZeroIfMissing public var ready: Bool
    @ZeroIfMissing public var restartCount: Int32
    @ZeroIfMissing public var image: String
    @ZeroIfMissing public var imageID: String
    @OmitEmpty public var containerID: String
    public var started: Bool?
    @OmitEmpty public var allocatedResources: [String: Quantity]
    public var resources: ResourceRequirements?

    public init(
        name: String = "",
        state: ContainerState = ContainerState(),
        lastState: ContainerState = ContainerState(),
        ready: Bool = false,
        restartCount: Int32 = 0,
        image: String = "",
        imageID: String = "",
        containerID: String = "",
        started: Bool? = nil,
        allocatedResources: [String: Quantity] = [:],
        resources: ResourceRequirements? = nil
    ) {
        self.name = name
        self.state = state
        self.lastState = lastState
        self.ready = ready
        self.restartCount = restartCount
        self.image = image
        self.imageID = imageID
        self.containerID = containerID
        self.started = started
        self.allocatedResources = allocatedResources
        self.resources = resources
    }
}

/// Exactly one of waiting, running and terminated; none means waiting.
public struct ContainerState: Codable, Sendable, Equatable, HasZero {
    public var waiting: ContainerStateWaiting?
    public var running: ContainerStateRunning?
    public var terminated: ContainerStateTerminated?

    public static var zero: Self { Self() }

    public init(
        waiting: ContainerStateWaiting? = nil,
        running: ContainerStateRunning? = nil,
        terminated: ContainerStateTerminated? = nil
    ) {
        self.waiting = waiting
        self.running = running
        self.terminated = terminated
    }
}

/// The container has not started yet.
public struct ContainerStateWaiting: Codable, Sendable, Equatable {
    @OmitEmpty public var reason: String
    @OmitEmpty public var message: String

    public init(reason: String = "", message: String = "") {
        self.reason = reason
        self.message = message
    }
}

/// The container runs since a time.
public struct ContainerStateRunning: Codable, Sendable, Equatable {
    public var startedAt: Time?

    public init(startedAt: Time? = nil) {
        self.startedAt = startedAt
    }
}

/// The container has ended.
public struct ContainerStateTerminated: Codable, Sendable, Equatable {
    @ZeroIfMissing public var exitCode: Int32
    @OmitEmpty public var signal: Int32
    @OmitEmpty public var reason: String
    @OmitEmpty public var message: String
    public var startedAt: Time?
    public var finishedAt: Time?
    @OmitEmpty public var containerID: String

    public init(
        exitCode: Int32 = 0,
        signal: Int32 = 0,
        reason: String = "",
        message: String = "",
        startedAt: Time? = nil,
        finishedAt: Time? = nil,
        containerID: String = ""
    ) {
        self.exitCode = exitCode
        self.signal = signal
        self.reason = reason
        self.message = message
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.containerID = containerID
    }
}
