// SPDX-License-Identifier: Apache-2.0
// Swiftlet: calls: direct ones between compiled functions, and by way of slots to everything else.

import CInterpreter
import CLLVM
import Wasm
import WasmRuntime

extension FunctionCompiler {
    mutating func call(_ callee: UInt32, isTail: Bool) throws {
        let type = unit.source.functionType(unit.typeIndex(ofFunction: callee))
        try check(type)
        let arguments = pop(type.parameters.count)
        if Int(callee) < unit.layout.importedFunctionCount {
            let function = emit.constant(context, unit.layout.importedFunctions + Int(callee) * 8)
            let results = callThroughSlots(function, type, arguments)
            isTail ? finishTail(results) : finish(results)
            return
        }
        callBody(unit.body(callee), type, [context], arguments, isTail: isTail)
    }

    /// What is passed or returned must be what native code can hold.
    private func check(_ type: FunctionType) throws {
        for type in type.parameters + type.results { try Self.check(type, unit.source) }
    }

    /// A native call, whose results go to the stack or back to the caller.
    private mutating func callBody(
        _ function: LLVMValueRef, _ type: FunctionType, _ leading: [LLVMValueRef], _ arguments: [LLVMValueRef],
        isTail: Bool
    ) {
        let signature = unit.signature(type, leading: leading.count - 1)
        let hasSlots = Unit.returnsInSlots(type)
        if isTail, leading.count == 1 {
            var operands = leading
            // Its results are ours, in number and type.
            if hasSlots, let resultSlots { operands.append(resultSlots) }
            let call = emit.callNative(function, signature, operands + arguments)
            LLVMSetTailCallKind(call, LLVMTailCallKindMustTail)
            if LLVMTypeOf(call) == unit.void {
                LLVMBuildRetVoid(emit.builder)
            } else {
                LLVMBuildRet(emit.builder, call)
            }
            isReachable = false
            return
        }
        let results = callForResults(function, type, leading, arguments)
        isTail ? finishTail(results) : finish(results)
    }

    private mutating func callForResults(
        _ function: LLVMValueRef, _ type: FunctionType, _ leading: [LLVMValueRef], _ arguments: [LLVMValueRef]
    ) -> [LLVMValueRef] {
        let signature = unit.signature(type, leading: leading.count - 1)
        guard Unit.returnsInSlots(type) else {
            let result = emit.callNative(function, signature, leading + arguments)
            return type.results.count < 2
                ? (type.results.isEmpty ? [] : [result])
                : type.results.indices.map { LLVMBuildExtractValue(emit.builder, result, UInt32($0), "") }
        }
        let slots = slots(type.results.slotCount)
        _ = emit.callNative(function, signature, leading + [slots] + arguments)
        return loadSlots(type.results, slots)
    }

    private mutating func finish(_ results: [LLVMValueRef]) { stack += results }

    private mutating func finishTail(_ results: [LLVMValueRef]) {
        stack += results
        leave(to: 0)
    }

    /// A call of anything, with arguments and results in slots.
    private mutating func callThroughSlots(
        _ function: LLVMValueRef, _ type: FunctionType, _ arguments: [LLVMValueRef]
    ) -> [LLVMValueRef] {
        let slots = slots(max(type.parameters.slotCount, type.results.slotCount))
        storeSlots(arguments, type.parameters, slots)
        _ = emit.callHelper(context, MachineLayout.Calls.call, unit.void, [function, slots])
        return loadSlots(type.results, slots)
    }

    func storeSlots(_ values: [LLVMValueRef], _ types: [ValueType], _ slots: LLVMValueRef) {
        var place = 0
        for (value, type) in zip(values, types) {
            emit.storeSlot(value, emit.place(slots, place), .slots)
            place += type.slotCount * 8
        }
    }

    func loadSlots(_ types: [ValueType], _ slots: LLVMValueRef) -> [LLVMValueRef] {
        var place = 0
        return types.map { type in
            defer { place += type.slotCount * 8 }
            return emit.load(unit.type(type), emit.place(slots, place), .slots, alignment: 8)
        }
    }

    // MARK: Indirect calls

    mutating func callIndirect(isTail: Bool) throws {
        let typeIndex = try reader.readU32()
        let table = Int(try reader.readU32())
        let type = unit.source.functionType(typeIndex)
        try check(type)
        var element = pop()
        if tables[table].address == .i32 { element = emit.zeroExtended(element, unit.i64) }
        let place = emit.constant(context, unit.layout.tables + table * 8)
        let count = emit.load(unit.i32, emit.place(place, MachineLayout.Table.count), .table, alignment: 4)
        let isOutside = emit.compare(LLVMIntUGE, element, emit.zeroExtended(count, unit.i64))
        trap(if: isOutside, .undefinedElement)
        let elements = emit.load(
            unit.pointer, emit.place(place, MachineLayout.Table.elements), .table, alignment: 8)
        let offset = emit.binary(LLVMShl, element, emit.int64(3))
        let function = emit.load(unit.pointer, emit.place(elements, offset), .table, alignment: 8)
        trap(if: emit.isNull(function), .uninitializedElement)
        checkType(of: function, typeIndex)
        callFunction(function, typeIndex, type, isTail: isTail)
    }

    /// Traps when a function's type is neither the expected one nor declared as a subtype of it.
    private mutating func checkType(of function: LLVMValueRef, _ typeIndex: UInt32) {
        let definition = emit.constant(function, MachineLayout.Function.definition)
        let expected = emit.constant(context, unit.layout.types + Int(typeIndex) * 8)
        let isOther = emit.compare(LLVMIntNE, definition, expected)
        guard !unit.source.types[Int(typeIndex)].isFinal else { return trap(if: isOther, .indirectCallTypeMismatch) }
        let rare = emit.block()
        let next = emit.block()
        unit.markUnlikely(emit.branch(isOther, rare, next))
        emit.start(rare)
        let isSubtype = emit.callHelper(
            context, MachineLayout.Calls.isSubtype, unit.i32, [definition, expected])
        emit.branch(emit.compare(LLVMIntEQ, isSubtype, emit.int32(0)), trap(.indirectCallTypeMismatch), next)
        emit.start(next)
    }

    mutating func callReference(isTail: Bool) throws {
        let typeIndex = try reader.readU32()
        let type = unit.source.functionType(typeIndex)
        try check(type)
        let function = emit.cast(LLVMIntToPtr, pop(), unit.pointer)
        trap(if: emit.isNull(function), .nullFunctionReference)
        callFunction(function, typeIndex, type, isTail: isTail)
    }

    /// A function of this instance with native code is called directly; whatever else, by who knows how.
    private mutating func callFunction(
        _ function: LLVMValueRef, _ typeIndex: UInt32, _ type: FunctionType, isTail: Bool
    ) {
        let arguments = pop(type.parameters.count)
        let owner = emit.constant(function, MachineLayout.Function.context)
        let native = emit.load(
            unit.pointer, emit.place(function, MachineLayout.Function.native), .table, alignment: 8)
        let isElsewhere = emit.or(emit.compare(LLVMIntNE, owner, context), emit.isNull(native))
        let rare = emit.block()
        let usual = emit.block()
        unit.markUnlikely(emit.branch(isElsewhere, rare, usual))
        emit.start(rare)
        let rareResults = callForResults(
            unit.indirection(typeIndex), type, [context, function], arguments)
        if isTail {
            stack += rareResults
            leave(to: 0)
            stack.removeLast(rareResults.count)
            emit.start(usual)
            return callBody(native, type, [context], arguments, isTail: true)
        }
        let rareEnd = emit.current
        let next = emit.block()
        emit.jump(next)
        emit.start(usual)
        let results = callForResults(native, type, [context], arguments)
        let usualEnd = emit.current
        emit.jump(next)
        emit.start(next)
        for (result, rareResult) in zip(results, rareResults) {
            let phi = emit.phi(LLVMTypeOf(result))
            emit.add(result, from: usualEnd, to: phi)
            emit.add(rareResult, from: rareEnd, to: phi)
            push(phi)
        }
    }

    // MARK: Exceptions

    mutating func compileThrow() throws {
        let tag = Int(try reader.readU32())
        let type = unit.source.functionType(tags[tag])
        try check(type)
        let values = pop(type.parameters.count)
        let slots = slots(type.parameters.slotCount)
        storeSlots(values, type.parameters, slots)
        let address = emit.constant(context, unit.layout.tags + tag * 8)
        _ = emit.callHelper(context, MachineLayout.Calls.throwNew, unit.void, [address, slots])
        emit.unreachable()
        isReachable = false
    }
}
