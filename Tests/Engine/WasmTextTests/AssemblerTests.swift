// SPDX-License-Identifier: Apache-2.0
// Swiftlet: modules from text, and what is said about texts that are none.

import Testing
import Wasm
import WasmText

func assemble(_ text: String) throws -> [UInt8] {
    try Array(text.utf8).withUnsafeBytes { try TextFormat.assemble($0, name: "app.wat").bytes }
}

/// The error of a text that must be refused.
func refusal(_ text: String) -> String {
    do {
        _ = try assemble(text)
        return "accepted"
    } catch { return "\(error)" }
}

@Suite struct `The assembler` {
    @Test(arguments: [
        ("(module (func $f (i32.ad (i32.const 1) (i32.const 2))))", "app.wat:1:19: unknown operator", "i32.add"),
        ("(module\n  (func $first)\n  (func (call $frist)))", "app.wat:3:15: unknown function $frist", "$first"),
        ("(module (fnuc))", "app.wat:1:10: unexpected token", "func"),
        ("(func (local.get $x) (local $x i32))", "app.wat:1:18: unknown local $x", ""),
        ("(func (block $outer (br $uoter)))", "app.wat:1:25: unknown label $uoter", "$outer"),
        ("(func $f) (func $f)", "app.wat:1:17: duplicate func $f", ""),
        ("(func block $a end $b)", "app.wat:1:20: mismatching label: $b, expected $a", ""),
        ("(func (i32.const 4294967296))", "app.wat:1:18: constant out of range", ""),
        ("(memory 1) (func (i32.load align=3 (i32.const 0)))", "alignment must be a power of two", ""),
        ("(func) (import \"a\" \"b\" (func))", "app.wat:1:8: import after function", ""),
        ("(func (i32.const 1", "expected", "the end of the text"),
        ("(data \"\\zz\")", "app.wat:1:8: illegal escape", ""),
        ("(; (; ;)", "app.wat:1:1: unclosed comment", ""),
        ("(func (if (i32.const 1) (nop)))", "(then", ""),
        ("(module) (module)", "app.wat:1:10: unexpected token: expected the end of the text", ""),
        ("(func \u{7F})", "app.wat:1:7: illegal character: byte 0x7f", ""),
        ("(func ä)", "app.wat:1:7: illegal character: ä", ""),
    ])
    func `says what is wrong and where`(text: String, start: String, hint: String) {
        let error = refusal(text)
        #expect(error.contains(start) && error.contains(hint), "\(error)")
    }

    @Test func `tells the place of an instruction that does not validate`() throws {
        let text = "(module\n  (func (result i32)\n    (i32.add\n      (i32.const 1)\n      (i64.const 2))))"
        #expect {
            _ = try TextFormat.load(ModuleBytes(Array(text.utf8)), name: "app.wat")
        } throws: { error in
            let text = "\(error)"
            return text.hasPrefix("app.wat:3:5: invalid module: type mismatch")
        }
    }

    @Test func `writes names for people`() throws {
        let text = """
            (module $m (type $t (func (param $p i32))) (global $g i32 (i32.const 0)) (memory $mem 1)
              (func $add (param $left i32) (param $right i32) (result i32) (local $sum i64)
                (block $out (br $out)) (i32.add (local.get $left) (local.get $right)))
              (func (@name "a name that no identifier has")))
            """
        let names = NameSection(try Module.load(ModuleBytes(try assemble(text))))
        #expect(names.moduleName == "m")
        #expect(names.function(0) == "add")
        #expect(names.function(1) == "a name that no identifier has")
        #expect(names.local(1, ofFunction: 0) == "right")
        #expect(names.local(2, ofFunction: 0) == "sum")
    }

    @Test func `encodes every instruction of the engine as the engine reads it`() throws {
        // An instruction with immediates of any kind; the reader must consume exactly what was written.
        for opcode in Opcode.allCases {
            let text: String? = Self.example(opcode)
            guard let text else { continue }
            let binary = try assemble(
                "(type $s (struct (field i32))) (func \(text)) (func $f) (tag $e) (memory 1) (data $d \"\")")
            let module = try? Module.decode(ModuleBytes(binary), features: FeatureSet(rawValue: .max))
            guard let module, let body = module.code.first else { continue }
            var reader = BinaryReader(body, of: module)
            #expect(try reader.readOpcode() == opcode, "\(opcode.name)")
            try reader.skipImmediates(of: opcode)
            #expect(try reader.readOpcode() == .end, "\(opcode.name)")
        }
    }

    /// The instruction with operands of the simplest kind; nil where it cannot stand alone.
    private static func example(_ opcode: Opcode) -> String? {
        let name = opcode.name
        if opcode.isMemoryAccess || opcode.immediates == .none {
            return ["else", "end", "catch_all", "delegate", "try", "atomic.fence"].contains(name)
                || name.contains(".const")
                ? nil : name.hasSuffix("_lane") ? nil : name
        }
        switch name {
        case "i32.const", "i64.const", "f32.const", "f64.const", "br", "br_if", "br_table", "local.get":
            return name + " 0"
        case "call", "ref.func": return name + " $f"
        case "memory.size", "memory.grow", "memory.fill", "memory.copy": return name
        default: return nil
        }
    }

    @Test func `knows text from binaries`() {
        func looksLikeText(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBytes { TextFormat.looksLikeText($0) } }
        #expect(looksLikeText(Array(" \n(module)".utf8)))
        #expect(looksLikeText(Array(";; a comment\n(module)".utf8)))
        #expect(!looksLikeText([0x00, 0x61, 0x73, 0x6D]))
        #expect(!looksLikeText([]))
        #expect(!looksLikeText(Array("; x".utf8)))
    }
}
