// SPDX-License-Identifier: Apache-2.0
// Swiftlet: runs modules in one process and prints what they did, for hack/fuzz/differential.py.
//
// Usage: EngineCheck [interpreter] [quick] [full] [quick-exact] [full-exact]   (default: interpreter). The others are
// levels of native code, as it is run or with exact traps (`ModuleCompiler.hasExactTraps`).
//
// Reads paths from standard input, one a line. For each and in each of the tiers: prints the name of the tier and a
// colon, then what the module does (NativeSupport's Account); at last `end`. The script asks another engine the same
// and says it in the same words.

import Glibc
import NativeSupport
import Wasm
import WasmCompiler
import WasmRuntime

/// What executes a module.
private enum Tier {
    case interpreter
    case native(NativeTier)

    init?(_ name: String) {
        if name == "interpreter" {
            self = .interpreter
            return
        }
        let isExact = name.hasSuffix("-exact")
        guard let level = ModuleCompiler.Level(rawValue: isExact ? String(name.dropLast(6)) : name) else { return nil }
        self = .native(NativeTier(level, hasExactTraps: isExact))
    }
}

private func bytes(of path: String) -> [UInt8]? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
    return bytes
}

private func instantiate(_ module: Module, in tier: Tier) throws -> Instance {
    // An array of gigabytes is made in seconds, and a module may want many.
    var limits = StoreLimits()
    limits.memoryBytes = 256 << 20
    guard case .native(let native) = tier else { return try Instance(module, in: Store(limits: limits)) }
    limits.allowsNativeCode = true
    let code = try native.code(for: module).code
    let instance = try Instance(module, in: Store(limits: limits), native: code)
    if let mismatch = instance.nativeMismatch { throw mismatch }
    return instance
}

private func check(_ module: Module, in tier: Tier) {
    do {
        Account(try instantiate(module, in: tier)) { print($0) }.run()
    } catch InstantiationError.trapped(let trap) {
        print("instantiation: \(Account.text(trap))")
    } catch {
        print("instantiation: \(error)")
    }
}

private func check(_ path: String, in tiers: [(name: String, tier: Tier)]) {
    var module: Module?
    var refusal = "cannot open"
    if let bytes = bytes(of: path) {
        do { module = try Module.load(ModuleBytes(bytes)) } catch { refusal = "refused: \(error)" }
    }
    for (name, tier) in tiers {
        print("\(name):")
        if let module { check(module, in: tier) } else { print(refusal) }
        // Whoever reads knows how far it came when the process dies.
        fflush(nil)
    }
}

private let names = CommandLine.argc > 1 ? Array(CommandLine.arguments.dropFirst()) : ["interpreter"]
private let tiers = names.map { name in
    guard let tier = Tier(name) else {
        fatalError("expected interpreter, quick, full, quick-exact or full-exact, found \(name)")
    }
    return (name, tier)
}
print("features: \(FeatureSet.supported)")
fflush(nil)
while let path = readLine() {
    check(path, in: tiers)
    print("end")
    fflush(nil)
}
