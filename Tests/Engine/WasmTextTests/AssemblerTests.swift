// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing
import Wasm
import WasmText

@Suite struct `Text` {
    @Test func `works`() throws {
        let text = Array("(module (func (export \"f\") (result i32) (i32.add (i32.const 1) (i32.const 2))))".utf8)
        let binary = try text.withUnsafeBytes { try TextFormat.assemble($0) }
        _ = try Module.load(ModuleBytes(binary))
    }
}
