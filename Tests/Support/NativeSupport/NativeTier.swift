// SPDX-License-Identifier: Apache-2.0
// Swiftlet: native code for tests, compiled in the test's own process.

import Glibc
public import NativeImage
public import Wasm
public import WasmCompiler
public import WasmRuntime

/// Compiles modules and maps what comes out, as the node and the sandbox do in two processes.
public struct NativeTier {
    public private(set) var compiler: ModuleCompiler

    public init(_ level: ModuleCompiler.Level, hasExactTraps: Bool = false) {
        compiler = ModuleCompiler(level: level, target: Target.host())
        compiler.hasExactTraps = hasExactTraps
    }

    /// Of no module; tests do not look at it.
    private static let noDigest = ModuleDigest(Array(repeating: 0, count: ModuleDigest.byteCount)).unsafelyUnwrapped

    /// The code of a validated module, and how many of its functions stay interpreted.
    ///
    /// - Parameter selection: nil: all functions.
    public func code(
        for module: Module, _ selection: FunctionSelection? = nil, threads: CompilerThreads? = nil
    ) throws -> (code: NativeCode, interpreted: Int) {
        let result = try compiler.compile(module, digest: Self.noDigest, selection: selection, threads: threads)
        let mapping = try Self.map(result.image)
        return (NativeCode(mapping.image, owner: mapping), result.otherFunctions)
    }

    /// An image as memory that can be executed.
    public static func map(_ image: [UInt8]) throws -> NativeImageMapping {
        var name = Array("/tmp/swiftlet-image-XXXXXX".utf8CString)
        let descriptor = mkstemp(&name)
        precondition(descriptor >= 0, "mkstemp: errno \(errno)")
        unlink(name)
        defer { close(descriptor) }
        var done = 0
        while done < image.count {
            let count = image.withUnsafeBytes {
                write(descriptor, $0.baseAddress.unsafelyUnwrapped + done, $0.count - done)
            }
            precondition(count > 0, "write: errno \(errno)")
            done += count
        }
        return try NativeImageMapping(descriptor: descriptor)
    }
}
