// SPDX-License-Identifier: Apache-2.0
// Swiftlet: `swiftlet run` with real modules in the real sandbox.

import Glibc
import Linux
import TestSupport
import Testing

private let swiftlet = BuiltProducts.program("swiftlet")

private func run(_ arguments: [String], input: String? = nil) throws -> (code: Int32?, output: String, errors: String) {
    let result = try Program.run(swiftlet, ["run"] + arguments, input: input)
    return (result.status.code, result.output, result.errors)
}

private func program(_ name: String) -> String { SharedData.path("testdata/programs/\(name)") }

@Suite(
    .serialized,
    .enabled(if: BuiltProducts.exists(swiftlet) && SharedData.isPresent, "needs the built swiftlet and shared data"))
struct `swiftlet run` {
    @Test(arguments: [
        ("wasip1/hello_c.wasm", "Hello World!\n"), ("wasip1/hello_tinygo.wasm", "Hello World!\n"),
        ("wasip1/hello_go.wasm", "Hello World!\n"), ("wasi_unstable/hello_krustlet.wasm", "Hello, world!\n"),
    ])
    func `prints what a foreign hello prints`(_ name: String, _ expected: String) throws {
        let result = try run([program(name)])
        #expect(result.code == 0 && result.output == expected && result.errors == "")
    }

    @Test func `hands over arguments, variables, directories and standard input`() throws {
        let directory = TemporaryDirectory()
        let result = try run([
            "--dir", "\(directory.path):.", "--env", "GREETING=hi", program("own-built/own_env_fs.wasm"), "a", "b",
        ])
        #expect(result.code == 3)
        #expect(result.output.hasPrefix("argc=3\narg1=a\narg2=b\nGREETING=hi\n"))
        #expect(result.output.hasSuffix("read back: hello file\nclock ok 1\n"))
        let cat = try run([program("own-built/own_stdin_cat.wasm")], input: "abc")
        #expect(cat.code == 0 && cat.output == "abc" && cat.errors == "done\n")
    }

    @Test func `a read-only directory stays as it is`() throws {
        let directory = TemporaryDirectory()
        let result = try run([
            "--dir", "\(directory.path):.:ro", program("own-built/own_env_fs.wasm"), "a",
        ])
        #expect(result.code != 0 || !result.output.contains("read back: hello file"))
        #expect(try Files.names(in: directory.path) == [])
    }

    @Test(arguments: ["/../secret", "/link", "/../../../../../../etc/passwd"])
    func `nothing outside a directory is readable`(_ path: String) throws {
        let outside = TemporaryDirectory()
        let secret = outside.write(Array("secret".utf8), to: "secret")
        mkdir("\(outside.path)/inside", 0o755)
        defer {
            unlink("\(outside.path)/inside/link")
            rmdir("\(outside.path)/inside")
        }
        symlink(secret, "\(outside.path)/inside/link")
        let result = try run(["--dir", "\(outside.path)/inside:/", program("wasip1/cat_rust.wasm"), path])
        #expect(!result.output.contains("secret") && !result.output.contains("root:"))
        #expect(result.code != 0)
    }

    @Test func `an endless loop ends with its time`() throws {
        let directory = TemporaryDirectory()
        // (loop (br 0))
        let path = directory.write(TinyModule.bytes(body: [0x03, 0x40, 0x0C, 0, 0x0B]), to: "loop.wasm")
        let result = try run(["--timeout", "200ms", path])
        #expect(result.code == 124 && result.errors.contains("--timeout"))
    }

    @Test func `a trap tells its reason and where`() throws {
        let directory = TemporaryDirectory()
        let path = directory.write(TinyModule.bytes(body: [0x00]), to: "trap.wasm")
        let result = try run([path])
        #expect(result.code == 134)
        #expect(result.errors.contains("unreachable") && result.errors.contains("_start"))
    }

    @Test func `all unknown imports are named, with the nearest known ones`() throws {
        let directory = TemporaryDirectory()
        let imports = [(module: "env", name: "nothing"), (module: "wasi_snapshot_preview1", name: "fd_writ")]
        let path = directory.write(TinyModule.bytes(imports: imports, body: []), to: "imports.wasm")
        let result = try run([path])
        #expect(result.code == 126)
        #expect(result.errors.contains("env.nothing"))
        #expect(result.errors.contains("wasi_snapshot_preview1.fd_writ"))
        #expect(result.errors.contains("wasi_snapshot_preview1.fd_write"))
    }

    @Test func `files that are no modules are refused with what they are`() throws {
        let directory = TemporaryDirectory()
        let cut = Array(TinyModule.bytes(body: [0x00]).dropLast(3))
        for (bytes, word) in [([UInt8](), "empty"), (Array("#!/bin/sh\n".utf8), "script"), (cut, "")] {
            let result = try run([directory.write(bytes, to: "bad.wasm")])
            #expect(result.code == 126 && result.errors.contains(word), "\(result)")
        }
        let missing = try run(["/nowhere/app.wasm"])
        #expect(missing.code == 127 && missing.errors.contains("/nowhere/app.wasm"))
    }

    @Test(arguments: [
        ["--env", "GREETING=hi", "own-built/own_env_fs.wasm", "a"], ["own-built/own_env_fs.wasm", "--env", "B=1"],
        ["--timeout", "5s", "--memory=64Mi", "wasip1/hello_c.wasm"], ["--grace", "1s", "no-such.wasm"],
        ["--env", "A", "wasip1/hello_c.wasm"], ["--nett", "wasip1/hello_c.wasm"], ["--help"], [],
    ])
    func `the quick reader and the full parser do the same`(_ words: [String]) throws {
        let words = words.map { $0.hasSuffix(".wasm") ? program($0) : $0 }
        let quick = try run(words)
        let full = try Program.run(BuiltProducts.program("swiftlet-node"), ["run"] + words)
        #expect(quick.code == full.status.code && quick.output == full.output && quick.errors == full.errors)
    }

    @Test func `an engine that is not there is refused`() throws {
        let result = try run(["--engine", "jet", program("wasip1/hello_c.wasm")])
        #expect(result.code == 64 && result.errors.contains("'jet' is invalid"), "\(result)")
    }

    @Test func `reaching the memory limit is 137`() throws {
        let directory = TemporaryDirectory()
        // (memory 1) is missing on purpose: the tiny module has none, so the hog is a guest of the package.
        let hog = BuiltProducts.guest("memory-hog")
        guard geteuid() == 0, BuiltProducts.exists(hog) else { return }
        let result = try run(["--memory", "32Mi", "--timeout", "60s", hog])
        #expect(result.code == 137, "\(result)")
        #expect(result.errors.contains("out of memory"))
        _ = directory
    }
}
