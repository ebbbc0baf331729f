// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a message about a place in a file.

public import KubernetesAPI

/// One error or warning and where it is: `web.yaml:14:9: spec.replicas: expected an integer, found the string "two"`.
public struct Diagnostic: Sendable, Equatable, CustomStringConvertible {
    /// The file as the user named it; `-` for standard input.
    public var file: String
    /// `nil` when the file as a whole is meant, for example because it cannot be read.
    public var mark: Mark?
    public var error: FieldError

    public init(file: String, mark: Mark?, error: FieldError) {
        self.file = file
        self.mark = mark
        self.error = error
    }

    public var description: String {
        let place = mark.map { "\(file):\($0.line):\($0.column)" } ?? file
        return "\(place): \(error)"
    }
}

/// An object and where it was read from.
public struct LoadedObject: Sendable {
    public var object: any KubernetesObject
    public var file: String
    public var mark: Mark
}

/// What reading manifests gave. Objects are those without errors, so use them only when `errors` is empty.
public struct LoadResult: Sendable {
    public var objects: [LoadedObject] = []
    public var errors: [Diagnostic] = []
    public var warnings: [Diagnostic] = []

    public init() {}

    public var isValid: Bool { errors.isEmpty }

    mutating func append(_ other: LoadResult) {
        objects += other.objects
        errors += other.errors
        warnings += other.warnings
    }
}
