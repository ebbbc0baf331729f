// SPDX-License-Identifier: Apache-2.0
// Swiftlet: native code from the compiler's process through the cache into the sandbox.

import Glibc
import Linux
import NativeCache
import NativeImage
import TestSupport
import Testing

private let swiftlet = BuiltProducts.program("swiftlet")

/// The command with a cache of its own.
private struct Machine {
    let cache = TemporaryDirectory()
    var root: String { "\(cache.path)/native" }
    var environment: [String: String] {
        Program.currentEnvironment.merging(["SWIFTLET_NATIVE": root]) { $1 }
    }

    func run(_ arguments: [String]) throws -> (code: Int32?, output: String, errors: String) {
        let result = try Program.run(swiftlet, arguments, environment: environment, seconds: 300)
        return (result.status.code, result.output, result.errors)
    }

    var entries: [String] { ((try? Files.names(in: "\(root)/images")) ?? []).map { "\(root)/images/\($0)" } }
    var underWay: [String] { (try? Files.names(in: "\(root)/making")) ?? [] }

    func removeCache() {
        for folder in ["images", "making", "digests"] {
            for name in (try? Files.names(in: "\(root)/\(folder)")) ?? [] { unlink("\(root)/\(folder)/\(name)") }
            rmdir("\(root)/\(folder)")
        }
        unlink("\(root)/lock")
        rmdir(root)
    }
}

@Suite(
    .serialized,
    .enabled(
        if: BuiltProducts.exists(swiftlet) && BuiltProducts.exists(BuiltProducts.program("swiftlet-aot"))
            && SharedData.isPresent,
        "needs the built swiftlet, swiftlet-aot and shared data"))
struct `Native code` {
    static let hello = SharedData.path("testdata/programs/wasip1/hello_c.wasm")

    @Test func `is made first where the engine is aot`() throws {
        let machine = Machine()
        defer { machine.removeCache() }
        let result = try machine.run(["run", "--engine", "aot", Self.hello])
        #expect(result.code == 0 && result.output == "Hello World!\n" && result.errors == "", "\(result)")
        #expect(machine.entries.count == 1 && machine.underWay.isEmpty)
        for engine in ["auto", "interpreter", "aot"] {
            let result = try machine.run(["run", "--engine", engine, Self.hello])
            #expect(result.code == 0 && result.output == "Hello World!\n" && result.errors == "", "\(result)")
        }
        #expect(machine.entries.count == 1)
    }

    @Test func `is executable in the sandbox, never writable, and nothing else is executable`() throws {
        let machine = Machine()
        defer { machine.removeCache() }
        let module = machine.cache.write(
            // Waits for ever: a loop that branches to its start.
            TinyModule.bytes(body: [0x03, 0x40, 0x0C, 0x00, 0x0B]), to: "loop.wasm")
        defer { unlink(module) }
        let program = try Program(
            swiftlet, ["run", "--engine", "aot", module], environment: machine.environment)
        defer { program.signal(SIGKILL) }
        var executable: [Substring] = []
        for _ in 0..<600 where !executable.contains(where: { $0.contains(machine.root) }) {
            usleep(50_000)
            let sandbox = try ProcessTable.all().first {
                ProcessTable.entry(of: $0)?.parent == program.processID
            }
            guard let sandbox, let maps = try? Files.readText("/proc/\(sandbox)/maps") else { continue }
            executable = maps.split(separator: "\n").filter {
                $0.split(separator: " ").dropFirst().first?.contains("x") == true
            }
        }
        #expect(executable.contains { $0.contains("r-xp") && $0.contains(machine.root) }, "\(executable)")
        #expect(!executable.contains { $0.contains("wxp") }, "\(executable)")
    }

    @Test func `that is damaged is told, and the interpreter runs; the next aot run makes it anew`() throws {
        let machine = Machine()
        defer { machine.removeCache() }
        #expect(try machine.run(["run", "--engine", "aot", Self.hello]).code == 0)
        let entry = try #require(machine.entries.first)
        chmod(entry, 0o600)
        let file = open(entry, O_RDWR)
        #expect(pwrite(file, [0xFF], 1, 30) == 1)
        close(file)
        let auto = try machine.run(["run", Self.hello])
        #expect(auto.code == 0 && auto.output == "Hello World!\n", "\(auto)")
        #expect(auto.errors.contains("; the interpreter runs"), "\(auto)")
        let aot = try machine.run(["run", "--engine", "aot", Self.hello])
        #expect(aot.code == 0 && aot.output == "Hello World!\n" && aot.errors == "", "\(aot)")
    }

    @Test func `in a cache that others can write is not used`() throws {
        let machine = Machine()
        defer { machine.removeCache() }
        #expect(try machine.run(["run", "--engine", "aot", Self.hello]).code == 0)
        chmod("\(machine.root)/images", 0o777)
        let auto = try machine.run(["run", Self.hello])
        #expect(auto.code == 0 && auto.output == "Hello World!\n", "\(auto)")
        #expect(auto.errors.contains("expected no right to write for others, found mode 0777"), "\(auto)")
        let aot = try machine.run(["run", "--engine", "aot", Self.hello])
        #expect(aot.code == 125, "\(aot)")
    }

    @Test func `is not made of what is no module, and the reason is told`() throws {
        let machine = Machine()
        defer { machine.removeCache() }
        let bad = machine.cache.write([0, 0x61, 0x73, 0x6D, 1, 0, 0, 0, 1, 0x7F], to: "bad.wasm")
        defer { unlink(bad) }
        let result = try machine.run(["run", "--engine", "aot", bad])
        #expect(result.code == 125 && result.errors.contains("malformed module at byte"), "\(result)")
        #expect(machine.entries.isEmpty && machine.underWay.isEmpty)
    }

    @Test func `that is not whole leaves nothing behind when the compiler is stopped`() throws {
        let machine = Machine()
        defer { machine.removeCache() }
        let big = SharedData.path("testdata/programs/wasip1/hello_go.wasm")
        let program = try Program(swiftlet, ["run", "--engine", "aot", big], environment: machine.environment)
        var compiler: pid_t?
        for _ in 0..<2000 where compiler == nil && program.wait(seconds: 0) == nil {
            compiler = try ProcessTable.all().first {
                ProcessTable.entry(of: $0)?.parent == program.processID
                    && ProcessTable.arguments(of: $0).first == "swiftlet-aot"
            }
        }
        let child = try #require(compiler)
        program.signal(SIGTERM)
        #expect(program.wait()?.signal == SIGTERM)
        for _ in 0..<600 where ProcessTable.arguments(of: child).first == "swiftlet-aot" { usleep(50_000) }
        #expect(ProcessTable.arguments(of: child).first != "swiftlet-aot")
        #expect(machine.entries.isEmpty)
        // What is left of the lock keeps nobody away.
        let again = try machine.run(["run", "--engine", "aot", Self.hello])
        #expect(again.code == 0, "\(again)")
    }

    private static let aot = BuiltProducts.program("swiftlet-aot")

    /// What the compiler makes of hello.
    private static func compile(
        _ selection: NativeCompiler.Selection?
    ) throws -> (summary: NativeCompiler.Summary, covered: Int) {
        let module = open(hello, O_RDONLY | O_CLOEXEC)
        defer { close(module) }
        let image = try Files.memory(name: "image")
        let digest = try #require(ModuleDigest(Array(repeating: 7, count: ModuleDigest.byteCount)))
        var request = CompileRequest(name: "hello")
        request.selection = selection
        let summary = try NativeCompiler(executablePath: aot).compile(
            module, request, digest: digest, into: image.rawValue)
        let mapping = try NativeImageMapping(descriptor: image.rawValue)
        return (summary, mapping.image.compiledFunctionCount)
    }

    @Test func `covers the functions that are asked for, and says how many`() throws {
        let whole = try Self.compile(nil)
        #expect(whole.summary.compiled == whole.covered && whole.summary.interpreted == 0)
        let part = try Self.compile(NativeCompiler.Selection(first: [10, 7, 8], rest: nil))
        #expect(part.covered == 3)
        #expect(part.summary.compiled == 3 && part.summary.interpreted == whole.covered - 3)
        let mixed = try Self.compile(NativeCompiler.Selection(first: [10], rest: .quick, processorSeconds: 1000))
        #expect(mixed.summary.compiled == whole.summary.compiled && mixed.summary.interpreted == 0)
        let failure = #expect(throws: NativeFailure.self) {
            try Self.compile(NativeCompiler.Selection(first: [1_000_000], rest: nil))
        }
        #expect(failure?.description.hasPrefix("hello: function 1000000 is to be compiled first, and the") == true)
    }

    @Test func `is made by threads that are all behind the wall`() throws {
        let machine = Machine()
        defer { machine.removeCache() }
        let big = SharedData.path("testdata/programs/wasip1/hello_go.wasm")
        let program = try Program(swiftlet, ["run", "--engine", "aot", big], environment: machine.environment)
        defer { program.signal(SIGKILL) }
        var states: [String] = []
        // The last wall is the filter: one look after it is there sees them all.
        for _ in 0..<6000 where !states.contains(where: { $0.contains("Seccomp:\t2") }) {
            usleep(1000)
            let compiler = try ProcessTable.all().first {
                ProcessTable.entry(of: $0)?.parent == program.processID
                    && ProcessTable.arguments(of: $0).first == "swiftlet-aot"
            }
            guard let compiler, let threads = try? Files.names(in: "/proc/\(compiler)/task") else { continue }
            states = threads.compactMap { try? Files.readText("/proc/\(compiler)/task/\($0)/status") }
        }
        #expect(states.count == min(8, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        for state in states {
            for line in ["Seccomp:\t2", "NoNewPrivs:\t1", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000"] {
                #expect(state.contains(line))
            }
        }
    }
}
