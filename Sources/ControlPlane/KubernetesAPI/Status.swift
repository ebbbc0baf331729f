// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the API's answer when no object is returned.

/// Outcome of an API call (meta/v1 Status); every refusal is one.
public struct Status: Codable, Sendable, Equatable {
    @ZeroIfMissing public var apiVersion: String
    @ZeroIfMissing public var kind: String
    @ZeroIfMissing public var metadata: ListMeta
    @OmitEmpty public var status: String
    @OmitEmpty public var message: String
    @OmitEmpty public var reason: String
    public var details: StatusDetails?
    @OmitEmpty public var code: Int32

    public init(
        metadata: ListMeta = ListMeta(),
        status: String = "",
        message: String = "",
        reason: String = "",
        details: StatusDetails? = nil,
        code: Int32 = 0
    ) {
        self.apiVersion = "v1"
        self.kind = "Status"
        self.metadata = metadata
        self.status = status
        self.message = message
        self.reason = reason
        self.details = details
        self.code = code
    }
}

/// What a status is about, with one cause per wrong field.
public struct StatusDetails: Codable, Sendable, Equatable {
    @OmitEmpty public var name: String
    @OmitEmpty public var group: String
    @OmitEmpty public var kind: String
    @OmitEmpty public var uid: String
    @OmitEmpty public var causes: [StatusCause]
    @OmitEmpty public var retryAfterSeconds: Int32

    public init(
        name: String = "",
        group: String = "",
        kind: String = "",
        uid: String = "",
        causes: [StatusCause] = [],
        retryAfterSeconds: Int32 = 0
    ) {
        self.name = name
        self.group = group
        self.kind = kind
        self.uid = uid
        self.causes = causes
        self.retryAfterSeconds = retryAfterSeconds
    }
}

/// One reason for a failure: upstream's cause type, the message and the field's path.
public struct StatusCause: Codable, Sendable, Equatable {
    @OmitEmpty public var reason: String
    @OmitEmpty public var message: String
    @OmitEmpty public var field: String

    public init(reason: String = "", message: String = "", field: String = "") {
        self.reason = reason
        self.message = message
        self.field = field
    }
}
