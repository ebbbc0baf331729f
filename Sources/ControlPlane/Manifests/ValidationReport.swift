// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the outcome of a validation, for people and for programs.

import KubernetesAPI

/// What `swiftlet validate` prints.
public struct ValidationReport: Encodable, Sendable {
    /// A valid object.
    public struct Object: Encodable, Sendable {
        public var file: String
        public var line: Int
        public var apiVersion: String
        public var kind: String
        public var namespace: String?
        public var name: String
    }

    /// An error or warning; line and column count from 1 and are absent when the file as a whole is meant.
    public struct Message: Encodable, Sendable {
        public var file: String
        public var line: Int?
        public var column: Int?
        public var path: String
        public var reason: String
        public var message: String
    }

    public var valid: Bool
    /// The objects of files that have no error.
    public var objects: [Object]
    public var errors: [Message]
    public var warnings: [Message]

    private let objectLines: [String]
    private let errorTexts: [String]
    private let warningTexts: [String]

    private enum CodingKeys: String, CodingKey { case valid, objects, errors, warnings }

    public init(_ result: LoadResult) {
        valid = result.isValid
        let wrongFiles = Set(result.errors.map(\.file))
        let loaded = result.objects.filter { !wrongFiles.contains($0.file) }
        objects = loaded.map { item in
            let metadata = item.object.metadata
            return Object(
                file: item.file, line: item.mark.line, apiVersion: item.object.apiVersion, kind: item.object.kind,
                namespace: metadata.namespace.isEmpty ? nil : metadata.namespace,
                name: metadata.name.isEmpty ? metadata.generateName : metadata.name)
        }
        errors = result.errors.map(Self.message)
        warnings = result.warnings.map(Self.message)
        objectLines = loaded.map { "\($0.file): \($0.object.qualifiedName) valid" }
        errorTexts = result.errors.map(\.description)
        warningTexts = result.warnings.map { "\($0) (warning)" }
    }

    private static func message(_ diagnostic: Diagnostic) -> Message {
        Message(
            file: diagnostic.file, line: diagnostic.mark?.line, column: diagnostic.mark?.column,
            path: diagnostic.error.path.description, reason: diagnostic.error.reason.rawValue,
            message: diagnostic.error.message)
    }

    /// `file: kind/name valid` for every object.
    public var validLines: [String] { objectLines }

    /// `file:line:column: path: message` for every error, then for every warning.
    public var problemLines: [String] { errorTexts + warningTexts }
}
