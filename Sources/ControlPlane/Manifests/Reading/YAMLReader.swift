// SPDX-License-Identifier: Apache-2.0
// Swiftlet: YAML text to trees, on the system's libyaml.

import CYAML

/// Reads a stream of YAML documents with libyaml's event parser (yaml.h).
///
/// Aliases share their anchor's subtree, so that memory stays small; each use still counts with the full weight of that
/// subtree against ``ReadLimits/valuesMax``, which refuses exponential expansion at the alias that crosses the limit.
package enum YAMLReader {
    /// The documents of `bytes`, and every duplicate key; a syntax error ends the reading.
    package static func documents(of bytes: [UInt8], limits: ReadLimits = ReadLimits()) -> ReadResult {
        guard bytes.count <= limits.bytesMax else {
            let message = "expected at most \(limits.bytesMax) bytes, found \(bytes.count)"
            return ReadResult(errors: [ReadError(kind: .limit, mark: .start, message: message)])
        }
        return bytes.withUnsafeBufferPointer { buffer in
            var parser = yaml_parser_t()
            guard yaml_parser_initialize(&parser) == 1 else {
                let error = ReadError(kind: .limit, mark: .start, message: "not enough memory to read YAML")
                return ReadResult(errors: [error])
            }
            defer { yaml_parser_delete(&parser) }
            yaml_parser_set_input_string(&parser, buffer.baseAddress, buffer.count)
            var composer = Composer(limits: limits)
            var documents: [Node] = []
            do throws(ReadError) {
                while let document = try composer.document(&parser) {
                    documents.append(document)
                    if documents.count > limits.documentsMax {
                        let message = "expected at most \(limits.documentsMax) documents"
                        throw ReadError(kind: .limit, mark: document.mark, message: message)
                    }
                }
            } catch {
                return ReadResult(documents: documents, errors: composer.errors + [error])
            }
            return ReadResult(documents: documents, errors: composer.errors)
        }
    }
}

/// What the composer needs of one libyaml event.
private struct Event {
    enum Kind {
        case streamStart, streamEnd, documentStart, documentEnd
        case alias(String)
        case scalar(text: String, isPlain: Bool)
        case sequenceStart, sequenceEnd, mappingStart, mappingEnd
    }

    var kind: Kind
    var mark: Mark
    var anchor: String?
    var tag: String?
}

private struct Composer {
    let limits: ReadLimits
    var errors: [ReadError] = []
    private var anchors: [String: Node] = [:]
    private var openAnchors: Set<String> = []
    /// Where the composer is, for messages about keys.
    private var path = FieldPath()
    /// Values so far, aliases expanded, over all documents of the file.
    private var valueCount = 0

    init(limits: ReadLimits) {
        self.limits = limits
    }

    /// The next document, or `nil` at the end of the stream.
    mutating func document(_ parser: inout yaml_parser_t) throws(ReadError) -> Node? {
        while true {
            let event = try Self.nextEvent(&parser)
            switch event.kind {
            case .streamEnd: return nil
            case .documentStart:
                path = FieldPath()
                anchors = [:]
                openAnchors = []
                let root = try node(from: Self.nextEvent(&parser), &parser, depth: 0)
                return root
            default: continue
            }
        }
    }

    private mutating func count(_ weight: Int, at mark: Mark) throws(ReadError) {
        let (sum, overflow) = valueCount.addingReportingOverflow(weight)
        guard !overflow, sum <= limits.valuesMax else {
            let message = "expected at most \(limits.valuesMax) values after the expansion of aliases"
            throw ReadError(kind: .limit, mark: mark, message: message)
        }
        valueCount = sum
    }

    private mutating func node(from event: Event, _ parser: inout yaml_parser_t, depth: Int) throws(ReadError) -> Node {
        guard depth < limits.depthMax else {
            let message = "expected at most \(limits.depthMax) levels of nesting"
            throw ReadError(kind: .limit, mark: event.mark, message: message)
        }
        if case .alias(let name) = event.kind { return try expandedAlias(name, at: event.mark) }
        var weight = 1
        // Long text counts as several values, because an alias to it is copied when the object is made.
        if case .scalar(let text, _) = event.kind { weight += text.utf8.count / 64 }
        try count(weight, at: event.mark)
        if let anchor = event.anchor { openAnchors.insert(anchor) }
        var result: Node
        switch event.kind {
        case .scalar(let text, let isPlain):
            let value = try scalarValue(event, text: text, isPlain: isPlain)
            result = Node(mark: event.mark, value: value, text: text, weight: weight)
        case .sequenceStart:
            try checkTag(event, allowed: ["seq"])
            result = try sequence(event.mark, &parser, depth: depth)
        case .mappingStart:
            try checkTag(event, allowed: ["map"])
            result = try mapping(event.mark, &parser, depth: depth)
        default:
            throw ReadError(kind: .syntax, mark: event.mark, message: "expected a value")
        }
        if let anchor = event.anchor {
            openAnchors.remove(anchor)
            anchors[anchor] = result
        }
        return result
    }

    private mutating func expandedAlias(_ name: String, at mark: Mark) throws(ReadError) -> Node {
        if openAnchors.contains(name) {
            let message = "alias *\(name) is used inside the value that it stands for"
            throw ReadError(kind: .unsupported, mark: mark, message: message)
        }
        guard var node = anchors[name] else {
            throw ReadError(kind: .syntax, mark: mark, message: "no anchor &\(name) before this alias")
        }
        try count(node.weight, at: mark)
        node.mark = mark
        return node
    }

    private mutating func sequence(_ mark: Mark, _ parser: inout yaml_parser_t, depth: Int) throws(ReadError) -> Node {
        var items: [Node] = []
        var weight = 1
        while true {
            let event = try Self.nextEvent(&parser)
            if case .sequenceEnd = event.kind { break }
            path.components.append(.index(items.count))
            let item = try node(from: event, &parser, depth: depth + 1)
            path.components.removeLast()
            weight += item.weight
            items.append(item)
        }
        return Node(mark: mark, value: .sequence(items), weight: weight)
    }

    private mutating func mapping(_ mark: Mark, _ parser: inout yaml_parser_t, depth: Int) throws(ReadError) -> Node {
        var entries: [Node.Entry] = []
        var seen: Set<String> = []
        var merged: [Node] = []
        var weight = 1
        while true {
            let event = try Self.nextEvent(&parser)
            if case .mappingEnd = event.kind { break }
            let keyNode = try node(from: event, &parser, depth: depth + 1)
            path.components.append(.field(keyNode.text))
            let value = try node(from: Self.nextEvent(&parser), &parser, depth: depth + 1)
            path.components.removeLast()
            weight += value.weight + keyNode.weight
            if case .scalar("<<", true) = event.kind, event.tag == nil {
                merged.append(value)
                continue
            }
            let key = try keyText(keyNode)
            guard seen.insert(key).inserted else {
                let message = "duplicate key \"\(Node.shortened(key))\""
                let place = path.field(key)
                errors.append(ReadError(kind: .duplicateKey, mark: keyNode.mark, message: message, path: place))
                continue
            }
            entries.append(Node.Entry(key: key, keyMark: keyNode.mark, value: value))
        }
        for node in merged { try merge(node, into: &entries, seen: &seen) }
        return Node(mark: mark, value: .mapping(entries), weight: weight)
    }

    /// Adds the pairs of a merge key (`<<`) that the mapping does not have itself; earlier mappings win.
    private func merge(_ node: Node, into entries: inout [Node.Entry], seen: inout Set<String>) throws(ReadError) {
        switch node.value {
        case .mapping(let other):
            for entry in other where seen.insert(entry.key).inserted { entries.append(entry) }
        case .sequence(let nodes):
            for node in nodes {
                guard case .mapping(let other) = node.value else {
                    throw ReadError(kind: .syntax, mark: node.mark, message: "expected a mapping to merge")
                }
                for entry in other where seen.insert(entry.key).inserted { entries.append(entry) }
            }
        default:
            throw ReadError(kind: .syntax, mark: node.mark, message: "expected a mapping to merge after \"<<\"")
        }
    }

    private func keyText(_ key: Node) throws(ReadError) -> String {
        switch key.value {
        case .string(let text): return text
        case .int(let number): return String(number)
        case .bool, .null, .float:
            let message =
                "expected a string as key, found \(key.kindText)"
                + (key.text.isEmpty ? "" : "; write \"\(Node.shortened(key.text))\" in quotes")
            throw ReadError(kind: .unsupported, mark: key.mark, message: message)
        case .sequence, .mapping:
            throw ReadError(
                kind: .unsupported, mark: key.mark, message: "expected a string as key, found \(key.kindText)")
        }
    }
}

// MARK: - Tags

extension Composer {
    private static let corePrefix = "tag:yaml.org,2002:"

    private func checkTag(_ event: Event, allowed: Set<String>) throws(ReadError) {
        guard let tag = event.tag, tag != "!" else { return }
        guard tag.hasPrefix(Self.corePrefix), allowed.contains(String(tag.dropFirst(Self.corePrefix.count))) else {
            let message = "tag \"\(Node.shortened(tag))\" has no meaning in a manifest"
            throw ReadError(kind: .unsupported, mark: event.mark, message: message)
        }
    }

    private func scalarValue(_ event: Event, text: String, isPlain: Bool) throws(ReadError) -> Node.Value {
        guard let tag = event.tag else {
            return isPlain ? ScalarResolution.value(ofPlain: text) : .string(text)
        }
        if tag == "!" || tag == Self.corePrefix + "str" { return .string(text) }
        try checkTag(event, allowed: ["int", "float", "bool", "null"])
        let value = ScalarResolution.value(ofPlain: text)
        switch (value, tag.dropFirst(Self.corePrefix.count)) {
        case (.int, "int"), (.bool, "bool"), (.null, "null"), (.float, "float"): return value
        case (.int(let number), "float"): return .float(Double(number))
        default:
            let message = "\"\(Node.shortened(text))\" does not have the type of its tag"
            throw ReadError(kind: .syntax, mark: event.mark, message: message)
        }
    }
}

// MARK: - Events

extension Composer {
    private static func nextEvent(_ parser: inout yaml_parser_t) throws(ReadError) -> Event {
        var raw = yaml_event_t()
        guard yaml_parser_parse(&parser, &raw) == 1 else { throw syntaxError(parser) }
        defer { yaml_event_delete(&raw) }
        let mark = Mark(line: Int(raw.start_mark.line) + 1, column: Int(raw.start_mark.column) + 1)
        switch raw.type {
        case YAML_STREAM_START_EVENT: return Event(kind: .streamStart, mark: mark)
        case YAML_DOCUMENT_START_EVENT: return Event(kind: .documentStart, mark: mark)
        case YAML_DOCUMENT_END_EVENT: return Event(kind: .documentEnd, mark: mark)
        case YAML_ALIAS_EVENT: return Event(kind: .alias(text(raw.data.alias.anchor) ?? ""), mark: mark)
        case YAML_SCALAR_EVENT:
            let scalar = raw.data.scalar
            let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            let isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE
            return Event(
                kind: .scalar(text: String(decoding: bytes, as: UTF8.self), isPlain: isPlain), mark: mark,
                anchor: text(scalar.anchor), tag: text(scalar.tag))
        case YAML_SEQUENCE_START_EVENT:
            let start = raw.data.sequence_start
            return Event(kind: .sequenceStart, mark: mark, anchor: text(start.anchor), tag: text(start.tag))
        case YAML_SEQUENCE_END_EVENT: return Event(kind: .sequenceEnd, mark: mark)
        case YAML_MAPPING_START_EVENT:
            let start = raw.data.mapping_start
            return Event(kind: .mappingStart, mark: mark, anchor: text(start.anchor), tag: text(start.tag))
        case YAML_MAPPING_END_EVENT: return Event(kind: .mappingEnd, mark: mark)
        default: return Event(kind: .streamEnd, mark: mark)
        }
    }

    private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    private static func syntaxError(_ parser: yaml_parser_t) -> ReadError {
        let problem = parser.problem.map { String(cString: $0) } ?? "not enough memory to read YAML"
        // The reader reports a byte offset only, which is of little use to a person; the problem itself says what it is.
        let mark = parser.problem_mark
        let context = parser.context.map { String(cString: $0) + ": " } ?? ""
        return ReadError(
            kind: .syntax, mark: Mark(line: Int(mark.line) + 1, column: Int(mark.column) + 1),
            message: context + problem)
    }
}
