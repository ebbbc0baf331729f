// SPDX-License-Identifier: Apache-2.0
import Testing
import WasmCompiler

@Suite struct `The compiler` {
    @Test func `knows the processor that it runs on`() {
        let target = Target.host()
        #expect(!target.processor.isEmpty && target.triple.contains("linux"))
    }
}
