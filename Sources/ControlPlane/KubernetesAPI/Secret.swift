// SPDX-License-Identifier: Apache-2.0
// Swiftlet: Secret.

/// Confidential keys and values (core/v1); `data` is base64 in JSON.
public struct Secret: KubernetesObject, Equatable {
    public static let apiVersion = "v1"
    public static let kind = "Secret"
    public static let resource = "secrets"
    public static let shortNames: [String] = []
    public static let isNamespaced = true

    @ZeroIfMissing public var apiVersion: String
    @ZeroIfMissing public var kind: String
    @ZeroIfMissing public var metadata: ObjectMeta
    public var immutable: Bool?
    @OmitEmpty public var data: [String: Base64Data]
    @OmitEmpty public var stringData: [String: String]
    @OmitEmpty public var type: String

    public init(
        metadata: ObjectMeta = ObjectMeta(),
        immutable: Bool? = nil,
        data: [String: Base64Data] = [:],
        stringData: [String: String] = [:],
        type: String = ""
    ) {
        self.apiVersion = Self.apiVersion
        self.kind = Self.kind
        self.metadata = metadata
        self.immutable = immutable
        self.data = data
        self.stringData = stringData
        self.type = type
    }
}
