// SPDX-License-Identifier: Apache-2.0
// Swiftlet: translation of exceptions. Entering and leaving a `try_table` emits nothing.

import CInterpreter
import Wasm

extension Translator {
    mutating func exception(_ opcode: Opcode) throws(ReadFault) {
        switch opcode {
        case .throw: emitThrow(try reader.readU32())
        case .throwRef:
            let (value, position) = pop()
            emitThrowReference(slotOperand(value, position))
        case .tryTable: try beginTryTable()
        case .try:
            beginConstruct(.block, try reader.readBlockType())
            labels[labels.count - 1].kind = .legacyTry
            beginBody()
        case .catch: beginCatch(try reader.readU32())
        case .catchAll: beginCatch(nil)
        case .delegate: delegate(to: Int(try reader.readU32()))
        default:
            // Where a catch clause begins, the exception gets the first slot.
            let target = labels[label(Int(try reader.readU32()))]
            emitThrowReference(number(temporarySlot(target.height)))
        }
    }

    private mutating func emitThrow(_ tag: UInt32) {
        let base = stack.count - environment.tagType(tag).parameters.count
        for position in base..<stack.count { materialize(position) }
        code.append(handler: Int(SW_throw), word(number(temporarySlot(base))))
        code.append(environment.tagAddress(tag))
        isReachable = false
    }

    private mutating func emitThrowReference(_ slot: UInt16) {
        code.append(handler: Int(SW_throw_ref), word(slot))
        isReachable = false
    }

    /// What was emitted before the body must not be merged with what is in it.
    private mutating func beginBody() {
        forgetProducers()
        labels[labels.count - 1].bodyStart = code.count
    }

    // MARK: try_table

    /// A clause writes its values to where a branch to its label would have left them, and goes straight there.
    private mutating func beginTryTable() throws(ReadFault) {
        let type = try reader.readBlockType()
        var clauses: [(clause: CatchTable.Clause, target: Int)] = []
        var count = try reader.readU32()
        while count > 0 {
            let clause = try reader.readCatchClause()
            let target = label(Int(clause.label))
            let slot = temporarySlot(labels[target].height)
            let values = clause.tag.map { environment.tagType($0).parameters.slotCount } ?? 0
            clauses.append(
                (
                    CatchTable.Clause(
                        tag: clause.tag.map { environment.tagAddress($0) } ?? 0, valueSlot: Int32(slot),
                        referenceSlot: clause.passesReference ? Int32(slot + values) : -1), target
                ))
            count -= 1
        }
        beginConstruct(.block, type)
        labels[labels.count - 1].kind = .tryTable
        labels[labels.count - 1].targets = clauses.map(\.target)
        labels[labels.count - 1].clauses = clauses.map(\.clause)
        beginBody()
    }

    /// At the end of a construct: the body of a `try_table` is complete.
    mutating func closeTry() {
        guard let label = labels.last, label.kind == .tryTable, !label.clauses.isEmpty else { return finishCatch() }
        forgetProducers()
        let region = addRegion(of: label)
        for (index, clause) in label.clauses.enumerated() {
            let place = catches.add(clause, to: region)
            let target = label.targets[index]
            if labels[target].kind == .loop {
                catches.land(place, at: labels[target].start)
            } else {
                labels[target].landings.append(place)
            }
        }
    }

    private mutating func addRegion(of label: Label) -> Int {
        catches.addRegion(label.bodyStart..<code.count, nesting: labels.count - 1)
    }

    /// Behind the end of the function: what a clause that leads out of it returns.
    mutating func emitReturnOfCaught() {
        guard let label = labels.first, !label.landings.isEmpty else { return }
        forgetAccumulators()
        for place in label.landings { catches.land(place, at: code.count) }
        resetStack(to: 0, label.results)
        emitReturn()
    }

    // MARK: try, catch and delegate of before version 3.0

    /// Ends the body of a `try` or the clause before, and begins a clause; `tag` nil catches everything.
    ///
    /// The exception is kept below the values, for `rethrow`.
    mutating func beginCatch(_ tag: UInt32?) {
        guard let current = labels.last else { return }
        if current.kind == .legacyTry {
            forgetProducers()
            labels[labels.count - 1].region = addRegion(of: current)
        }
        if isReachable {
            moveResults(to: current)
            let fixup = emitForwardBranch()
            labels[labels.count - 1].fixups.append(fixup)
        }
        labels[labels.count - 1].kind = .legacyCatch
        let types = tag.map { environment.tagType($0).parameters } ?? []
        resetStack(to: current.height, [.exnref] + types)
        let slot = temporarySlot(current.height)
        let place = catches.add(
            CatchTable.Clause(
                tag: tag.map { environment.tagAddress($0) } ?? 0, valueSlot: Int32(slot + 1),
                referenceSlot: Int32(slot)), to: labels[labels.count - 1].region)
        catches.land(place, at: code.count)
        forgetAccumulators()
        isReachable = true
    }

    /// At the end of a construct: the results of a clause stand above the exception.
    private mutating func finishCatch() {
        guard let label = labels.last, label.kind == .legacyCatch, isReachable else { return }
        moveResults(to: label)
        resetStack(to: label.height, label.results)
        forgetAccumulators()
    }

    /// Ends the body of a `try` whose exceptions are those of an outer one.
    mutating func delegate(to depth: Int) {
        guard let current = labels.last else { return }
        forgetProducers()
        let region = addRegion(of: current)
        // Seen from outside of the try.
        catches.delegate(region, to: max(labels.count - 2 - depth, 0))
        endConstruct()
    }
}
