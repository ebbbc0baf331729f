// SPDX-License-Identifier: Apache-2.0
// Swiftlet: LLVM's instruction builder with the few shapes that Wasm needs.

import CLLVM

/// Appends instructions to the current block of a function.
struct Emitter {
    let unit: Unit
    let builder: LLVMBuilderRef
    let function: LLVMValueRef

    init(_ unit: Unit, _ function: LLVMValueRef) {
        self.unit = unit
        self.function = function
        builder = LLVMCreateBuilderInContext(unit.context)
    }

    func dispose() { LLVMDisposeBuilder(builder) }

    // MARK: Blocks

    func block() -> LLVMBasicBlockRef { LLVMAppendBasicBlockInContext(unit.context, function, "") }
    func start(_ block: LLVMBasicBlockRef) { LLVMPositionBuilderAtEnd(builder, block) }
    var current: LLVMBasicBlockRef { LLVMGetInsertBlock(builder) }
    func jump(_ target: LLVMBasicBlockRef) { LLVMBuildBr(builder, target) }

    @discardableResult
    func branch(_ condition: LLVMValueRef, _ then: LLVMBasicBlockRef, _ otherwise: LLVMBasicBlockRef) -> LLVMValueRef {
        LLVMBuildCondBr(builder, condition, then, otherwise)
    }

    /// Goes to `rare` when the condition holds, which it hardly ever does, and on in a new block.
    func unless(_ condition: LLVMValueRef, _ rare: LLVMBasicBlockRef) {
        let next = block()
        unit.markUnlikely(branch(condition, rare, next))
        start(next)
    }

    func unreachable() { LLVMBuildUnreachable(builder) }

    func phi(_ type: LLVMTypeRef) -> LLVMValueRef { LLVMBuildPhi(builder, type, "") }

    func add(_ value: LLVMValueRef, from block: LLVMBasicBlockRef, to phi: LLVMValueRef) {
        var value: LLVMValueRef? = value
        var block: LLVMBasicBlockRef? = block
        LLVMAddIncoming(phi, &value, &block, 1)
    }

    // MARK: Constants

    func int32(_ value: UInt32) -> LLVMValueRef { LLVMConstInt(unit.i32, UInt64(value), 0) }
    func int64(_ value: UInt64) -> LLVMValueRef { LLVMConstInt(unit.i64, value, 0) }
    func zero(_ type: LLVMTypeRef) -> LLVMValueRef { LLVMConstNull(type) }

    /// By its bits, since LLVM's constructor of floats would make a signalling NaN quiet.
    func float32(_ bits: UInt32) -> LLVMValueRef { LLVMConstBitCast(int32(bits), unit.f32) }
    func float64(_ bits: UInt64) -> LLVMValueRef { LLVMConstBitCast(int64(bits), unit.f64) }

    // MARK: Arithmetic

    func binary(_ opcode: LLVMOpcode, _ a: LLVMValueRef, _ b: LLVMValueRef) -> LLVMValueRef {
        LLVMBuildBinOp(builder, opcode, a, b, "")
    }
    func add(_ a: LLVMValueRef, _ b: LLVMValueRef) -> LLVMValueRef { LLVMBuildAdd(builder, a, b, "") }
    func and(_ a: LLVMValueRef, _ b: LLVMValueRef) -> LLVMValueRef { LLVMBuildAnd(builder, a, b, "") }
    func or(_ a: LLVMValueRef, _ b: LLVMValueRef) -> LLVMValueRef { LLVMBuildOr(builder, a, b, "") }
    func not(_ a: LLVMValueRef) -> LLVMValueRef { LLVMBuildNot(builder, a, "") }

    /// A sum that is known not to wrap.
    func sum(_ a: LLVMValueRef, _ b: LLVMValueRef) -> LLVMValueRef {
        let value: LLVMValueRef = LLVMBuildNUWAdd(builder, a, b, "")
        if LLVMIsAInstruction(value) != nil { LLVMSetNSW(value, 1) }
        return value
    }

    func compare(_ predicate: LLVMIntPredicate, _ a: LLVMValueRef, _ b: LLVMValueRef) -> LLVMValueRef {
        LLVMBuildICmp(builder, predicate, a, b, "")
    }
    func compare(_ predicate: LLVMRealPredicate, _ a: LLVMValueRef, _ b: LLVMValueRef) -> LLVMValueRef {
        LLVMBuildFCmp(builder, predicate, a, b, "")
    }
    func isNull(_ pointer: LLVMValueRef) -> LLVMValueRef { LLVMBuildIsNull(builder, pointer, "") }

    func select(_ condition: LLVMValueRef, _ a: LLVMValueRef, _ b: LLVMValueRef) -> LLVMValueRef {
        LLVMBuildSelect(builder, condition, a, b, "")
    }
    func cast(_ opcode: LLVMOpcode, _ value: LLVMValueRef, _ type: LLVMTypeRef) -> LLVMValueRef {
        LLVMBuildCast(builder, opcode, value, type, "")
    }
    func zeroExtended(_ value: LLVMValueRef, _ type: LLVMTypeRef) -> LLVMValueRef { cast(LLVMZExt, value, type) }
    func bits(_ value: LLVMValueRef, as type: LLVMTypeRef) -> LLVMValueRef { cast(LLVMBitCast, value, type) }
    func truncated(_ value: LLVMValueRef, _ type: LLVMTypeRef) -> LLVMValueRef { cast(LLVMTrunc, value, type) }

    // MARK: Memory

    func place(_ base: LLVMValueRef, _ offset: LLVMValueRef) -> LLVMValueRef {
        var offset: LLVMValueRef? = offset
        return LLVMBuildGEP2(builder, unit.i8, base, &offset, 1, "")
    }
    func place(_ base: LLVMValueRef, _ offset: Int) -> LLVMValueRef {
        offset == 0 ? base : place(base, int64(UInt64(offset)))
    }

    func load(
        _ type: LLVMTypeRef, _ address: LLVMValueRef, _ alias: AliasClass, alignment: UInt32
    ) -> LLVMValueRef {
        let load: LLVMValueRef = LLVMBuildLoad2(builder, type, address, "")
        LLVMSetAlignment(load, alignment)
        if unit.hasExactTraps, alias.isVisible { LLVMSetVolatile(load, 1) }
        unit.mark(load, alias)
        return load
    }

    @discardableResult
    func store(
        _ value: LLVMValueRef, _ address: LLVMValueRef, _ alias: AliasClass, alignment: UInt32
    ) -> LLVMValueRef {
        let store: LLVMValueRef = LLVMBuildStore(builder, value, address)
        LLVMSetAlignment(store, alignment)
        if unit.hasExactTraps, alias.isVisible { LLVMSetVolatile(store, 1) }
        unit.mark(store, alias)
        return store
    }

    /// A word that never changes.
    func constant(_ base: LLVMValueRef, _ offset: Int, _ type: LLVMTypeRef? = nil) -> LLVMValueRef {
        load(type ?? unit.pointer, place(base, offset), .constant, alignment: 8)
    }

    /// A value as it stands in a slot: 32-bit ones zero-extended.
    func storeSlot(_ value: LLVMValueRef, _ address: LLVMValueRef, _ alias: AliasClass) {
        var value = value
        switch LLVMTypeOf(value) {
        case unit.f32: value = zeroExtended(bits(value, as: unit.i32), unit.i64)
        case unit.i32: value = zeroExtended(value, unit.i64)
        default: break
        }
        store(value, address, alias, alignment: 8)
    }

    // MARK: Calls

    func call(_ function: LLVMValueRef, _ type: LLVMTypeRef, _ arguments: [LLVMValueRef]) -> LLVMValueRef {
        var arguments: [LLVMValueRef?] = arguments
        return LLVMBuildCall2(builder, type, function, &arguments, UInt32(arguments.count), "")
    }

    /// A call of native code. It is never made a jump: recursion without end has to end at the stack's limit, and
    /// backtraces tell who called.
    func callNative(_ function: LLVMValueRef, _ type: LLVMTypeRef, _ arguments: [LLVMValueRef]) -> LLVMValueRef {
        let call = call(function, type, arguments)
        LLVMSetInstructionCallConv(call, Unit.convention)
        LLVMSetTailCallKind(call, LLVMTailCallKindNoTail)
        return call
    }

    func intrinsic(_ name: String, _ types: [LLVMTypeRef], _ arguments: [LLVMValueRef]) -> LLVMValueRef {
        let intrinsic = unit.intrinsic(name, types)
        return call(intrinsic.function, intrinsic.type, arguments)
    }

    /// Calls a function of `sw_native_calls`.
    func callHelper(
        _ context: LLVMValueRef, _ place: Int, _ result: LLVMTypeRef, _ arguments: [LLVMValueRef]
    ) -> LLVMValueRef {
        let table = constant(context, MachineLayout.Context.calls)
        let function = constant(table, place)
        let arguments = [context] + arguments
        let type = unit.functionType(result, arguments.map { LLVMTypeOf($0) })
        return call(function, type, arguments)
    }
}
