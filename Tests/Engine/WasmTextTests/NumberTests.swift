// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the spelling of numbers.

import Testing
import Wasm

@Suite struct `Numbers in text` {
    /// The bytes of a constant's immediate.
    static func immediate(_ instruction: String) throws -> [UInt8] {
        let module = try Module.decode(ModuleBytes(try assemble("(func \(instruction))")))
        let code = try #require(module.code.first?.code)
        return Array(module.bytes.buffer[code].dropFirst().dropLast())
    }

    static func f64(_ spelling: String) throws -> UInt64 {
        try immediate("f64.const \(spelling)").reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    static func f32(_ spelling: String) throws -> UInt32 {
        try immediate("f32.const \(spelling)").reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    @Test(
        arguments: [
            ("0x1.fffffffffffff7ffffffffp0", 0x3FFF_FFFF_FFFF_FFFF), ("0x1.fffffffffffff8p0", 0x4000_0000_0000_0000),
            ("0x1.00000000000008p0", 0x3FF0_0000_0000_0000), ("0x1.000000000000080001p0", 0x3FF0_0000_0000_0001),
            ("0x1p-1074", 1), ("0x1p-1075", 0), ("0x1.8p-1075", 1), ("-0x0p0", 0x8000_0000_0000_0000),
            ("0x1p+1_0", 0x4090_0000_0000_0000), ("1_000.5_0e1_0", 0x42A2_32F0_F124_0000),
            ("1.7976931348623157e308", 0x7FEF_FFFF_FFFF_FFFF), ("4.9e-324", 1), ("1.", 0x3FF0_0000_0000_0000),
            ("0xA.", 0x4024_0000_0000_0000), ("nan", 0x7FF8_0000_0000_0000), ("-nan:0x1", 0xFFF0_0000_0000_0001),
            ("inf", 0x7FF0_0000_0000_0000), ("+inf", 0x7FF0_0000_0000_0000), ("1e-400", 0),
        ] as [(String, UInt64)])
    func `round doubles once`(spelling: String, bits: UInt64) throws {
        #expect(try Self.f64(spelling) == bits)
    }

    @Test(
        arguments: [
            ("0x1.000001p0", 0x3F80_0000), ("0x1.00000100001p0", 0x3F80_0001), ("0x1.fffffep127", 0x7F7F_FFFF),
            // Through a double this would be rounded twice, to 0x3f800000.
            ("1.00000005960464484090", 0x3F80_0001), ("1e-46", 0), ("nan:0x400001", 0x7FC0_0001),
        ] as [(String, UInt32)])
    func `round floats once`(spelling: String, bits: UInt32) throws {
        #expect(try Self.f32(spelling) == bits)
    }

    @Test(arguments: [
        "f64.const 1e309", "f64.const 0x1p1024", "f32.const 0x1.ffffffp127", "f32.const nan:0x800000",
        "f64.const nan:0x0", "i32.const 0x1_0000_0000", "i32.const -2147483649", "i64.const 18446744073709551616",
    ])
    func `out of range are refused`(instruction: String) {
        #expect(refusal("(func \(instruction))").contains("constant out of range"))
    }

    @Test(arguments: [
        "i32.const 1__0", "i32.const _1", "i32.const 1_", "i32.const 0x", "i32.const 0x_1", "i32.const 1a",
        "i32.const +",
        "i32.const 1.0", "f64.const .5", "f64.const 1e", "f64.const 0x1p", "f64.const 0x.8", "f64.const 1._0",
        "f64.const nan:1", "f64.const infinity", "i32.const --1", "i32.const 0b1",
    ])
    func `of no kind are refused`(instruction: String) {
        #expect(refusal("(func \(instruction))").contains("app.wat:1:"))
    }

    @Test func `with very many digits are refused at once`() {
        #expect(refusal("(func f64.const 1\(String(repeating: "0", count: 1 << 20)))").contains("out of range"))
        #expect(refusal("(func i64.const 1\(String(repeating: "0", count: 1 << 20)))").contains("out of range"))
    }

    @Test func `wrap to the width of integers`() throws {
        #expect(try Self.immediate("i32.const 4294967295") == [0x7F])
        #expect(try Self.immediate("i32.const -2147483648") == Self.immediate("i32.const 0x80000000"))
        #expect(try Self.immediate("i64.const 0xffff_ffff_ffff_ffff") == [0x7F])
    }
}
