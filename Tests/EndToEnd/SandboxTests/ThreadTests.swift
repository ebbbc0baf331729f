// SPDX-License-Identifier: Apache-2.0
// Swiftlet: wasi-threads in the real sandbox.

import FoundationEssentials
import TestSupport
import Testing

private let swiftlet = BuiltProducts.program("swiftlet")

@Suite(.serialized, .enabled(if: BuiltProducts.exists(swiftlet), "needs the built swiftlet"))
struct `Threads of a guest` {
    private struct Specification: Decodable { var exit_code: Int32? }

    static let suite = SharedData.files(under: "testdata/wasi-testsuite/wasi-threads", withSuffix: ".wasm")

    /// All tests of WebAssembly/wasi-testsuite for the proposal. Some never end but by the exit of one thread.
    @Test(arguments: suite) func `pass the WASI testsuite`(module: String) throws {
        let json = try? SharedData.bytes(String(module.dropLast(".wasm".count)) + ".json")
        let expected = try json.map { try JSONDecoder().decode(Specification.self, from: Data($0)).exit_code }
        // Some threads read standard input, and must be found waiting there at the end.
        let program = try Program(
            swiftlet, ["run", "--timeout", "60s", SharedData.path(module)], keepsInputOpen: true)
        #expect(program.wait(seconds: 90)?.code == (expected ?? nil) ?? 0, "\(program.standardError)")
    }

    private func run(_ text: String) throws -> (code: Int32?, errors: String) {
        let directory = TemporaryDirectory()
        let path = directory.write(Array(text.utf8), to: "threads.wat")
        let result = try Program.run(swiftlet, ["run", "--timeout", "60s", path])
        return (result.status.code, result.errors)
    }

    private static func guest(_ thread: String, _ start: String) -> String {
        """
        (module
          (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (import "env" "memory" (memory 1 16 shared))
          (export "memory" (memory 0))
          (func $thread (export "wasi_thread_start") (param $thread i32) (param $argument i32) (local $i i32) \(thread))
          (func $main (export "_start") (local $i i32) \(start)))
        """
    }

    @Test func `count together, wait for each other and see memory grow`() throws {
        let result = try run(
            Self.guest(
                """
                (loop $again
                  (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
                  (local.set $i (i32.add (local.get $i) (i32.const 1)))
                  (br_if $again (i32.lt_u (local.get $i) (i32.const 100000))))
                (drop (memory.grow (i32.const 1)))
                (drop (i32.atomic.rmw.add (i32.const 8) (i32.const 1)))
                (drop (memory.atomic.notify (i32.const 8) (i32.const 1)))
                """,
                """
                (loop $spawn
                  (if (i32.le_s (call $spawn (i32.const 0)) (i32.const 0)) (then (call $exit (i32.const 1))))
                  (local.set $i (i32.add (local.get $i) (i32.const 1)))
                  (br_if $spawn (i32.lt_u (local.get $i) (i32.const 8))))
                (loop $join
                  (local.set $i (i32.atomic.load (i32.const 8)))
                  (if (i32.lt_u (local.get $i) (i32.const 8))
                    (then
                      (drop (memory.atomic.wait32 (i32.const 8) (local.get $i) (i64.const -1)))
                      (br $join))))
                (if (i32.ne (i32.atomic.load (i32.const 0)) (i32.const 800000)) (then (call $exit (i32.const 2))))
                (if (i32.ne (memory.size) (i32.const 9)) (then (call $exit (i32.const 3))))
                ;; Grown by others: a plain store must reach it.
                (i32.store (i32.const 589820) (i32.const 1))
                (call $exit (i32.const 42))
                """))
        #expect(result.code == 42, "\(result.errors)")
    }

    @Test func `exit the process from any of them while others run`() throws {
        let result = try run(
            Self.guest(
                "(call $exit (i32.const 43))",
                """
                (drop (call $spawn (i32.const 0)))
                (loop $forever (br $forever))
                """))
        #expect(result.code == 43, "\(result.errors)")
    }

    @Test func `are refused where their import comes too late to be seen before the module is read`() throws {
        let types = String(
            repeating: "(type (func (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)))", count: 70_000)
        let result = try run("(module \(types) (import \"wasi\" \"thread-spawn\" (func (param i32) (result i32))))")
        #expect(result.code == 126, "\(result.errors)")
        #expect(result.errors.contains("wasi.thread-spawn: expected within the first 1024 KiB"), "\(result.errors)")
    }

    @Test func `end the process by a trap in one of them`() throws {
        let result = try run(
            Self.guest(
                "unreachable",
                """
                (drop (call $spawn (i32.const 0)))
                (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))
                """))
        #expect(result.code == 134)
        #expect(result.errors.contains("unreachable"))
    }

    @Test func `fail to start beyond their number, and the guest goes on`() throws {
        let result = try run(
            Self.guest(
                "(drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))",
                """
                (loop $spawn
                  (local.set $i (i32.add (local.get $i) (i32.const 1)))
                  (br_if $spawn (i32.gt_s (call $spawn (i32.const 0)) (i32.const 0))))
                (call $exit (select (i32.const 7) (i32.const 8) (i32.le_u (local.get $i) (i32.const 257))))
                """))
        #expect(result.code == 7, "\(result.errors)")
    }
}
