// SPDX-License-Identifier: Apache-2.0
// Swiftlet: one swiftlet-aot at work, for who has an event loop and for who waits.

internal import Glibc
internal import Linux
public import NativeImage

/// What the compiler is asked for.
public struct CompileRequest: Sendable {
    /// What messages call the module.
    public var name: String
    public var level: NativeCompiler.Level
    /// nil: all functions at that level.
    public var selection: NativeCompiler.Selection?
    /// Whether everything else on the machine goes first (nice 19; 5 for hot functions), and the group's limits hold.
    public var isBackground: Bool
    /// Path of the group for the compiler, made for it and removed after it; nil: its supervisor's.
    public var cgroupPath: String?

    public init(
        name: String, level: NativeCompiler.Level = .full, isBackground: Bool = false, cgroupPath: String? = nil
    ) {
        self.name = name
        self.level = level
        self.isBackground = isBackground
        self.cgroupPath = cgroupPath
    }
}

extension CompileRequest {
    /// As the compiler's program takes it.
    var urgency: String { !isBackground ? "foreground" : level == .hot ? "soon" : "background" }
}

/// A compiler from its start to its end. It ends with this object.
final class CompilerProcess {
    // LIMIT: seconds from start to end. Far more than the processor time that it may take: in the background it may wait
    // for its turn for long.
    static let secondsMax: UInt64 = 7200
    // LIMIT: bytes of memory in the background; three times what the largest module needs.
    static let backgroundMemoryBytes: UInt64 = 2 << 30
    // LIMIT: bytes of what it says; what comes after it is not looked at.
    static let reportBytesMax = 1 << 16

    private let request: CompileRequest
    private let child: ChildProcess
    private let output: OwnedDescriptor
    private let cgroup: CGroup?
    private let deadline: UInt64
    private var report: [UInt8] = []
    private var isReaped = false
    /// Why this side ended it.
    private var reason: String?

    /// Readable when it has ended.
    var processDescriptor: Int32 { child.descriptor.rawValue }
    var processIdentifier: Int32 { child.processIdentifier }

    init(
        _ request: CompileRequest, executablePath: String, module: Int32, digest: ModuleDigest, image: Int32
    ) throws(SystemError) {
        self.request = request
        let pipe = try DescriptorPair.pipe()
        var ends: (Int32, Int32) = (-1, -1)
        pipe.split { ends = ($0.release(), $1.release()) }
        output = OwnedDescriptor(owning: ends.0)
        let writing = OwnedDescriptor(owning: ends.1)
        try Descriptors.setNonBlocking(output.rawValue)
        let selection = request.selection ?? NativeCompiler.Selection(first: [], rest: request.level)
        let functions = try Self.file(of: selection.first)
        var spawn = SpawnRequest(
            path: executablePath,
            arguments: [
                "swiftlet-aot", request.name, request.level.compilersName, "\(digest)",
                request.urgency, "\(getpid())",
                selection.rest?.compilersName ?? "interpreted", "\(selection.processorSeconds ?? 0)",
            ],
            environment: ["SWIFT_BACKTRACE=enable=no,color=no,interactive=no,swift-backtrace=/none"],
            descriptors: [
                .init(writing.rawValue, as: 1), .init(STDERR_FILENO, as: 2),
                .init(module, as: NativeCompiler.Descriptor.module), .init(image, as: NativeCompiler.Descriptor.image),
                .init(functions.rawValue, as: NativeCompiler.Descriptor.functions),
            ])
        cgroup = Self.makeGroup(request)
        // A group is a wall more: without it the process's own limits and its priority hold.
        spawn.cgroup = try? cgroup?.entrance()
        do { child = try ChildProcess.spawn(spawn) } catch {
            CompilerGroup.remove(cgroup)
            throw error
        }
        deadline = Clock.monotonicNanoseconds() + Self.secondsMax * 1_000_000_000
    }

    deinit {
        guard !isReaped else { return }
        try? child.kill(SIGKILL)
        _ = try? child.wait()
        CompilerGroup.remove(cgroup)
    }

    private static func file(of functions: [UInt32]) throws(SystemError) -> OwnedDescriptor {
        let file = try Files.memory(name: "functions")
        var bytes: [UInt8] = []
        for function in functions { withUnsafeBytes(of: function) { bytes += $0 } }
        try Descriptors.writeAll(file.rawValue, bytes)
        return file
    }

    private static func makeGroup(_ request: CompileRequest) -> CGroup? {
        guard let path = request.cgroupPath, let mounts = try? CGroupMounts.detect() else { return nil }
        let group = CGroup(path: path, mounts: mounts)
        var limits = ResourceLimits()
        if request.isBackground {
            if mounts.has("memory") { limits.memoryBytes = backgroundMemoryBytes }
            if mounts.has("cpu") {
                limits.cpuQuotaMicroseconds = 100_000
                // A container has 1024 for each processor that it requests.
                limits.cpuShares = request.level == .hot ? 256 : 16
            }
            if mounts.has("pids") { limits.processes = 64 }
        }
        do { try group.create(limits) } catch { return nil }
        return group
    }

    func kill(because reason: String) {
        self.reason = reason
        try? child.kill(SIGKILL)
    }

    /// The share that is done, in percent, as the compiler said last.
    func percentDone() -> Int? {
        read()
        let lines = report.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true)
        // What is not whole yet is no number, and the last word is none.
        return lines.reversed().lazy.compactMap { Int(String(decoding: $0, as: UTF8.self)) }.first.map { min($0, 100) }
    }

    /// What became of it; nil while it works.
    func result() throws -> NativeCompiler.Summary? {
        read()
        if reason == nil, Clock.monotonicNanoseconds() > deadline {
            kill(because: "compiling took longer than \(Self.secondsMax) s")
        }
        guard let exit = try child.reap() else { return nil }
        isReaped = true
        read()
        let kills = cgroup?.outOfMemoryKills() ?? 0
        CompilerGroup.remove(cgroup)
        let last = String(decoding: report, as: UTF8.self).split(separator: "\n").last.map(String.init) ?? ""
        let words = last.split(separator: " ")
        if exit.cause == .exited(code: 0), words.count == 2, let compiled = Int(words[0]), let other = Int(words[1]) {
            return NativeCompiler.Summary(
                compiled: compiled, interpreted: other,
                processorMilliseconds: (exit.userMicroseconds + exit.systemMicroseconds) / 1000,
                residentKibibytesMax: exit.residentKibibytesMax)
        }
        throw failure(exit.cause, last, kills)
    }

    private func failure(_ cause: ProcessExit.Cause, _ last: String, _ kills: UInt64) -> NativeFailure {
        let name = request.name
        if let reason { return NativeFailure("\(name): \(reason)", isLasting: false) }
        return switch cause {
        case .exited(NativeCompiler.refusalCode): NativeFailure("\(name): \(last)", isLasting: true)
        // What the dynamic linker says is on standard error.
        case .exited(127): NativeFailure("\(name): the compiler cannot be started; is LLVM 19 there?", isLasting: false)
        case .exited where !last.isEmpty: NativeFailure("\(name): \(last)", isLasting: false)
        case .exited(let code): NativeFailure("\(name): the compiler ended with code \(code)", isLasting: true)
        case .signaled(SIGXCPU):
            NativeFailure("\(name): compiling took more processor time than is allowed", isLasting: true)
        case .signaled(SIGSYS):
            NativeFailure("\(name): the compiler made a system call that it must not make", isLasting: true)
        case .signaled(SIGKILL) where kills > 0:
            NativeFailure(
                "\(name): compiling took more than \(Self.backgroundMemoryBytes >> 20) MiB of memory", isLasting: true)
        case .signaled(SIGKILL), .signaled(SIGTERM), .signaled(SIGINT):
            NativeFailure("\(name): the compiler was killed", isLasting: false)
        case .signaled(let signal):
            NativeFailure("\(name): the compiler crashed (signal \(signal))", isLasting: true)
        }
    }

    private func read() {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 1)
        defer { buffer.deallocate() }
        while let count = try? Descriptors.read(output.rawValue, into: buffer), count > 0 {
            // The end matters, and progress before it does not.
            if report.count > Self.reportBytesMax { report.removeFirst(report.count / 2) }
            report += buffer[..<count]
        }
    }
}

extension NativeCompiler {
    /// Compiles a module from one file into another, beside any cache; waits for the end.
    ///
    /// - Parameters:
    ///   - module: a file that nobody else writes to.
    ///   - digest: of the module, as the image will say.
    /// - Throws: ``NativeFailure``, or a `SystemError` where the compiler cannot be started.
    public func compile(
        _ module: Int32, _ request: CompileRequest, digest: ModuleDigest, into image: Int32
    ) throws -> Summary {
        let process = try CompilerProcess(
            request, executablePath: executablePath, module: module, digest: digest, image: image)
        while true {
            if let summary = try process.result() { return summary }
            _ = Poll.wait(process.processDescriptor, for: .readable, timeoutMilliseconds: 1000)
        }
    }
}
