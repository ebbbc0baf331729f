// SPDX-License-Identifier: Apache-2.0
// Swiftlet: one module to native code, behind walls.

import Confinement
import Glibc
import Linux
import NativeCache
import NativeImage
import Wasm
import WasmCompiler
import WasmText

/// Why nothing was compiled.
struct CompilationFailure: Error {
    var description: String
}

/// The order is the point: what needs files and privileges first, then the walls, then the first hostile byte.
struct Compilation {
    /// NAME LEVEL DIGEST background|foreground SUPERVISOR quick|full|interpreted SECONDS
    ///
    /// The last two say what becomes of the functions that descriptor 5 does not name, and how much processor time may
    /// be spent (0: any).
    let words: [String]

    // LIMIT: threads; each takes up to 150 MB.
    private static let threadsMax = 8

    func run() -> Int32 {
        do {
            let summary = try compile()
            try Descriptors.writeAll(STDOUT_FILENO, "\(summary.compiled) \(summary.interpreted)")
            return 0
        } catch let error as CompilationFailure {
            try? Descriptors.writeAll(STDOUT_FILENO, error.description)
        } catch {
            try? Descriptors.writeAll(STDOUT_FILENO, "\(error)")
        }
        return 1
    }

    private func compile() throws -> NativeCompiler.Summary {
        guard words.count == 7, let supervisor = Int32(words[4]), let level = ModuleCompiler.Level(rawValue: words[1]),
            let digest = ModuleDigest(hexadecimal: words[2]), let seconds = UInt32(words[6])
        else {
            throw CompilationFailure(
                description: "expected NAME LEVEL DIGEST background|foreground SUPERVISOR REST SECONDS; "
                    + "swiftlet starts it"
            )
        }
        // Whatever else the machine does is more urgent; nothing waits for this.
        if words[3] == "background" { _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19) }
        let bytes = try map(NativeCompiler.Descriptor.module)
        let functions = try map(NativeCompiler.Descriptor.functions)
        // LLVM looks at the processor and sets up its tables while it may still ask the system.
        let target = Target.host()
        let threads = try CompilerThreads(count: Self.threadCount() - 1) { try CompilerConfinement.prepareThread() }
        try CompilerConfinement.apply(keeping: [NativeCompiler.Descriptor.image], supervisor: supervisor)
        let module: Module
        do { module = try TextFormat.load(bytes, name: words[0]) } catch {
            throw CompilationFailure(description: error.description)
        }
        let first = (0..<functions.count / 4).map {
            functions.buffer.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)
        }
        let selection = FunctionSelection(
            first: first, rest: ModuleCompiler.Level(rawValue: words[5]),
            processorSeconds: seconds > 0 ? Double(seconds) : nil)
        let result = try ModuleCompiler(level: level, target: target).compile(
            module, digest: digest, selection: selection, threads: threads,
            progress: { share in try? Descriptors.writeAll(STDOUT_FILENO, "\(Int(share * 100))\n") })
        try Descriptors.writeAll(NativeCompiler.Descriptor.image, result.image)
        return NativeCompiler.Summary(compiled: result.compiledFunctions, interpreted: result.otherFunctions)
    }

    /// As many as there are processors.
    private static func threadCount() -> Int { min(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))), threadsMax) }

    /// The module's file as memory; the descriptor is closed with the others.
    private func map(_ descriptor: Int32) throws -> ModuleBytes {
        let status = try Descriptors.status(descriptor)
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw CompilationFailure(description: "the module is not a regular file")
        }
        let count = Int(status.st_size)
        guard count <= DecodingLimits.standard.moduleBytes else {
            throw CompilationFailure(
                description: "a module of \(count) bytes, limit \(DecodingLimits.standard.moduleBytes)")
        }
        guard count > 0 else { return ModuleBytes([]) }
        guard let address = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
            throw CompilationFailure(description: "mmap of the module: \(Errno.current)")
        }
        // Lives as long as the process.
        return ModuleBytes(taking: UnsafeRawBufferPointer(start: address, count: count)) { _ in }
    }
}
