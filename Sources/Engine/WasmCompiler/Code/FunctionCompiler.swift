// SPDX-License-Identifier: Apache-2.0
// Swiftlet: one function from Wasm to LLVM's intermediate language.

import CInterpreter
import CLLVM
import Wasm
import WasmRuntime

/// A function that native code cannot represent; the interpreter runs it.
struct NotCompiled: Error {}

/// A control construct that is open.
struct OpenBlock {
    enum Kind { case function, block, loop, ifThen, ifElse }

    var kind: Kind
    /// Height of the operand stack below the construct's parameters.
    var height: Int
    var parameters: [ValueType]
    var results: [ValueType]
    /// Where the code behind the construct starts, and what it starts with.
    var end: LLVMBasicBlockRef
    var endValues: [LLVMValueRef] = []
    var endIsReached = false
    /// Of a loop: its start.
    var start: LLVMBasicBlockRef?
    var startValues: [LLVMValueRef] = []
    /// Of an `if`: the second arm, and what it starts with.
    var otherwise: LLVMBasicBlockRef?
    var arguments: [LLVMValueRef] = []

    var branchTypes: [ValueType] { kind == .loop ? parameters : results }
}

/// Runs over a body once. Operands are LLVM's values; locals are stack cells that LLVM turns into values itself.
struct FunctionCompiler {
    let unit: Unit
    let emit: Emitter
    let index: UInt32
    let type: FunctionType
    var reader: BinaryReader
    var stack: [LLVMValueRef] = []
    var blocks: [OpenBlock] = []
    var isReachable = true

    var locals: [(cell: LLVMValueRef, type: LLVMTypeRef)] = []
    let context: LLVMValueRef
    /// Where results go that do not fit into registers.
    let resultSlots: LLVMValueRef?
    /// Base of memory 0.
    var memoryBase: LLVMValueRef?
    /// Where variables may still be added to the entry block.
    let entryEnd: LLVMValueRef
    /// Slots for calls that pass them, as many as the largest needs.
    var slots: LLVMValueRef?
    var slotCount = 0
    /// One block for each reason of a trap.
    var trapBlocks: [UInt32: LLVMBasicBlockRef] = [:]
    let memories: [MemoryType]
    let tables: [TableType]
    let globals: [GlobalType]
    let tags: [UInt32]

    init(_ unit: Unit, index: UInt32, indices: IndexSpaces) throws {
        self.unit = unit
        self.index = index
        let defined = Int(index) - unit.layout.importedFunctionCount
        type = unit.source.functionType(unit.source.functionTypeIndices[defined])
        let body = unit.source.code[defined]
        reader = BinaryReader(body, of: unit.source)
        memories = indices.memories
        tables = indices.tables
        globals = indices.globals
        tags = indices.tags
        for type in type.parameters + type.results + body.locals.map(\.type) { try Self.check(type, unit.source) }
        let function = unit.body(index)
        emit = Emitter(unit, function)
        let entry = emit.block()
        emit.start(entry)
        context = LLVMGetParam(function, 0)
        let hasSlots = Unit.returnsInSlots(type)
        resultSlots = hasSlots ? LLVMGetParam(function, 1) : nil
        var parameter: UInt32 = hasSlots ? 2 : 1
        for type in type.parameters {
            let cell: LLVMValueRef = LLVMBuildAlloca(emit.builder, unit.type(type), "")
            LLVMBuildStore(emit.builder, LLVMGetParam(function, parameter), cell)
            locals.append((cell, unit.type(type)))
            parameter += 1
        }
        for run in body.locals {
            let type = unit.type(run.type)
            for _ in 0..<run.count {
                let cell: LLVMValueRef = LLVMBuildAlloca(emit.builder, type, "")
                LLVMBuildStore(emit.builder, LLVMConstNull(type), cell)
                locals.append((cell, type))
            }
        }
        if let memory = memories.first, memory.address == .i32 {
            memoryBase = emit.constant(context, MachineLayout.Context.memoryBase)
        }
        let first = emit.block()
        entryEnd = LLVMBuildBr(emit.builder, first)
        emit.start(first)
        blocks.append(OpenBlock(kind: .function, height: 0, parameters: [], results: type.results, end: emit.block()))
        makeEndValues(0)
    }

    /// Values that the collector would have to find do not occur in native code.
    static func check(_ type: ValueType, _ module: Module) throws(NotCompiled) {
        guard type.isReference else { return }
        switch type.heap {
        case .function?, .noFunction?: return
        case .concrete(let index)? where module.types[Int(index)].function != nil: return
        default: throw NotCompiled()
        }
    }

    /// Compiles the whole body.
    mutating func run() throws {
        defer { emit.dispose() }
        while !blocks.isEmpty {
            let opcode = try reader.readOpcode()
            if isReachable { try compile(opcode) } else { try skip(opcode) }
        }
        emitSlots()
    }

    /// Code that is never reached is read to the construct's end.
    private mutating func skip(_ opcode: Opcode) throws {
        var opcode = opcode
        var depth = 0
        while true {
            switch opcode {
            case .block, .loop, .if, .tryTable, .try:
                depth += 1
                try reader.skipImmediates(of: opcode)
            case .end:
                if depth == 0 { return try compile(.end) }
                depth -= 1
            case .else:
                if depth == 0 { return try compile(.else) }
            default: try reader.skipImmediates(of: opcode)
            }
            opcode = try reader.readOpcode()
        }
    }

    private mutating func compile(_ opcode: Opcode) throws {
        switch opcode.rawValue {
        case 0x00...0x1C: try compileControl(opcode)
        case 0x20...0x26, 0x41...0x44, 0xD0...0xD6: try compileVariable(opcode)
        case 0x28...0x40: try compileMemory(opcode)
        case 0x45...0xC4, 0x100...0x107: try compileNumeric(opcode)
        case 0x108...0x111: try compileBulk(opcode)
        case 0x200...0x3FF: try compileVector(opcode)
        case 0x400...0x4FF: try compileAtomic(opcode)
        default: throw NotCompiled()
        }
    }

    // MARK: Operands

    mutating func push(_ value: LLVMValueRef) { stack.append(value) }
    mutating func pop() -> LLVMValueRef { stack.removeLast() }
    mutating func pop(_ count: Int) -> [LLVMValueRef] {
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }
    /// A comparison's result as Wasm has it.
    mutating func pushFlag(_ flag: LLVMValueRef) { push(emit.zeroExtended(flag, unit.i32)) }
    /// Whether an i32 is not zero.
    mutating func popFlag() -> LLVMValueRef {
        let value = pop()
        // A comparison that was widened only for this.
        if LLVMIsAZExtInst(value) != nil, let flag = LLVMGetOperand(value, 0), LLVMTypeOf(flag) == unit.i1 {
            return flag
        }
        return emit.compare(LLVMIntNE, value, emit.int32(0))
    }

    // MARK: Traps

    func reason(_ reason: TrapReason) -> LLVMValueRef { emit.int32(UInt32(reason.rawValue)) }

    /// The block that ends the run for a reason.
    mutating func trap(_ reason: TrapReason) -> LLVMBasicBlockRef {
        let number = UInt32(reason.rawValue)
        if let known = trapBlocks[number] { return known }
        let here = emit.current
        let block = emit.block()
        emit.start(block)
        _ = emit.callHelper(context, MachineLayout.Calls.trap, unit.void, [self.reason(reason)])
        emit.unreachable()
        emit.start(here)
        trapBlocks[number] = block
        return block
    }

    /// Traps when the condition holds; what is known not to hold costs nothing.
    mutating func trap(if condition: LLVMValueRef, _ reason: TrapReason) {
        if LLVMIsAConstantInt(condition) != nil, LLVMConstIntGetZExtValue(condition) == 0 { return }
        emit.unless(condition, trap(reason))
    }

    // MARK: Slots

    /// Room for the arguments and results of a call that passes slots.
    mutating func slots(_ count: Int) -> LLVMValueRef {
        slotCount = max(slotCount, count)
        if let slots { return slots }
        // Its size is known at the end.
        let here = emit.current
        LLVMPositionBuilderBefore(emit.builder, entryEnd)
        let placeholder: LLVMValueRef = LLVMBuildAlloca(emit.builder, unit.i64, "")
        LLVMPositionBuilderAtEnd(emit.builder, here)
        slots = placeholder
        return placeholder
    }

    private func emitSlots() {
        guard let slots else { return }
        LLVMPositionBuilderBefore(emit.builder, entryEnd)
        let count = LLVMConstInt(unit.i32, UInt64(max(slotCount, 1)), 0)
        let real: LLVMValueRef = LLVMBuildArrayAlloca(emit.builder, unit.i64, count, "")
        LLVMSetAlignment(real, 8)
        LLVMReplaceAllUsesWith(slots, real)
        LLVMInstructionEraseFromParent(slots)
    }
}

/// Imported and defined entities of a module in the order of their indices.
struct IndexSpaces: Sendable {
    var memories: [MemoryType] = []
    var tables: [TableType] = []
    var globals: [GlobalType] = []
    var tags: [UInt32] = []

    init(_ module: Module) {
        for entry in module.imports {
            switch entry.description {
            case .memory(let type): memories.append(type)
            case .table(let type): tables.append(type)
            case .global(let type): globals.append(type)
            case .tag(let type): tags.append(type)
            case .function: break
            }
        }
        memories += module.memories
        tables += module.tables
        globals += module.globals.map(\.type)
        tags += module.tags
    }
}
