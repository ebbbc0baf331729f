// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: real objects, made by the clang that every Swift toolchain has.
import Glibc
import NativeImage
import TestSupport
import WasmCompiler

struct Failure: Error {
    var description: String
}

enum Clang {
    /// The compiler beside `swift`, or nil.
    static let path: String? = {
        let folders = String(cString: getenv("PATH") ?? strdup("")).split(separator: ":")
        return folders.map { "\($0)/clang" }.first { access($0, X_OK) == 0 }
    }()

    static func triple(_ architecture: NativeArchitecture) -> String {
        architecture == .x86_64 ? "x86_64-unknown-linux-gnu" : "aarch64-unknown-linux-gnu"
    }

    /// Compiles freestanding C to an object.
    static func object(
        _ source: String, _ architecture: NativeArchitecture, flags: [String] = [], language: String = "c"
    ) throws -> [UInt8] {
        guard let path else { throw Failure(description: "no clang in PATH") }
        // The compiler replaces the file: it needs a name.
        var template = Array("/tmp/swiftlet-object-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw Failure(description: "mkstemp failed") }
        let file = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer {
            close(descriptor)
            unlink(file)
        }
        let result = try Program.run(
            path,
            [
                "-target", triple(architecture), "-x", language, "-ffreestanding", "-fvisibility=hidden", "-O2",
                "-fno-asynchronous-unwind-tables", "-c", "-o", file,
            ] + flags + ["-"], input: source)
        guard result.status.code == 0 else { throw Failure(description: result.errors) }
        let made = open(file, O_RDONLY | O_CLOEXEC)
        defer { close(made) }
        return UnnamedFile.read(made)
    }
}

/// Linked code, mapped the way that a sandbox maps it.
struct LoadedCode {
    let code: LinkedCode
    private let mapping: NativeImageMapping

    init(_ code: LinkedCode, _ architecture: NativeArchitecture = .current) throws {
        self.code = code
        guard let digest = ModuleDigest([UInt8](repeating: 1, count: 32)) else {
            throw Failure(description: "32 bytes are a digest")
        }
        var writer = NativeImageWriter(
            abiVersion: 1, architecture: architecture, moduleDigest: digest, moduleByteCount: 8, processorFeatures: "",
            options: "")
        writer.text = code.text
        writer.readOnlyData = code.readOnlyData
        let bytes = try writer.encoded()
        mapping = try UnnamedFile.with(bytes) { try NativeImageMapping(descriptor: $0) }
    }

    func callAsFunction(_ function: Int, _ argument: Int64) throws -> Int64 {
        guard let piece = code.functions[function], let text = mapping.image.text.baseAddress else {
            throw Failure(description: "no function f\(function)")
        }
        typealias Body = @convention(c) (Int64) -> Int64
        return unsafeBitCast(text + piece.offset, to: Body.self)(argument)
    }
}
