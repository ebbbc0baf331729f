// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: runs a module with WASI in this process and keeps what came out.
import FoundationEssentials
import Glibc
import NativeSupport
import TestSupport
import WASI
import Wasm
import WasmCompiler
import WasmRuntime

/// A folder of its own for a test, removed with the value.
final class TemporaryDirectory {
    let path: String

    init() throws {
        var template = Array("/tmp/swl-wasi-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure("mkdtemp: errno \(errno)") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(filePath: "\(path)/\(name)")) }

    func bytes(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(filePath: "\(path)/\(name)"))) }

    /// A writable copy of a read-only folder of the shared data.
    func copy(_ source: String, as name: String) throws -> String {
        let target = "\(path)/\(name)"
        mkdir(target, 0o755)
        for entry in try FileManager.default.subpathsOfDirectory(atPath: source).sorted() {
            var status = stat()
            guard lstat("\(source)/\(entry)", &status) == 0 else { throw Failure("\(source)/\(entry) is gone") }
            if status.st_mode & S_IFMT == S_IFDIR {
                mkdir("\(target)/\(entry)", 0o755)
            } else {
                try write("\(name)/\(entry)", [UInt8](try Data(contentsOf: URL(filePath: "\(source)/\(entry)"))))
            }
        }
        return target
    }
}

struct Failure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// What executes a guest.
enum GuestEngine: String, CaseIterable {
    case interpreter, quick, full

    /// What compiles the module; nil for the interpreter.
    var native: NativeTier? { ModuleCompiler.Level(rawValue: rawValue).map { NativeTier($0) } }
}

/// What to run, and with what.
struct GuestRun {
    /// Relative to the shared folder.
    var module: String
    var arguments: [String] = []
    var environment: [String] = []
    /// Host folder, guest path.
    var directories: [(String, String)] = []
    var input: [UInt8] = []
    var listeners: [Int32] = []
    var network = NetworkAccess(isAllowed: false)
    var waiter = Waiter()
    var engine = GuestEngine.interpreter
    /// What the guest imports beside WASI.
    var hosts: [any HostModule] = []

    struct Outcome {
        /// As the sandbox process would exit: 134 for a trap.
        var status: UInt32
        var output: [UInt8]
        var errors: [UInt8]
        /// Reason and backtrace; empty without a trap.
        var trap: String

        var text: String { String(decoding: output, as: UTF8.self) }
        var errorText: String { String(decoding: errors, as: UTF8.self) }
    }

    func callAsFunction() throws -> Outcome {
        let folder = try TemporaryDirectory()
        try folder.write("in", input)
        func open(_ name: String, _ flags: Int32) -> Int32 { Glibc.open("\(folder.path)/\(name)", flags, 0o644) }
        let standard = [
            open("in", O_RDONLY), open("out", O_RDWR | O_CREAT | O_APPEND), open("err", O_RDWR | O_CREAT | O_APPEND),
        ]
        defer { for descriptor in standard { close(descriptor) } }
        var configuration = WASIConfiguration(
            arguments: [String(module.split(separator: "/").last ?? "")] + arguments, environment: environment,
            preopens: directories.map { host, guest in
                PreopenedDirectory(descriptor: Glibc.open(host, O_RDONLY | O_DIRECTORY | O_CLOEXEC), guestPath: guest)
            }, listeners: listeners, network: network)
        configuration.standardDescriptors = standard
        let ended = try run(WASIContext(configuration, waiter: waiter))
        return Outcome(
            status: ended.status, output: try folder.bytes("out"), errors: try folder.bytes("err"),
            trap: ended.trap?.description ?? "")
    }

    private func run(_ context: WASIContext) throws -> (status: UInt32, trap: Trap?) {
        let module = try Module.decode(ModuleBytes(try SharedData.bytes(module)))
        try module.validate()
        var limits = StoreLimits()
        let code = try engine.native?.code(for: module)
        limits.allowsNativeCode = code != nil
        let store = try Store(limits: limits)
        let instance = try Instance(
            module, in: store, imports: Imports(hosts: [context] + hosts), native: code?.code)
        if let mismatch = instance.nativeMismatch { throw mismatch }
        // Without _start the main function is the one with the empty name.
        for entry in ["_initialize", instance.exportedFunction("_start") == nil ? "" : "_start"] {
            switch instance.invoke(entry) {
            case nil, .returned: continue
            case .exited(let status): return (status, nil)
            case .trapped(let trap): return (134, trap)
            }
        }
        return (0, nil)
    }
}
