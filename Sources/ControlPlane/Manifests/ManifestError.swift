// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a refused object as the API answers it.

public import KubernetesAPI

/// An object was refused, with every wrong field.
public struct ManifestError: Error, Sendable, CustomStringConvertible {
    /// What little is known of the refused object.
    public struct Subject: Sendable, Equatable {
        public var group = ""
        public var kind = ""
        public var name = ""

        public init(group: String = "", kind: String = "", name: String = "") {
            self.group = group
            self.kind = kind
            self.name = name
        }

        public init(_ object: any KubernetesObject) {
            self.init(group: type(of: object).group, kind: type(of: object).kind, name: object.metadata.name)
        }

        init(guessedFrom bytes: [UInt8]) {
            let document = JSONReader.documents(of: bytes).documents.first
            func text(_ node: Node?) -> String {
                if case .string(let text) = node?.value { return text }
                return ""
            }
            let version = text(document?["apiVersion"]).split(separator: "/")
            self.init(
                group: version.count == 2 ? String(version[0]) : "", kind: text(document?["kind"]),
                name: text(document?["metadata"]?["name"]))
        }
    }

    public var errors: [FieldError]
    public var subject: Subject

    public init(errors: [FieldError], subject: Subject) {
        self.errors = errors
        self.subject = subject
    }

    /// True when the request could not be read as an object at all; upstream answers 400 then, and 422 otherwise.
    public var isBadRequest: Bool {
        errors.contains { error in
            let isUnreadable = [.typeInvalid, .unknownField, .duplicateField].contains(error.reason)
            return isUnreadable || error.path.components.isEmpty
        }
    }

    public var description: String {
        let list = errors.map(\.description).joined(separator: ", ")
        if isBadRequest {
            let kind = subject.kind.isEmpty ? "object" : subject.kind
            return "\(kind) in the request cannot be handled: \(list)"
        }
        let type = subject.group.isEmpty ? subject.kind : "\(subject.kind).\(subject.group)"
        return "\(type) \"\(subject.name)\" is invalid: \(errors.count == 1 ? list : "[\(list)]")"
    }

    /// The answer to the client: 400 `BadRequest` or 422 `Invalid`, one cause per wrong field.
    public var status: Status {
        Status(
            status: "Failure", message: description, reason: isBadRequest ? "BadRequest" : "Invalid",
            details: StatusDetails(
                name: subject.name, group: subject.group, kind: subject.kind, causes: errors.map(\.statusCause)),
            code: isBadRequest ? 400 : 422)
    }
}
