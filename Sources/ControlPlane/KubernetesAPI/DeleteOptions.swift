// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the body of a DELETE call.

/// How an object is to be deleted (meta/v1 DeleteOptions).
public struct DeleteOptions: Codable, Sendable, Equatable {
    @ZeroIfMissing public var apiVersion: String
    @ZeroIfMissing public var kind: String
    public var gracePeriodSeconds: Int64?
    public var preconditions: Preconditions?
    public var orphanDependents: Bool?
    public var propagationPolicy: String?
    @OmitEmpty public var dryRun: [String]

    public init(
        gracePeriodSeconds: Int64? = nil,
        preconditions: Preconditions? = nil,
        orphanDependents: Bool? = nil,
        propagationPolicy: String? = nil,
        dryRun: [String] = []
    ) {
        self.apiVersion = "v1"
        self.kind = "DeleteOptions"
        self.gracePeriodSeconds = gracePeriodSeconds
        self.preconditions = preconditions
        self.orphanDependents = orphanDependents
        self.propagationPolicy = propagationPolicy
        self.dryRun = dryRun
    }
}

/// What must still hold of the object for the deletion to happen.
public struct Preconditions: Codable, Sendable, Equatable {
    public var uid: String?
    public var resourceVersion: String?

    public init(uid: String? = nil, resourceVersion: String? = nil) {
        self.uid = uid
        self.resourceVersion = resourceVersion
    }
}
