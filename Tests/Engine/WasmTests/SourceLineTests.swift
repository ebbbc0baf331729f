// SPDX-License-Identifier: Apache-2.0
// Swiftlet: lines of source code from `.debug_line`.

import TestSupport
import Testing
import Wasm

/// Writes the bytes of line tables.
private struct LineTable {
    var bytes: [UInt8] = []

    mutating func number(_ value: UInt64, _ byteCount: Int) {
        for index in 0..<byteCount { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(index)))) }
    }

    mutating func text(_ text: String) { bytes += Array(text.utf8) + [0] }

    /// A header of that version with two files, and a program of one sequence: addresses 16, 20 and 32 with lines 7, 9
    /// of the first file and 3 of the second.
    init(version: Int, is64: Bool = false) {
        var header = LineTable()
        header.bytes += [1] + (version >= 4 ? [1] : []) + [1, 0xFB, 14, 13]
        header.bytes += [0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1]
        if version == 5 {
            // Directories: path as text. Files: path in .debug_line_str, directory as LEB128, digest of 16 bytes.
            header.bytes += [1, 1, 0x08, 2]
            header.text("/build")
            header.text("sub")
            header.bytes += [3, 1, 0x1F, 2, 0x0B, 5, 0x1E, 2]
            for (offset, directory) in [(0, 0), (5, 1)] {
                header.number(UInt64(offset), is64 ? 8 : 4)
                header.bytes += [UInt8(directory)] + [UInt8](repeating: 0xEE, count: 16)
            }
        } else {
            header.text("sub")
            header.bytes += [0]
            header.text("main.c")
            header.bytes += [0, 0, 0]
            header.text("two.c")
            header.bytes += [1, 0, 0, 0]
        }
        let first: UInt8 = version == 5 ? 0 : 1
        var program: [UInt8] = [0, 5, 2, 16, 0, 0, 0, 4, first, 3, 6, 1]
        // Special opcode: address + 4, line + 2.
        program += [UInt8(13 + 14 * 4 + 2 + 5)]
        program += [4, first + 1, 3, 0x7A, 9, 12, 0, 1, 2, 8, 0, 1, 1]
        var unit = LineTable()
        unit.number(UInt64(version), 2)
        if version == 5 { unit.bytes += [4, 0] }
        unit.number(UInt64(header.bytes.count), is64 ? 8 : 4)
        unit.bytes += header.bytes + program
        if is64 { number(0xFFFF_FFFF, 4) }
        number(UInt64(unit.bytes.count), is64 ? 8 : 4)
        bytes += unit.bytes
    }

    private init() {}
}

@Suite struct `Lines of source code` {
    /// A module of one function whose code section's contents start at the returned offset.
    private func module(_ table: [UInt8]) throws -> (Module, codeStart: Int) {
        func section(_ identifier: UInt8, _ payload: [UInt8]) -> [UInt8] {
            let size = payload.count
            return [identifier, UInt8(size & 0x7F | 0x80), UInt8(size >> 7)] + payload
        }
        func custom(_ name: String, _ payload: [UInt8]) -> [UInt8] {
            section(0, [UInt8(name.utf8.count)] + Array(name.utf8) + payload)
        }
        var bytes: [UInt8] = [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0]
        bytes += section(1, [1, 0x60, 0, 0]) + section(3, [1, 0])
        let start = bytes.count + 3
        bytes += section(10, [1, 62, 0] + [UInt8](repeating: 1, count: 60) + [0x0B])
        bytes += custom(".debug_line", table) + custom(".debug_line_str", Array("main\0two.c\0".utf8))
        return (try Module.load(ModuleBytes(bytes)), start)
    }

    @Test(arguments: [(2, false), (3, false), (4, false), (4, true), (5, false), (5, true)])
    func `are found by the place of an instruction`(version: Int, is64: Bool) throws {
        let (module, start) = try module(LineTable(version: version, is64: is64).bytes)
        let places = [0, 15, 16, 19, 20, 31, 32, 34, 40].map { $0 + start }
        let lines = SourceLines.locations(of: places, in: module).map { $0?.description ?? "-" }
        let main = version == 5 ? "main" : "main.c"
        #expect(
            lines == ["-", "-", "\(main):7", "\(main):7", "\(main):9", "\(main):9", "sub/two.c:3", "-", "-"]
                || lines == [
                    "-", "-", "\(main):7", "\(main):7", "\(main):9", "\(main):9", "sub/two.c:3", "sub/two.c:3", "-",
                ],
            "\(lines)")
    }

    @Test func `are found behind a unit that is not known`() throws {
        var table: [UInt8] = [4, 0, 0, 0, 99, 0, 1, 2]
        table += LineTable(version: 4).bytes
        let (module, start) = try module(table)
        #expect(SourceLines.locations(of: [start + 21], in: module) == [SourceLine(file: "main.c", line: 9)])
    }

    @Test func `are none where there is no table`() throws {
        let (module, start) = try module([])
        #expect(SourceLines.locations(of: [start + 21], in: module) == [nil])
        #expect(SourceLines.locations(of: [], in: module) == [])
    }

    @Test(arguments: [4, 5]) func `of a damaged table are fewer or others, and it always ends`(version: Int) throws {
        let original = LineTable(version: version).bytes
        var generator = SeededGenerator(state: 11)
        for count in original.indices {
            let (module, start) = try module(Array(original[..<count]))
            _ = SourceLines.locations(of: [start + 21], in: module)
        }
        for _ in 0..<20_000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            let (module, start) = try module(bytes)
            _ = SourceLines.locations(of: [start + 16, start + 21, start + 33], in: module)
        }
    }
}
