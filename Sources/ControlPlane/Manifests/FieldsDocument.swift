// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the reference of fields, from the schema.

extension Manifests {
    /// Markdown text with every field of every type and what Swiftlet does with it; `docs/reference/fields.md` is this.
    public static func fieldsDocument() -> String {
        var text = """
            # Fields

            What Swiftlet does with each field of a manifest. *Obeyed* means what Kubernetes means by it. *Accepted*
            fields need no action here, for the reason given. Fields *without effect* are accepted with a warning.
            Everything else is refused with its path and the reason; nothing is dropped in silence.

            This page is generated: `swiftlet validate --fields > docs/reference/fields.md`.

            Kinds: \(Schema.kinds.map { "`\($0)`" }.joined(separator: ", ")), and `List` of these.

            """
        for schema in orderedTypes() {
            text += "\n## \(schema.name)\n\n| Field | Type | Support |\n| --- | --- | --- |\n"
            for field in schema.fields {
                text += "| `\(field.name)` | \(typeText(field.type)) | \(supportText(field.support)) |\n"
            }
        }
        return text
    }

    /// Types in the order in which the kinds reach them.
    private static func orderedTypes() -> [ObjectSchema] {
        var ordered: [ObjectSchema] = []
        var seen: Set<String> = []
        func visit(_ name: String) {
            guard seen.insert(name).inserted, let schema = Schema.types[name] else { return }
            ordered.append(schema)
            for field in schema.fields { objectName(field.type).map(visit) }
        }
        Schema.kinds.forEach(visit)
        return ordered
    }

    private static func objectName(_ type: FieldType) -> String? {
        switch type {
        case .object(let name): name
        case .list(let element), .map(let element): objectName(element)
        default: nil
        }
    }

    private static func typeText(_ type: FieldType) -> String {
        switch type {
        case .string: "string"
        case .bool: "boolean"
        case .int32, .int64: "integer"
        case .quantity: "quantity"
        case .intOrString: "integer or string"
        case .time, .microTime: "time"
        case .base64: "base64"
        case .object(let name): "[\(name)](#\(name.lowercased()))"
        case .list(let element): "list of \(typeText(element))"
        case .map(let element): "map to \(typeText(element))"
        case .any: ""
        }
    }

    private static func supportText(_ support: FieldSupport) -> String {
        switch support {
        case .obeyed: return "obeyed"
        case .harmless(let reason): return "accepted: \(reason)"
        case .withoutEffect(let reason): return "without effect, with a warning: \(reason)"
        case .refused(let reason): return "refused: \(reason)"
        case .refusedUnless(let values, let reason):
            let list = values.map { $0.isEmpty ? "empty" : $0 == "[]" ? "an empty list" : "`\($0)`" }
            return "only \(list.joined(separator: " or ")): \(reason)"
        }
    }
}
