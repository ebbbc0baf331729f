// SPDX-License-Identifier: Apache-2.0
// Swiftlet: which module a process runs, and images that try to get out of their root.
import Glibc
import OCI
import TTRPC
import TaskService
import Testing

private let module: [UInt8] = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]

@Suite struct ModuleResolverTests {
    private func status(_ body: () throws(Status) -> String) -> Status? {
        do throws(Status) {
            _ = try body()
            return nil
        } catch { return error }
    }

    private func entrypoint(_ resolver: ModuleResolver, _ args: [String], env: [String] = []) throws(Status) -> String {
        let resolved = try resolver.resolve(ProcessSpec(args: args, env: env))
        return resolved.entrypoint
    }

    @Test func `args 0 is looked up in the root file system`() throws {
        let folder = TemporaryFolder()
        _ = folder.write("app.wasm", module)
        let resolver = ModuleResolver(rootPath: folder.path)
        #expect(try entrypoint(resolver, ["/app.wasm"]) == "_start")
        #expect(try entrypoint(resolver, ["./app.wasm#serve"]) == "serve")
        #expect(try entrypoint(resolver, ["app.wasm"], env: ["PATH=/nowhere:/"]) == "_start")
        let missing = status { () throws(Status) in try entrypoint(resolver, ["/no.wasm"]) }
        #expect(missing == Status(.notFound, "module /no.wasm: no such file or directory in the root file system"))
        let inPath = status { () throws(Status) in try entrypoint(resolver, ["no.wasm"], env: ["PATH=/bin"]) }
        #expect(inPath?.message.contains("looked for /bin/no.wasm, //no.wasm") == true)
        #expect(status { () throws(Status) in try entrypoint(resolver, []) }?.code == .invalidArgument)
    }

    @Test func `the annotation comes first and args 0 may still name the export`() throws {
        let folder = TemporaryFolder()
        let path = folder.write("m.wasm", module)
        let resolver = ModuleResolver(modulePath: path)
        #expect(try entrypoint(resolver, ["whatever"]) == "_start")
        #expect(try entrypoint(resolver, ["whatever#f"]) == "f")
        #expect(try entrypoint(ModuleResolver(modulePath: path + "#g"), ["whatever#f"]) == "g")
        let missing = status { () throws(Status) in try entrypoint(ModuleResolver(modulePath: "/no/m.wasm"), ["x"]) }
        #expect(missing?.code == .notFound && missing?.message.contains("/no/m.wasm") == true)
    }

    @Test(
        arguments: [
            ([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0], "is a native program (ELF)"),
            ([0x00, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0], "is a component"),
            ([0x00, 0x61, 0x73, 0x6d, 0x02, 0, 0, 0], "expected a WebAssembly module"), ([], "found an empty file"),
            ([0x23, 0x21], "found 23 21"), ([0x00, 0x61, 0x73], "found 00 61 73"),
        ] as [([UInt8], String)])
    func `what is no module is refused by name`(bytes: [UInt8], reason: String) {
        let folder = TemporaryFolder()
        _ = folder.write("app", bytes)
        let error = status { () throws(Status) in try entrypoint(ModuleResolver(rootPath: folder.path), ["/app"]) }
        #expect(error?.code == .failedPrecondition)
        #expect(error?.message.contains("module /app: ") == true && error?.message.contains(reason) == true)
    }

    @Test func `symbolic links and dots stay inside the root`() throws {
        let outside = TemporaryFolder()
        let secret = outside.write("secret.wasm", module)
        let folder = TemporaryFolder()
        symlink(secret, "\(folder.path)/link.wasm")
        let resolver = ModuleResolver(rootPath: folder.path)
        for path in ["/link.wasm", "/../../..\(secret)", secret] {
            #expect(status { () throws(Status) in try entrypoint(resolver, [path]) }?.code == .notFound, "\(path)")
        }
        mkfifo("\(folder.path)/fifo", 0o600)
        #expect(
            status { () throws(Status) in try entrypoint(resolver, ["/fifo"]) }?.message
                == "module /fifo: is not a regular file")
    }

    @Test func `an exec runs the same module or another one of the image`() throws {
        let folder = TemporaryFolder()
        let path = folder.write("m.wasm", module)
        _ = folder.write("check.wasm", module)
        let container = ProcessSpec(args: ["app", "serve"])
        func exec(_ resolver: ModuleResolver, _ argument: String) throws(Status) -> String {
            let resolved = try resolver.resolve(ProcessSpec(args: [argument]), of: container)
            return resolved.entrypoint
        }
        let only = ModuleResolver(modulePath: path)
        #expect(try exec(only, "#check") == "check")
        #expect(try exec(only, "app#check") == "check")
        #expect(try exec(only, "app") == "_start")
        #expect(try exec(only, path) == "_start")
        #expect(status { () throws(Status) in try exec(only, "/bin/sh") }?.code == .notFound)
        let both = ModuleResolver(rootPath: folder.path, modulePath: path)
        #expect(try exec(both, "/check.wasm#f") == "f")
        #expect(status { () throws(Status) in try exec(both, "/bin/sh") }?.code == .notFound)
    }
}
