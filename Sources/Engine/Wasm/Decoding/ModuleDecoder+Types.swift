// SPDX-License-Identifier: Apache-2.0
// Swiftlet: decoding of types, imports, functions, tables, memories, globals and exports.

extension ModuleDecoder {
    /// Tells the types of later features from garbage.
    func typeFault(_ error: ReadFault, _ what: StaticString) -> WasmError {
        guard let byte = reader.peekByte() else { return fault(error, what) }
        if let feature = LaterFeatures.ofTypeByte(byte) {
            return unsupported(feature, "type 0x\(String(byte, radix: 16))")
        }
        return WasmError(
            .malformed, at: reader.offset, "\(error.message): 0x\(String(byte, radix: 16)) as \(what) in \(place)")
    }

    mutating func decodeImportSection() throws(WasmError) {
        let count = try self.count("imports", limits.imports)
        module.imports.reserveCapacity(plausible(count))
        for _ in 0..<count {
            let moduleName = try name("import module name")
            let itemName = try name("import name")
            let start = reader.offset
            let kind = try byte("import kind")
            let description: Import.Description
            switch kind {
            case 0: description = .function(typeIndex: try u32("type index of an import"))
            case 1: description = .table(try tableType())
            case 2: description = .memory(try memoryType())
            case 3: description = .global(try globalType())
            case 4 where !features.contains(.exceptions):
                throw unsupported(.exceptions, "import \(moduleName).\(itemName), a tag,", at: start)
            case 4: description = .tag(typeIndex: try tagType())
            case 0x20: throw unsupported(.customDescriptors, "exact import \(moduleName).\(itemName)", at: start)
            case 0x7E, 0x7F:
                guard itemName.isEmpty else { fallthrough }
                throw unsupported(.compactImports, "import group \(moduleName)", at: start)
            default:
                throw WasmError(
                    .malformed, at: start,
                    "malformed import kind: \(kind) of \(moduleName).\(itemName), expected 0 to 4")
            }
            module.imports.append(Import(module: moduleName, name: itemName, description: description))
        }
    }

    mutating func decodeFunctionSection() throws(WasmError) {
        let count = try self.count("functions", limits.functions)
        module.functionTypeIndices.reserveCapacity(plausible(count))
        for _ in 0..<count { module.functionTypeIndices.append(try u32("type index of a function")) }
    }

    mutating func decodeTableSection() throws(WasmError) {
        let count = try self.count("tables", limits.tables)
        for _ in 0..<count {
            let hasInitializer = reader.peekByte() == 0x40
            if hasInitializer { try tableInitializerMark() }
            module.tables.append(try tableType())
            module.tableInitializers.append(hasInitializer ? try constantExpression() : nil)
        }
    }

    mutating func decodeMemorySection() throws(WasmError) {
        let count = try self.count("memories", limits.memories)
        for _ in 0..<count { module.memories.append(try memoryType()) }
    }

    mutating func decodeTagSection() throws(WasmError) {
        let count = try self.count("tags", limits.tags)
        module.tags.reserveCapacity(plausible(count))
        for _ in 0..<count { module.tags.append(try tagType()) }
    }

    /// A tag type (core specification 3.0 §5.3.16): the attribute "exception" and a type index.
    private mutating func tagType() throws(WasmError) -> UInt32 {
        let start = reader.offset
        let attribute = try byte("attribute of a tag")
        guard attribute == 0 else {
            throw WasmError(.malformed, at: start, "malformed tag attribute: \(attribute), expected 0")
        }
        return try u32("type index of a tag")
    }

    private mutating func tableType() throws(WasmError) -> TableType {
        let element = try referenceType("element type of a table")
        let (limits, address, _) = try sizeLimits("table")
        return TableType(element: element, limits: limits, address: address)
    }

    private mutating func memoryType() throws(WasmError) -> MemoryType {
        let (limits, address, isShared) = try sizeLimits("memory", mayBeShared: features.contains(.threads))
        return MemoryType(limits: limits, address: address, isShared: isShared)
    }

    private mutating func sizeLimits(
        _ what: StaticString, mayBeShared: Bool = false
    ) throws(WasmError) -> (limits: Limits, address: AddressType, isShared: Bool) {
        let start = reader.offset
        let flags = try byte("limits flags")
        guard flags < 8 else {
            // Bit 3 is a proposal's (custom-page-sizes), which the core suite wants refused as malformed.
            throw WasmError(.malformed, at: start, "malformed limits flags: 0x\(String(flags, radix: 16)) of a \(what)")
        }
        if flags & 2 != 0 && !mayBeShared { throw unsupported(.threads, "shared \(what)", at: start) }
        if flags & 4 != 0 && !features.contains(.memory64) {
            throw unsupported(.memory64, "64-bit \(what)", at: start)
        }
        // Version 3.0 reads 64-bit numbers here always and checks the size later, so that the error names the size.
        let minimum = try u64("minimum size")
        let maximum = flags & 1 != 0 ? try u64("maximum size") : nil
        return (Limits(minimum: minimum, maximum: maximum), flags & 4 != 0 ? .i64 : .i32, flags & 2 != 0)
    }

    private mutating func u64(_ what: StaticString) throws(WasmError) -> UInt64 {
        do throws(ReadFault) { return try reader.readU64() } catch { throw fault(error, what) }
    }

    private mutating func globalType() throws(WasmError) -> GlobalType {
        let value = try valueType("type of a global")
        return GlobalType(value: value, isMutable: try mutability("global"))
    }

    mutating func decodeGlobalSection() throws(WasmError) {
        let count = try self.count("globals", limits.globals)
        module.globals.reserveCapacity(plausible(count))
        for _ in 0..<count {
            let type = try globalType()
            module.globals.append(Global(type: type, initial: try constantExpression()))
        }
    }

    mutating func decodeExportSection() throws(WasmError) {
        let count = try self.count("exports", limits.exports)
        module.exports.reserveCapacity(plausible(count))
        for _ in 0..<count {
            let exportName = try name("export name")
            let start = reader.offset
            let kind = try byte("export kind")
            let index = try u32("export index")
            let description: Export.Description
            switch kind {
            case 0: description = .function(index)
            case 1: description = .table(index)
            case 2: description = .memory(index)
            case 3: description = .global(index)
            case 4 where !features.contains(.exceptions):
                throw unsupported(.exceptions, "export \(exportName), a tag,", at: start)
            case 4: description = .tag(index)
            default:
                throw WasmError(
                    .malformed, at: start, "malformed export kind: \(kind) of \(exportName), expected 0 to 4")
            }
            module.exports.append(Export(name: exportName, description: description))
        }
    }
}

/// Which later feature a byte belongs to, so that a newer module is not called malformed.
enum LaterFeatures {
    /// Heap and reference types (core specification 3.0 §5.3.3–5.3.4).
    static func ofTypeByte(_ byte: UInt8) -> FeatureSet? {
        switch byte {
        case 0x62: .customDescriptors
        case 0x63, 0x64: .functionReferences
        case 0x69, 0x74: .exceptions
        case 0x6A...0x6E, 0x71...0x73: .gc
        default: nil
        }
    }

    /// The feature of the opcode at the start of `bytes`, which this engine does not know.
    static func ofOpcode(_ bytes: Slice<UnsafeRawBufferPointer>) -> FeatureSet? {
        switch bytes.first ?? 0 {
        case 0x08, 0x0A, 0x1F: .exceptions
        case 0x06, 0x07, 0x09, 0x18, 0x19: .legacyExceptions
        case 0x12, 0x13: .tailCalls
        case 0xFC: (0x13...0x16).contains(subopcode(bytes) ?? 0) ? .wideArithmetic : nil
        case 0xFD: (subopcode(bytes) ?? 0) < 0x100 ? .simd : .relaxedSIMD
        case 0xFE: .threads
        default: nil
        }
    }

    /// The index after a prefix byte.
    static func subopcode(_ bytes: Slice<UnsafeRawBufferPointer>) -> UInt32? {
        let rest = UnsafeRawBufferPointer(rebasing: bytes.dropFirst())
        var reader = BinaryReader(rest, in: 0..<rest.count)
        return try? reader.readU32()
    }

    /// `fd 0c`, `ff`: the opcode for a message.
    static func nameOfOpcode(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
        let name = FileKind.hexadecimal(bytes.prefix(1))
        guard let first = bytes.first, (0xFB...0xFE).contains(first), let index = subopcode(bytes) else { return name }
        return name + " " + (index < 16 ? "0" : "") + String(index, radix: 16)
    }
}
