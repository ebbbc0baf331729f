// SPDX-License-Identifier: Apache-2.0
// Swiftlet: translation of control instructions.

import CInterpreter
import Wasm

extension Translator {
    // MARK: Constructs

    mutating func beginConstruct(_ opcode: Opcode, _ type: BlockType) {
        var parameters: [ValueType] = []
        var results: [ValueType] = []
        switch type {
        case .empty: break
        case .value(let value): results = [value]
        case .function(let index):
            let function = environment.module.functionType(index)
            (parameters, results) = (function.parameters, function.results)
        }
        let condition = opcode == .if ? pop() : nil
        flushLocals()
        let height = stack.count - parameters.count
        for position in height..<stack.count { materialize(position) }
        var label = Label(kind: .block, height: height, parameters: parameters, results: results)
        if let condition {
            label.kind = .ifThen
            label.elseFixup = emitConditional(condition.value, condition.position, jumpsIf: false, target: nil)
        } else if opcode == .loop {
            label.kind = .loop
            label.start = code.count
            forgetAccumulators()
        }
        labels.append(label)
    }

    mutating func beginElse() {
        guard var label = labels.popLast() else { return }
        if isReachable {
            for position in (stack.count - label.results.count)..<stack.count { materialize(position) }
            label.fixups.append(emitForwardBranch())
        }
        if let fixup = label.elseFixup { resolve(fixup) }
        label.elseFixup = nil
        label.kind = .ifElse
        resetStack(to: label.height, label.parameters)
        forgetAccumulators()
        isReachable = true
        labels.append(label)
    }

    mutating func endConstruct() {
        if labels.count == 1 {
            if isReachable { emitReturn() }
            emitReturnOfCaught()
        }
        closeTry()
        guard let label = labels.popLast(), label.kind != .function else { return }
        let isTarget = !label.fixups.isEmpty || label.elseFixup != nil || !label.landings.isEmpty
        if isReachable, isTarget {
            for position in (stack.count - label.results.count)..<stack.count { materialize(position) }
        }
        if isTarget {
            label.fixups.forEach { resolve($0) }
            if let fixup = label.elseFixup { resolve(fixup) }
            for place in label.landings { catches.land(place, at: code.count) }
            forgetAccumulators()
        }
        if isTarget || !isReachable { resetStack(to: label.height, label.results) }
        isReachable = isReachable || isTarget
    }

    mutating func resetStack(to height: Int, _ types: [ValueType]) {
        truncateStack(to: height)
        for type in types { push(.temporary, type) }
    }

    // MARK: Branches

    mutating func resolve(_ fixup: Fixup) {
        code.set32(Int32(truncatingIfNeeded: code.count - fixup.base), at: fixup.field)
    }

    mutating func emitForwardBranch() -> Fixup {
        let position = code.append(handler: Int(SW_br), 0)
        return Fixup(field: position + 12, base: position)
    }

    func label(_ depth: Int) -> Int { labels.count - 1 - depth }

    /// Whether the top values already stand where a branch to `label` wants them.
    func isInPlace(_ label: Label) -> Bool {
        let count = label.branchTypes.count
        guard count > 0 else { return true }
        return stack.count - count == label.height && stack[label.height...].allSatisfy(\.isTemporary)
    }

    /// Moves the top values to where `label` wants them, without popping them.
    mutating func moveResults(to label: Label) {
        let count = label.branchTypes.count
        guard count > 0, !isInPlace(label) else { return }
        let from = stack.count - count
        if count == 1 {
            let value = stack[from]
            let target = temporarySlot(label.height)
            switch value.kind {
            case .constant(let bits):
                emitConstant(bits, value.type, to: target)
            case .temporary, .local:
                emitMove(from: slot(of: value, from), to: target, RegisterClass(value.type))
            }
            return
        }
        for position in from..<stack.count { materialize(position) }
        if from != label.height {
            let operands = word(
                number(temporarySlot(label.height)), number(temporarySlot(from)),
                UInt16(truncatingIfNeeded: label.branchTypes.slotCount))
            code.append(handler: Int(SW_copy_slots), operands)
        }
    }

    private mutating func emitJump(to index: Int) {
        if labels[index].kind == .loop {
            let position = code.append(handler: Int(SW_br_back), 0)
            code.set32(Int32(truncatingIfNeeded: labels[index].start - position), at: position + 12)
        } else {
            labels[index].fixups.append(emitForwardBranch())
        }
    }

    mutating func branch(to depth: Int) {
        let index = label(depth)
        if labels[index].kind == .function { return emitReturn() }
        moveResults(to: labels[index])
        emitJump(to: index)
    }

    mutating func branchIf(to depth: Int) {
        let index = label(depth)
        let target = labels[index]
        let condition = pop()
        let count = target.branchTypes.count
        if count > 1 {
            for position in (stack.count - count)..<stack.count { materialize(position) }
        }
        if target.kind != .function, isInPlace(target) {
            let fixup = emitConditional(
                condition.value, condition.position, jumpsIf: true, target: target.kind == .loop ? target.start : nil)
            if let fixup { labels[index].fixups.append(fixup) }
            return
        }
        let over = emitConditional(condition.value, condition.position, jumpsIf: false, target: nil)
        let before = accumulators
        branch(to: depth)
        if let over { resolve(over) }
        // Behind the branch nothing of what was emitted for it has happened.
        accumulators = before
        forgetProducers()
    }

    /// Emits a branch that is taken if `condition` is (not) zero: back to `target`, or forward, to be resolved.
    mutating func emitConditional(
        _ condition: StackValue, _ position: Int, jumpsIf: Bool, target: Int?
    ) -> Fixup? {
        let back = target == nil ? 0 : 1
        let branch: Int
        if let fused = fusedComparison(condition, position) {
            takeBack(to: fused.position)
            accumulators = fused.accumulators
            let right = fused.form >= 3 ? UInt16(bitPattern: Int16(truncatingIfNeeded: fused.immediate)) : fused.right
            branch = code.append(
                handler: fusedHandler(fused, jumpsIf: jumpsIf) + back, word(fused.left, right))
        } else {
            let slot = operand(condition, position)
            let base = jumpsIf ? Int(SW_br_if_s) : Int(SW_br_unless_s)
            branch = code.append(handler: base + (slot == nil ? 2 : 0) + back, word(slot ?? 0))
        }
        forgetProducers()
        if let target {
            code.set32(Int32(truncatingIfNeeded: target - branch), at: branch + 12)
            return nil
        }
        return Fixup(field: branch + 12, base: branch)
    }

    /// The comparison that made `condition`, if it was the last instruction and fits into a branch.
    private func fusedComparison(_ condition: StackValue, _ position: Int) -> FusableOperation? {
        guard condition.isTemporary, let comparison, comparison.end == code.count,
            comparison.slot == temporarySlot(position),
            comparison.form < 3 || Int16(exactly: comparison.immediate) != nil
        else { return nil }
        return comparison
    }

    private func fusedHandler(_ comparison: FusableOperation, jumpsIf: Bool) -> Int {
        if comparison.base < Int(SW_f32_eq) {
            var index = (comparison.base - Int(SW_i32_eq)) / 10
            if !jumpsIf { index = index / 10 * 10 + Self.inverted[index % 10] }
            return Int(SW_br_i32_eq) + index * 10 + comparison.form * 2
        }
        // The opposite of a float comparison is not a comparison (NaN), hence two senses.
        let index = (comparison.base - Int(SW_f32_eq)) / 6
        return Int(SW_br_f32_eq) + index * 12 + comparison.form * 4 + (jumpsIf ? 0 : 2)
    }

    mutating func branchTable() throws(ReadFault) {
        let count = Int(try reader.readU32())
        var targets: [Int] = []
        for _ in 0...count { targets.append(label(Int(try reader.readU32()))) }
        let (value, position) = pop()
        let arity = labels[targets[count]].branchTypes.count
        for position in (stack.count - arity)..<stack.count { materialize(position) }
        let slot = operand(value, position)
        let table = code.append(
            handler: slot == nil ? Int(SW_br_table_a) : Int(SW_br_table_s),
            word(slot ?? 0, 0, imm32: UInt32(truncatingIfNeeded: count)))
        for _ in 0..<(count + 2) / 2 { code.append(0) }
        forgetAccumulators()
        // Labels that need more than a jump get one stub each.
        var stubs: [Int: Int] = [:]
        for (entry, index) in targets.enumerated() {
            let field = table + 16 + entry * 4
            let target = labels[index]
            if target.kind != .function, target.kind != .loop, isInPlace(target) {
                labels[index].fixups.append(Fixup(field: field, base: table))
                continue
            }
            if let stub = stubs[index] {
                code.set32(Int32(truncatingIfNeeded: stub - table), at: field)
                continue
            }
            stubs[index] = code.count
            code.set32(Int32(truncatingIfNeeded: code.count - table), at: field)
            branch(to: labels.count - 1 - index)
            forgetAccumulators()
        }
        isReachable = false
    }

    // MARK: Calls

    mutating func call(_ index: UInt32) {
        let type = environment.functionType(index)
        let base = stack.count - type.parameters.count
        for position in base..<stack.count { materialize(position) }
        let handler = environment.isCrossInstance(index) ? SW_call_cross : SW_call
        code.append(
            handler: Int(handler), word(number(temporarySlot(base)), UInt16(truncatingIfNeeded: type.headerSlots)))
        code.append(environment.functionAddress(index))
        finishCall(type, base: base)
    }

    mutating func callIndirect(type index: UInt32, table: UInt32) {
        let type = environment.module.functionType(index)
        let (element, elementPosition) = pop()
        let base = stack.count - type.parameters.count
        for position in base..<stack.count { materialize(position) }
        let is64 = environment.addressType(ofTable: table) == .i64
        let slot = is64 ? slotOperand(element, elementPosition) : operand(element, elementPosition)
        let handler = is64 ? SW_call_indirect_64 : slot == nil ? SW_call_indirect_a : SW_call_indirect_s
        code.append(
            handler: Int(handler),
            word(slot ?? 0, number(temporarySlot(base)), imm32: environment.typeNumber(index)))
        code.append(environment.tableAddress(table))
        finishCall(type, base: base)
    }

    mutating func finishCall(_ type: FunctionType, base: Int) {
        // The callee's header stands behind its parameters or results.
        heightMaximum = max(heightMaximum, heights[base] + type.headerSlots + 2)
        truncateStack(to: base)
        forgetAccumulators()
        for result in type.results { push(.temporary, result) }
        // A return leaves the first result in its accumulator.
        if let first = type.results.first {
            accumulators[RegisterClass(first).rawValue] = Int32(truncatingIfNeeded: temporarySlot(base))
        }
    }

    /// Returns the top values, without popping them.
    mutating func emitReturn() {
        let results = labels[0].results
        let header = UInt16(truncatingIfNeeded: header)
        guard let first = results.first else {
            code.append(handler: Int(SW_return0), word(header))
            return
        }
        let from = stack.count - results.count
        if results.count == 1 {
            let slot = operand(stack[from], from)
            let handler = Int(SW_return_I_s) + RegisterClass(first).rawValue * 2 + (slot == nil ? 1 : 0)
            code.append(handler: handler, word(header, slot ?? 0))
            return
        }
        for position in from..<stack.count { materialize(position) }
        let count = UInt16(truncatingIfNeeded: results.slotCount)
        code.append(handler: Int(SW_returnN), word(header, number(temporarySlot(from)), count))
    }
}
