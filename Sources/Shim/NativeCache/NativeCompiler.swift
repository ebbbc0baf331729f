// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the compiler's program, as those who start it know it.

internal import Glibc
internal import Linux

/// Finds `swiftlet-aot`, which reads a module that nobody vouches for and is confined accordingly.
public struct NativeCompiler: Sendable {
    public let executablePath: String

    /// How much is spent on the code's speed.
    public enum Level: String, Sendable, CaseIterable {
        case quick, full
        /// The functions that a profile names at the full level; the others stay interpreted.
        case hot

        /// The one that runs fastest first.
        public static let bestFirst: [Level] = [.full, .hot, .quick]

        /// What the compiler's program calls it.
        var compilersName: String { self == .quick ? "quick" : "full" }
    }

    /// What became of a module's functions, and what that took.
    public struct Summary: Sendable, Equatable {
        public var compiled: Int
        /// Those that stay interpreted.
        public var interpreted: Int
        /// Of the compiler's process.
        public var processorMilliseconds: Int64
        public var residentKibibytesMax: Int64

        public init(
            compiled: Int, interpreted: Int, processorMilliseconds: Int64 = 0, residentKibibytesMax: Int64 = 0
        ) {
            self.compiled = compiled
            self.interpreted = interpreted
            self.processorMilliseconds = processorMilliseconds
            self.residentKibibytesMax = residentKibibytesMax
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

    /// Raised when the code for a module changes in a way that matters.
    public static let version: UInt32 = 2

    /// The exit code of a compiler that refuses the module: it would again.
    public static let refusalCode: Int32 = 1
    /// Of one that could not work here and now (sysexits(3), EX_TEMPFAIL).
    public static let unableCode: Int32 = 75

    /// - Parameter executablePath: nil: `SWIFTLET_AOT` from the environment, or `swiftlet-aot` beside the running program.
    /// - Throws: ``NativeFailure`` where there is none.
    public init(executablePath: String? = nil) throws(NativeFailure) {
        let path: String
        if let executablePath {
            path = executablePath
        } else if let variable = getenv("SWIFTLET_AOT") {
            path = String(cString: variable)
        } else {
            guard let own = try? Files.linkTarget("/proc/self/exe"), let slash = own.lastIndex(of: "/") else {
                throw NativeFailure("cannot find the compiler: /proc/self/exe cannot be read", isLasting: false)
            }
            path = own[...slash] + "swiftlet-aot"
        }
        guard access(path, X_OK) == 0 else {
            throw NativeFailure("compiler \(path): \(Errno.current)", isLasting: false)
        }
        self.executablePath = path
    }

    /// What the compiler is told on its command line, as both sides know it.
    public enum Descriptor {
        public static let module: Int32 = 3
        public static let image: Int32 = 4
        /// Indices of functions, four bytes each in the machine's order.
        public static let functions: Int32 = 5
    }
}
