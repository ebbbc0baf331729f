// SPDX-License-Identifier: Apache-2.0
// Swiftlet: from a validated module to an image.

import CInterpreter
import CLLVM
public import NativeImage
public import Wasm
import WasmRuntime

/// Which functions of a module are compiled, and in which order. Numbers are of the module's function index space,
/// in which imported functions come first.
public struct FunctionSelection: Sendable, Equatable {
    /// Compiled before all others, at the compiler's level, in this order: the hottest first. Imported functions and
    /// repetitions are passed over.
    public var first: [UInt32]
    /// How the other functions are compiled; nil: they stay interpreted.
    public var rest: ModuleCompiler.Level?
    /// Seconds of the process's processor time after which no further functions are begun; those stay interpreted. The
    /// ones in work are finished, and some are always compiled.
    public var processorSeconds: Double?

    public init(first: [UInt32] = [], rest: ModuleCompiler.Level?, processorSeconds: Double? = nil) {
        self.first = first
        self.rest = rest
        self.processorSeconds = processorSeconds
    }
}

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
    /// Whether a trap finds memory, globals and tables as the interpreter leaves them, and every load traps that has
    /// to. Without it the optimiser may drop a load whose value does not matter and change the order of accesses
    /// between two calls (docs/RATIONALE.md).
    public var hasExactTraps = false

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

    /// Compiles functions that native code can represent, unit by unit, on several threads.
    ///
    /// Whatever has no code in the image is interpreted; functions of both kinds call each other.
    ///
    /// - Parameters:
    ///   - module: validated.
    ///   - digest: SHA-256 of the module's bytes.
    ///   - selection: nil: all functions at the compiler's level.
    ///   - threads: take units beside the caller; each takes memory.
    ///   - progress: called with the share that is done, from any thread.
    /// - Throws: ``CompilationError`` for a selection that does not fit the module. Beyond that ``CompilationError``,
    ///   `LinkError` and `NativeImageError` are defects or limits of the compiler: no valid module is refused.
    public func compile(
        _ module: Module, digest: ModuleDigest, selection: FunctionSelection? = nil, threads: CompilerThreads? = nil,
        progress: (@Sendable (Double) -> Void)? = nil
    ) throws -> Result {
        let selection = selection ?? FunctionSelection(rest: level)
        let plan = try UnitPlan(module, selection, level: level)
        let work = UnitWork(plan, processorSeconds: selection.processorSeconds, progress: progress) { unit in
            try compile(plan.units[unit], of: plan)
        }
        let outcomes = try work.run(threads)
        let compiled = outcomes.flatMap(\.compiled)
        let glue = try compileGlue(plan, compiled: compiled, wanted: outcomes.flatMap(\.wanted))
        return try link(outcomes.map(\.object) + [glue], module, digest, compiled)
    }

    private func compile(_ content: UnitContent, of plan: UnitPlan) throws -> UnitOutcome {
        let unit = try Unit(
            plan.module, layout: plan.layout, target: target, level: content.level, hasExactTraps: hasExactTraps)
        var compiled: [UInt32] = []
        for index in content.functions {
            do {
                var function = try FunctionCompiler(unit, index: index, indices: plan.indices)
                try function.run()
                compiled.append(index)
            } catch is NotCompiled {
                unit.abandon(index)
            }
        }
        GlueCompiler(unit).compileIndirections()
        let wanted = unit.undefinedBodies
        try unit.verify()
        try unit.optimize(content.level)
        return UnitOutcome(object: try unit.emitObject(), compiled: compiled, wanted: wanted)
    }

    /// What lies between the compiled functions and all others: ways in, one for each of their types, and ways out.
    private func compileGlue(_ plan: UnitPlan, compiled: [UInt32], wanted: [UInt32]) throws -> [UInt8] {
        let unit = try Unit(plan.module, layout: plan.layout, target: target, level: .full)
        let glue = GlueCompiler(unit)
        for type in Set(compiled.map { unit.typeIndex(ofFunction: $0) }).sorted() { glue.compileThunk(type) }
        for index in Set(wanted).subtracting(compiled).sorted() { glue.compileWayOut(index) }
        try unit.verify()
        // Straight lines; what matters is how registers are chosen.
        try unit.optimize(.quick)
        return try unit.emitObject()
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
