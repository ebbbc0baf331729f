// SPDX-License-Identifier: Apache-2.0
// Swiftlet: element and data segments.

import Wasm

extension ModuleAssembler {
    /// Items of an element segment: function indices where the text lists them, expressions otherwise.
    struct ElementItems {
        var indices: [UInt32] = []
        var expressions = SectionBuffer()
        var usesExpressions = false

        var count: Int { usesExpressions ? Int(expressions.count) : indices.count }

        /// The same with each function index as `ref.func`.
        func asExpressions() -> SectionBuffer {
            if usesExpressions { return expressions }
            var buffer = SectionBuffer(count: UInt32(indices.count))
            for index in indices {
                buffer.bytes.append(0xD2)
                buffer.bytes.appendIndex(index)
                buffer.bytes.append(0x0B)
            }
            return buffer
        }
    }

    private static let functionReference: [UInt8] = [0x70]

    // MARK: Elements

    mutating func encodeElement() throws(TextError) {
        _ = try reader.takeIdentifier()
        try takeNameAnnotation(\.elements, elementIndex)
        defer { elementIndex += 1 }
        elementSection.count += 1
        if try reader.takeKeyword("declare") {
            let (type, items) = try readElementList(allowsBareIndices: false)
            return append(items, type: type, flags: 3, prefix: [])
        }
        var table: UInt32 = 0
        var namesTable = false
        if try reader.openForm("table") {
            table = try tables.use(&reader)
            try reader.close()
            namesTable = true
        } else if reader.isIndex {
            // The table without parentheses, as in version 1.0.
            table = try tables.use(&reader)
            namesTable = true
        }
        guard namesTable || (reader.token.kind == .leftParenthesis && !reader.isForm("ref")) else {
            let (type, items) = try readElementList(allowsBareIndices: false)
            return append(items, type: type, flags: 1, prefix: [])
        }
        let offset = try readOffset()
        let (type, items) = try readElementList(allowsBareIndices: true)
        appendActiveElements(items, type: type, table: namesTable ? table : nil, offset: offset)
    }

    /// `reftype item*`, `func index*`, or where that is allowed `index*`.
    private mutating func readElementList(
        allowsBareIndices: Bool
    ) throws(TextError) -> (type: [UInt8], items: ElementItems) {
        if isReferenceType {
            var type: [UInt8] = []
            try readReferenceType(to: &type)
            return (type, try readElementItems(type: type))
        }
        if try !reader.takeKeyword("func"), !allowsBareIndices || reader.token.kind == .leftParenthesis {
            throw reader.unexpected("func or a reference type")
        }
        return (Self.functionReference, try readFunctionIndices())
    }

    private mutating func readFunctionIndices() throws(TextError) -> ElementItems {
        var items = ElementItems()
        while reader.isIndex { items.indices.append(try functions.use(&reader)) }
        return items
    }

    /// The contents of a list of a known type: indices, or expressions.
    mutating func readElementItems(type: [UInt8]) throws(TextError) -> ElementItems {
        if reader.isIndex {
            var items = try readFunctionIndices()
            if type != Self.functionReference {
                items.expressions = items.asExpressions()
                items.usesExpressions = true
            }
            return items
        }
        var items = ElementItems(usesExpressions: true)
        while reader.token.kind == .leftParenthesis {
            if try reader.openForm("item") {
                items.expressions.bytes += try readExpression()
                try reader.close()
            } else {
                items.expressions.bytes += try readFoldedExpression()
            }
            items.expressions.count += 1
        }
        return items
    }

    /// Without a table it is the first, and the shorter form where the type allows it.
    mutating func appendActiveElements(_ items: ElementItems, type: [UInt8], table: UInt32?, offset: [UInt8]) {
        if table == nil && type == Self.functionReference { return append(items, type: nil, flags: 0, prefix: offset) }
        var prefix: [UInt8] = []
        prefix.appendIndex(table ?? 0)
        append(items, type: type, flags: 2, prefix: prefix + offset)
    }

    /// `flags` without the bit that says that the items are expressions; no type = the short forms 0 and 4.
    private mutating func append(_ items: ElementItems, type: [UInt8]?, flags: UInt8, prefix: [UInt8]) {
        let usesExpressions = items.usesExpressions || (type ?? Self.functionReference) != Self.functionReference
        elementSection.bytes.append(usesExpressions ? flags | 4 : flags)
        elementSection.bytes += prefix
        if let type { elementSection.bytes += usesExpressions ? type : [0x00] }
        if usesExpressions {
            let expressions = items.asExpressions()
            elementSection.bytes.appendIndex(expressions.count)
            elementSection.bytes += expressions.bytes
        } else {
            elementSection.bytes.appendUnsigned(UInt64(items.indices.count))
            for index in items.indices { elementSection.bytes.appendIndex(index) }
        }
    }

    // MARK: Data

    mutating func encodeData() throws(TextError) {
        _ = try reader.takeIdentifier()
        try takeNameAnnotation(\.data, dataIndex)
        defer { dataIndex += 1 }
        var memory: UInt32 = 0
        var offset: [UInt8]?
        var namesMemory = false
        if try reader.openForm("memory") {
            memory = try memories.use(&reader)
            try reader.close()
            namesMemory = true
        } else if reader.isIndex {
            // The memory without parentheses, as in version 1.0.
            memory = try memories.use(&reader)
            namesMemory = true
        }
        if namesMemory || reader.token.kind == .leftParenthesis { offset = try readOffset() }
        var contents: [UInt8] = []
        while try reader.takeString(to: &contents) {}
        appendData(contents, memory: memory, offset: offset)
    }

    mutating func appendData(_ contents: [UInt8], memory: UInt32, offset: [UInt8]?) {
        dataSection.count += 1
        if let offset {
            dataSection.bytes.append(memory == 0 ? 0 : 2)
            if memory != 0 { dataSection.bytes.appendIndex(memory) }
            dataSection.bytes += offset
        } else {
            dataSection.bytes.append(1)
        }
        dataSection.bytes.appendSized(contents)
    }

    /// `(offset expression)` or a single folded instruction.
    private mutating func readOffset() throws(TextError) -> [UInt8] {
        if try reader.openForm("offset") {
            let expression = try readExpression()
            try reader.close()
            return expression
        }
        guard reader.token.kind == .leftParenthesis else { throw reader.unexpected("(offset …) or (i32.const …)") }
        return try readFoldedExpression()
    }
}
