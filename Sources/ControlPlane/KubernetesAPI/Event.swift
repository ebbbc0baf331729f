// SPDX-License-Identifier: Apache-2.0
// Swiftlet: Event and what belongs to it.

/// Something that happened to an object (core/v1).
public struct Event: KubernetesObject, Equatable {
    public static let apiVersion = "v1"
    public static let kind = "Event"
    public static let resource = "events"
    public static let shortNames: [String] = ["ev"]
    public static let isNamespaced = true

    @ZeroIfMissing public var apiVersion: String
    @ZeroIfMissing public var kind: String
    @ZeroIfMissing public var metadata: ObjectMeta
    @ZeroIfMissing public var involvedObject: ObjectReference
    @OmitEmpty public var reason: String
    @OmitEmpty public var message: String
    @ZeroIfMissing public var source: EventSource
    public var firstTimestamp: Time?
    public var lastTimestamp: Time?
    @OmitEmpty public var count: Int32
    @OmitEmpty public var type: String
    public var eventTime: MicroTime?
    public var series: EventSeries?
    @OmitEmpty public var action: String
    public var related: ObjectReference?
    @ZeroIfMissing public var reportingComponent: String
    @ZeroIfMissing public var reportingInstance: String

    public init(
        metadata: ObjectMeta = ObjectMeta(),
        involvedObject: ObjectReference = ObjectReference(),
        reason: String = "",
        message: String = "",
        source: EventSource = EventSource(),
        firstTimestamp: Time? = nil,
        lastTimestamp: Time? = nil,
        count: Int32 = 0,
        type: String = "",
        eventTime: MicroTime? = nil,
        series: EventSeries? = nil,
        action: String = "",
        related: ObjectReference? = nil,
        reportingComponent: String = "",
        reportingInstance: String = ""
    ) {
        self.apiVersion = Self.apiVersion
        self.kind = Self.kind
        self.metadata = metadata
        self.involvedObject = involvedObject
        self.reason = reason
        self.message = message
        self.source = source
        self.firstTimestamp = firstTimestamp
        self.lastTimestamp = lastTimestamp
        self.count = count
        self.type = type
        self.eventTime = eventTime
        self.series = series
        self.action = action
        self.related = related
        self.reportingComponent = reportingComponent
        self.reportingInstance = reportingInstance
    }
}

/// Which object, and optionally which of its fields.
public struct ObjectReference: Codable, Sendable, Equatable, HasZero {
    @OmitEmpty public var kind: String
    @OmitEmpty public var namespace: String
    @OmitEmpty public var name: String
    @OmitEmpty public var uid: String
    @OmitEmpty public var apiVersion: String
    @OmitEmpty public var resourceVersion: String
    @OmitEmpty public var fieldPath: String

    public static var zero: Self { Self() }

    public init(
        kind: String = "",
        namespace: String = "",
        name: String = "",
        uid: String = "",
        apiVersion: String = "",
        resourceVersion: String = "",
        fieldPath: String = ""
    ) {
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.uid = uid
        self.apiVersion = apiVersion
        self.resourceVersion = resourceVersion
        self.fieldPath = fieldPath
    }
}

/// Who saw it.
public struct EventSource: Codable, Sendable, Equatable, HasZero {
    @OmitEmpty public var component: String
    @OmitEmpty public var host: String

    public static var zero: Self { Self() }

    public init(component: String = "", host: String = "") {
        self.component = component
        self.host = host
    }
}

/// How often and until when it was seen again.
public struct EventSeries: Codable, Sendable, Equatable {
    @OmitEmpty public var count: Int32
    public var lastObservedTime: MicroTime?

    public init(count: Int32 = 0, lastObservedTime: MicroTime? = nil) {
        self.count = count
        self.lastObservedTime = lastObservedTime
    }
}
