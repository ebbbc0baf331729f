// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what is wrong with one field.

public import KubernetesAPI

/// One wrong field of an object, in the terms of upstream's validation (apimachinery util/validation/field).
public struct FieldError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of error; the raw value is upstream's cause type in a `Status`.
    public enum Reason: String, Sendable {
        case notFound = "FieldValueNotFound"
        case required = "FieldValueRequired"
        case duplicate = "FieldValueDuplicate"
        case invalid = "FieldValueInvalid"
        case notSupported = "FieldValueNotSupported"
        case forbidden = "FieldValueForbidden"
        case typeInvalid = "FieldValueTypeInvalid"
        /// A field that the type does not have; strict decoding reports it.
        case unknownField = "UnknownField"
        /// The same key twice in one mapping.
        case duplicateField = "DuplicateField"
        /// A field or value that exists upstream and that Swiftlet does not obey.
        case unsupported = "FieldNotObeyed"
    }

    public var path: FieldPath
    public var reason: Reason
    /// The message without the path.
    public var message: String

    public init(_ path: FieldPath, _ reason: Reason, _ message: String) {
        self.path = path
        self.reason = reason
        self.message = message
    }

    public var description: String { path.components.isEmpty ? message : "\(path): \(message)" }

    static func required(_ path: FieldPath, _ detail: String = "") -> FieldError {
        FieldError(path, .required, detail.isEmpty ? "required value" : "required value: \(detail)")
    }

    static func invalid(_ path: FieldPath, _ value: some CustomStringConvertible, _ detail: String) -> FieldError {
        FieldError(path, .invalid, "invalid value \"\(Node.shortened(value.description))\": \(detail)")
    }

    static func duplicate(_ path: FieldPath, _ value: some CustomStringConvertible) -> FieldError {
        FieldError(path, .duplicate, "duplicate value \"\(Node.shortened(value.description))\"")
    }

    static func notFound(_ path: FieldPath, _ value: String) -> FieldError {
        FieldError(path, .notFound, "not found: \"\(Node.shortened(value))\"")
    }

    static func forbidden(_ path: FieldPath, _ detail: String) -> FieldError {
        FieldError(path, .forbidden, "forbidden: \(detail)")
    }

    static func notSupported(_ path: FieldPath, _ value: String, supported: [String]) -> FieldError {
        let list = supported.map { "\"\($0)\"" }.joined(separator: ", ")
        let hint = Suggestion.hint(for: value, among: supported)
        return FieldError(
            path, .notSupported, "unsupported value \"\(Node.shortened(value))\": supported values: \(list)\(hint)")
    }
}

extension FieldError {
    /// This error as a cause of a ``KubernetesAPI/Status``.
    public var statusCause: StatusCause {
        StatusCause(reason: reason.rawValue, message: message, field: path.description)
    }
}
