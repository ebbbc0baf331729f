// SPDX-License-Identifier: Apache-2.0
// Swiftlet: Namespace and its spec and status.

/// A room for names (core/v1).
public struct Namespace: KubernetesObject, Equatable {
    public static let apiVersion = "v1"
    public static let kind = "Namespace"
    public static let resource = "namespaces"
    public static let shortNames: [String] = ["ns"]
    public static let isNamespaced = false

    @ZeroIfMissing public var apiVersion: String
    @ZeroIfMissing public var kind: String
    @ZeroIfMissing public var metadata: ObjectMeta
    @ZeroIfMissing public var spec: NamespaceSpec
    @ZeroIfMissing public var status: NamespaceStatus

    public init(
        metadata: ObjectMeta = ObjectMeta(),
        spec: NamespaceSpec = NamespaceSpec(),
        status: NamespaceStatus = NamespaceStatus()
    ) {
        self.apiVersion = Self.apiVersion
        self.kind = Self.kind
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }
}

/// Desired state of a namespace.
public struct NamespaceSpec: Codable, Sendable, Equatable, HasZero {
    @OmitEmpty public var finalizers: [String]

    public static var zero: Self { Self() }

    public init(finalizers: [String] = []) {
        self.finalizers = finalizers
    }
}

/// Observed state of a namespace: Active or Terminating.
public struct NamespaceStatus: Codable, Sendable, Equatable, HasZero {
    @OmitEmpty public var phase: String
    @OmitEmpty public var conditions: [NamespaceCondition]

    public static var zero: Self { Self() }

    public init(phase: String = "", conditions: [NamespaceCondition] = []) {
        self.phase = phase
        self.conditions = conditions
    }
}

/// One aspect of a namespace's deletion.
public struct NamespaceCondition: Codable, Sendable, Equatable {
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
