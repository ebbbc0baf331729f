// SPDX-License-Identifier: Apache-2.0
// Swiftlet: from places in a module to lines of source code.

/// A line of source code, as the compiler named it.
public struct SourceLine: Sendable, Hashable, CustomStringConvertible {
    /// Control characters are escaped.
    public var file: String
    /// From 1.
    public var line: UInt32

    public init(file: String, line: UInt32) {
        self.file = file
        self.line = line
    }

    public var description: String { "\(file):\(line)" }
}

/// The line table of a module: custom section `.debug_line` (DWARF 4 and 5, "Line Number Information"; addresses in it
/// count from the contents of the code section: tool conventions, "DWARF for WebAssembly").
///
/// It is read only when somebody asks, which a trap does, and like names it comes from whoever made the module: what
/// is broken or unknown yields fewer lines and never an error. Units with unknown parts are passed over.
public enum SourceLines {
    /// LIMIT: instructions of line programs that are executed for one question; a table of 100 MB has so many.
    static let stepsMaximum = 50_000_000

    /// The lines of instructions, given by their offsets from the module's start; nil where none is known.
    public static func locations(of offsets: [Int], in module: Module) -> [SourceLine?] {
        var found = [SourceLine?](repeating: nil, count: offsets.count)
        func payload(_ name: String) -> ByteRange? { module.customSections.first { $0.name == name }?.payload }
        guard let lines = payload(".debug_line"), !offsets.isEmpty,
            let code = module.sections.first(where: { $0.identifier == .code })
        else { return found }
        let strings = LineStrings(
            bytes: module.bytes, lineStrings: payload(".debug_line_str"), strings: payload(".debug_str"))
        var reader = BinaryReader(module.bytes.buffer, in: lines)
        var steps = stepsMaximum
        let addresses = offsets.map { UInt64(max($0 - code.payload.lowerBound, 0)) }
        let lowest = addresses.min() ?? 0
        let highest = addresses.max() ?? 0
        while found.contains(nil), steps > 0, var unit = LineUnit(&reader, strings) {
            let header = unit.header
            unit.run(&steps) { row, end in
                guard end > lowest, row.address <= highest else { return }
                for (index, address) in addresses.enumerated()
                where found[index] == nil && row.address <= address && address < end {
                    if row.line > 0, let file = header.path(ofFile: row.file) {
                        found[index] = SourceLine(file: file.printable, line: row.line)
                    }
                }
            }
        }
        return found
    }
}

/// The sections that hold names for line tables.
struct LineStrings {
    var bytes: ModuleBytes
    var lineStrings: ByteRange?
    var strings: ByteRange?

    /// The text up to the next NUL.
    func text(at offset: UInt64, in range: ByteRange?) -> String? {
        guard let range, offset < UInt64(range.count) else { return nil }
        var reader = BinaryReader(bytes.buffer, in: range.lowerBound + Int(offset)..<range.upperBound)
        return text(&reader)
    }

    func text(_ reader: inout BinaryReader) -> String? {
        let start = reader.offset
        while let byte = try? reader.readByte() {
            // LIMIT: bytes of a name.
            if reader.offset - start > 4096 { return nil }
            if byte == 0 { return String(decoding: bytes.buffer[start..<reader.offset - 1], as: UTF8.self) }
        }
        return nil
    }
}
