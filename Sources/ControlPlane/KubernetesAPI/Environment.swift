// SPDX-License-Identifier: Apache-2.0
// Swiftlet: environment variables and where their values come from.

/// One environment variable.
public struct EnvVar: Codable, Sendable, Equatable {
    @ZeroIfMissing public var name: String
    @OmitEmpty public var value: String
    public var valueFrom: EnvVarSource?

    public init(name: String = "", value: String = "", valueFrom: EnvVarSource? = nil) {
        self.name = name
        self.value = value
        self.valueFrom = valueFrom
    }
}

/// Where a variable's value comes from; exactly one is set.
public struct EnvVarSource: Codable, Sendable, Equatable {
    public var fieldRef: ObjectFieldSelector?
    public var resourceFieldRef: ResourceFieldSelector?
    public var configMapKeyRef: ConfigMapKeySelector?
    public var secretKeyRef: SecretKeySelector?

    public init(
        fieldRef: ObjectFieldSelector? = nil,
        resourceFieldRef: ResourceFieldSelector? = nil,
        configMapKeyRef: ConfigMapKeySelector? = nil,
        secretKeyRef: SecretKeySelector? = nil
    ) {
        self.fieldRef = fieldRef
        self.resourceFieldRef = resourceFieldRef
        self.configMapKeyRef = configMapKeyRef
        self.secretKeyRef = secretKeyRef
    }
}

/// A field of the pod.
public struct ObjectFieldSelector: Codable, Sendable, Equatable {
    @OmitEmpty public var apiVersion: String
    @ZeroIfMissing public var fieldPath: String

    public init(apiVersion: String = "", fieldPath: String = "") {
        self.apiVersion = apiVersion
        self.fieldPath = fieldPath
    }
}

/// A resource limit or request of a container.
public struct ResourceFieldSelector: Codable, Sendable, Equatable {
    @OmitEmpty public var containerName: String
    @ZeroIfMissing public var resource: String
    public var divisor: Quantity?

    public init(containerName: String = "", resource: String = "", divisor: Quantity? = nil) {
        self.containerName = containerName
        self.resource = resource
        self.divisor = divisor
    }
}

/// One key of a ConfigMap.
public struct ConfigMapKeySelector: Codable, Sendable, Equatable {
    @OmitEmpty public var name: String
    @ZeroIfMissing public var key: String
    public var optional: Bool?

    public init(name: String = "", key: String = "", optional: Bool? = nil) {
        self.name = name
        self.key = key
        self.optional = optional
    }
}

/// One key of a Secret.
public struct SecretKeySelector: Codable, Sendable, Equatable {
    @OmitEmpty public var name: String
    @ZeroIfMissing public var key: String
    public var optional: Bool?

    public init(name: String = "", key: String = "", optional: Bool? = nil) {
        self.name = name
        self.key = key
        self.optional = optional
    }
}

/// All keys of a ConfigMap or Secret as variables.
public struct EnvFromSource: Codable, Sendable, Equatable {
    @OmitEmpty public var prefix: String
    public var configMapRef: ConfigMapEnvSource?
    public var secretRef: SecretEnvSource?

    public init(prefix: String = "", configMapRef: ConfigMapEnvSource? = nil, secretRef: SecretEnvSource? = nil) {
        self.prefix = prefix
        self.configMapRef = configMapRef
        self.secretRef = secretRef
    }
}

/// The ConfigMap whose keys become variables.
public struct ConfigMapEnvSource: Codable, Sendable, Equatable {
    @OmitEmpty public var name: String
    public var optional: Bool?

    public init(name: String = "", optional: Bool? = nil) {
        self.name = name
        self.optional = optional
    }
}

/// The Secret whose keys become variables.
public struct SecretEnvSource: Codable, Sendable, Equatable {
    @OmitEmpty public var name: String
    public var optional: Bool?

    public init(name: String = "", optional: Bool? = nil) {
        self.name = name
        self.optional = optional
    }
}
