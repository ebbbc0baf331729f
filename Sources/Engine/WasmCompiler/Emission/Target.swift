// SPDX-License-Identifier: Apache-2.0
// Swiftlet: for which processor code is made.

import CLLVM

/// A processor, and LLVM's machine for it.
public final class Target: @unchecked Sendable {
    // SAFETY: LLVM's target machines may be used by one thread at a time; each unit makes its own.

    public let triple: String
    public let processor: String
    public let features: String
    let machine: LLVMTargetMachineRef
    let dataLayout: LLVMTargetDataRef

    /// Whether a product and a sum can be rounded at once.
    var hasFusedMultiplyAdd: Bool { triple.hasPrefix("aarch64") || features.contains("+fma,") }

    /// What the optimiser's level does to instruction selection and register allocation.
    public enum Effort: Sendable { case quick, full }

    /// The processor that this runs on.
    public static func host(_ effort: Effort = .full) throws(CompilationError) -> Target {
        let triple = take(LLVMGetDefaultTargetTriple())
        return try Target(
            triple: triple, processor: take(LLVMGetHostCPUName()), features: take(LLVMGetHostCPUFeatures()),
            effort: effort)
    }

    public init(triple: String, processor: String, features: String, effort: Effort) throws(CompilationError) {
        _ = Self.isInitialised
        self.triple = triple
        self.processor = processor
        self.features = features
        var target: LLVMTargetRef?
        var message: UnsafeMutablePointer<CChar>?
        guard LLVMGetTargetFromTriple(triple, &target, &message) == 0, let target else {
            throw CompilationError("target \(triple): \(message.map { take($0) } ?? "unknown to this LLVM")")
        }
        let level = effort == .quick ? LLVMCodeGenLevelLess : LLVMCodeGenLevelDefault
        machine = LLVMCreateTargetMachine(
            target, triple, processor, features, level, LLVMRelocPIC, LLVMCodeModelSmall)
        dataLayout = LLVMCreateTargetDataLayout(machine)
    }

    deinit {
        LLVMDisposeTargetData(dataLayout)
        LLVMDisposeTargetMachine(machine)
    }

    private static let isInitialised: Bool = {
        LLVMInitializeX86TargetInfo()
        LLVMInitializeX86Target()
        LLVMInitializeX86TargetMC()
        LLVMInitializeX86AsmPrinter()
        LLVMInitializeAArch64TargetInfo()
        LLVMInitializeAArch64Target()
        LLVMInitializeAArch64TargetMC()
        LLVMInitializeAArch64AsmPrinter()
        return true
    }()
}

/// The text of a C string that LLVM gave away.
func take(_ text: UnsafeMutablePointer<CChar>) -> String {
    defer { LLVMDisposeMessage(text) }
    return String(cString: text)
}

/// Why nothing was compiled.
public struct CompilationError: Error, Sendable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}
