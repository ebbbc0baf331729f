// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what our assembler makes of the suites' modules, against what another one made.

import TestSupport
import Testing
import Wasm
import WasmText

@Suite struct `Assembled modules` {
    static let paths = ["core", "simd", "custom", "legacy", "proposals"]
        .flatMap { ((try? SpecSuite.suites(in: $0)) ?? []).map(\.path) }

    /// The sections of a module but custom ones, which tools write as they like.
    static func sections(_ bytes: [UInt8]) -> [[UInt8]]? {
        var sections: [[UInt8]] = []
        var offset = 8
        while offset < bytes.count {
            let start = offset
            offset += 1
            var size = 0
            var shift = 0
            while true {
                guard offset < bytes.count, shift < 35 else { return nil }
                let byte = bytes[offset]
                offset += 1
                size |= Int(byte & 0x7F) << shift
                shift += 7
                if byte < 0x80 { break }
            }
            guard offset + size <= bytes.count else { return nil }
            if bytes[start] != 0 { sections.append([bytes[start]] + bytes[offset..<offset + size]) }
            offset += size
        }
        return sections
    }

    /// Where the other assembler decided otherwise, by suite and line.
    static let otherDecisions: [String: Set<Int>] = [
        // Another tool: compact imports, no empty else arms, elements as expressions.
        "legacy/try_catch": [10], "legacy/try_delegate": [3],
        // It writes no data count for a constant expression that names a segment.
        "proposals/gc/array": [303],
        // It lets an implied type be a non-final one.
        "proposals/gc/type-subtyping": [344, 373],
    ]

    @Test(arguments: paths)
    func `are those of the suite's JSON form`(path: String) throws {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let text = try SharedData.bytes("testdata/wasm-spec/\(path)/\(name).wast")
        let script = try text.withUnsafeBytes { try Script($0) }
        let suite = try SpecSuite.load(path)
        #expect(script.commands.count == suite.commands.count)
        let known = Self.otherDecisions[path] ?? []
        for (ours, theirs) in zip(script.commands, suite.commands) where theirs.isBinary && !known.contains(theirs.line)
        {
            guard case .binary(let assembled)? = ours.source else { continue }
            let expected = try suite.bytes(of: theirs)
            if Self.sections(assembled) != Self.sections(expected) {
                Issue.record("\(path):\(theirs.line): differs from \(theirs.filename ?? "")")
            }
        }
    }
}
