// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the first reading: which identifiers a module defines.

import Wasm

extension ModuleAssembler {
    private static let fieldWords = [
        "type", "rec", "import", "func", "table", "memory", "global", "tag", "export", "start", "elem", "data",
    ]

    /// Gives each definition its index. Ends at the token that closes the module.
    mutating func outline() throws(TextError) {
        var firstDefinition: StaticString?
        while reader.token.kind == .leftParenthesis {
            let start = reader.token.start
            try reader.advance()
            guard reader.token.kind == .keyword else { throw reader.unexpected("a field of a module") }
            let field = reader.token
            try reader.advance()
            let isImport = try outlineField(field)
            if let isImport {
                if isImport.isImport, let firstDefinition {
                    throw reader.failure(at: start, "import after \(firstDefinition)")
                }
                if !isImport.isImport, firstDefinition == nil { firstDefinition = isImport.what }
            }
            try skipForm()
            try reader.close()
        }
        guard reader.token.kind == .rightParenthesis || reader.token.kind == .end else {
            throw reader.unexpected("( of a field, or ) of the module")
        }
    }

    /// Whether the field imports or defines something that imports must precede; nil for other fields.
    private mutating func outlineField(
        _ field: Token
    ) throws(TextError) -> (isImport: Bool, what: StaticString)? {
        let source = reader.source
        if source.matches(field.range, "type") {
            try typeSpace.define(try reader.takeIdentifier(), reader)
            return nil
        }
        if source.matches(field.range, "rec") {
            while try reader.openForm("type") {
                try typeSpace.define(try reader.takeIdentifier(), reader)
                try skipForm()
                try reader.close()
            }
            return nil
        }
        if source.matches(field.range, "import") {
            try outlineImport()
            return (true, "import")
        }
        if source.matches(field.range, "func") { return (try outline(\.functions), "function") }
        if source.matches(field.range, "table") { return (try outline(\.tables), "table") }
        if source.matches(field.range, "memory") { return (try outline(\.memories), "memory") }
        if source.matches(field.range, "global") { return (try outline(\.globals), "global") }
        if source.matches(field.range, "tag") { return (try outline(\.tags), "tag") }
        if source.matches(field.range, "elem") {
            try elements.define(try reader.takeIdentifier(), reader)
        } else if source.matches(field.range, "data") {
            try data.define(try reader.takeIdentifier(), reader)
        } else if !source.matches(field.range, "export") && !source.matches(field.range, "start") {
            let word = reader.text(field)
            let hint = word.utf8.count > 100 ? nil : Suggestion.nearest(to: word, in: Self.fieldWords)
            throw reader.failure(
                at: field.start,
                "unexpected token: expected a field of a module, found \(reader.shown(field))"
                    + (hint.map { "; did you mean \($0)?" } ?? ""))
        }
        return nil
    }

    private mutating func outlineImport() throws(TextError) {
        _ = try reader.takeName("the module of an import")
        _ = try reader.takeName("the name of an import")
        try outlineImportDescription()
    }

    private mutating func outlineImportDescription() throws(TextError) {
        guard reader.token.kind == .leftParenthesis else { throw reader.unexpected("( of what is imported") }
        try reader.advance()
        let kind = reader.token
        try reader.advance()
        let identifier = try reader.takeIdentifier()
        let source = reader.source
        if source.matches(kind.range, "func") {
            try functions.define(identifier, reader)
        } else if source.matches(kind.range, "table") {
            try tables.define(identifier, reader)
        } else if source.matches(kind.range, "memory") {
            try memories.define(identifier, reader)
        } else if source.matches(kind.range, "global") {
            try globals.define(identifier, reader)
        } else if source.matches(kind.range, "tag") {
            try tags.define(identifier, reader)
        } else {
            throw reader.failure(
                at: kind.start,
                "unexpected token: expected func, table, memory, global or tag, found \(reader.shown(kind))")
        }
        try skipForm()
        try reader.close()
    }

    /// Defines what the field names; true when it is an import in short form.
    private mutating func outline(_ space: WritableKeyPath<Self, IndexSpace>) throws(TextError) -> Bool {
        let identifier = try reader.takeIdentifier()
        try self[keyPath: space].define(identifier, reader)
        while try reader.openForm("export") {
            try skipForm()
            try reader.close()
        }
        if reader.isForm("import") { return true }
        // Segments in short form take an index of their own.
        var depth = 0
        let isTable = space == \.tables
        let isMemory = space == \.memories
        guard isTable || isMemory else { return false }
        while !(depth == 0 && reader.token.kind == .rightParenthesis), reader.token.kind != .end {
            if depth == 0, isTable, reader.isForm("elem") { try elements.define(nil, reader) }
            if depth == 0, isMemory, reader.isForm("data") { try data.define(nil, reader) }
            if reader.token.kind == .leftParenthesis { depth += 1 }
            if reader.token.kind == .rightParenthesis { depth -= 1 }
            try reader.advance()
        }
        return false
    }
}
