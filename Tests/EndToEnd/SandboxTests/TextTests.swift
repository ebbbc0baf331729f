// SPDX-License-Identifier: Apache-2.0
// Swiftlet: `swiftlet run` and `swiftlet inspect` with WebAssembly text.

import TestSupport
import Testing

private let swiftlet = BuiltProducts.program("swiftlet")

@Suite(.enabled(if: BuiltProducts.exists(swiftlet), "needs the built swiftlet"))
struct `WebAssembly text` {
    private static let hello = """
        (module $hello
          (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "\\10\\00\\00\\00" "\\0d\\00\\00\\00")
          (data (i32.const 16) "Hello, text!\\n")
          (func $main (export "_start")
            (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
        """

    private func run(_ text: String) throws -> (code: Int32?, output: String, errors: String, path: String) {
        let directory = TemporaryDirectory()
        let path = directory.write(Array(text.utf8), to: "app.wat")
        let result = try Program.run(swiftlet, ["run", path])
        return (result.status.code, result.output, result.errors, path)
    }

    @Test func `runs`() throws {
        let result = try run(Self.hello)
        #expect(result.code == 0 && result.output == "Hello, text!\n" && result.errors == "")
    }

    @Test func `with an error tells the place in the file`() throws {
        let result = try run("(module\n  (func $main (export \"_start\")\n    (cal $main)))")
        #expect(result.code == 126)
        #expect(
            result.errors
                == "swiftlet: \(result.path):3:6: unknown operator: expected an instruction, found cal; did you mean call?\n"
        )
    }

    @Test func `that is not valid tells the place of the instruction`() throws {
        let result = try run("(module\n  (func $main (export \"_start\")\n    (drop (i32.add (i32.const 1)))))")
        #expect(result.code == 126)
        #expect(result.errors.hasPrefix("swiftlet: \(result.path):3:11: invalid module: type mismatch"))
    }

    @Test func `that traps shows the names of its functions`() throws {
        let result = try run("(func $fail unreachable) (func $main (export \"_start\") (call $fail))")
        #expect(result.code == 134)
        #expect(result.errors.contains("fail") && result.errors.contains("main"))
    }
}
