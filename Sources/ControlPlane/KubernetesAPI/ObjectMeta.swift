// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the metadata that every object carries.

/// Identity, versioning and grouping of an object (meta/v1 ObjectMeta, without managedFields).
public struct ObjectMeta: Codable, Sendable, Equatable, HasZero {
    @OmitEmpty public var name: String
    @OmitEmpty public var generateName: String
    @OmitEmpty public var namespace: String
    @OmitEmpty public var uid: String
    @OmitEmpty public var resourceVersion: String
    @OmitEmpty public var generation: Int64
    public var creationTimestamp: Time?
    public var deletionTimestamp: Time?
    public var deletionGracePeriodSeconds: Int64?
    @OmitEmpty public var labels: [String: String]
    @OmitEmpty public var annotations: [String: String]
    @OmitEmpty public var ownerReferences: [OwnerReference]
    @OmitEmpty public var finalizers: [String]

    public static var zero: Self { Self() }

    public init(
        name: String = "",
        generateName: String = "",
        namespace: String = "",
        uid: String = "",
        resourceVersion: String = "",
        generation: Int64 = 0,
        creationTimestamp: Time? = nil,
        deletionTimestamp: Time? = nil,
        deletionGracePeriodSeconds: Int64? = nil,
        labels: [String: String] = [:],
        annotations: [String: String] = [:],
        ownerReferences: [OwnerReference] = [],
        finalizers: [String] = []
    ) {
        self.name = name
        self.generateName = generateName
        self.namespace = namespace
        self.uid = uid
        self.resourceVersion = resourceVersion
        self.generation = generation
        self.creationTimestamp = creationTimestamp
        self.deletionTimestamp = deletionTimestamp
        self.deletionGracePeriodSeconds = deletionGracePeriodSeconds
        self.labels = labels
        self.annotations = annotations
        self.ownerReferences = ownerReferences
        self.finalizers = finalizers
    }
}

/// The object that owns this one and takes it along when deleted.
public struct OwnerReference: Codable, Sendable, Equatable {
    @ZeroIfMissing public var apiVersion: String
    @ZeroIfMissing public var kind: String
    @ZeroIfMissing public var name: String
    @ZeroIfMissing public var uid: String
    public var controller: Bool?
    public var blockOwnerDeletion: Bool?

    public init(
        apiVersion: String = "",
        kind: String = "",
        name: String = "",
        uid: String = "",
        controller: Bool? = nil,
        blockOwnerDeletion: Bool? = nil
    ) {
        self.apiVersion = apiVersion
        self.kind = kind
        self.name = name
        self.uid = uid
        self.controller = controller
        self.blockOwnerDeletion = blockOwnerDeletion
    }
}
