// SPDX-License-Identifier: Apache-2.0
// Swiftlet: refusals as Status objects; the one place that maps errors to HTTP.
import KubernetesAPI
import ObjectStore

/// A refused request.
struct APIError: Error, Sendable {
    var status: Status

    init(status: Status) {
        self.status = status
    }

    init(_ code: Int32, _ reason: String, _ message: String, details: StatusDetails? = nil) {
        status = Status(status: "Failure", message: message, reason: reason, details: details, code: code)
    }

    init(_ error: StoreError) {
        let parts = error.resource.split(separator: ".", maxSplits: 1).map(String.init)
        let details = StatusDetails(
            name: error.name, group: parts.count > 1 ? parts[1] : "", kind: parts.first ?? "")
        // A watch that starts too far back is "Expired"; clients list again on it.
        self.init(Int32(error.code), error.reason.rawValue, error.message, details: details)
    }

    /// Whatever a handler threw.
    init(any error: any Error) {
        switch error {
        case let error as APIError: self = error
        case let error as StoreError: self.init(error)
        default: self.init(500, "InternalError", "\(error)")
        }
    }

    static func badRequest(_ message: String) -> APIError { APIError(400, "BadRequest", message) }

    static var unknownPath: APIError {
        APIError(404, "NotFound", "the server could not find the requested resource")
    }

    static func methodNotAllowed(_ method: String) -> APIError {
        APIError(405, "MethodNotAllowed", "the server does not allow \(method) on the requested resource")
    }

    static func notImplemented(_ what: String) -> APIError {
        APIError(501, "NotImplemented", "\(what) is not supported by this server")
    }

    static func unsupportedMediaType(_ type: String, accepted: [String]) -> APIError {
        APIError(
            415, "UnsupportedMediaType",
            "the body of the request was in an unknown format (\(type)) - accepted media types include: "
                + accepted.joined(separator: ", "))
    }

    var response: APIResponse {
        // A Status always encodes; the fallback only keeps the function total.
        let bytes = (try? KubernetesJSON.encode(status)) ?? []
        return APIResponse(status: Int(status.code), body: .bytes(bytes + [0x0A]))
    }
}
