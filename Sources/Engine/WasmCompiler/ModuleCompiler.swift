// SPDX-License-Identifier: Apache-2.0
// Swiftlet: from a validated module to an image.

import CInterpreter
import CLLVM
public import NativeImage
public import Wasm
import WasmRuntime

/// Compiles modules ahead of time.
public struct ModuleCompiler: Sendable {
    /// How much is spent on the code's speed.
    public enum Level: String, Sendable, CaseIterable {
        /// Few passes and fast instruction selection.
        case quick
        /// All that pays.
        case full
    }

    public var level: Level
    public var target: Target

    public init(level: Level = .full, target: Target) {
        self.level = level
        self.target = target
    }

    /// What became of a module.
    public struct Result: Sendable {
        public var image: [UInt8]
        public var compiledFunctions: Int
        /// Those that stay interpreted.
        public var otherFunctions: Int
    }

    /// Compiles all functions that native code can represent, unit by unit, on several threads.
    ///
    /// - Parameters:
    ///   - module: validated.
    ///   - digest: SHA-256 of the module's bytes.
    ///   - threads: how many units are in work at the same time; each takes memory.
    ///   - progress: called with the share that is done, from any thread.
    /// - Throws: ``CompilationError``, `LinkError` or `NativeImageError`, all of them defects or limits of the compiler:
    ///   no valid module is refused.
    public func compile(
        _ module: Module, digest: ModuleDigest, threads: Int = 1, progress: (@Sendable (Double) -> Void)? = nil
    ) throws -> Result {
        let plan = UnitPlan(module)
        let work = UnitWork(plan, progress: progress) { unit in try compile(unit, of: plan) }
        let outcomes = try work.run(threads: threads)
        return try link(outcomes.map(\.object), module, digest, outcomes.flatMap(\.compiled))
    }

    private func compile(_ number: Int, of plan: UnitPlan) throws -> UnitOutcome {
        let unit = try Unit(plan.module, layout: plan.layout, target: target, level: level)
        var compiled: [UInt32] = []
        for index in plan.units[number] {
            do {
                var function = try FunctionCompiler(unit, index: index, indices: plan.indices)
                try function.run()
                compiled.append(index)
            } catch is NotCompiled {
                unit.abandon(index)
            }
        }
        let glue = GlueCompiler(unit)
        glue.compileAbandoned()
        for type in plan.thunks[number] { glue.compileThunk(type) }
        glue.compileIndirections()
        try unit.verify()
        try unit.optimize(level)
        return UnitOutcome(object: try unit.emitObject(), compiled: compiled)
    }

    private func link(
        _ objects: [[UInt8]], _ module: Module, _ digest: ModuleDigest, _ compiled: [UInt32]
    ) throws -> Result {
        let architecture: NativeArchitecture = target.triple.hasPrefix("aarch64") ? .arm64 : .x86_64
        var linker = ObjectLinker(architecture: architecture)
        for (number, object) in objects.enumerated() { try linker.add(object, name: "unit \(number)") }
        let code = try linker.link()
        var writer = NativeImageWriter(
            abiVersion: UInt32(sw_native_abi), architecture: architecture, moduleDigest: digest,
            moduleByteCount: module.bytes.count, processorFeatures: target.processor + target.features,
            options: level.rawValue)
        writer.text = code.text
        writer.readOnlyData = code.readOnlyData
        let imported = module.importedFunctionCount
        writer.functions = Array(repeating: NativeImageFormat.absent, count: module.code.count)
        for index in compiled {
            guard let piece = code.functions[Int(index)] else { continue }
            writer.functions[Int(index) - imported] = UInt32(piece.offset)
            writer.ranges.append(
                NativeRange(
                    start: UInt32(piece.offset), end: UInt32(piece.offset + piece.byteCount),
                    function: index - UInt32(imported)))
        }
        writer.ranges.sort { $0.start < $1.start }
        writer.thunks = Array(repeating: NativeImageFormat.absent, count: module.types.count)
        for (type, piece) in code.thunks { writer.thunks[type] = UInt32(piece.offset) }
        let image = try writer.encoded()
        return Result(
            image: image, compiledFunctions: compiled.count, otherFunctions: module.code.count - compiled.count)
    }
}
