// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the compiler, in a process of its own.

internal import Glibc
internal import Linux
public import NativeImage

/// Starts `swiftlet-aot`, which reads a module that nobody vouches for and is confined accordingly.
public struct NativeCompiler: Sendable {
    public let executablePath: String

    /// How much is spent on the code's speed.
    public enum Level: String, Sendable, CaseIterable { case quick, full }

    /// What became of a module's functions.
    public struct Summary: Sendable, Equatable {
        public var compiled: Int
        /// Those that stay interpreted.
        public var interpreted: Int

        public init(compiled: Int, interpreted: Int) {
            self.compiled = compiled
            self.interpreted = interpreted
        }
    }

    /// Which functions are compiled; numbers are of the module's function index space.
    public struct Selection: Sendable, Equatable {
        /// Compiled first, at the level that is asked for, in this order.
        public var first: [UInt32]
        /// How all others are compiled; nil: they stay interpreted.
        public var rest: Level?
        /// Seconds of processor time after which no further functions are begun; nil: no end.
        public var processorSeconds: UInt32?

        public init(first: [UInt32], rest: Level?, processorSeconds: UInt32? = nil) {
            self.first = first
            self.rest = rest
            self.processorSeconds = processorSeconds
        }
    }

    /// How far a compilation is.
    public struct Progress: Sendable, Equatable {
        /// Seconds since its start.
        public var seconds: Int
        /// How much of the functions' code is done.
        public var percent: Int
    }

    public struct Failure: Error, Sendable, CustomStringConvertible {
        public var description: String
    }

    /// Raised when the code for a module changes in a way that matters.
    public static let version: UInt32 = 2

    /// - Parameter executablePath: nil: `SWIFTLET_AOT` from the environment, or `swiftlet-aot` beside the running program.
    public init(executablePath: String? = nil) throws(Failure) {
        let path: String
        if let executablePath {
            path = executablePath
        } else if let variable = getenv("SWIFTLET_AOT") {
            path = String(cString: variable)
        } else {
            guard let own = try? Files.linkTarget("/proc/self/exe"), let slash = own.lastIndex(of: "/") else {
                throw Failure(description: "cannot find the compiler: /proc/self/exe cannot be read")
            }
            path = own[...slash] + "swiftlet-aot"
        }
        guard access(path, X_OK) == 0 else { throw Failure(description: "compiler \(path): \(Errno.current)") }
        self.executablePath = path
    }

    /// What the compiler is told on its command line, as both sides know it.
    public enum Descriptor {
        public static let module: Int32 = 3
        public static let image: Int32 = 4
        /// Indices of functions, four bytes each in the machine's order.
        public static let functions: Int32 = 5
    }

    /// Compiles the module of a file into another one; waits for the end.
    ///
    /// - Parameters:
    ///   - name: what messages call the module.
    ///   - selection: nil: all functions at that level.
    ///   - isBackground: whether everything else on the machine goes first.
    ///   - progress: called about every second.
    public func compile(
        _ module: Int32, name: String, digest: ModuleDigest, level: Level, selection: Selection? = nil,
        into image: Int32, isBackground: Bool = false, progress: (Progress) -> Void = { _ in }
    ) throws(Failure) -> Summary {
        var report = ""
        let exit: ProcessExit
        do {
            let selection = selection ?? Selection(first: [], rest: level)
            let pipe = try DescriptorPair.pipe()
            var ends: (Int32, Int32) = (-1, -1)
            pipe.split { ends = ($0.release(), $1.release()) }
            let reading = OwnedDescriptor(owning: ends.0)
            let writing = OwnedDescriptor(owning: ends.1)
            let functions = try Self.file(of: selection.first)
            let request = SpawnRequest(
                path: executablePath,
                arguments: [
                    "swiftlet-aot", name, level.rawValue, "\(digest)", isBackground ? "background" : "foreground",
                    "\(getpid())", selection.rest?.rawValue ?? "interpreted", "\(selection.processorSeconds ?? 0)",
                ],
                descriptors: [
                    .init(writing.rawValue, as: 1), .init(STDERR_FILENO, as: 2), .init(module, as: Descriptor.module),
                    .init(image, as: Descriptor.image), .init(functions.rawValue, as: Descriptor.functions),
                ])
            let child = try ChildProcess.spawn(request)
            // The end of the pipe is the end of the child.
            _ = consume writing
            report = try Self.readAll(reading.rawValue, progress)
            exit = try child.wait()
        } catch { throw Failure(description: "\(executablePath): \(error)") }
        let words = report.split(separator: " ")
        if exit.cause == .exited(code: 0), words.count == 2, let compiled = Int(words[0]), let other = Int(words[1]) {
            return Summary(compiled: compiled, interpreted: other)
        }
        throw Failure(description: Self.reason(exit, report, name))
    }

    private static func file(of functions: [UInt32]) throws(SystemError) -> OwnedDescriptor {
        let file = try Files.memory(name: "functions")
        var bytes: [UInt8] = []
        for function in functions { withUnsafeBytes(of: function) { bytes += $0 } }
        try Descriptors.writeAll(file.rawValue, bytes)
        return file
    }

    private static func reason(_ exit: ProcessExit, _ report: String, _ name: String) -> String {
        switch exit.cause {
        case .exited where !report.isEmpty: "\(name): \(report)"
        case .exited(let code): "\(name): the compiler ended with code \(code)"
        case .signaled(SIGXCPU): "\(name): compiling took more processor time than is allowed"
        case .signaled(SIGSYS): "\(name): the compiler made a system call that it must not make"
        case .signaled(let signal): "\(name): the compiler was ended by signal \(signal)"
        }
    }

    /// What the child says last: the line without an end. Lines before it are percents.
    private static func readAll(_ descriptor: Int32, _ progress: (Progress) -> Void) throws(SystemError) -> String {
        var line: [UInt8] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 1)
        defer { buffer.deallocate() }
        let start = Clock.monotonicNanoseconds()
        var state = Progress(seconds: 0, percent: 0)
        while true {
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let isReady = poll(&entry, 1, 1000) != 0
            let seconds = Int((Clock.monotonicNanoseconds() - start) / 1_000_000_000)
            if seconds > state.seconds {
                state.seconds = seconds
                progress(state)
            }
            guard isReady else { continue }
            let count = try Descriptors.read(descriptor, into: buffer)
            if count == 0 { return String(decoding: line, as: UTF8.self) }
            for byte in buffer[..<count] {
                if byte == UInt8(ascii: "\n"), let percent = Int(String(decoding: line, as: UTF8.self)) {
                    state.percent = min(max(percent, state.percent), 100)
                    line = []
                } else if line.count < 1 << 16 {
                    // LIMIT: a message of 64 KiB; what comes after it is not looked at.
                    line.append(byte)
                }
            }
        }
    }
}
