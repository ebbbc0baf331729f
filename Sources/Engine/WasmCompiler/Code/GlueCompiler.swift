// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the ways between native code and everything that is called with slots.

import CInterpreter
import CLLVM
import Wasm
import WasmRuntime

struct GlueCompiler {
    let unit: Unit

    init(_ unit: Unit) { self.unit = unit }

    /// `t<N>`: from slots to a native function of type N (`sw_native_thunk`).
    func compileThunk(_ typeIndex: UInt32) {
        let type = unit.source.functionType(typeIndex)
        let signature = unit.functionType(unit.void, [unit.pointer, unit.pointer, unit.pointer])
        let function = unit.add("t\(typeIndex)", signature, isNative: false)
        LLVMSetVisibility(function, LLVMHiddenVisibility)
        let emit = Emitter(unit, function)
        defer { emit.dispose() }
        emit.start(emit.block())
        let frame: LLVMValueRef = LLVMGetParam(function, 1)
        var arguments: [LLVMValueRef] = [LLVMGetParam(function, 0)]
        let hasSlots = Unit.returnsInSlots(type)
        if hasSlots { arguments.append(frame) }
        var place = 0
        for parameter in type.parameters {
            arguments.append(
                emit.load(unit.type(parameter), emit.place(frame, place), .slots, alignment: 8))
            place += parameter.slotCount * 8
        }
        let result = emit.callNative(LLVMGetParam(function, 2), unit.signature(type), arguments)
        if !hasSlots { storeResults(emit, result, type, frame) }
        LLVMBuildRetVoid(emit.builder)
    }

    private func storeResults(_ emit: Emitter, _ result: LLVMValueRef, _ type: FunctionType, _ frame: LLVMValueRef) {
        var place = 0
        for (index, resultType) in type.results.enumerated() {
            let value: LLVMValueRef =
                type.results.count == 1 ? result : LLVMBuildExtractValue(emit.builder, result, UInt32(index), "")
            emit.storeSlot(value, emit.place(frame, place), .slots)
            place += resultType.slotCount * 8
        }
    }

    /// `f<N>` of a function without native code: calls the one that the interpreter runs. All units may call it.
    func compileWayOut(_ index: UInt32) {
        let function = unit.body(index)
        let type = unit.source.functionType(unit.typeIndex(ofFunction: index))
        compileSlotCall(function, type) { emit in
            let functions = emit.constant(LLVMGetParam(function, 0), MachineLayout.Context.functions)
            let offset = Int(index) - unit.layout.importedFunctionCount
            return (emit.place(functions, offset * MachineLayout.Function.byteCount), 1)
        }
    }

    func compileIndirections() {
        for (typeIndex, function) in unit.usedIndirections {
            compileSlotCall(function, unit.source.functionType(typeIndex)) { _ in (LLVMGetParam(function, 1), 2) }
        }
    }

    /// A body that puts its parameters into slots, calls, and takes the results from there.
    ///
    /// - Parameter callee: the `sw_function`, and the number of parameters before those of the type.
    private func compileSlotCall(
        _ function: LLVMValueRef, _ type: FunctionType, callee: (Emitter) -> (LLVMValueRef, leading: Int)
    ) {
        let emit = Emitter(unit, function)
        defer { emit.dispose() }
        emit.start(emit.block())
        let (target, leading) = callee(emit)
        let hasSlots = Unit.returnsInSlots(type)
        let count = max(type.parameters.slotCount, type.results.slotCount, 1)
        let slots: LLVMValueRef = LLVMBuildArrayAlloca(emit.builder, unit.i64, emit.int32(UInt32(count)), "")
        LLVMSetAlignment(slots, 8)
        var place = 0
        for (index, parameter) in type.parameters.enumerated() {
            let value: LLVMValueRef = LLVMGetParam(function, UInt32(leading + (hasSlots ? 1 : 0) + index))
            emit.storeSlot(value, emit.place(slots, place), .slots)
            place += parameter.slotCount * 8
        }
        _ = emit.callHelper(
            LLVMGetParam(function, 0), MachineLayout.Calls.call, unit.void, [target, slots])
        place = 0
        var results: [LLVMValueRef?] = []
        for result in type.results {
            let value = emit.load(unit.type(result), emit.place(slots, place), .slots, alignment: 8)
            if hasSlots {
                emit.storeSlot(value, emit.place(LLVMGetParam(function, UInt32(leading)), place), .slots)
            } else {
                results.append(value)
            }
            place += result.slotCount * 8
        }
        switch results.count {
        case 0: LLVMBuildRetVoid(emit.builder)
        case 1: LLVMBuildRet(emit.builder, results[0])
        default: LLVMBuildAggregateRet(emit.builder, &results, UInt32(results.count))
        }
    }
}
