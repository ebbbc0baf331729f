// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the header of a DWARF line program.

/// What a line program says about itself (DWARF 5 §6.2.4).
struct LineHeader {
    var minimumInstructionLength: UInt64 = 1
    var lineBase: Int64 = 0
    var lineRange: UInt64 = 1
    var opcodeBase: UInt8 = 1
    /// Number of LEB128 operands of the standard opcodes, from opcode 1.
    var operandCounts: [UInt8] = []
    private var directories: [String] = []
    private var files: [(name: String, directory: UInt64)] = []
    /// Files count from 1 before version 5.
    private var isZeroBased = false

    /// LIMIT: files and directories of a unit.
    private static let entriesMaximum = 65_536

    /// - Parameter reader: stands behind the unit's length; the unit is all it has.
    /// - Parameter is64: whether offsets have 64 bits.
    /// - Returns: nil for a header that is broken or of a version that is not known. Otherwise the reader stands where
    ///   the program begins.
    init?(_ reader: inout BinaryReader, is64: Bool, _ strings: LineStrings) {
        guard let version = reader.unsigned(2), (2...5).contains(version) else { return nil }
        isZeroBased = version == 5
        // Address size and segment selector size.
        if version == 5, reader.unsigned(2) == nil { return nil }
        guard let length = reader.unsigned(is64 ? 8 : 4), length <= UInt64(reader.remaining) else { return nil }
        let programStart = reader.offset + Int(length)
        guard let instructionLength = reader.unsigned(1) else { return nil }
        minimumInstructionLength = instructionLength
        // How many operations an instruction may have; 1 on every machine that is no VLIW.
        if version >= 4, reader.unsigned(1) != 1 { return nil }
        guard reader.unsigned(1) != nil, let base = reader.unsigned(1), let range = reader.unsigned(1), range > 0,
            let first = reader.unsigned(1), first > 0
        else { return nil }
        lineBase = Int64(Int8(truncatingIfNeeded: base))
        lineRange = range
        opcodeBase = UInt8(first)
        for _ in 1..<max(first, 1) {
            guard let count = reader.unsigned(1) else { return nil }
            operandCounts.append(UInt8(count))
        }
        guard version == 5 ? readTables(&reader, strings, is64: is64) : readOlderTables(&reader, strings) else {
            return nil
        }
        guard reader.offset <= programStart, (try? reader.skip(programStart - reader.offset)) != nil else { return nil }
    }

    /// Where a file is, as far as the table says; names relative to the directory of the compilation stay so.
    func path(ofFile number: UInt64) -> String? {
        let index = isZeroBased ? number : number &- 1
        guard index < UInt64(files.count) else { return nil }
        let (name, directory) = files[Int(index)]
        // Directory 0 is that of the compilation.
        let place = isZeroBased ? directory : directory &- 1
        guard !name.hasPrefix("/"), directory > 0, place < UInt64(directories.count), !directories[Int(place)].isEmpty
        else { return name }
        return "\(directories[Int(place)])/\(name)"
    }

    private mutating func readOlderTables(_ reader: inout BinaryReader, _ strings: LineStrings) -> Bool {
        while true {
            guard let name = strings.text(&reader), directories.count < Self.entriesMaximum else { return false }
            if name.isEmpty { break }
            directories.append(name)
        }
        while true {
            guard let name = strings.text(&reader), files.count < Self.entriesMaximum else { return false }
            if name.isEmpty { return true }
            // Directory, time of last change, length.
            guard let directory = try? reader.readU64(), (try? reader.readU64()) != nil, (try? reader.readU64()) != nil
            else { return false }
            files.append((name, directory))
        }
    }

    private mutating func readTables(_ reader: inout BinaryReader, _ strings: LineStrings, is64: Bool) -> Bool {
        guard let directories = Self.entries(&reader, strings, is64: is64),
            let files = Self.entries(&reader, strings, is64: is64)
        else { return false }
        self.directories = directories.map(\.name)
        self.files = files
        return true
    }

    /// A table that describes its own columns: names (DW_LNCT_path) and numbers of directories.
    private static func entries(
        _ reader: inout BinaryReader, _ strings: LineStrings, is64: Bool
    ) -> [(name: String, directory: UInt64)]? {
        guard let columnCount = reader.unsigned(1) else { return nil }
        var columns: [(content: UInt64, form: UInt64)] = []
        for _ in 0..<columnCount {
            guard let content = try? reader.readU64(), let form = try? reader.readU64() else { return nil }
            columns.append((content, form))
        }
        // An entry without columns takes no bytes: their number would not be bounded by the section.
        guard let count = try? reader.readU64(), count <= UInt64(entriesMaximum), columnCount > 0 || count == 0 else {
            return nil
        }
        var entries: [(name: String, directory: UInt64)] = []
        for _ in 0..<count {
            var entry = (name: "", directory: UInt64(0))
            for column in columns {
                switch LineForm.read(column.form, &reader, strings, is64: is64) {
                case .text(let text): if column.content == 1 { entry.name = text }
                case .number(let number): if column.content == 2 { entry.directory = number }
                case .skipped: break
                case nil: return nil
                }
            }
            entries.append(entry)
        }
        return entries
    }
}

/// A value in one of DWARF's forms, as far as line tables use them (DWARF 5 §6.2.4.1, §7.5.6).
private enum LineForm {
    case text(String)
    case number(UInt64)
    case skipped

    /// nil: unknown form, or the bytes end.
    static func read(_ form: UInt64, _ reader: inout BinaryReader, _ strings: LineStrings, is64: Bool) -> LineForm? {
        switch form {
        case 0x08: return strings.text(&reader).map { .text($0) }
        case 0x0E, 0x1F:
            guard let offset = reader.unsigned(is64 ? 8 : 4) else { return nil }
            return .text(strings.text(at: offset, in: form == 0x1F ? strings.lineStrings : strings.strings) ?? "?")
        case 0x0B: return reader.unsigned(1).map { .number($0) }
        case 0x05: return reader.unsigned(2).map { .number($0) }
        case 0x06: return reader.unsigned(4).map { .number($0) }
        case 0x07: return reader.unsigned(8).map { .number($0) }
        case 0x0F: return (try? reader.readU64()).map { .number($0) }
        case 0x1E: return (try? reader.skip(16)).map { _ in .skipped }
        case 0x09:
            guard let length = try? reader.readU64(), let count = Int(exactly: length) else { return nil }
            return (try? reader.skip(count)).map { _ in .skipped }
        default: return nil
        }
    }
}

extension BinaryReader {
    /// An unsigned number of `byteCount` bytes (at most 8), least significant first; nil at the end.
    mutating func unsigned(_ byteCount: Int) -> UInt64? {
        guard remaining >= byteCount else { return nil }
        var value: UInt64 = 0
        for index in 0..<byteCount {
            guard let byte = try? readByte() else { return nil }
            value |= UInt64(byte) << UInt64(8 * index)
        }
        return value
    }
}
