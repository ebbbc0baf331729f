// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the generic condition.

/// One observed aspect of an object (meta/v1 Condition).
public struct Condition: Codable, Sendable, Equatable {
    @ZeroIfMissing public var type: String
    public var status: ConditionStatus
    @OmitEmpty public var observedGeneration: Int64
    public var lastTransitionTime: Time?
    @ZeroIfMissing public var reason: String
    @ZeroIfMissing public var message: String

    public init(
        type: String = "",
        status: ConditionStatus = .unknown,
        observedGeneration: Int64 = 0,
        lastTransitionTime: Time? = nil,
        reason: String = "",
        message: String = ""
    ) {
        self.type = type
        self.status = status
        self.observedGeneration = observedGeneration
        self.lastTransitionTime = lastTransitionTime
        self.reason = reason
        self.message = message
    }
}
