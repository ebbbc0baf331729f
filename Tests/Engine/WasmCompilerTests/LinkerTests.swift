// SPDX-License-Identifier: Apache-2.0
// Swiftlet: objects of a real compiler, linked; on the processor of this machine also run.
import NativeImage
import TestSupport
import Testing
import WasmCompiler

@Suite(.enabled(if: Clang.path != nil, "needs the toolchain's clang")) struct `Linked objects` {
    static let architectures = NativeArchitecture.allCases

    /// Calls across objects, a table of constants, a jump table, floating-point constants, a local function.
    static let first = """
        long f1(long); long t7(long); double shared(double);
        static const long table[6] = {11, 22, 33, 44, 55, 66};
        long f0(long x) { return f1(x) * 10 + table[(unsigned long)x % 6]; }
        __attribute__((noinline)) static long hidden(long x) { return x * x + table[5]; }
        long a3(long x) { return hidden(x) + t7(x); }
        long f2(long x) {
          switch (x) {
            case 0: return f1(0); case 1: return 71; case 2: return t7(5); case 3: return 9; case 4: return 1234;
            case 5: return hidden(3); case 6: return -5; case 7: return f0(x); default: return 8;
          }
        }
        long f4(long x) { return (long)(shared((double)x * 0.1234567) * 1000.0); }
        """
    static let second = """
        extern const int wide[];
        long f1(long x) { return x + 100; }
        long t7(long x) { return x - 7 + wide[x & 3]; }
        double shared(double x) { return x * 2.7182818 + 0.57721; }
        const int wide[4] = {1000, 2000, 3000, 4000};
        long f12(long x) { return wide[x & 3]; }
        """

    static func link(_ architecture: NativeArchitecture, flags: [String] = ["-fPIC"]) throws -> LinkedCode {
        var linker = ObjectLinker(architecture: architecture)
        try linker.add(try Clang.object(first, architecture, flags: flags), name: "first")
        try linker.add(try Clang.object(second, architecture, flags: flags), name: "second")
        return try linker.link()
    }

    @Test(arguments: architectures, [["-fPIC"], ["-fPIC", "-ffunction-sections", "-fdata-sections"], ["-fPIE"]])
    func `give every named function a place of its own`(architecture: NativeArchitecture, flags: [String]) throws {
        let code = try Self.link(architecture, flags: flags)
        #expect(Set(code.functions.keys) == [0, 1, 2, 4, 12])
        #expect(Set(code.thunks.keys) == [7])
        let pieces = (code.functions.map(\.value) + code.thunks.map(\.value)).sorted { $0.offset < $1.offset }
        for (piece, next) in zip(pieces, pieces.dropFirst()) { #expect(piece.offset + piece.byteCount <= next.offset) }
        for piece in pieces {
            #expect(piece.byteCount > 0 && piece.offset + piece.byteCount <= code.text.count)
            #expect(piece.offset % architecture.instructionAlignment == 0)
        }
    }

    @Test(
        .enabled(if: NativeArchitecture.current == .x86_64, "runs x86-64 code"),
        arguments: [
            ["-fPIC"], ["-fPIC", "-ffunction-sections", "-fdata-sections"], ["-fPIE", "-O0"], ["-fPIC", "-O1"],
        ])
    func `run as the source says`(flags: [String]) throws {
        let loaded = try LoadedCode(try Self.link(.x86_64, flags: flags))
        let table: [Int64] = [11, 22, 33, 44, 55, 66]
        for x in Int64(0)..<20 { #expect(try loaded(0, x) == (x + 100) * 10 + table[Int(x % 6)]) }
        let cases: [Int64] = [100, 71, 5 - 7 + 2000, 9, 1234, 75, -5, 1070 + 22, 8, 8]
        for (x, expected) in cases.enumerated() { #expect(try loaded(2, Int64(x)) == expected) }
        for x in Int64(0)..<8 { #expect(try loaded(12, x) == 1000 * (x % 4 + 1)) }
        for x in Int64(0)..<100 {
            #expect(try loaded(4, x) == Int64((Double(x) * 0.1234567 * 2.7182818 + 0.57721) * 1000))
        }
    }

    @Test func `reach the right places in arm64 code`() throws {
        // Each function starts with the instructions under test; the linker must not care what else there is.
        let code = try {
            var linker = ObjectLinker(architecture: .arm64)
            try linker.add(
                try Clang.object(
                    """
                    .text
                    .globl f0, f1
                    .hidden f1
                    .type f0, %function
                    f0: bl f1
                        b f1
                        adrp x0, k1
                        add x0, x0, :lo12:k1
                        ldrb w1, [x0, :lo12:k1]
                        ldrh w1, [x0, :lo12:k2]
                        ldr w1, [x0, :lo12:k4]
                        ldr x1, [x0, :lo12:k8]
                        ldr q1, [x0, :lo12:k16]
                        ret
                    .size f0, . - f0
                    .section .rodata,"a"
                    .zero 4100
                    k1: .byte 1, 2
                    k2: .hword 3
                    .balign 4
                    k4: .word 4
                    .balign 8
                    k8: .xword 8
                    .balign 16
                    k16: .word f1 - ., 0
                    .xword f0 - .
                    """, .arm64, language: "assembler"), name: "a")
            try linker.add(
                try Clang.object(
                    ".text\n.zero 4096\n.globl f1\n.type f1, %function\nf1: ret\n.size f1, 4\n", .arm64,
                    language: "assembler"),
                name: "b")
            return try linker.link()
        }()
        let start = try #require(code.functions[0]).offset
        let other = try #require(code.functions[1]).offset
        let data = NativeImageFormat.readOnlyDataDistance(textByteCount: code.text.count, .arm64)
        #expect(start == 0)
        #expect(branchTarget(code.text, 0) == other)
        #expect(branchTarget(code.text, 4) == other)
        let address = data + 4100
        let page = pageTarget(code.text, 8)
        #expect(page == address & ~4095)
        #expect(page + immediate12(code.text, 12) == address)
        #expect(page + immediate12(code.text, 16) == address)
        #expect(page + immediate12(code.text, 20) * 2 == address + 2)
        #expect(page + immediate12(code.text, 24) * 4 == address + 4)
        #expect(page + immediate12(code.text, 28) * 8 == data + 4112)
        #expect(page + immediate12(code.text, 32) * 16 == data + 4128)
        let back = code.readOnlyData[4128..<4132].enumerated().reduce(UInt32(0)) { $0 | UInt32($1.1) << (8 * $1.0) }
        #expect(Int(Int32(bitPattern: back)) == other - (data + 4128))
        let far = code.readOnlyData[4136..<4144].enumerated().reduce(UInt64(0)) { $0 | UInt64($1.1) << (8 * $1.0) }
        #expect(Int(Int64(bitPattern: far)) == start - (data + 4136))
    }

    func word(_ text: [UInt8], _ offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(text[offset + $1]) << UInt32(8 * $1) }
    }

    func branchTarget(_ text: [UInt8], _ offset: Int) -> Int {
        offset + Int(Int32(bitPattern: word(text, offset) << 6) >> 6) * 4
    }

    func pageTarget(_ text: [UInt8], _ offset: Int) -> Int {
        let instruction = word(text, offset)
        let low = Int(instruction >> 29 & 3)
        let high = Int(Int32(bitPattern: instruction << 8) >> 13)
        return (offset & ~4095) + (high << 2 | low) << 12
    }

    func immediate12(_ text: [UInt8], _ offset: Int) -> Int { Int(word(text, offset) >> 10 & 0xFFF) }

    @Test(.enabled(if: NativeArchitecture.current == .x86_64, "runs x86-64 code"))
    func `need no table for addresses that the code wants from one`() throws {
        // Symbols of default visibility in position-independent code go through the global offset table.
        let flags = ["-fPIC", "-fvisibility=default", "-fno-plt"]
        let user = """
            extern const int numbers[4]; long f1(long); typedef long (*body)(long);
            long f0(long x) { return numbers[x & 3] + f1(x) * 10; }
            long f2(long x) { return f1(x + 1); }
            body pick(long x);
            long f3(long x) { return pick(x)(x); }
            """
        let provider = """
            typedef long (*body)(long);
            const int numbers[4] = {5, 6, 7, 8}; long f1(long x) { return x + 3; }
            long f0(long); long f2(long);
            body pick(long x) { return x > 5 ? f1 : f2; }
            """
        var linker = ObjectLinker(architecture: .x86_64)
        try linker.add(try Clang.object(user, .x86_64, flags: flags), name: "user")
        try linker.add(try Clang.object(provider, .x86_64, flags: flags), name: "provider")
        let loaded = try LoadedCode(try linker.link())
        #expect(try loaded(0, 2) == 57)
        #expect(try loaded(2, 10) == 14)
        #expect(try loaded(3, 6) == 9)
        #expect(try loaded(3, 1) == 5)
    }

    @Test(arguments: architectures)
    func `hand out sections that are asked for, with places in the text`(architecture: NativeArchitecture) throws {
        // Assembled, so that the section's form is known: two absolute places and a difference.
        let word = architecture == .x86_64 ? ".quad" : ".xword"
        let source = """
            .text
            .zero 64
            .globl f5
            f5: .zero 16
            .section .notes_of_ours,"",@progbits
            \(word) f5
            \(word) f5 + 8
            .section .unwanted,"",@progbits
            \(word) f5
            """
        var linker = ObjectLinker(architecture: architecture, keeping: [".notes_of_ours"])
        for name in ["a", "b"] {
            let text = name == "a" ? source : source.replacing("f5", with: "f6")
            try linker.add(try Clang.object(text, architecture, language: "assembler"), name: name)
        }
        let code = try linker.link()
        #expect(code.keptSections.map(\.object) == ["a", "b"])
        #expect(code.keptSections.allSatisfy { $0.name == ".notes_of_ours" })
        for (section, function) in zip(code.keptSections, [5, 6]) {
            let place = try #require(code.functions[function]).offset
            let numbers = section.bytes.withUnsafeBytes { Array($0.bindMemory(to: UInt64.self)) }
            #expect(numbers == [UInt64(place), UInt64(place + 8)])
        }
    }
}

extension String {
    /// Every occurrence of `old` changed; the standard library's without Foundation.
    fileprivate func replacing(_ old: Character, with new: String) -> String {
        reduce(into: "") { $0 += $1 == old ? new : String($1) }
    }
}
