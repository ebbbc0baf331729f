// SPDX-License-Identifier: Apache-2.0
// Swiftlet: from LLVM's language to an object.

import CLLVM

extension Unit {
    /// A defect of ours, not of the module.
    func verify() throws(CompilationError) {
        var message: UnsafeMutablePointer<CChar>?
        let failed = LLVMVerifyModule(module, LLVMReturnStatusAction, &message) != 0
        let text = message.map { take($0) } ?? ""
        if failed { throw CompilationError("LLVM refuses what was made of the module: \(text.prefix(2000))") }
    }

    /// Runs LLVM's passes over the module.
    func run(_ passes: String) throws(CompilationError) {
        let options = LLVMCreatePassBuilderOptions()
        defer { LLVMDisposePassBuilderOptions(options) }
        LLVMPassBuilderOptionsSetLoopVectorization(options, 1)
        LLVMPassBuilderOptionsSetSLPVectorization(options, 1)
        LLVMPassBuilderOptionsSetLoopUnrolling(options, 1)
        LLVMPassBuilderOptionsSetLoopInterleaving(options, 1)
        if let error = LLVMRunPasses(module, passes, machine.machine, options) {
            let message = LLVMGetErrorMessage(error)
            defer { LLVMDisposeErrorMessage(message) }
            throw CompilationError("LLVM's passes: \(message.map { String(cString: $0) } ?? "failed")")
        }
    }

    func optimize(_ level: ModuleCompiler.Level) throws(CompilationError) {
        try run("function(sroa)")
        keepUnusedLoads()
        guard level == .full else { return try run("function(early-cse,simplifycfg)") }
        try run(PassPipeline.simplification)
        let giants = giantFunctions()
        for function in giants { addAttribute(Self.noVectors, to: function) }
        try run(PassPipeline.vectorisation)
        for function in giants { removeAttribute(Self.noVectors, from: function) }
        try run(PassPipeline.lowering)
    }

    /// LLVM's vectorisers pass over functions with this attribute, for which they are too slow.
    private static let noVectors = "noimplicitfloat"

    /// Functions with a block so long that the search for vectors in it would take longer than all other passes.
    private func giantFunctions() -> [LLVMValueRef] {
        // LIMIT: instructions of a block; the search is quadratic in them.
        let most = 4000
        var found: [LLVMValueRef] = []
        var function = LLVMGetFirstFunction(module)
        while let current = function {
            var block = LLVMGetFirstBasicBlock(current)
            while let inspected = block {
                var count = 0
                var instruction = LLVMGetFirstInstruction(inspected)
                while let counted = instruction, count <= most {
                    count += 1
                    instruction = LLVMGetNextInstruction(counted)
                }
                block = count > most ? nil : LLVMGetNextBasicBlock(inspected)
                if count > most { found.append(current) }
            }
            function = LLVMGetNextFunction(current)
        }
        return found
    }

    /// A load may trap, so one whose value nobody uses must stay: it is made volatile.
    ///
    /// What becomes unused later, because the optimiser finds that a value does not matter (a product with zero), goes
    /// with its trap; see docs/RATIONALE.md.
    private func keepUnusedLoads() {
        var function = LLVMGetFirstFunction(module)
        while let current = function {
            if LLVMCountBasicBlocks(current) > 0 { keepUnusedLoads(in: current) }
            function = LLVMGetNextFunction(current)
        }
    }

    private func keepUnusedLoads(in function: LLVMValueRef) {
        var pending: [LLVMValueRef] = []
        var loads: [LLVMValueRef] = []
        var used: Set<LLVMValueRef> = []
        var block = LLVMGetFirstBasicBlock(function)
        while let current = block {
            var instruction = LLVMGetFirstInstruction(current)
            while let value = instruction {
                switch LLVMGetInstructionOpcode(value) {
                case LLVMLoad: loads.append(value)
                case LLVMStore, LLVMCall, LLVMFence, LLVMAtomicRMW, LLVMAtomicCmpXchg: pending.append(value)
                default: if LLVMIsATerminatorInst(value) != nil { pending.append(value) }
                }
                instruction = LLVMGetNextInstruction(value)
            }
            block = LLVMGetNextBasicBlock(current)
        }
        while let value = pending.popLast() {
            for index in 0..<UInt32(bitPattern: LLVMGetNumOperands(value)) {
                guard let operand = LLVMGetOperand(value, index), LLVMIsAInstruction(operand) != nil,
                    used.insert(operand).inserted
                else { continue }
                pending.append(operand)
            }
        }
        for load in loads where !used.contains(load) && !isInvariant(load) { LLVMSetVolatile(load, 1) }
    }

    func emitObject() throws(CompilationError) -> [UInt8] {
        var buffer: LLVMMemoryBufferRef?
        var message: UnsafeMutablePointer<CChar>?
        guard LLVMTargetMachineEmitToMemoryBuffer(machine.machine, module, LLVMObjectFile, &message, &buffer) == 0,
            let buffer
        else { throw CompilationError("LLVM's code generator: \(message.map { take($0) } ?? "failed")") }
        defer { LLVMDisposeMemoryBuffer(buffer) }
        return Array(UnsafeRawBufferPointer(start: LLVMGetBufferStart(buffer), count: LLVMGetBufferSize(buffer)))
    }
}
