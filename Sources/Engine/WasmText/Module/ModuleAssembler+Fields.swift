// SPDX-License-Identifier: Apache-2.0
// Swiftlet: imports, exports, functions, tables, memories, globals and tags.

import Wasm

extension ModuleAssembler {
    // MARK: Imports and exports

    mutating func encodeImport() throws(TextError) {
        let module = try reader.takeName("the module of an import")
        let name = try reader.takeName("the name of an import")
        importSection.bytes.appendName(module)
        importSection.bytes.appendName(name)
        importSection.count += 1
        if try reader.openForm("func") {
            _ = try reader.takeIdentifier()
            try takeNameAnnotation(\.functions, functionIndex)
            try importFunction()
        } else if try reader.openForm("table") {
            _ = try reader.takeIdentifier()
            try importTable()
        } else if try reader.openForm("memory") {
            _ = try reader.takeIdentifier()
            try importMemory()
        } else if try reader.openForm("global") {
            _ = try reader.takeIdentifier()
            try importGlobal()
        } else if try reader.openForm("tag") {
            _ = try reader.takeIdentifier()
            try importTag()
        } else {
            throw reader.unexpected("(func, (table, (memory, (global or (tag")
        }
        try reader.close()
    }

    private mutating func importFunction() throws(TextError) {
        let use = try readTypeUse(allowsIdentifiers: true)
        try nameParameters(use, of: functionIndex)
        functionIndex += 1
        importSection.bytes.append(0)
        importSection.bytes.appendIndex(use.index)
    }

    private mutating func importTable() throws(TextError) {
        tableIndex += 1
        importSection.bytes.append(1)
        let limits = try readLimits()
        var type: [UInt8] = []
        try readReferenceType(to: &type)
        importSection.bytes += type
        importSection.bytes += limits.bytes
    }

    private mutating func importMemory() throws(TextError) {
        memoryIndex += 1
        importSection.bytes.append(2)
        importSection.bytes += try readLimits(allowsShared: true).bytes
    }

    private mutating func importGlobal() throws(TextError) {
        globalIndex += 1
        importSection.bytes.append(3)
        importSection.bytes += try readGlobalType()
    }

    private mutating func importTag() throws(TextError) {
        tagIndex += 1
        importSection.bytes += [4, 0]
        importSection.bytes.appendIndex(try readTypeUse(allowsIdentifiers: true).index)
    }

    /// The import in short form, `(import "m" "n")`; true when it is there.
    private mutating func takeInlineImport() throws(TextError) -> Bool {
        guard try reader.openForm("import") else { return false }
        importSection.bytes.appendName(try reader.takeName("the module of an import"))
        importSection.bytes.appendName(try reader.takeName("the name of an import"))
        importSection.count += 1
        try reader.close()
        return true
    }

    mutating func encodeExport() throws(TextError) {
        let name = try reader.takeName("the name of an export")
        let (kind, index): (UInt8, UInt32)
        if try reader.openForm("func") {
            (kind, index) = (0, try functions.use(&reader))
        } else if try reader.openForm("table") {
            (kind, index) = (1, try tables.use(&reader))
        } else if try reader.openForm("memory") {
            (kind, index) = (2, try memories.use(&reader))
        } else if try reader.openForm("global") {
            (kind, index) = (3, try globals.use(&reader))
        } else if try reader.openForm("tag") {
            (kind, index) = (4, try tags.use(&reader))
        } else {
            throw reader.unexpected("(func, (table, (memory, (global or (tag")
        }
        appendExport(name, kind, index)
        try reader.close()
    }

    private mutating func appendExport(_ name: String, _ kind: UInt8, _ index: UInt32) {
        exportSection.bytes.appendName(name)
        exportSection.bytes.append(kind)
        exportSection.bytes.appendIndex(index)
        exportSection.count += 1
    }

    private mutating func takeInlineExports(_ kind: UInt8, _ index: UInt32) throws(TextError) {
        while try reader.openForm("export") {
            appendExport(try reader.takeName("the name of an export"), kind, index)
            try reader.close()
        }
    }

    // MARK: Functions

    mutating func encodeFunction() throws(TextError) {
        _ = try reader.takeIdentifier()
        try takeNameAnnotation(\.functions, functionIndex)
        try takeInlineExports(0, functionIndex)
        if try takeInlineImport() { return try importFunction() }
        let use = try readTypeUse(allowsIdentifiers: true)
        functionSection.bytes.appendIndex(use.index)
        functionSection.count += 1
        try nameParameters(use, of: functionIndex)
        try encodeBody(use)
        functionIndex += 1
    }

    private mutating func nameParameters(_ use: TypeUse, of function: UInt32) throws(TextError) {
        guard !use.identifiers.isEmpty else { return }
        var space = IndexSpace("local", "local")
        for identifier in use.identifiers { try space.define(identifier, reader) }
        localNames[function] = space.names
    }

    mutating func encodeTag() throws(TextError) {
        _ = try reader.takeIdentifier()
        try takeNameAnnotation(\.tags, tagIndex)
        try takeInlineExports(4, tagIndex)
        if try takeInlineImport() { return try importTag() }
        tagSection.bytes.append(0)
        tagSection.bytes.appendIndex(try readTypeUse(allowsIdentifiers: true).index)
        tagSection.count += 1
        tagIndex += 1
    }

    // MARK: Globals

    private mutating func readGlobalType() throws(TextError) -> [UInt8] {
        var bytes: [UInt8] = []
        let isMutable = try reader.openForm("mut")
        try readValueType(to: &bytes)
        bytes.append(isMutable ? 1 : 0)
        if isMutable { try reader.close() }
        return bytes
    }

    mutating func encodeGlobal() throws(TextError) {
        _ = try reader.takeIdentifier()
        try takeNameAnnotation(\.globals, globalIndex)
        try takeInlineExports(3, globalIndex)
        if try takeInlineImport() { return try importGlobal() }
        globalSection.bytes += try readGlobalType()
        globalSection.bytes += try readExpression()
        globalSection.count += 1
        globalIndex += 1
    }

    // MARK: Memories and tables

    struct LimitsText {
        var bytes: [UInt8] = []
        var is64 = false
    }

    /// `i32? n m? shared?`
    mutating func readLimits(allowsShared: Bool = false) throws(TextError) -> LimitsText {
        var text = LimitsText()
        text.is64 = try readAddressType()
        let minimum = try reader.takeUnsigned("a number of pages or elements", bits: 64)
        let maximum = reader.token.kind == .number ? try reader.takeUnsigned("a maximum", bits: 64) : nil
        let isShared = allowsShared ? try reader.takeKeyword("shared") : false
        text.bytes = Self.limits(minimum, maximum, isShared: isShared, is64: text.is64)
        return text
    }

    /// `i32`, `i64` or nothing; true for 64-bit addresses.
    private mutating func readAddressType() throws(TextError) -> Bool {
        if try reader.takeKeyword("i64") { return true }
        _ = try reader.takeKeyword("i32")
        return false
    }

    private static func limits(_ minimum: UInt64, _ maximum: UInt64?, isShared: Bool = false, is64: Bool) -> [UInt8] {
        var bytes: [UInt8] = [(maximum == nil ? 0 : 1) | (isShared ? 2 : 0) | (is64 ? 4 : 0)]
        bytes.appendUnsigned(minimum)
        if let maximum { bytes.appendUnsigned(maximum) }
        return bytes
    }

    mutating func encodeMemory() throws(TextError) {
        _ = try reader.takeIdentifier()
        try takeNameAnnotation(\.memories, memoryIndex)
        try takeInlineExports(2, memoryIndex)
        if try takeInlineImport() { return try importMemory() }
        let start = reader.token.start
        let is64 = try readAddressType()
        if try reader.openForm("data") {
            var contents: [UInt8] = []
            while try reader.takeString(to: &contents) {}
            try reader.close()
            let pages = (UInt64(contents.count) + 0xFFFF) >> 16
            memorySection.bytes += Self.limits(pages, pages, is64: is64)
            appendData(contents, memory: memoryIndex, offset: [is64 ? 0x42 : 0x41, 0x00, 0x0B])
            dataIndex += 1
        } else {
            if reader.token.start != start { try reader.seek(to: start) }
            memorySection.bytes += try readLimits(allowsShared: true).bytes
        }
        memorySection.count += 1
        memoryIndex += 1
    }

    mutating func encodeTable() throws(TextError) {
        _ = try reader.takeIdentifier()
        try takeNameAnnotation(\.tables, tableIndex)
        try takeInlineExports(1, tableIndex)
        if try takeInlineImport() { return try importTable() }
        let start = reader.token.start
        let is64 = try readAddressType()
        var type: [UInt8] = []
        if isReferenceType {
            try readReferenceType(to: &type)
            guard try reader.openForm("elem") else { throw reader.unexpected("(elem") }
            let items = try readElementItems(type: type)
            try reader.close()
            tableSection.bytes += type
            tableSection.bytes += Self.limits(UInt64(items.count), UInt64(items.count), is64: is64)
            elementSection.count += 1
            appendActiveElements(items, type: type, table: tableIndex, offset: [is64 ? 0x42 : 0x41, 0x00, 0x0B])
            elementIndex += 1
        } else {
            if reader.token.start != start { try reader.seek(to: start) }
            let limits = try readLimits()
            try readReferenceType(to: &type)
            if reader.token.kind != .rightParenthesis {
                tableSection.bytes += [0x40, 0x00]
                tableSection.bytes += type
                tableSection.bytes += limits.bytes
                tableSection.bytes += try readExpression()
            } else {
                tableSection.bytes += type
                tableSection.bytes += limits.bytes
            }
        }
        tableSection.count += 1
        tableIndex += 1
    }
}
