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

    @Test func `is restricted to the features that are named`() throws {
        let path = TemporaryDirectory()
        let file = path.write(Array("(func (export \"_start\") (drop (v128.const i64x2 0 0)))".utf8), to: "simd.wat")
        #expect(try Program.run(swiftlet, ["run", "--features", "mvp,simd", file]).status.code == 0)
        let refused = try Program.run(swiftlet, ["run", "--features", "-simd", file])
        #expect(refused.status.code == 126)
        #expect(refused.errors.contains("feature simd is not supported"), "\(refused.errors)")
        let unknown = try Program.run(swiftlet, ["run", "--features=sind", file])
        #expect(unknown.status.code == 125)
        #expect(
            unknown.errors.hasSuffix("features: unknown name \"sind\"; did you mean \"simd\"?\n"), "\(unknown.errors)")
    }

    @Test func `ends when its fuel is consumed, and not before`() throws {
        let directory = TemporaryDirectory()
        let text =
            "(func $main (export \"_start\") (local i32) (local.set 0 (i32.const 1000)) "
            + "(loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))"
        let file = directory.write(Array(text.utf8), to: "loop.wat")
        #expect(try Program.run(swiftlet, ["run", "--fuel", "5002", file]).status.code == 0)
        let ended = try Program.run(swiftlet, ["run", "--fuel", "5001", file])
        #expect(ended.status.code == 134)
        #expect(ended.errors.contains("all fuel consumed") && ended.errors.contains("main"), "\(ended.errors)")
    }
}
