// SPDX-License-Identifier: Apache-2.0
// Swiftlet: manifests to objects.

public import KubernetesAPI

/// What to do with fields that a type does not have, and with duplicate keys (the API's `fieldValidation`).
public enum Strictness: String, Sendable {
    case strict = "Strict"
    case warn = "Warn"
    case ignore = "Ignore"
}

/// Reads manifests: YAML or JSON to typed objects with upstream's defaults, checked against the schema and upstream's
/// rules, with every error at its place.
public enum Manifests {
    /// Settings of one reading.
    public struct Options: Sendable {
        public var strictness = Strictness.strict
        /// The namespace objects must be in; `nil`: their own, or `default`.
        public var namespace: String?
        /// Folder that relative module paths (`image: ./app.wasm`) start from; `nil`: such paths are refused.
        public var directory: String?
        public var limits = ReadLimits()

        public init(strictness: Strictness = .strict, namespace: String? = nil, directory: String? = nil) {
            self.strictness = strictness
            self.namespace = namespace
            self.directory = directory
        }
    }

    /// Reads all documents of a YAML or JSON text. `file` is only for messages; a name ending in `.json` means JSON.
    public static func read(_ bytes: [UInt8], file: String, options: Options = Options()) -> LoadResult {
        var result = LoadResult()
        let read = documents(of: bytes, file: file, limits: options.limits)
        for error in read.errors {
            let reason: FieldError.Reason = error.kind == .duplicateKey ? .duplicateField : .typeInvalid
            let diagnostic = Diagnostic(
                file: file, mark: error.mark, error: FieldError(error.path, reason, error.message))
            switch (error.kind, options.strictness) {
            case (.duplicateKey, .ignore): continue
            case (.duplicateKey, .warn): result.warnings.append(diagnostic)
            default: result.errors.append(diagnostic)
            }
        }
        for document in read.documents {
            if case .null = document.value { continue }
            var reader = ObjectReader(file: file, options: options)
            reader.read(document)
            result.append(reader.result)
        }
        // Documents come in order; within one, errors of all stages are put in the order of the file.
        result.errors.sort { ($0.mark ?? .start) < ($1.mark ?? .start) }
        result.warnings.sort { ($0.mark ?? .start) < ($1.mark ?? .start) }
        return result
    }

    /// Text that starts with `{` is JSON if it reads as such, otherwise it is YAML, of which JSON is a part.
    private static func documents(of bytes: [UInt8], file: String, limits: ReadLimits) -> ReadResult {
        if file.hasSuffix(".json") { return JSONReader.documents(of: bytes, limits: limits) }
        let first = bytes.first { $0 != 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 }
        if first == UInt8(ascii: "{") {
            let json = JSONReader.documents(of: bytes, limits: limits)
            if !json.errors.contains(where: { $0.kind == .syntax }) { return json }
        }
        return YAMLReader.documents(of: bytes, limits: limits)
    }

    // MARK: - The API server's entry points

    /// An object read from an API request, and the warnings to send back.
    public struct Decoded: Sendable {
        public var object: any KubernetesObject
        public var warnings: [String]
    }

    /// Reads one object from the body of an API request (JSON, or YAML as `kubectl apply` may send it), fills in the
    /// defaults and validates it.
    ///
    /// - Parameter namespace: the namespace of the request's path; an object that names another is refused.
    /// - Throws: ``ManifestError`` with all wrong fields.
    public static func decode(
        json bytes: [UInt8], strictness: Strictness = .strict, namespace: String? = nil
    ) throws(ManifestError) -> Decoded {
        let options = Options(strictness: strictness, namespace: namespace)
        let result = read(bytes, file: "request", options: options)
        guard result.errors.isEmpty, result.objects.count == 1, let loaded = result.objects.first else {
            var errors = result.errors.map(\.error)
            if errors.isEmpty {
                let message = "expected one object, found \(result.objects.count)"
                errors = [FieldError(FieldPath(), .typeInvalid, message)]
            }
            throw ManifestError(errors: errors, subject: .init(guessedFrom: bytes))
        }
        return Decoded(object: loaded.object, warnings: result.warnings.map(\.error.description))
    }

    /// Every wrong field of an object that has its defaults.
    public static func validate(_ object: any KubernetesObject) -> [FieldError] {
        Validation.errors(in: object)
    }

    /// Every wrong field of `new`, and every field that differs from `old` although it must not.
    public static func validateUpdate(
        from old: any KubernetesObject, to new: any KubernetesObject
    ) -> [FieldError] {
        Validation.errors(updating: old, to: new)
    }
}
