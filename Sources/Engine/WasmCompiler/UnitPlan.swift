// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a module in pieces that are compiled on their own.

import Wasm
import WasmRuntime

/// Functions that are compiled together.
struct UnitContent: Sendable {
    /// Indices of functions that the module defines.
    var functions: [UInt32]
    var level: ModuleCompiler.Level
    /// Bytes of their bodies.
    var byteCount: Int
}

/// Which functions are compiled together, and in which order.
struct UnitPlan: Sendable {
    // LIMIT: bytes of function bodies per unit. LLVM's memory grows with it (a few hundred bytes for each), what can be
    // inlined as well.
    static let unitBytes = 384 << 10
    // LIMIT: the same for functions that are asked for first: compiling may end after any of them.
    static let firstUnitBytes = 64 << 10

    let module: Module
    let layout: ContextLayout
    let indices: IndexSpaces
    private(set) var units: [UnitContent] = []

    /// - Throws: when the selection names a function that the module does not have.
    init(
        _ module: Module, _ selection: FunctionSelection, level: ModuleCompiler.Level
    ) throws(CompilationError) {
        self.module = module
        layout = ContextLayout(module)
        indices = IndexSpaces(module)
        let defined = UInt32(layout.importedFunctionCount)..<UInt32(layout.importedFunctionCount + module.code.count)
        var isTaken = [Bool](repeating: false, count: module.code.count)
        var first: [UInt32] = []
        for index in selection.first {
            guard index < defined.upperBound else {
                throw CompilationError(
                    "function \(index) is to be compiled first, and the module has \(defined.upperBound) functions")
            }
            guard defined.contains(index), !isTaken[Int(index - defined.lowerBound)] else { continue }
            isTaken[Int(index - defined.lowerBound)] = true
            first.append(index)
        }
        add(first, level, unitBytes: Self.firstUnitBytes)
        guard let rest = selection.rest else { return }
        add(defined.filter { !isTaken[Int($0 - defined.lowerBound)] }, rest, unitBytes: Self.unitBytes)
    }

    private mutating func add(_ functions: [UInt32], _ level: ModuleCompiler.Level, unitBytes: Int) {
        var unit = UnitContent(functions: [], level: level, byteCount: 0)
        for index in functions {
            unit.functions.append(index)
            unit.byteCount += module.code[Int(index) - layout.importedFunctionCount].code.count
            guard unit.byteCount >= unitBytes else { continue }
            units.append(unit)
            unit = UnitContent(functions: [], level: level, byteCount: 0)
        }
        if !unit.functions.isEmpty { units.append(unit) }
    }
}
