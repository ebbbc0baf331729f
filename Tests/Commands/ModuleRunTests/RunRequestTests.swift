// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the quick reader of `swiftlet run`'s command line.

import ModuleRun
import Testing

@Suite struct `the quick reader of a run's command line` {
    @Test func `takes every option in both spellings`() throws {
        let spellings: [[String]] = [
            [
                "--dir", "/data:/d:ro", "--env", "A=b=c", "--listen", "127.0.0.1:80", "--net", "--invoke", "f",
                "--memory", "1Mi", "--cpus", "250m", "--engine", "interpreter", "--timeout", "2m", "--grace", "500ms",
                "--features", "-gc,-simd", "--fuel", "1000",
                "app.wasm",
            ],
            [
                "--dir=/data:/d:ro", "--env=A=b=c", "--listen=127.0.0.1:80", "--net", "--invoke=f", "--memory=1Mi",
                "--cpus=0.25", "--engine=interpreter", "--timeout=120s", "--grace=0.5",
                "--features=-gc,-simd", "--fuel=1000", "app.wasm",
            ],
        ]
        var expected = RunRequest(path: "app.wasm")
        expected.directories = try [#require(RunDirectory(argument: "/data:/d:ro"))]
        expected.environment = try [#require(RunVariable(argument: "A=b=c"))]
        expected.listeners = try [#require(RunAddress(argument: "127.0.0.1:80"))]
        expected.allowsNetwork = true
        expected.invoke = "f"
        expected.memory = RunBytes(argument: "1048576")
        expected.processors = RunProcessors(argument: "0.25")
        expected.engine = .interpreter
        expected.features = "-gc,-simd"
        expected.fuel = RunFuel(argument: "1000")
        expected.timeout = RunDuration(milliseconds: 120_000)
        expected.grace = RunDuration(milliseconds: 500)
        for words in spellings { #expect(RunRequest(words: words) == expected) }
        #expect(expected.directories[0].isReadOnly && expected.directories[0].guest == "/d")
    }

    @Test func `keeps repeated options in their order`() throws {
        let request = try #require(RunRequest(words: ["--env", "A=1", "--dir", "/a", "--env", "B=2", "x.wasm"]))
        #expect(request.environment.map(\.text) == ["A=1", "B=2"])
        #expect(request.directories.map(\.guest) == ["/a"])
    }

    @Test(arguments: ["auto", "aot", "interpreter"])
    func `takes every engine`(_ name: String) throws {
        #expect(RunRequest(words: ["--engine", name, "x.wasm"])?.engine.rawValue == name)
    }

    @Test func `leaves everything behind the module to the guest`() throws {
        let request = try #require(RunRequest(words: ["x.wasm", "--env", "A=1", "--", "--help", ""]))
        #expect(request.arguments == ["--env", "A=1", "--", "--help", ""])
        #expect(request.environment.isEmpty)
    }

    @Test(arguments: [
        [], ["--help"], ["-h", "x.wasm"], ["--", "x.wasm"], ["--nett", "x.wasm"], ["--env", "x.wasm"], ["--env"],
        ["--env", "A", "x.wasm"], ["--env", "--net", "x.wasm"], ["--memory", "1Zi", "x.wasm"],
        ["--memory", "1Mi", "--memory", "2Mi", "x.wasm"], ["--cpus=", "x.wasm"],
        ["--net=1", "x.wasm"], ["--listen", "localhost:80", "x.wasm"], ["--fuel", "0", "x.wasm"],
        ["--fuel", "1k", "x.wasm"], ["--timeout", "soon", "x.wasm"],
    ])
    func `leaves what wants a word of explanation to the other parser`(_ words: [String]) {
        #expect(RunRequest(words: words) == nil)
    }
}
