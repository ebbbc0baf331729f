// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what identifiers and annotations leave in custom sections.

import Wasm

/// A custom section that an annotation asks for (core specification, appendix "Custom Sections and Annotations").
struct CustomAnnotation {
    enum Place: Sendable, CaseIterable {
        case type, `import`, function, table, memory, tag, global, export, start, element, dataCount, code, data
    }

    enum Position: Equatable {
        case first, last
        case before(Place)
        case after(Place)
    }

    var name: String
    var position: Position
    var contents: [UInt8]
}

extension ModuleAssembler {
    private static let places: [(StaticString, CustomAnnotation.Place)] = [
        ("type", .type), ("import", .import), ("func", .function), ("table", .table), ("memory", .memory),
        ("tag", .tag), ("global", .global), ("export", .export), ("start", .start), ("elem", .element),
        ("datacount", .dataCount), ("code", .code), ("data", .data),
    ]

    // MARK: Annotations

    /// Takes the annotation of this kind that stands right before the current token.
    private mutating func takeAnnotation(_ kind: Annotation.Kind) throws(TextError) -> Annotation? {
        var found: Annotation?
        while let index = reader.annotations.firstIndex(where: {
            $0.kind == kind && $0.following == reader.token.start
        }) {
            let annotation = reader.annotations.remove(at: index)
            guard found == nil else {
                throw reader.failure(at: annotation.start, "\(kind.text) annotation: duplicate annotation")
            }
            found = annotation
        }
        return found
    }

    /// A reader at the contents of an annotation.
    private func contents(of annotation: Annotation) throws(TextError) -> TokenReader {
        var inner = reader
        inner.collectsAnnotations = false
        try inner.seek(to: annotation.contents)
        return inner
    }

    /// `(@name "…")` behind the identifier of a definition.
    mutating func takeNameAnnotation(
        _ space: WritableKeyPath<Self, IndexSpace>, _ index: UInt32
    ) throws(TextError) {
        guard let name = try takeName() else { return }
        self[keyPath: space].names[index] = name
    }

    mutating func takeName() throws(TextError) -> String? {
        guard !reader.annotations.isEmpty, let annotation = try takeAnnotation(.name) else { return nil }
        var inner = try contents(of: annotation)
        guard inner.token.kind == .string else { throw inner.failure("@name annotation: expected a name in quotes") }
        let name = try inner.takeName("@name annotation")
        guard inner.token.kind == .rightParenthesis else { throw inner.failure("@name annotation: unexpected token") }
        return name
    }

    /// `(@custom …)` between the fields.
    mutating func takeCustomAnnotations() throws(TextError) {
        guard !reader.annotations.isEmpty else { return }
        while let index = reader.annotations.firstIndex(where: {
            $0.kind == .custom && $0.following == reader.token.start
        }) {
            let annotation = reader.annotations.remove(at: index)
            var inner = try contents(of: annotation)
            customSections.append(try Self.custom(&inner))
        }
    }

    private static func custom(_ inner: inout TokenReader) throws(TextError) -> CustomAnnotation {
        guard inner.token.kind == .string else { throw inner.failure("@custom annotation: missing section name") }
        var section = CustomAnnotation(
            name: try inner.takeName("@custom annotation"), position: .last, contents: [])
        if inner.token.kind == .leftParenthesis { section.position = try position(&inner) }
        while try inner.takeString(to: &section.contents) {}
        guard inner.token.kind == .rightParenthesis else { throw inner.failure("@custom annotation: unexpected token") }
        return section
    }

    private static func position(_ inner: inout TokenReader) throws(TextError) -> CustomAnnotation.Position {
        let isBefore = try inner.openForm("before")
        let isAfter = try inner.openForm("after")
        guard isBefore || isAfter else {
            throw inner.failure("@custom annotation: malformed placement, expected (before …) or (after …)")
        }
        var position: CustomAnnotation.Position?
        if try inner.takeKeyword("first"), isBefore {
            position = .first
        } else if try inner.takeKeyword("last"), !isBefore {
            position = .last
        } else {
            for (word, place) in places where inner.isKeyword(word) {
                position = isBefore ? .before(place) : .after(place)
                try inner.advance()
                break
            }
        }
        guard let position, inner.token.kind == .rightParenthesis else {
            throw inner.failure("@custom annotation: malformed section kind \(inner.shown(inner.token))")
        }
        try inner.close()
        return position
    }

    /// `(@metadata.code.branch_hint "\00")` right before an instruction.
    mutating func takeBranchHint() throws(TextError) -> UInt8? {
        guard !reader.annotations.isEmpty, let annotation = try takeAnnotation(.branchHint) else { return nil }
        var inner = try contents(of: annotation)
        var bytes: [UInt8] = []
        while try inner.takeString(to: &bytes) {}
        guard inner.token.kind == .rightParenthesis, bytes == [0] || bytes == [1] else {
            throw inner.failure("@metadata.code.branch_hint annotation: invalid value, expected \"\\00\" or \"\\01\"")
        }
        return bytes[0]
    }

    // MARK: Sections

    func appendCustom(_ position: CustomAnnotation.Position, to out: inout [UInt8]) {
        for section in customSections where section.position == position {
            Self.appendCustom(section.name, section.contents, to: &out)
        }
    }

    private static func appendCustom(_ name: String, _ contents: [UInt8], to out: inout [UInt8]) {
        var payload: [UInt8] = []
        payload.appendName(name)
        payload += contents
        out.append(0)
        out.appendSized(payload)
    }

    func appendBranchHints(to out: inout [UInt8]) {
        guard !branchHints.isEmpty else { return }
        var contents: [UInt8] = []
        contents.appendUnsigned(UInt64(branchHints.count))
        for (function, hints) in branchHints {
            contents.appendIndex(function)
            contents.appendUnsigned(UInt64(hints.count))
            for hint in hints.sorted(by: { $0.offset < $1.offset }) {
                contents.appendUnsigned(UInt64(hint.offset))
                contents += [1, hint.isLikely]
            }
        }
        Self.appendCustom("metadata.code.branch_hint", contents, to: &out)
    }

    /// The name section (core specification §A.7.4 and its extension to all index spaces), when there are names.
    func appendNameSection(to out: inout [UInt8]) {
        var contents: [UInt8] = []
        if let moduleName {
            var name: [UInt8] = []
            name.appendName(moduleName)
            Self.appendSubsection(0, name, to: &contents)
        }
        let fields = types.enumerated().reduce(into: [UInt32: [UInt32: String]]()) { fields, type in
            if !type.element.fields.names.isEmpty { fields[UInt32(type.offset)] = type.element.fields.names }
        }
        Self.appendNames(1, functions.names, to: &contents)
        Self.appendIndirectNames(2, localNames, to: &contents)
        Self.appendIndirectNames(3, labelNames, to: &contents)
        Self.appendNames(4, typeSpace.names, to: &contents)
        Self.appendNames(5, tables.names, to: &contents)
        Self.appendNames(6, memories.names, to: &contents)
        Self.appendNames(7, globals.names, to: &contents)
        Self.appendNames(8, elements.names, to: &contents)
        Self.appendNames(9, data.names, to: &contents)
        Self.appendIndirectNames(10, fields, to: &contents)
        Self.appendNames(11, tags.names, to: &contents)
        if !contents.isEmpty { Self.appendCustom("name", contents, to: &out) }
    }

    private static func appendSubsection(_ identifier: UInt8, _ bytes: [UInt8], to out: inout [UInt8]) {
        out.append(identifier)
        out.appendSized(bytes)
    }

    private static func nameMap(_ names: [UInt32: String]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendUnsigned(UInt64(names.count))
        for (index, name) in names.sorted(by: { $0.key < $1.key }) {
            bytes.appendIndex(index)
            bytes.appendName(name)
        }
        return bytes
    }

    private static func appendNames(_ identifier: UInt8, _ names: [UInt32: String], to out: inout [UInt8]) {
        if !names.isEmpty { appendSubsection(identifier, nameMap(names), to: &out) }
    }

    private static func appendIndirectNames(
        _ identifier: UInt8, _ names: [UInt32: [UInt32: String]], to out: inout [UInt8]
    ) {
        guard !names.isEmpty else { return }
        var bytes: [UInt8] = []
        bytes.appendUnsigned(UInt64(names.count))
        for (owner, inner) in names.sorted(by: { $0.key < $1.key }) {
            bytes.appendIndex(owner)
            bytes += nameMap(inner)
        }
        appendSubsection(identifier, bytes, to: &out)
    }
}
