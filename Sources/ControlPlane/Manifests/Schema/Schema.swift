// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the fields of each type, and what Swiftlet does with them.

/// What Swiftlet does with a field.
public enum FieldSupport: Sendable, Equatable {
    /// It means what it means upstream.
    case obeyed
    /// It is accepted, and the reason says why nothing needs to be done for it.
    case harmless(String)
    /// It is accepted with a warning: it has no effect, which may matter to somebody.
    case withoutEffect(String)
    /// It is refused unless it has one of these values (as JSON text, or a string's content), which ask for nothing.
    case refusedUnless([String], String)
    /// It is refused.
    case refused(String)
}

/// The type of a field's value.
indirect enum FieldType: Sendable {
    case string, bool, int32, int64, quantity, intOrString, time, microTime, base64
    /// A type of ``Schema/types``.
    case object(String)
    case list(FieldType)
    /// A map whose keys the user chooses.
    case map(FieldType)
    /// Anything; used for fields that are dropped or refused whatever they hold.
    case any
}

/// One field of a type.
struct FieldSchema: Sendable {
    var name: String
    var type: FieldType
    var support: FieldSupport
    /// True when strict reading reports its absence at once (the rest is found by validation).
    var isRequired = false
}

/// The fields of a type.
struct ObjectSchema: Sendable {
    var name: String
    var fields: [FieldSchema]
    private let indices: [String: Int]

    init(_ name: String, _ fields: [FieldSchema]) {
        self.name = name
        self.fields = fields
        indices = Dictionary(fields.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    func field(_ name: String) -> FieldSchema? {
        indices[name].map { fields[$0] }
    }
}

/// All types, by name.
enum Schema {
    static let types: [String: ObjectSchema] = Dictionary(
        (metadata + workloads + pod + container + environment + probes + volumes + services + configuration).map {
            ($0.name, $0)
        }, uniquingKeysWith: { first, _ in first })

    /// The kinds a manifest may hold.
    static let kinds = ["ConfigMap", "Deployment", "Namespace", "Pod", "ReplicaSet", "Secret", "Service"]

    // Short forms for the tables.

    static func type(_ name: String, _ groups: [FieldSchema]...) -> ObjectSchema {
        ObjectSchema(name, groups.flatMap { $0 })
    }

    /// Obeyed fields: alternating names and types.
    static func obeyed(_ fields: KeyValuePairs<String, FieldType>) -> [FieldSchema] {
        fields.map { FieldSchema(name: $0.key, type: $0.value, support: .obeyed) }
    }

    static func harmless(_ reason: String, _ fields: KeyValuePairs<String, FieldType>) -> [FieldSchema] {
        fields.map { FieldSchema(name: $0.key, type: $0.value, support: .harmless(reason)) }
    }

    static func withoutEffect(_ reason: String, _ fields: KeyValuePairs<String, FieldType>) -> [FieldSchema] {
        fields.map { FieldSchema(name: $0.key, type: $0.value, support: .withoutEffect(reason)) }
    }

    static func refused(_ reason: String, _ names: String...) -> [FieldSchema] {
        names.map { FieldSchema(name: $0, type: .any, support: .refused(reason)) }
    }

    static func refused(
        _ reason: String, unless values: [String], _ fields: KeyValuePairs<String, FieldType>
    ) -> [FieldSchema] {
        fields.map { FieldSchema(name: $0.key, type: $0.value, support: .refusedUnless(values, reason)) }
    }

    static let strings = FieldType.list(.string)
    static let stringMap = FieldType.map(.string)
}
