// SPDX-License-Identifier: Apache-2.0
// Swiftlet: constraints on the node a pod may run on.

/// Rules that attract a pod to nodes and other pods.
public struct Affinity: Codable, Sendable, Equatable {
    public var nodeAffinity: NodeAffinity?
    public var podAffinity: PodAffinity?
    public var podAntiAffinity: PodAntiAffinity?

    public init(
        nodeAffinity: NodeAffinity? = nil,
        podAffinity: PodAffinity? = nil,
        podAntiAffinity: PodAntiAffinity? = nil
    ) {
        self.nodeAffinity = nodeAffinity
        self.podAffinity = podAffinity
        self.podAntiAffinity = podAntiAffinity
    }
}

/// Rules on the labels of nodes.
public struct NodeAffinity: Codable, Sendable, Equatable {
    public var requiredDuringSchedulingIgnoredDuringExecution: NodeSelector?
    @OmitEmpty public var preferredDuringSchedulingIgnoredDuringExecution: [PreferredSchedulingTerm]

    public init(
        requiredDuringSchedulingIgnoredDuringExecution: NodeSelector? = nil,
        preferredDuringSchedulingIgnoredDuringExecution: [PreferredSchedulingTerm] = []
    ) {
        self.requiredDuringSchedulingIgnoredDuringExecution = requiredDuringSchedulingIgnoredDuringExecution
        self.preferredDuringSchedulingIgnoredDuringExecution = preferredDuringSchedulingIgnoredDuringExecution
    }
}

/// Terms of which one must match a node.
public struct NodeSelector: Codable, Sendable, Equatable {
    @ZeroIfMissing public var nodeSelectorTerms: [NodeSelectorTerm]

    public init(nodeSelectorTerms: [NodeSelectorTerm] = []) {
        self.nodeSelectorTerms = nodeSelectorTerms
    }
}

/// Requirements that must all hold of a node.
public struct NodeSelectorTerm: Codable, Sendable, Equatable, HasZero {
    @OmitEmpty public var matchExpressions: [NodeSelectorRequirement]
    @OmitEmpty public var matchFields: [NodeSelectorRequirement]

    public static var zero: Self { Self() }

    public init(matchExpressions: [NodeSelectorRequirement] = [], matchFields: [NodeSelectorRequirement] = []) {
        self.matchExpressions = matchExpressions
        self.matchFields = matchFields
    }
}

/// One comparison on a label or field of a node.
public struct NodeSelectorRequirement: Codable, Sendable, Equatable {
    @ZeroIfMissing public var key: String
    @ZeroIfMissing public var `operator`: String
    @OmitEmpty public var values: [String]

    public init(key: String = "", `operator`: String = "", values: [String] = []) {
        self.key = key
        self.operator = `operator`
        self.values = values
    }
}

/// A node preference and its weight.
public struct PreferredSchedulingTerm: Codable, Sendable, Equatable {
    @ZeroIfMissing public var weight: Int32
    @ZeroIfMissing public var preference: NodeSelectorTerm

    public init(weight: Int32 = 0, preference: NodeSelectorTerm = NodeSelectorTerm()) {
        self.weight = weight
        self.preference = preference
    }
}

/// Rules that attract a pod to other pods.
public struct PodAffinity: Codable, Sendable, Equatable {
    @OmitEmpty public var requiredDuringSchedulingIgnoredDuringExecution: [PodAffinityTerm]
    @OmitEmpty public var preferredDuringSchedulingIgnoredDuringExecution: [WeightedPodAffinityTerm]

    public init(
        requiredDuringSchedulingIgnoredDuringExecution: [PodAffinityTerm] = [],
        preferredDuringSchedulingIgnoredDuringExecution: [WeightedPodAffinityTerm] = []
    ) {
        self.requiredDuringSchedulingIgnoredDuringExecution = requiredDuringSchedulingIgnoredDuringExecution
        self.preferredDuringSchedulingIgnoredDuringExecution = preferredDuringSchedulingIgnoredDuringExecution
    }
}

/// Rules that keep a pod away from other pods.
public struct PodAntiAffinity: Codable, Sendable, Equatable {
    @OmitEmpty public var requiredDuringSchedulingIgnoredDuringExecution: [PodAffinityTerm]
    @OmitEmpty public var preferredDuringSchedulingIgnoredDuringExecution: [WeightedPodAffinityTerm]

    public init(
        requiredDuringSchedulingIgnoredDuringExecution: [PodAffinityTerm] = [],
        preferredDuringSchedulingIgnoredDuringExecution: [WeightedPodAffinityTerm] = []
    ) {
        self.requiredDuringSchedulingIgnoredDuringExecution = requiredDuringSchedulingIgnoredDuringExecution
        self.preferredDuringSchedulingIgnoredDuringExecution = preferredDuringSchedulingIgnoredDuringExecution
    }
}

/// The pods meant, and the topology in which they count as near.
public struct PodAffinityTerm: Codable, Sendable, Equatable, HasZero {
    public var labelSelector: LabelSelector?
    @OmitEmpty public var namespaces: [String]
    @ZeroIfMissing public var topologyKey: String
    public var namespaceSelector: LabelSelector?
    @OmitEmpty public var matchLabelKeys: [String]
    @OmitEmpty public var mismatchLabelKeys: [String]

    public static var zero: Self { Self() }

    public init(
        labelSelector: LabelSelector? = nil,
        namespaces: [String] = [],
        topologyKey: String = "",
        namespaceSelector: LabelSelector? = nil,
        matchLabelKeys: [String] = [],
        mismatchLabelKeys: [String] = []
    ) {
        self.labelSelector = labelSelector
        self.namespaces = namespaces
        self.topologyKey = topologyKey
        self.namespaceSelector = namespaceSelector
        self.matchLabelKeys = matchLabelKeys
        self.mismatchLabelKeys = mismatchLabelKeys
    }
}

/// A pod affinity term and its weight.
public struct WeightedPodAffinityTerm: Codable, Sendable, Equatable {
    @ZeroIfMissing public var weight: Int32
    @ZeroIfMissing public var podAffinityTerm: PodAffinityTerm

    public init(weight: Int32 = 0, podAffinityTerm: PodAffinityTerm = PodAffinityTerm()) {
        self.weight = weight
        self.podAffinityTerm = podAffinityTerm
    }
}

/// A taint that a pod accepts.
public struct Toleration: Codable, Sendable, Equatable {
    @OmitEmpty public var key: String
    @OmitEmpty public var `operator`: String
    @OmitEmpty public var value: String
    @OmitEmpty public var effect: String
    public var tolerationSeconds: Int64?

    public init(
        key: String = "",
        `operator`: String = "",
        value: String = "",
        effect: String = "",
        tolerationSeconds: Int64? = nil
    ) {
        self.key = key
        self.operator = `operator`
        self.value = value
        self.effect = effect
        self.tolerationSeconds = tolerationSeconds
    }
}

/// How evenly pods are spread over a topology.
public struct TopologySpreadConstraint: Codable, Sendable, Equatable {
    @ZeroIfMissing public var maxSkew: Int32
    @ZeroIfMissing public var topologyKey: String
    @ZeroIfMissing public var whenUnsatisfiable: String
    public var labelSelector: LabelSelector?
    public var minDomains: Int32?
    public var nodeAffinityPolicy: String?
    public var nodeTaintsPolicy: String?
    @OmitEmpty public var matchLabelKeys: [String]

    public init(
        maxSkew: Int32 = 0,
        topologyKey: String = "",
        whenUnsatisfiable: String = "",
        labelSelector: LabelSelector? = nil,
        minDomains: Int32? = nil,
        nodeAffinityPolicy: String? = nil,
        nodeTaintsPolicy: String? = nil,
        matchLabelKeys: [String] = []
    ) {
        self.maxSkew = maxSkew
        self.topologyKey = topologyKey
        self.whenUnsatisfiable = whenUnsatisfiable
        self.labelSelector = labelSelector
        self.minDomains = minDomains
        self.nodeAffinityPolicy = nodeAffinityPolicy
        self.nodeTaintsPolicy = nodeTaintsPolicy
        self.matchLabelKeys = matchLabelKeys
    }
}

/// A mark on a node that repels pods which do not tolerate it.
public struct Taint: Codable, Sendable, Equatable {
    @ZeroIfMissing public var key: String
    @OmitEmpty public var value: String
    @ZeroIfMissing public var effect: String
    public var timeAdded: Time?

    public init(key: String = "", value: String = "", effect: String = "", timeAdded: Time? = nil) {
        self.key = key
        self.value = value
        self.effect = effect
        self.timeAdded = timeAdded
    }
}
