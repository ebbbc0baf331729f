// SPDX-License-Identifier: Apache-2.0
// Swiftlet: why the object store refused an operation, in upstream's reasons and wording.
public import KubernetesAPI

/// A refused store operation. `reason` is the `reason` of upstream's Status object, `code` its HTTP status.
///
/// See: https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md
public struct StoreError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Reason: String, Sendable {
        case notFound = "NotFound"
        case alreadyExists = "AlreadyExists"
        case conflict = "Conflict"
        case invalid = "Invalid"
        case forbidden = "Forbidden"
        /// The requested watch start is older than the kept history.
        case expired = "Expired"
        /// The database could not write; nothing was changed.
        case unavailable = "ServiceUnavailable"
    }

    public var reason: Reason
    public var message: String
    /// `plural.group` of the object concerned, for example `deployments.apps`.
    public var resource: String
    public var name: String

    public init(_ reason: Reason, _ message: String, resource: String = "", name: String = "") {
        self.reason = reason
        self.message = message
        self.resource = resource
        self.name = name
    }

    /// The HTTP status upstream sends with this reason.
    public var code: Int {
        switch reason {
        case .notFound: 404
        case .alreadyExists, .conflict: 409
        case .invalid: 422
        case .forbidden: 403
        case .expired: 410
        case .unavailable: 503
        }
    }

    public var description: String { message }
}

extension StoreError {
    static func notFound(_ type: any KubernetesObject.Type, _ name: String) -> StoreError {
        let resource = type.groupResource
        return StoreError(.notFound, "\(resource) \"\(name)\" not found", resource: resource, name: name)
    }

    static func alreadyExists(_ type: any KubernetesObject.Type, _ name: String) -> StoreError {
        let resource = type.groupResource
        return StoreError(.alreadyExists, "\(resource) \"\(name)\" already exists", resource: resource, name: name)
    }

    static func conflict(_ type: any KubernetesObject.Type, _ name: String, _ why: String) -> StoreError {
        let resource = type.groupResource
        return StoreError(
            .conflict, "Operation cannot be fulfilled on \(resource) \"\(name)\": \(why)", resource: resource,
            name: name)
    }

    static func stale(_ type: any KubernetesObject.Type, _ name: String) -> StoreError {
        conflict(
            type, name,
            "the object has been modified; please apply your changes to the latest version and try again")
    }
}

extension KubernetesObject {
    /// The plural resource name, with `.group` outside the core group; the form upstream's messages use.
    public static var groupResource: String { group.isEmpty ? resource : "\(resource).\(group)" }
}
