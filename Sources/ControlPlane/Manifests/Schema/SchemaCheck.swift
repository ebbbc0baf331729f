// SPDX-License-Identifier: Apache-2.0
// Swiftlet: compares a document's tree with the schema.

/// Walks a tree along the schema. It reports unknown fields, wrong types and fields that are not obeyed, and leaves a tree
/// that decodes into the typed object: whatever was reported is missing from it, so that validation can go on and all
/// errors come out in one go.
struct SchemaCheck {
    /// An error and the place it is about.
    struct Problem: Sendable {
        var error: FieldError
        var mark: Mark
    }

    private(set) var problems: [Problem] = []
    private(set) var warnings: [Problem] = []

    // LIMIT: problems reported per document.
    private static let problemsMax = 200

    private mutating func report(_ path: FieldPath, _ reason: FieldError.Reason, _ message: String, at mark: Mark) {
        guard problems.count < Self.problemsMax else { return }
        problems.append(Problem(error: FieldError(path, reason, message), mark: mark))
    }

    private mutating func warn(_ path: FieldPath, _ message: String, at mark: Mark) {
        guard warnings.count < Self.problemsMax else { return }
        warnings.append(Problem(error: FieldError(path, .unsupported, message), mark: mark))
    }

    /// The part of `node` that fits `type`; `nil` when nothing does.
    mutating func checked(_ node: Node, as type: FieldType, path: FieldPath) -> Node? {
        switch type {
        case .object(let name):
            guard let schema = Schema.types[name] else { return nil }
            return checkedObject(node, schema, path: path)
        case .list(let element): return checkedList(node, of: element, path: path)
        case .map(let element): return checkedMap(node, of: element, path: path)
        case .any: return node
        default: return checkedScalar(node, as: type, path: path)
        }
    }

    // MARK: - Objects

    private mutating func checkedObject(_ node: Node, _ schema: ObjectSchema, path: FieldPath) -> Node? {
        guard case .mapping(let entries) = node.value else {
            report(path, .typeInvalid, "expected a mapping, found \(node.kindText)", at: node.mark)
            return nil
        }
        var kept: [Node.Entry] = []
        for entry in entries {
            let entryPath = path.field(entry.key)
            guard let field = schema.field(entry.key) else {
                let hint = Self.hint(forUnknown: entry.key, in: schema)
                report(
                    entryPath, .unknownField, "unknown field \"\(Node.shortened(entry.key))\"\(hint)",
                    at: entry.keyMark)
                continue
            }
            // As upstream, null means that the field is not there.
            if case .null = entry.value.value { continue }
            if let value = checkedField(entry, field, path: entryPath) {
                kept.append(Node.Entry(key: entry.key, keyMark: entry.keyMark, value: value))
            }
        }
        var result = node
        result.value = .mapping(kept)
        return result
    }

    private mutating func checkedField(_ entry: Node.Entry, _ field: FieldSchema, path: FieldPath) -> Node? {
        switch field.support {
        case .obeyed: return checked(entry.value, as: field.type, path: path)
        case .harmless:
            if case .any = field.type { return nil }
            return checked(entry.value, as: field.type, path: path)
        case .withoutEffect(let reason):
            guard let value = checked(entry.value, as: field.type, path: path) else { return nil }
            if !Self.isEmpty(value) { warn(path, "has no effect here: \(reason)", at: entry.keyMark) }
            return value
        case .refused(let reason):
            if Self.isEmpty(entry.value) { return nil }
            report(path, .unsupported, "not supported: \(reason)", at: entry.keyMark)
            return nil
        case .refusedUnless(let values, let reason):
            guard let value = checked(entry.value, as: field.type, path: path) else { return nil }
            let text = Self.comparisonText(value)
            if values.contains(text) || Self.isEmpty(value) { return value }
            let allowed = values.filter { $0 != "[]" && !$0.isEmpty }
            let only = allowed.isEmpty ? "" : " (accepted: \(allowed.joined(separator: ", ")))"
            report(
                path, .unsupported, "\(Self.valueText(value)) is not supported: \(reason)\(only)",
                at: entry.value.mark)
            return nil
        }
    }

    private static func isEmpty(_ node: Node) -> Bool {
        switch node.value {
        case .null: true
        case .string(let text): text.isEmpty
        case .sequence(let items): items.isEmpty
        default: false
        }
    }

    private static func comparisonText(_ node: Node) -> String {
        if case .string(let text) = node.value { return text }
        return String(decoding: node.json, as: UTF8.self)
    }

    private static func valueText(_ node: Node) -> String {
        switch node.value {
        case .sequence, .mapping: "a value"
        case .string(let text): "\"\(Node.shortened(text))\""
        default: comparisonText(node)
        }
    }

    /// The near miss, or the type that has the field when only one or two do (a wrong indentation, most likely).
    private static func hint(forUnknown name: String, in schema: ObjectSchema) -> String {
        let near = Suggestion.hint(for: name, among: schema.fields.map(\.name))
        if !near.isEmpty { return near }
        let homes = Schema.types.values.filter { $0.field(name) != nil }.map(\.name).sorted()
        return (1...2).contains(homes.count) ? ", which is a field of \(homes.joined(separator: " and "))" : ""
    }

    // MARK: - Lists and maps

    private mutating func checkedList(_ node: Node, of element: FieldType, path: FieldPath) -> Node? {
        guard case .sequence(let items) = node.value else {
            report(path, .typeInvalid, "expected a list, found \(node.kindText)", at: node.mark)
            return nil
        }
        var result = node
        // A refused item leaves an empty stand-in, so that the indices of the others stay right.
        result.value = .sequence(
            items.enumerated().map { index, item in
                checked(item, as: element, path: path.index(index)) ?? Self.standIn(for: element, at: item.mark)
            })
        return result
    }

    private static func standIn(for type: FieldType, at mark: Mark) -> Node {
        switch type {
        case .int32, .int64: Node(mark: mark, value: .int(0))
        case .object, .map: Node(mark: mark, value: .mapping([]))
        case .list: Node(mark: mark, value: .sequence([]))
        default: Node(mark: mark, value: .string(""))
        }
    }

    private mutating func checkedMap(_ node: Node, of element: FieldType, path: FieldPath) -> Node? {
        guard case .mapping(let entries) = node.value else {
            report(path, .typeInvalid, "expected a mapping, found \(node.kindText)", at: node.mark)
            return nil
        }
        var result = node
        result.value = .mapping(
            entries.compactMap { entry in
                var entry = entry
                if case .null = entry.value.value, case .string = element {
                    // Upstream reads a key without value as the empty string.
                    entry.value.value = .string("")
                    return entry
                }
                guard let value = checked(entry.value, as: element, path: path.key(entry.key)) else { return nil }
                entry.value = value
                return entry
            })
        return result
    }
}

// MARK: - Scalars

extension SchemaCheck {
    private mutating func checkedScalar(_ node: Node, as type: FieldType, path: FieldPath) -> Node? {
        var result = node
        switch (type, node.value) {
        case (.string, .string), (.bool, .bool), (.intOrString, .string): return node
        case (.int32, .int(let number)), (.intOrString, .int(let number)):
            if Int32(exactly: number) != nil { return node }
            report(path, .typeInvalid, "expected a number of 32 bits, found \(number)", at: node.mark)
            return nil
        case (.int64, .int): return node
        case (.int32, .float(let number)), (.int64, .float(let number)), (.intOrString, .float(let number)):
            // 3.0 is an integer for upstream too, once it went through JSON.
            if let integer = Int32(exactly: number) {
                result.value = .int(Int64(integer))
                return result
            }
        case (.quantity, .string), (.quantity, .int), (.quantity, .float):
            let text = if case .string(let string) = node.value { string } else { node.text }
            if let quantity = Self.quantity(text, node) {
                result.value = .string(quantity)
                return result
            }
            report(path, .invalid, TextFormats.quantityProblem(text), at: node.mark)
            return nil
        case (.time, .string(let text)), (.microTime, .string(let text)):
            if TextFormats.isTime(text) { return node }
            report(
                path, .typeInvalid,
                "expected an RFC 3339 time such as 2026-01-02T03:04:05Z, found \"\(Node.shortened(text))\"",
                at: node.mark)
            return nil
        case (.base64, .string(let text)):
            if TextFormats.isBase64(text) { return node }
            report(path, .typeInvalid, "expected base64, found \"\(Node.shortened(text))\"", at: node.mark)
            return nil
        default: break
        }
        let hint = Self.quotingHint(node, type)
        report(path, .typeInvalid, "expected \(Self.words(for: type)), found \(node.kindText)\(hint)", at: node.mark)
        return nil
    }

    private static func quantity(_ text: String, _ node: Node) -> String? {
        if let canonical = TextFormats.canonicalQuantity(text) { return canonical }
        if case .int(let number) = node.value { return String(number) }
        return nil
    }

    private static func words(for type: FieldType) -> String {
        switch type {
        case .string: "a string"
        case .bool: "true or false"
        case .int32, .int64: "an integer"
        case .quantity: "a quantity"
        case .intOrString: "an integer or a string"
        case .time, .microTime: "an RFC 3339 time"
        case .base64: "base64 text"
        default: "a value"
        }
    }

    private static func quotingHint(_ node: Node, _ type: FieldType) -> String {
        switch (type, node.value) {
        case (.string, .bool), (.string, .int), (.string, .float), (.base64, .int), (.intOrString, .bool):
            "; write \"\(Node.shortened(node.text))\" in quotes"
        case (.int32, .string(let text)), (.int64, .string(let text)):
            Int64(text) != nil ? "; remove the quotes" : ""
        case (.bool, .string(let text)):
            text == "true" || text == "false" ? "; remove the quotes" : ""
        default: ""
        }
    }
}
