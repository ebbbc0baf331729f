// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what cannot be linked is refused by its name, and damaged objects do no harm.
import NativeImage
import TestSupport
import Testing
import WasmCompiler

@Suite(.enabled(if: Clang.path != nil, "needs the toolchain's clang")) struct `The linker refuses` {
    func refusal(_ architecture: NativeArchitecture, _ objects: [[UInt8]]) -> String {
        let error = #expect(throws: LinkError.self) {
            var linker = ObjectLinker(architecture: architecture)
            for (index, object) in objects.enumerated() { try linker.add(object, name: "o\(index)") }
            _ = try linker.link()
        }
        return error?.description ?? ""
    }

    func refusal(_ source: String, flags: [String] = ["-fPIC"], _ architecture: NativeArchitecture = .x86_64) throws
        -> String
    { refusal(architecture, [try Clang.object(source, architecture, flags: flags)]) }

    func refusal(assembler source: String, _ architecture: NativeArchitecture = .x86_64) throws -> String {
        refusal(architecture, [try Clang.object(source, architecture, language: "assembler")])
    }

    @Test(arguments: NativeArchitecture.allCases)
    func `symbols that nobody defines`(architecture: NativeArchitecture) throws {
        let message = try refusal("long missing(long); long f0(long x) { return missing(x) + 1; }", architecture)
        #expect(message == "object o0: symbol missing: not defined in any object")
    }

    @Test func `symbols that are defined twice`() throws {
        let object = try Clang.object("long f0(long x) { return x; }", .x86_64)
        #expect(
            refusal(.x86_64, [object, object]) == "object o1: symbol f0: already defined in object o0")
    }

    @Test func `writable data, thread-local data and common symbols`() throws {
        #expect(try refusal("long v = 3; long f0(long x) { return v += x; }").contains("section .data"))
        #expect(try refusal("long v; long f0(long x) { return v += x; }").contains("section .bss"))
        #expect(
            try refusal("__thread long v = 3; long f0(long x) { return v += x; }").contains("thread-local data"))
        #expect(
            try refusal("long v; long f0(long x) { return v += x; }", flags: ["-fPIC", "-fcommon"])
                .contains("symbol v: expected a place in a section"))
    }

    @Test func `pointers in constants`() throws {
        let message = try refusal(
            "long g(long x) { return x; } long (*const list[2])(long) = {g, g}; "
                + "long f0(long x) { return list[x & 1](x); }")
        #expect(message.contains(".data.rel.ro"))
    }

    @Test(arguments: [
        (".text\n.globl f0\nf0: movabsq $f0, %rax\nret", "R_X86_64_64 needs an absolute address"),
        (".text\n.globl f0\nf0: movl $f0, %eax\nret", "R_X86_64_32 needs an absolute address"),
        (".text\n.globl f0\nf0: movq f0, %rax\nret", "R_X86_64_32S needs an absolute address"),
        (".text\n.globl f0\nf0: addq f0@GOTPCREL(%rip), %rax\nret", "goes through a global offset table"),
        (".text\n.globl f0\nf0: leaq f0@TLSGD(%rip), %rax\nret", "relocation type 19 of x86-64 is not supported"),
        (
            ".text\n.globl f0\nf0: ret\n.section .rodata\n.long g - 0x7fffffff - .\n.text\n.zero 64\ng: ret",
            "expected a distance of 32 bits"
        ),
    ])
    func `references that an image cannot have`(source: String, words: String) throws {
        let message = try refusal(assembler: source)
        #expect(message.contains(words), "\(message)")
        #expect(message.hasPrefix("object o0: section ."), "\(message)")
    }

    @Test(arguments: [
        (".text\n.globl f0\nf0: adrp x0, :got:f0\nret", "goes through a global offset table"),
        (".text\n.globl f0\nf0: ret\n.section .rodata\n.xword f0", "R_AARCH64_ABS64 needs an absolute address"),
        (".text\n.globl f0\nf0: movz x0, #:abs_g0:f0\nret", "relocation type 263 of arm64 is not supported"),
        (".text\n.globl f0\nf0: bl f0 + 0x10000000\nret", "expected a distance of 28 bits"),
        (
            ".text\n.globl f0\nf0: ldr x0, [x0, :lo12:k]\nret\n.section .rodata\n.byte 0\nk: .xword 5",
            "expected a multiple of 8"
        ),
    ])
    func `references that an arm64 image cannot have`(source: String, words: String) throws {
        let message = try refusal(assembler: source, .arm64)
        #expect(message.contains(words), "\(message)")
    }

    @Test func `objects of another processor, and what is no object`() throws {
        let object = try Clang.object("long f0(long x) { return x; }", .arm64)
        #expect(refusal(.x86_64, [object]) == "object o0: e_machine: expected x86-64, found arm64")
        #expect(refusal(.x86_64, [[]]).contains("expected an ELF header of 64 bytes, found 0 bytes"))
        #expect(refusal(.x86_64, [Array("\u{7F}EFL".utf8) + [UInt8](repeating: 0, count: 100)]).contains("ELF header"))
    }

    @Test(arguments: NativeArchitecture.allCases)
    func `damaged objects, or links them without harm`(architecture: NativeArchitecture) throws {
        let object = try Clang.object(`Linked objects`.first, architecture, flags: ["-fPIC"])
        let other = try Clang.object(`Linked objects`.second, architecture, flags: ["-fPIC", "-g"])
        var random = SeededGenerator(state: 99)
        var linked = 0
        for round in 0..<4000 {
            var bytes = round % 2 == 0 ? object : other
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                // Half of them in the headers of the file and of the sections.
                let place =
                    Bool.random(using: &random)
                    ? Int.random(in: 0..<bytes.count, using: &random)
                    : max(0, bytes.count - Int.random(in: 1...1500, using: &random))
                bytes[place] = UInt8.random(in: 0...255, using: &random)
            }
            if round % 7 == 0 { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
            var linker = ObjectLinker(architecture: architecture, keeping: [".debug_line"])
            guard (try? linker.add(bytes, name: "damaged")) != nil,
                (try? linker.add(round % 2 == 0 ? other : object, name: "whole")) != nil
            else { continue }
            guard let code = try? linker.link() else { continue }
            linked += 1
            for piece in code.functions.values { #expect(piece.offset + piece.byteCount <= code.text.count) }
        }
        #expect(linked > 100)
    }
}
