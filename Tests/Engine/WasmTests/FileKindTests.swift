// SPDX-License-Identifier: Apache-2.0
// Swiftlet: files that are not modules are named for what they are.
import Testing
import Wasm

@Suite struct `A file that is no module` {
    static let cases: [(name: String, bytes: [UInt8], expected: String)] = [
        ("empty", [], "unexpected end: the file is empty"),
        ("three bytes", [0, 0x61, 0x73], "unexpected end: the file has 3 bytes"),
        ("only the magic number", [0, 0x61, 0x73, 0x6D], "unexpected end: the file has 4 bytes"),
        ("ELF", [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0], "native ELF program"),
        ("gzip", [0x1F, 0x8B, 8, 0, 0, 0], "gzip-compressed"),
        ("zstd", [0x28, 0xB5, 0x2F, 0xFD, 0], "zstd-compressed"),
        ("zip", [0x50, 0x4B, 3, 4, 0], "zip archive"),
        (
            "tar", Array(repeating: 0x61, count: 257) + Array("ustar".utf8) + Array(repeating: 0, count: 250),
            "tar archive"
        ),
        ("HTML", Array("\n<!DOCTYPE html><html>404".utf8), "HTML page"),
        ("text format", Array("(module (func))".utf8), "WebAssembly text"),
        ("script", Array("#!/bin/sh\necho".utf8), "script"),
        ("JSON", Array("{\"a\": 1}".utf8), "perhaps JSON"),
        ("LFS pointer", Array("version https://git-lfs.github.com/spec/v1\n".utf8), "Git LFS pointer"),
        ("prose", Array("hello, world".utf8), "the file is text"),
        ("garbage", [0x80, 0x01, 0x02, 0x03], "starts with 80 01 02 03"),
        ("component", [0, 0x61, 0x73, 0x6D, 0x0D, 0, 1, 0], "component model"),
        (
            "version 2", [0, 0x61, 0x73, 0x6D, 2, 0, 0, 0],
            "unknown binary version: expected 01 00 00 00, found 02 00 00 00"
        ),
    ]

    @Test(arguments: cases.map(\.name))
    func `gets a helpful message`(name: String) throws {
        let file = try #require(Self.cases.first { $0.name == name })
        let error = #expect(throws: WasmError.self) { try Module.load(ModuleBytes(file.bytes)) }
        #expect(error?.message.contains(file.expected) == true, "\(error?.message ?? "no error")")
    }

    @Test func `cannot bring control characters into a message`() throws {
        // An import named with an escape sequence, of a kind that does not exist.
        let section: [UInt8] = [1, 3, 0x1B, 0x5B, 0x32, 1, 0x61, 9]
        let error = #expect(throws: WasmError.self) {
            try Module.load(ModuleBytes([0, 0x61, 0x73, 0x6D, 1, 0, 0, 0, 2, UInt8(section.count)] + section))
        }
        #expect(error?.message == "malformed import kind: 9 of \\u{1b}[2.a, expected 0 to 4")
    }
}
