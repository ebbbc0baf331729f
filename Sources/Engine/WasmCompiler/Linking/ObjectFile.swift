// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a relocatable ELF object in memory.

import NativeImage

/// Sections, symbols and relocations of a 64-bit little-endian relocatable object.
///
/// See: System V ABI, chapter 4 "Object files" (gABI).
struct ObjectFile {
    let name: String
    let bytes: [UInt8]
    let architecture: NativeArchitecture
    private(set) var sections: [Section] = []
    private(set) var symbols: [Symbol] = []

    struct Section {
        var name: String
        var type: UInt32
        var flags: UInt64
        /// In the object; empty for a section without bytes.
        var range: Range<Int>
        var byteCount: Int
        var alignment: Int
        var link: Int
        var info: Int
        var entryBytes: Int

        var isAllocated: Bool { flags & 2 != 0 }
        var isWritable: Bool { flags & 1 != 0 }
        var isExecutable: Bool { flags & 4 != 0 }
        var isThreadLocal: Bool { flags & 0x400 != 0 }
    }

    struct Symbol {
        enum Place: Equatable {
            case undefined
            case absolute
            case common
            case section(Int)
        }

        var name: String
        var isLocal: Bool
        var isWeak: Bool
        var type: UInt8
        var place: Place
        var value: Int
        var byteCount: Int
    }

    struct Relocation {
        var offset: Int
        var type: UInt32
        var symbol: Int
        var addend: Int64
    }

    /// Section types (`sh_type`).
    enum SectionType {
        static let programBits: UInt32 = 1
        static let symbolTable: UInt32 = 2
        static let relocationsWithAddend: UInt32 = 4
        static let noBits: UInt32 = 8
        static let relocations: UInt32 = 9
        static let extendedIndices: UInt32 = 18
    }

    init(_ bytes: [UInt8], name: String) throws(LinkError) {
        self.bytes = bytes
        self.name = name
        guard bytes.count >= 64, bytes[0..<4] == [0x7F, 0x45, 0x4C, 0x46] else {
            throw LinkError(name, "first bytes", "expected an ELF header of 64 bytes, found \(bytes.count) bytes")
        }
        guard bytes[4] == 2 && bytes[5] == 1 else {
            throw LinkError(name, "e_ident", "expected 64-bit little-endian, found class \(bytes[4]), data \(bytes[5])")
        }
        let type = UInt16(truncatingIfNeeded: Self.number(bytes, 16, 2))
        guard type == 1 else { throw LinkError(name, "e_type", "expected 1 (relocatable), found \(type)") }
        let machine = UInt32(truncatingIfNeeded: Self.number(bytes, 18, 2))
        guard let architecture = NativeArchitecture(rawValue: machine) else {
            throw LinkError(name, "e_machine", "expected 62 (x86-64) or 183 (arm64), found \(machine)")
        }
        self.architecture = architecture
        try readSections()
        try readSymbols()
    }

    /// The relocations of all sections, by the section that they change.
    func relocations() throws(LinkError) -> [(section: Int, entries: [Relocation])] {
        var result: [(section: Int, entries: [Relocation])] = []
        for section in sections {
            guard section.type != SectionType.relocations else {
                throw LinkError(name, "section \(section.name)", "relocations without addends are not supported")
            }
            guard section.type == SectionType.relocationsWithAddend else { continue }
            guard sections.indices.contains(section.info), section.entryBytes == 24, section.range.count % 24 == 0
            else {
                throw LinkError(
                    name, "section \(section.name)",
                    "expected 24-byte entries for one of \(sections.count) sections, found entries of "
                        + "\(section.entryBytes) bytes for section \(section.info)")
            }
            let entries = stride(from: section.range.lowerBound, to: section.range.upperBound, by: 24).map { offset in
                let info = Self.number(bytes, offset + 8, 8)
                return Relocation(
                    // A place beyond the section is refused where it is written to.
                    offset: Int(clamping: Self.number(bytes, offset, 8)), type: UInt32(truncatingIfNeeded: info),
                    symbol: Int(info >> 32), addend: Int64(bitPattern: Self.number(bytes, offset + 16, 8)))
            }
            result.append((section.info, entries))
        }
        return result
    }

    /// A little-endian number; the caller has checked that it lies within the bytes.
    static func number(_ bytes: [UInt8], _ offset: Int, _ byteCount: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in (0..<byteCount).reversed() { value = value << 8 | UInt64(bytes[offset + index]) }
        return value
    }

    private mutating func readSections() throws(LinkError) {
        let tableOffset = Self.number(bytes, 40, 8)
        let entryBytes = Self.number(bytes, 58, 2)
        guard entryBytes == 64, tableOffset <= UInt64(bytes.count), bytes.count - Int(tableOffset) >= 64 else {
            throw LinkError(
                name, "section headers",
                "expected 64-byte entries within \(bytes.count) bytes, found \(entryBytes)-byte entries at "
                    + "\(tableOffset)")
        }
        let table = Int(tableOffset)
        // Large counts stand in the first entry.
        let shortCount = Self.number(bytes, 60, 2)
        let count = shortCount != 0 ? shortCount : Self.number(bytes, table + 32, 8)
        guard count > 0 && count <= UInt64((bytes.count - table) / 64) else {
            throw LinkError(
                name, "section headers", "expected at most \((bytes.count - table) / 64) entries, found \(count)")
        }
        let shortNames = Self.number(bytes, 62, 2)
        let names = shortNames != 0xFFFF ? Int(shortNames) : Int(Self.number(bytes, table + 40, 4))
        guard names < Int(count) else {
            throw LinkError(name, "e_shstrndx", "expected less than \(count), found \(names)")
        }
        let nameTable = try section(at: table + 64 * names, number: names, names: nil)
        sections.reserveCapacity(Int(count))
        for index in 0..<Int(count) {
            sections.append(try section(at: table + 64 * index, number: index, names: index == 0 ? nil : nameTable))
        }
    }

    private func section(at offset: Int, number index: Int, names: Section?) throws(LinkError) -> Section {
        let type = UInt32(truncatingIfNeeded: Self.number(bytes, offset + 4, 4))
        let start = Self.number(bytes, offset + 24, 8)
        let byteCount = Self.number(bytes, offset + 32, 8)
        let alignment = max(1, Self.number(bytes, offset + 48, 8))
        let hasBytes = type != 0 && type != SectionType.noBits
        if hasBytes && (start > UInt64(bytes.count) || byteCount > UInt64(bytes.count) - start) {
            throw LinkError(
                name, "section \(index)",
                "expected to lie within \(bytes.count) bytes, found \(byteCount) bytes at \(start)")
        }
        guard alignment & (alignment - 1) == 0 && alignment <= 4096 else {
            throw LinkError(
                name, "section \(index)", "expected an alignment that is a power of 2 up to 4096, found \(alignment)")
        }
        let sectionName = try names.map { (table) throws(LinkError) in
            try string(in: table, at: Int(Self.number(bytes, offset, 4)))
        }
        return Section(
            name: sectionName ?? "", type: type, flags: Self.number(bytes, offset + 8, 8),
            range: hasBytes ? Int(start)..<Int(start + byteCount) : 0..<0, byteCount: Int(clamping: byteCount),
            alignment: Int(alignment), link: Int(Self.number(bytes, offset + 40, 4)),
            info: Int(Self.number(bytes, offset + 44, 4)), entryBytes: Int(clamping: Self.number(bytes, offset + 56, 8))
        )
    }

    private func string(in table: Section, at offset: Int) throws(LinkError) -> String {
        let start = table.range.lowerBound + offset
        guard start < table.range.upperBound, let end = bytes[start..<table.range.upperBound].firstIndex(of: 0) else {
            throw LinkError(
                name, "string \(offset)", "expected to end within a table of \(table.range.count) bytes")
        }
        return String(decoding: bytes[start..<end], as: UTF8.self)
    }

    private mutating func readSymbols() throws(LinkError) {
        guard let index = sections.firstIndex(where: { $0.type == SectionType.symbolTable }) else { return }
        let table = sections[index]
        guard table.entryBytes == 24, table.range.count % 24 == 0, sections.indices.contains(table.link) else {
            throw LinkError(
                name, "section \(table.name)",
                "expected 24-byte entries and a string table, found \(table.entryBytes)-byte entries, "
                    + "string table \(table.link)")
        }
        let strings = sections[table.link]
        let extended = sections.first { $0.type == SectionType.extendedIndices && $0.link == index }
        let count = table.range.count / 24
        if let extended, extended.range.count < count * 4 {
            throw LinkError(
                name, "section \(extended.name)", "expected \(count * 4) bytes, found \(extended.range.count)")
        }
        symbols.reserveCapacity(count)
        for number in 0..<count {
            let offset = table.range.lowerBound + 24 * number
            let shortIndex = Int(Self.number(bytes, offset + 6, 2))
            let place: Symbol.Place
            switch shortIndex {
            case 0: place = .undefined
            case 0xFFF1: place = .absolute
            case 0xFFF2: place = .common
            case 0xFFFF where extended != nil:
                place = .section(Int(Self.number(bytes, (extended?.range.lowerBound ?? 0) + 4 * number, 4)))
            default: place = .section(shortIndex)
            }
            let symbol = Symbol(
                name: try string(in: strings, at: Int(Self.number(bytes, offset, 4))),
                isLocal: bytes[offset + 4] >> 4 == 0, isWeak: bytes[offset + 4] >> 4 == 2,
                type: bytes[offset + 4] & 15, place: place, value: Int(clamping: Self.number(bytes, offset + 8, 8)),
                byteCount: Int(clamping: Self.number(bytes, offset + 16, 8)))
            try check(symbol)
            symbols.append(symbol)
        }
    }

    private func check(_ symbol: Symbol) throws(LinkError) {
        guard case .section(let index) = symbol.place else { return }
        guard sections.indices.contains(index) else {
            throw LinkError(
                name, "symbol \(symbol.name)", "expected one of \(sections.count) sections, found section \(index)")
        }
        let section = sections[index]
        guard symbol.value <= section.byteCount && symbol.byteCount <= section.byteCount - symbol.value else {
            throw LinkError(
                name, "symbol \(symbol.name)",
                "expected to lie within the \(section.byteCount) bytes of section \(section.name), found "
                    + "\(symbol.byteCount) bytes at \(symbol.value)")
        }
    }
}
