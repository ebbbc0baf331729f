// SPDX-License-Identifier: Apache-2.0
// Swiftlet: string-valued fields with known values.

/// A string with known values that still carries an unknown one through decoding and encoding, so that objects written
/// by a newer client survive; Manifests refuses unknown values before they reach the store.
public protocol OpenEnumeration: RawRepresentable, Codable, Sendable, Hashable, ExpressibleByStringLiteral,
    CustomStringConvertible
where RawValue == String {
    init(rawValue: String)
}

extension OpenEnumeration {
    public init(stringLiteral value: String) { self.init(rawValue: value) }

    public init(from decoder: any Decoder) throws {
        self.init(rawValue: try decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    public var description: String { rawValue }
}

/// State of a condition.
public struct ConditionStatus: OpenEnumeration {
    public static let `true` = Self(rawValue: "True")
    public static let `false` = Self(rawValue: "False")
    public static let unknown = Self(rawValue: "Unknown")

    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }
}

/// Where a pod is in its life.
public struct PodPhase: OpenEnumeration {
    public static let pending = Self(rawValue: "Pending")
    public static let running = Self(rawValue: "Running")
    public static let succeeded = Self(rawValue: "Succeeded")
    public static let failed = Self(rawValue: "Failed")
    public static let unknown = Self(rawValue: "Unknown")

    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }
}

/// When the containers of a pod are started again.
public struct RestartPolicy: OpenEnumeration {
    public static let always = Self(rawValue: "Always")
    public static let onFailure = Self(rawValue: "OnFailure")
    public static let never = Self(rawValue: "Never")

    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }
}

/// `Always` makes an init container a sidecar.
public struct ContainerRestartPolicy: OpenEnumeration {
    public static let always = Self(rawValue: "Always")
    public static let onFailure = Self(rawValue: "OnFailure")
    public static let never = Self(rawValue: "Never")

    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }
}

/// Which resolver configuration a pod gets.
public struct DNSPolicy: OpenEnumeration {
    public static let clusterFirst = Self(rawValue: "ClusterFirst")
    public static let clusterFirstWithHostNet = Self(rawValue: "ClusterFirstWithHostNet")
    public static let `default` = Self(rawValue: "Default")
    public static let none = Self(rawValue: "None")

    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }
}

/// When an image is fetched.
public struct ImagePullPolicy: OpenEnumeration {
    public static let always = Self(rawValue: "Always")
    public static let ifNotPresent = Self(rawValue: "IfNotPresent")
    public static let never = Self(rawValue: "Never")

    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }
}

/// Where a container's last message is read from.
public struct TerminationMessagePolicy: OpenEnumeration {
    public static let file = Self(rawValue: "File")
    public static let fallbackToLogsOnError = Self(rawValue: "FallbackToLogsOnError")

    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }
}

/// Transport protocol of a port.
public struct PortProtocol: OpenEnumeration {
    public static let tcp = Self(rawValue: "TCP")
    public static let udp = Self(rawValue: "UDP")
    public static let sctp = Self(rawValue: "SCTP")

    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }
}

/// Scheme of a probe's request.
public struct URIScheme: OpenEnumeration {
    public static let http = Self(rawValue: "HTTP")
    public static let https = Self(rawValue: "HTTPS")

    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }
}

/// How a service is reached.
public struct ServiceType: OpenEnumeration {
    public static let clusterIP = Self(rawValue: "ClusterIP")
    public static let nodePort = Self(rawValue: "NodePort")
    public static let loadBalancer = Self(rawValue: "LoadBalancer")
    public static let externalName = Self(rawValue: "ExternalName")

    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }
}

/// Whether a client stays with one pod.
public struct SessionAffinity: OpenEnumeration {
    public static let none = Self(rawValue: "None")
    public static let clientIP = Self(rawValue: "ClientIP")

    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }
}

/// How a deployment replaces pods.
public struct DeploymentStrategyType: OpenEnumeration {
    public static let rollingUpdate = Self(rawValue: "RollingUpdate")
    public static let recreate = Self(rawValue: "Recreate")

    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }
}
