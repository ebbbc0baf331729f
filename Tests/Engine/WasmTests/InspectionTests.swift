// SPDX-License-Identifier: Apache-2.0
// Swiftlet: names, producers, reports and suggestions.
import FoundationEssentials
import TestSupport
import Testing
import Wasm

@Suite(.enabled(if: SharedData.isPresent, "needs the shared test data")) struct `Inspection` {
    func load(_ path: String) throws -> Module {
        try Module.load(ModuleBytes(try SharedData.bytes("testdata/programs/" + path)))
    }

    @Test func `finds the names of functions`() throws {
        let module = try load("wasip1/hello_go.wasm")
        let names = NameSection(module)
        let all = names.functions()
        #expect(all.count > 1000)
        let main = try #require(all.first { $0.value == "main.main" }?.key)
        #expect(names.function(main) == "main.main")
        #expect(names.function(4_000_000) == nil)
    }

    @Test func `reads local names and survives a broken section`() throws {
        // name section: function 0 "f"; locals of function 0: 0 "x".
        let section: [UInt8] = [4] + Array("name".utf8) + [1, 4, 1, 0, 1, 0x66, 2, 6, 1, 0, 1, 0, 1, 0x78]
        let names = NameSection(try Module.load(module((0, section))))
        #expect(names.function(0) == "f")
        #expect(names.local(0, ofFunction: 0) == "x")
        #expect(names.local(1, ofFunction: 0) == nil)
        for length in 5..<section.count {
            let cut = NameSection(try Module.load(module((0, Array(section[..<length])))))
            #expect(cut.local(0, ofFunction: 0) == nil)
        }
    }

    @Test func `escapes control characters in function names`() throws {
        let section: [UInt8] = [4] + Array("name".utf8) + [1, 5, 1, 0, 2, 0x66, 0x1B]
        let names = NameSection(try Module.load(module((0, section))))
        #expect(names.function(0) == "f\\u{1b}")
        #expect(names.functions() == [0: "f\\u{1b}"])
    }

    @Test func `knows commands, reactors and libraries`() throws {
        #expect(ModuleReport(try load("wasip1/hello_c.wasm")) { _, _, _ in nil }.kind == .command)
        #expect(ModuleReport(try load("wasip1/vt100.wasm")) { _, _, _ in nil }.kind == .library)
    }

    @Test func `reports imports with who serves them`() throws {
        let report = ModuleReport(try load("wasip1/wasi_fd.wasm")) { module, name, type in
            type != nil && module == "wasi_snapshot_preview1" && name != "fd_write" ? "WASI" : nil
        }
        #expect(report.imports.contains { $0.name == "fd_write" && $0.servedBy == nil })
        #expect(report.imports.contains { $0.name != "fd_write" && $0.servedBy == "WASI" })
        #expect(report.text().contains("nobody"))
    }

    @Test func `names what a module needs`() throws {
        let rust = ModuleReport(try load("wasip1/wasi_rust_sockaccept.wasm")) { _, _, _ in nil }
        #expect(rust.producers.contains { $0.field == "processed-by" && $0.name == "rustc" })
        let go = ModuleReport(try load("wasip1/hello_go.wasm")) { _, _, _ in nil }
        #expect(go.features == [.bulkMemory])
        // i32.const 0, i32.extend8_s, drop; f32.const 0, i32.trunc_sat_f32_s, drop
        let code: [UInt8] = [0x41, 0, 0xC0, 0x1A, 0x43, 0, 0, 0, 0, 0xFC, 0, 0x1A, 0x0B]
        let built = ModuleReport(try Module.load(function(code))) { _, _, _ in nil }
        #expect(built.features == [.signExtension, .saturatingFloatToInt])
        let tiny = ModuleReport(try load("wasip1/infinite_loop.wasm")) { _, _, _ in nil }
        #expect(tiny.features.isEmpty)
        #expect(tiny.imports.isEmpty)
    }

    struct Written: Decodable {
        struct Item: Decodable { var name: String, kind: String, type: String }
        var kind: String
        var imports: [Item]
        var exports: [Item]
        var features: [String]
    }

    @Test(arguments: ["wasip1/hello_go.wasm", "wasip1/quickjs.wasm", "wasip1/infinite_loop.wasm"])
    func `writes JSON that others can read`(path: String) throws {
        let report = ModuleReport(try load(path)) { _, _, _ in "WASI" }
        let written = try JSONDecoder().decode(Written.self, from: Data(report.json().utf8))
        #expect(written.kind == report.kind.rawValue)
        #expect(written.imports.map(\.type) == report.imports.map(\.type))
        #expect(written.exports.map(\.name) == report.exports.map(\.name))
        #expect(written.features == report.features.names)
    }

    @Test func `keeps hostile names from the terminal, and exact in JSON`() throws {
        let name = "a\u{1B}[2J\"\u{202E}\n"
        let exports = [1] + leb(name.utf8.count) + Array(name.utf8) + [2, 0]
        let report = ModuleReport(try Module.load(module((5, [1, 0, 0]), (7, exports)))) { _, _, _ in nil }
        #expect(report.text().contains("a\\u{1b}[2J\"\\u{202e}\\u{a}"))
        let written = try JSONDecoder().decode(Written.self, from: Data(report.json().utf8))
        #expect(written.exports[0].name == name)
    }

    @Test(arguments: [
        ("fd_writ", "fd_write"), ("path_opne", "path_open"), ("proc_exit2", "proc_exit"), ("zzzzzzz", nil),
        ("", nil), ("fd_write", "fd_write"),
    ])
    func `suggests the nearest name`(name: String, expected: String?) {
        let known = ["fd_write", "fd_read", "path_open", "proc_exit", "sock_accept"]
        #expect(Suggestion.nearest(to: name, in: known) == expected)
    }

    @Test func `tells two canonically equal names apart`() {
        #expect(ExactName("\u{C5}") != ExactName("\u{212B}"))
        #expect(ExactName("a") == ExactName("a"))
    }

    @Test func `evaluates extended constant expressions`() throws {
        // (global i32 (i32.mul (i32.sub (i32.const 3) (i32.const 5)) (i32.const 7)))
        let global: [UInt8] = [1, 0x7F, 0, 0x41, 3, 0x41, 5, 0x6B, 0x41, 7, 0x6C, 0x0B]
        let module = try Module.load(module((6, global)))
        let value = module.globals[0].initial.evaluate(
            null: 0, global: { _ in [0] }, function: { _ in 0 }, reference: { _, _, _, _ in })
        #expect(value == [UInt64(UInt32(bitPattern: -14))])
    }
}
