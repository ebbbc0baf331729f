// SPDX-License-Identifier: Apache-2.0
// Swiftlet: translation of typed references, tests and casts.

import CInterpreter
import Wasm

extension Translator {
    mutating func stepReference(_ opcode: Opcode) throws(ReadFault) {
        switch opcode {
        case .callRef: callReference(type: try reader.readU32())
        case .returnCallRef: returnCallReference(type: try reader.readU32())
        case .refEq: integerBinary(Int(SW_i64_eq), .i32, compares: true)
        case .refAsNonNull:
            let slot = peek()
            code.append(handler: Int(slot == nil ? SW_ref_as_non_null_a : SW_ref_as_non_null_s), word(0, slot ?? 0))
        case .brOnNull: branchOnReference(to: Int(try reader.readU32()), drops: .taken) { $0.testNull() }
        case .brOnNonNull:
            branchOnReference(to: Int(try reader.readU32()), drops: .notTaken) { translator in
                translator.testNull()
                translator.equalsZero(compare: Int(SW_i32_eq))
            }
        case .refTest, .refTestNull:
            let test = ReferenceTest(try reader.readHeapType(), isNullable: opcode == .refTestNull, environment)
            let (value, position) = pop()
            let slot = operand(value, position)
            emitTest(test, slot, to: position)
        case .refCast, .refCastNull:
            let heap = try reader.readHeapType()
            cast(ReferenceTest(heap, isNullable: opcode == .refCastNull, environment))
            setTopType(ValueType(heap, isNullable: true))
        case .brOnCast, .brOnCastFail: try branchOnCast(opcode)
        default: try stepAggregate(opcode)
        }
    }

    private mutating func setTopType(_ type: ValueType) {
        guard let last = stack.indices.last else { return }
        stack[last].type = type
    }

    /// Where the top value is, without taking it: its slot, or nil = in the accumulator. Nothing is known of the
    /// instruction that made it afterwards, because the value is needed again.
    private mutating func peek() -> UInt16? {
        guard let value = stack.last else { return 0 }
        let position = stack.count - 1
        if value.isConstant { materialize(position) }
        let slot = slot(of: stack[position], position)
        return Int(accumulators[RegisterClass.integer.rawValue]) == slot ? nil : number(slot)
    }

    // MARK: Calls

    private mutating func callReference(type index: UInt32) {
        let type = environment.module.functionType(index)
        let (function, functionPosition) = pop()
        let base = stack.count - type.parameters.count
        for position in base..<stack.count { materialize(position) }
        let slot = operand(function, functionPosition)
        code.append(
            handler: Int(slot == nil ? SW_call_ref_a : SW_call_ref_s), word(slot ?? 0, number(temporarySlot(base))))
        code.append(0)
        finishCall(type, base: base)
    }

    private mutating func returnCallReference(type index: UInt32) {
        let (function, functionPosition) = pop()
        let slot = slotOperand(function, functionPosition)
        let type = environment.module.functionType(index)
        let base = stack.count - type.parameters.count
        for position in base..<stack.count { materialize(position) }
        code.append(
            handler: Int(SW_return_call_ref),
            word(UInt16(truncatingIfNeeded: header), number(temporarySlot(base)), slot))
        isReachable = false
    }

    // MARK: Tests and casts

    /// `test` of the operand in `slot` (nil = accumulator) becomes the value at `position`, the new top.
    private mutating func emitTest(_ test: ReferenceTest, _ slot: UInt16?, to position: Int) {
        let base = Int(test.isAggregate ? SW_ref_test_type_s : SW_ref_test_s)
        let target = temporarySlot(position)
        push(.temporary, .i32)
        emitProducer(
            base + (slot == nil ? 2 : 0), .i32, to: target, word(number(target), slot ?? 0, test.heap, test.nullable),
            test.target)
    }

    private mutating func cast(_ test: ReferenceTest) {
        let slot = peek()
        let base = Int(test.isAggregate ? SW_ref_cast_type_s : SW_ref_cast_s)
        code.append(handler: base + (slot == nil ? 1 : 0), word(0, slot ?? 0, test.heap, test.nullable))
        code.append(test.target)
    }

    /// Pushes whether the top reference is null, and keeps the reference.
    private mutating func testNull() {
        let slot = peek()
        let position = stack.count
        compareWithZero(in: slot, to: position, base: Int(SW_i64_eq))
    }

    private mutating func branchOnCast(_ opcode: Opcode) throws(ReadFault) {
        let flags = try reader.readByte()
        let depth = Int(try reader.readU32())
        _ = try reader.readHeapType()
        let test = ReferenceTest(try reader.readHeapType(), isNullable: flags & 2 != 0, environment)
        branchOnReference(to: depth, drops: .never) { translator in
            let slot = translator.peek()
            translator.emitTest(test, slot, to: translator.stack.count)
            if opcode == .brOnCastFail { translator.equalsZero(compare: Int(SW_i32_eq)) }
        }
    }

    // MARK: Branches

    /// When the reference on top is no longer wanted.
    enum ReferenceDrop { case never, taken, notTaken }

    /// Branches if the condition that `test` pushes above the top reference holds.
    private mutating func branchOnReference(
        to depth: Int, drops: ReferenceDrop, test: (inout Translator) -> Void
    ) {
        let index = labels.count - 1 - depth
        let end = stack.count - (drops == .taken ? 1 : 0)
        // What a branch carries has its slot before the condition, so that the two can be one instruction.
        for position in (end - labels[index].branchTypes.count)..<end { materialize(position) }
        test(&self)
        let condition = pop()
        let reference = drops == .taken ? pop() : nil
        if labels[index].kind != .function, isInPlace(labels[index]) {
            let target = labels[index].kind == .loop ? labels[index].start : nil
            let fixup = emitConditional(condition.value, condition.position, jumpsIf: true, target: target)
            if let fixup { labels[index].fixups.append(fixup) }
        } else {
            let over = emitConditional(condition.value, condition.position, jumpsIf: false, target: nil)
            let before = accumulators
            branch(to: depth)
            if let over { resolve(over) }
            accumulators = before
            forgetProducers()
        }
        if let reference { push(reference.value.kind, reference.value.type) }
        if drops == .notTaken { _ = pop() }
    }
}

/// A heap type to test against, as handlers want it.
struct ReferenceTest {
    var heap: UInt16
    var nullable: UInt16
    /// Address of the descriptor.
    var target: UInt64 = 0
    /// A structure or array type of the module.
    var isAggregate = false

    init(_ type: HeapType, isNullable: Bool, _ environment: InstanceState) {
        nullable = isNullable ? 1 : 0
        switch type {
        case .any, .function, .external, .exception: heap = UInt16(sw_test_all)
        case .none, .noFunction, .noExternal, .noException: heap = UInt16(sw_test_none)
        case .i31: heap = UInt16(sw_test_i31)
        case .eq: heap = UInt16(sw_test_eq)
        case .structure: heap = UInt16(sw_test_structure)
        case .array: heap = UInt16(sw_test_array)
        case .concrete(let index):
            heap = UInt16(sw_test_function)
            target = environment.descriptorAddress(index)
            isAggregate = environment.module.types[Int(index)].function == nil
        }
    }
}
