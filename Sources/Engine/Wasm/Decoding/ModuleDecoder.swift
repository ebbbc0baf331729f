// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the binary decoder's frame: header, sections, their order, and the reading of counted things.

extension Module {
    /// Decodes the binary format (core specification §5.5). Function bodies are only located;
    /// ``validate(features:limits:)`` reads them.
    ///
    /// - Throws: `malformed` for broken bytes, `unsupported` for a feature outside `features`, `limit` for one outside
    ///   `limits`; `invalid` only for an instruction that a constant expression may not have.
    public static func decode(
        _ bytes: ModuleBytes, features: FeatureSet = .supported, limits: DecodingLimits = .standard
    ) throws(WasmError) -> Module {
        var decoder = ModuleDecoder(bytes, features: features, limits: limits)
        try decoder.decode()
        return decoder.module
    }
}

/// One decoding run. Sections are read by the extensions in `ModuleDecoder+*.swift`.
struct ModuleDecoder {
    var module: Module
    var reader: BinaryReader
    let features: FeatureSet
    let limits: DecodingLimits
    /// The section being read, for messages.
    var place = "header"
    var elementItemCount = 0
    /// Types that may be named: those read so far, and all of the recursive group being read.
    var visibleTypeCount = 0
    /// The first group of each structure.
    var canonicalGroups: [TypeGroupKey: UInt32] = [:]

    init(_ bytes: ModuleBytes, features: FeatureSet, limits: DecodingLimits) {
        module = Module(bytes: bytes)
        reader = BinaryReader(bytes.buffer, in: 0..<bytes.count)
        self.features = features
        self.limits = limits
    }

    mutating func decode() throws(WasmError) {
        try decodeHeader()
        // The order of §5.5.16 is that of the identifiers, but for data count, which precedes code, and tag,
        // which follows memory.
        var lastRank = 0
        while !reader.isAtEnd {
            let section = try readSectionHeader()
            if section.identifier != .custom {
                let rank = Self.rank(section.identifier)
                guard rank > lastRank else {
                    throw WasmError(
                        .malformed, at: section.payload.lowerBound,
                        "unexpected content after last section: section \(section.identifier.name) is out of order or "
                            + "repeated")
                }
                lastRank = rank
            }
            try decodeSection(section)
        }
        guard module.functionTypeIndices.count == module.code.count else {
            throw WasmError(
                .malformed, at: reader.offset,
                "function and code section have inconsistent lengths: \(module.functionTypeIndices.count) functions, "
                    + "\(module.code.count) bodies")
        }
        if let dataCount = module.dataCount, Int(dataCount) != module.data.count {
            throw WasmError(
                .malformed, at: reader.offset,
                "data count and data section have inconsistent lengths: \(dataCount) announced, "
                    + "\(module.data.count) found")
        }
    }

    private static func rank(_ identifier: Section.Identifier) -> Int {
        switch identifier {
        case .dataCount: Int(Section.Identifier.element.rawValue) * 2 + 1
        case .tag: Int(Section.Identifier.memory.rawValue) * 2 + 1
        default: Int(identifier.rawValue) * 2
        }
    }

    private mutating func decodeHeader() throws(WasmError) {
        let buffer = module.bytes.buffer
        guard buffer.count <= limits.moduleBytes else {
            throw WasmError(
                .limit, at: 0, "module size: \(buffer.count) bytes, at most \(limits.moduleBytes) are allowed")
        }
        let magic: [UInt8] = [0x00, 0x61, 0x73, 0x6D]
        guard buffer.count >= 4 else {
            let detail =
                buffer.isEmpty ? "the file is empty" : "the file has \(buffer.count) bytes, a module at least 8"
            throw WasmError(.malformed, at: 0, "unexpected end: \(detail)")
        }
        guard buffer.starts(with: magic) else {
            throw WasmError(.malformed, at: 0, "magic header not detected: \(FileKind.guess(buffer))")
        }
        guard buffer.count >= 8 else {
            throw WasmError(
                .malformed, at: 4, "unexpected end: the file has \(buffer.count) bytes, a module at least 8")
        }
        let version = buffer.loadUnaligned(fromByteOffset: 4, as: UInt32.self).littleEndian
        if version == 0x0001_000D {
            throw WasmError(
                .unsupported, at: 4,
                "unknown binary version: the file is a component (component model); this engine runs core modules")
        }
        guard version == 1 else {
            throw WasmError(
                .malformed, at: 4,
                "unknown binary version: expected 01 00 00 00, found \(FileKind.hexadecimal(buffer[4..<8]))")
        }
        reader = BinaryReader(buffer, in: 8..<buffer.count)
    }

    private mutating func readSectionHeader() throws(WasmError) -> Section {
        place = "section header"
        let start = reader.offset
        let byte = try self.byte("section id")
        if byte == 13 && !features.contains(.exceptions) { throw unsupported(.exceptions, "tag section", at: start) }
        guard let identifier = Section.Identifier(rawValue: byte) else {
            throw WasmError(.malformed, at: start, "malformed section id: \(byte), expected 0 to 13")
        }
        let size = try u32("section size")
        guard Int(size) <= reader.remaining else {
            throw WasmError(
                .malformed, at: start,
                "length out of bounds: section \(identifier.name) announces \(size) bytes, \(reader.remaining) are left"
            )
        }
        let section = Section(identifier: identifier, payload: reader.offset..<reader.offset + Int(size))
        module.sections.append(section)
        return section
    }

    private mutating func decodeSection(_ section: Section) throws(WasmError) {
        let buffer = module.bytes.buffer
        reader = BinaryReader(buffer, in: section.payload)
        place = "section \(section.identifier.name)"
        switch section.identifier {
        case .custom: try decodeCustomSection()
        case .type: try decodeTypeSection()
        case .import: try decodeImportSection()
        case .function: try decodeFunctionSection()
        case .table: try decodeTableSection()
        case .memory: try decodeMemorySection()
        case .global: try decodeGlobalSection()
        case .export: try decodeExportSection()
        case .start: module.start = try u32("start function")
        case .element: try decodeElementSection()
        case .tag: try decodeTagSection()
        case .dataCount: module.dataCount = try u32("data count")
        case .code: try decodeCodeSection()
        case .data: try decodeDataSection()
        }
        guard reader.isAtEnd else {
            throw WasmError(
                .malformed, at: reader.offset,
                "section size mismatch: section \(section.identifier.name) has \(reader.remaining) bytes after its last item"
            )
        }
        reader = BinaryReader(buffer, in: section.payload.upperBound..<buffer.count)
    }

    private mutating func decodeCustomSection() throws(WasmError) {
        guard module.customSections.count < limits.customSections else {
            throw limit("custom sections", limits.customSections)
        }
        let name = try self.name("custom section name")
        let payload = reader.offset..<reader.endOffset
        module.customSections.append(CustomSection(name: name, payload: payload))
        reader = BinaryReader(module.bytes.buffer, in: payload.upperBound..<payload.upperBound)
    }
}

// MARK: - Counted and named things
extension ModuleDecoder {
    func fault(_ fault: ReadFault, _ what: StaticString) -> WasmError {
        WasmError(.malformed, at: reader.offset, "\(fault.message): \(what) in \(place)")
    }

    func limit(_ what: String, _ allowed: Int) -> WasmError {
        WasmError(.limit, at: reader.offset, "\(what): more than the \(allowed) allowed")
    }

    func unsupported(_ feature: FeatureSet, _ what: String, at offset: Int? = nil) -> WasmError {
        WasmError(
            .unsupported, at: offset ?? reader.offset, "feature \(feature) is not supported: \(what) needs it")
    }

    mutating func byte(_ what: StaticString) throws(WasmError) -> UInt8 {
        do throws(ReadFault) { return try reader.readByte() } catch { throw fault(error, what) }
    }

    mutating func u32(_ what: StaticString) throws(WasmError) -> UInt32 {
        do throws(ReadFault) { return try reader.readU32() } catch { throw fault(error, what) }
    }

    /// The length of a vector. It is bounded by `allowed`, but not yet by the bytes that are left: reserve
    /// ``plausible(_:)`` items only.
    mutating func count(_ what: StaticString, _ allowed: Int, beyond already: Int = 0) throws(WasmError) -> Int {
        let count = Int(try u32(what))
        guard count + already <= allowed else {
            throw WasmError(.limit, at: reader.offset, "\(what): \(count + already), at most \(allowed) are allowed")
        }
        return count
    }

    /// How many items may really follow, since each has at least one byte.
    func plausible(_ count: Int) -> Int { min(count, reader.remaining) }

    /// A name (core specification §5.2.4), checked to be UTF-8.
    mutating func name(_ what: StaticString) throws(WasmError) -> String {
        let start = reader.offset
        let length = Int(try u32(what))
        guard length <= reader.remaining else {
            throw WasmError(
                .malformed, at: start,
                "length out of bounds: unexpected end of section or function: \(what) announces \(length) bytes, "
                    + "\(reader.remaining) are left in \(place)")
        }
        guard length <= limits.nameBytes else { throw limit("bytes in a name", limits.nameBytes) }
        let range: ByteRange
        do throws(ReadFault) { range = try reader.skip(length) } catch { throw fault(error, what) }
        let raw = UnsafeRawBufferPointer(rebasing: module.bytes.buffer[range])
        guard let name = raw.withMemoryRebound(to: UInt8.self, Self.text) else {
            throw WasmError(.malformed, at: range.lowerBound, "malformed UTF-8 encoding: \(what) in \(place)")
        }
        return name
    }

    /// The text of UTF-8 bytes. Nearly all are ASCII, which needs none of what the library sets up for its validation
    /// (30 µs the first time).
    private static func text(_ bytes: UnsafeBufferPointer<UInt8>) -> String? {
        bytes.allSatisfy { $0 < 0x80 }
            ? String(decoding: bytes, as: UTF8.self) : String(validating: bytes, as: UTF8.self)
    }
}
