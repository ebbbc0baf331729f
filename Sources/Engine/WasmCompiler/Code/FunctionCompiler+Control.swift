// SPDX-License-Identifier: Apache-2.0
// Swiftlet: blocks, branches and returns as LLVM's blocks and phis.

import CLLVM
import Wasm

extension FunctionCompiler {
    mutating func compileControl(_ opcode: Opcode) throws {
        switch opcode {
        case .unreachable:
            emit.jump(trap(.unreachable))
            isReachable = false
        case .nop: break
        case .block: try open(.block)
        case .loop: try open(.loop)
        case .if: try open(.ifThen)
        case .else: startElse()
        case .end: try close()
        case .br: leave(to: target(try reader.readU32()))
        case .brIf: try branchIf(popFlag(), try reader.readU32())
        case .brTable: try branchTable()
        case .return: leave(to: 0)
        case .call: try call(try reader.readU32(), isTail: false)
        case .callIndirect: try callIndirect(isTail: false)
        case .callRef: try callReference(isTail: false)
        case .returnCall: try call(try reader.readU32(), isTail: true)
        case .returnCallIndirect: try callIndirect(isTail: true)
        case .returnCallRef: try callReference(isTail: true)
        case .throw: try compileThrow()
        case .drop: _ = pop()
        case .select, .selectTyped:
            if opcode == .selectTyped { try reader.skipImmediates(of: opcode) }
            let condition = popFlag()
            let b = pop()
            push(emit.select(condition, pop(), b))
        default: throw NotCompiled()
        }
    }

    // MARK: Blocks

    private mutating func open(_ kind: OpenBlock.Kind) throws {
        let (parameters, results) = try blockType()
        let condition = kind == .ifThen ? popFlag() : nil
        var block = OpenBlock(
            kind: kind, height: stack.count - parameters.count, parameters: parameters, results: results,
            end: emit.block())
        let arguments = pop(parameters.count)
        switch kind {
        case .loop:
            let before = emit.current
            let start = emit.block()
            emit.jump(start)
            emit.start(start)
            block.start = start
            for (type, argument) in zip(parameters, arguments) {
                let phi = emit.phi(unit.type(type))
                emit.add(argument, from: before, to: phi)
                block.startValues.append(phi)
                push(phi)
            }
        case .ifThen:
            let then = emit.block()
            let otherwise = emit.block()
            if let condition { emit.branch(condition, then, otherwise) }
            emit.start(then)
            block.otherwise = otherwise
            block.arguments = arguments
            stack += arguments
        default: stack += arguments
        }
        blocks.append(block)
        makeEndValues(blocks.count - 1)
    }

    private mutating func blockType() throws -> (parameters: [ValueType], results: [ValueType]) {
        switch try reader.readBlockType() {
        case .empty: return ([], [])
        case .value(let type):
            try Self.check(type, unit.source)
            return ([], [type])
        case .function(let index):
            let type = unit.source.functionType(index)
            for type in type.parameters + type.results { try Self.check(type, unit.source) }
            return (type.parameters, type.results)
        }
    }

    /// Phis at the start of what follows a block.
    mutating func makeEndValues(_ index: Int) {
        guard !blocks[index].results.isEmpty else { return }
        let here = emit.current
        emit.start(blocks[index].end)
        blocks[index].endValues = blocks[index].results.map { emit.phi(unit.type($0)) }
        emit.start(here)
    }

    private mutating func startElse() {
        let index = blocks.count - 1
        if isReachable { fall(out: index) }
        stack.removeLast(stack.count - blocks[index].height)
        blocks[index].kind = .ifElse
        if let otherwise = blocks[index].otherwise { emit.start(otherwise) }
        blocks[index].otherwise = nil
        stack += blocks[index].arguments
        isReachable = true
    }

    private mutating func close() throws {
        let index = blocks.count - 1
        if isReachable { fall(out: index) }
        stack.removeLast(stack.count - blocks[index].height)
        if let otherwise = blocks[index].otherwise {
            // Without else the parameters become the results.
            emit.start(otherwise)
            carry(blocks[index].arguments, to: blocks[index].endValues)
            emit.jump(blocks[index].end)
            blocks[index].endIsReached = true
        }
        let block = blocks.removeLast()
        emit.start(block.end)
        isReachable = block.endIsReached
        stack += block.endValues
        if block.kind == .function {
            emitReturn(block.endValues)
        } else if !isReachable {
            // Nobody comes here; LLVM removes it.
            emit.unreachable()
        }
    }

    private mutating func fall(out index: Int) {
        carry(Array(stack.suffix(blocks[index].results.count)), to: blocks[index].endValues)
        emit.jump(blocks[index].end)
        blocks[index].endIsReached = true
    }

    private func carry(_ values: [LLVMValueRef], to phis: [LLVMValueRef]) {
        let here = emit.current
        for (value, phi) in zip(values, phis) { emit.add(value, from: here, to: phi) }
    }

    private func emitReturn(_ values: [LLVMValueRef]) {
        if let resultSlots {
            var place = 0
            for (value, type) in zip(values, type.results) {
                emit.storeSlot(value, emit.place(resultSlots, place), .slots)
                place += type.slotCount * 8
            }
            LLVMBuildRetVoid(emit.builder)
        } else if values.isEmpty {
            LLVMBuildRetVoid(emit.builder)
        } else if values.count == 1 {
            LLVMBuildRet(emit.builder, values[0])
        } else {
            var values: [LLVMValueRef?] = values
            LLVMBuildAggregateRet(emit.builder, &values, UInt32(values.count))
        }
    }

    // MARK: Branches

    private func target(_ depth: UInt32) -> Int { blocks.count - 1 - Int(depth) }

    /// Where a branch to a construct goes; its values are added to what is there.
    private mutating func edge(to index: Int) -> LLVMBasicBlockRef {
        let block = blocks[index]
        let values = Array(stack.suffix(block.branchTypes.count))
        if let start = block.start {
            carry(values, to: block.startValues)
            return start
        }
        carry(values, to: block.endValues)
        blocks[index].endIsReached = true
        return block.end
    }

    mutating func leave(to index: Int) {
        emit.jump(edge(to: index))
        isReachable = false
    }

    mutating func branchIf(_ condition: LLVMValueRef, _ depth: UInt32) throws {
        let destination = edge(to: target(depth))
        let next = emit.block()
        emit.branch(condition, destination, next)
        emit.start(next)
    }

    private mutating func branchTable() throws {
        let count = Int(try reader.readU32())
        var depths: [UInt32] = []
        for _ in 0...count { depths.append(try reader.readU32()) }
        let value = pop()
        // One edge of the phis for each case: LLVM wants as many entries as there are ways in.
        let otherwise = edge(to: target(depths[count]))
        let table: LLVMValueRef = LLVMBuildSwitch(emit.builder, value, otherwise, UInt32(count))
        for (number, depth) in depths.dropLast().enumerated() {
            LLVMAddCase(table, emit.int32(UInt32(number)), edge(to: target(depth)))
        }
        isReachable = false
    }
}
