// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what libFuzzer calls; hack/sanitize.sh builds and runs it. SWIFTLET_FUZZ says what the bytes are.

import Glibc
import Wasm
import WasmRuntime
import WasmText

private enum Kind: String {
    /// A binary module: decoded, validated, and its line table is read.
    case module
    /// A text, assembled and then validated.
    case text
    /// A binary module: where it is valid, it is instantiated and its exports are called.
    case run
}

private let kind: Kind = {
    let name = getenv("SWIFTLET_FUZZ").map { String(cString: $0) } ?? "module"
    guard let kind = Kind(rawValue: name) else {
        fatalError("SWIFTLET_FUZZ: expected module, text or run, found \(name)")
    }
    return kind
}()

/// libFuzzer's driver; it calls `test` for ever, or for the inputs that the arguments name.
@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
    _ count: UnsafeMutablePointer<Int32>, _ arguments: UnsafeMutableRawPointer,
    _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

/// The name that the package manager gives the main function of this program.
@c(EngineFuzz_main)
public func start(_ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32 {
    var count = count
    var arguments = arguments
    return runFuzzer(&count, &arguments, fuzzOneInput)
}

@c(LLVMFuzzerTestOneInput)
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    switch kind {
    case .module:
        guard let module = try? Module.load(ModuleBytes(bytes)) else { break }
        _ = ModuleReport(module) { _, _, _ in nil }
        _ = SourceLines.locations(of: [100, 1000, 10_000], in: module)
    case .text: _ = try? TextFormat.load(ModuleBytes(bytes), name: "fuzz")
    case .run:
        if let module = try? Module.load(ModuleBytes(bytes)) { execute(module) }
    }
    return 0
}

private func execute(_ module: Module) {
    var limits = StoreLimits()
    limits.memoryBytes = 16 << 20
    limits.tableElements = 100_000
    limits.memories = 8
    limits.valueStackBytes = 256 << 10
    limits.fuel = 100_000
    guard let store = try? Store(limits: limits), let instance = try? Instance(module, in: store) else { return }
    for export in module.exports {
        guard case .function(let function)? = instance.export(export.name) else { continue }
        let slots = function.type.parameters.reduce(0) { $0 + ($1 == .v128 ? 2 : 1) }
        // Numbers are no references.
        guard function.type.parameters.allSatisfy({ [.i32, .i64, .f32, .f64, .v128].contains($0) }) else { continue }
        store.fuel = 100_000
        _ = store.invoke(function, (0..<slots).map { UInt64(7 * $0 + 1) })
    }
}
