// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the decoder accepts real programs and finds their instructions.
import TestSupport
import Testing
import Wasm

@Suite struct `The decoder` {
    /// Programs that need features of later work.
    static let later = ["itk_vector-magnitude.wasm": "feature simd", "micropython.wasm": "feature exception-handling"]
    static let programs = SharedData.files(under: "testdata/programs", withSuffix: ".wasm")
        .filter { path in !later.keys.contains { path.hasSuffix($0) } }

    @Test(arguments: programs)
    func `reads every instruction of a real program`(path: String) throws {
        let module = try Module.load(ModuleBytes(try SharedData.bytes(path)))
        for body in module.code {
            var reader = BinaryReader(body, of: module)
            var last = Opcode.nop
            while !reader.isAtEnd {
                last = try reader.readOpcode()
                try reader.skipImmediates(of: last)
            }
            #expect(last == .end)
        }
    }
}
