// SPDX-License-Identifier: Apache-2.0
// Swiftlet: ConfigMap.

/// Configuration as keys and values (core/v1).
public struct ConfigMap: KubernetesObject, Equatable {
    public static let apiVersion = "v1"
    public static let kind = "ConfigMap"
    public static let resource = "configmaps"
    public static let shortNames: [String] = ["cm"]
    public static let isNamespaced = true

    @ZeroIfMissing public var apiVersion: String
    @ZeroIfMissing public var kind: String
    @ZeroIfMissing public var metadata: ObjectMeta
    public var immutable: Bool?
    @OmitEmpty public var data: [String: String]
    @OmitEmpty public var binaryData: [String: Base64Data]

    public init(
        metadata: ObjectMeta = ObjectMeta(),
        immutable: Bool? = nil,
        data: [String: String] = [:],
        binaryData: [String: Base64Data] = [:]
    ) {
        self.apiVersion = Self.apiVersion
        self.kind = Self.kind
        self.metadata = metadata
        self.immutable = immutable
        self.data = data
        self.binaryData = binaryData
    }
}
