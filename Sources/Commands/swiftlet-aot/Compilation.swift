// SPDX-License-Identifier: Apache-2.0
// Swiftlet: one module to native code, behind walls.

import Confinement
import Glibc
import Linux
import NativeCache
import NativeImage
import Synchronization
import Wasm
import WasmCompiler
import WasmText

/// Why nothing was compiled.
struct CompilationFailure: Error {
    var description: String
}

/// The order is the point: what needs files and privileges first, then the walls, then the first hostile byte.
struct Compilation {
    /// NAME LEVEL DIGEST background|soon|foreground SUPERVISOR quick|full|interpreted SECONDS
    ///
    /// The last two say what becomes of the functions that descriptor 5 does not name, and how much processor time may
    /// be spent (0: any).
    let words: [String]

    // LIMIT: threads; each takes up to 150 MB.
    private static let threadsMax = 8

    func run() -> Int32 {
        do {
            let summary = try compile()
            try Descriptors.writeAll(STDOUT_FILENO, "\(summary.compiled) \(summary.interpreted)\n")
            return 0
        } catch let error as CompilationFailure {
            try? Descriptors.writeAll(STDOUT_FILENO, Self.oneLine(error.description))
            return NativeCompiler.refusalCode
        } catch let error as SystemError {
            try? Descriptors.writeAll(STDOUT_FILENO, Self.oneLine("\(error)"))
            return NativeCompiler.unableCode
        } catch let error as ConfinementError {
            try? Descriptors.writeAll(STDOUT_FILENO, Self.oneLine("\(error)"))
            return NativeCompiler.unableCode
        } catch {
            try? Descriptors.writeAll(STDOUT_FILENO, Self.oneLine("\(error)"))
            return NativeCompiler.refusalCode
        }
    }

    /// The last line is the last word.
    private static func oneLine(_ text: String) -> String {
        "\n" + text.split(separator: "\n").joined(separator: " ") + "\n"
    }

    private func compile() throws -> NativeCompiler.Summary {
        guard words.count == 7, let supervisor = Int32(words[4]), let level = ModuleCompiler.Level(rawValue: words[1]),
            let digest = ModuleDigest(hexadecimal: words[2]), let seconds = UInt32(words[6])
        else {
            throw CompilationFailure(
                description: "expected NAME LEVEL DIGEST background|soon|foreground SUPERVISOR REST SECONDS; "
                    + "swiftlet starts it"
            )
        }
        let isBackground = words[3] == "background"
        if isBackground { yield(19) } else if words[3] == "soon" { yield(5) }
        let bytes = try map(NativeCompiler.Descriptor.module)
        let functions = try map(NativeCompiler.Descriptor.functions)
        // LLVM looks at the processor and sets up its tables while it may still ask the system.
        let target = Target.host()
        // Nobody waits for the background, and each thread takes memory.
        let helpers = isBackground ? 0 : Self.threadCount() - 1
        let threads = try CompilerThreads(count: helpers) { try CompilerConfinement.prepareThread() }
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
        let progress = Progress()
        let result = try ModuleCompiler(level: level, target: target).compile(
            module, digest: digest, selection: selection, threads: threads,
            progress: { progress.note($0) })
        try Descriptors.writeAll(NativeCompiler.Descriptor.image, result.image)
        return NativeCompiler.Summary(compiled: result.compiledFunctions, interpreted: result.otherFunctions)
    }

    /// Whatever else the machine does is more urgent, though not by far where a guest waits for what is hot in it. Not
    /// SCHED_IDLE: a machine that always has something to do would never have native code. Threads that come later
    /// inherit it.
    private func yield(_ niceness: Int32) { _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness) }

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

/// Tells every percent once: the pipe has room for them all, and nobody may be there to read.
private final class Progress: Sendable {
    private let told = Mutex(-1)

    func note(_ share: Double) {
        let percent = Int(share * 100)
        let isNew = told.withLock { told in
            defer { told = max(told, percent) }
            return percent > told
        }
        if isNew { try? Descriptors.writeAll(STDOUT_FILENO, "\(percent)\n") }
    }
}
