// SPDX-License-Identifier: Apache-2.0
// Swiftlet: for which processor code is made.

import CLLVM

/// A processor that code is made for.
public struct Target: Sendable {
    public let triple: String
    public let processor: String
    public let features: String

    /// Whether a product and a sum can be rounded at once.
    var hasFusedMultiplyAdd: Bool { triple.hasPrefix("aarch64") || features.contains("+fma,") }

    /// The processor that this runs on.
    public static func host() -> Target {
        Target(
            triple: take(LLVMGetDefaultTargetTriple()), processor: take(LLVMGetHostCPUName()),
            features: take(LLVMGetHostCPUFeatures()))
    }

    /// - Parameters:
    ///   - triple: as LLVM names systems: `aarch64-unknown-linux-gnu`.
    ///   - features: as LLVM lists them: `+avx2,-avx512f`.
    public init(triple: String, processor: String, features: String) {
        self.triple = triple
        self.processor = processor
        self.features = features
    }
}

/// LLVM's machine for a target, for one thread.
final class TargetMachine {
    let machine: LLVMTargetMachineRef
    let dataLayout: LLVMTargetDataRef

    init(_ description: Target, _ level: ModuleCompiler.Level) throws(CompilationError) {
        _ = Self.isInitialised
        var target: LLVMTargetRef?
        var message: UnsafeMutablePointer<CChar>?
        guard LLVMGetTargetFromTriple(description.triple, &target, &message) == 0, let target else {
            throw CompilationError(
                "target \(description.triple): \(message.map { take($0) } ?? "unknown to this LLVM")")
        }
        let effort = level == .quick ? LLVMCodeGenLevelNone : LLVMCodeGenLevelDefault
        machine = LLVMCreateTargetMachine(
            target, description.triple, description.processor, description.features, effort, LLVMRelocPIC,
            LLVMCodeModelSmall)
        dataLayout = LLVMCreateTargetDataLayout(machine)
    }

    deinit {
        LLVMDisposeTargetData(dataLayout)
        LLVMDisposeTargetMachine(machine)
    }

    private static let isInitialised: Bool = {
        setOptions()
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

    /// What LLVM offers on its command line alone; for the whole process.
    private static func setOptions() {
        let options: [StaticString] = [
            "swiftlet",
            // CodeGenPrepare looks only at blocks that changed, in every function and not in those of 10,000 blocks
            // alone: a function that is one giant block took four fifths of its compile time there.
            "-cgpp-huge-func=1",
            // Moves values into AVX-512's mask registers, and found nothing to move; a tenth of code generation.
            "-disable-x86-domain-reassignment",
        ]
        var words: [UnsafePointer<CChar>?] = options.map {
            UnsafeRawPointer($0.utf8Start).assumingMemoryBound(to: CChar.self)
        }
        LLVMParseCommandLineOptions(Int32(words.count), &words, "")
    }
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
