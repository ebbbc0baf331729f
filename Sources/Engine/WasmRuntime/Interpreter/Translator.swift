// SPDX-License-Identifier: Apache-2.0
// Swiftlet: translation of a function body from stack code to register code.

import CInterpreter
import Wasm

/// A function that the interpreter cannot represent: it needs more than 65,535 slots in its frame.
struct FrameTooLarge: Error {}

/// Which accumulator a value of a type passes through.
enum RegisterClass: Int {
    case integer, float, double, vector

    init(_ type: ValueType) {
        switch type {
        case .f32: self = .float
        case .f64: self = .double
        case .v128: self = .vector
        default: self = .integer
        }
    }
}

/// A value on the abstract operand stack. Reading a local or a constant emits nothing until somebody needs it.
struct StackValue {
    enum Kind {
        /// In the canonical slot of its stack position (and perhaps in an accumulator); a vector in that slot and the
        /// next.
        case temporary
        case local(Int)
        case constant(UInt64)
    }

    var kind: Kind
    var type: ValueType

    var isTemporary: Bool { if case .temporary = kind { true } else { false } }
    var isConstant: Bool { if case .constant = kind { true } else { false } }
}

/// A control construct that is open. Branches to it carry `arity` values to the slots from `height` on.
struct Label {
    enum Kind { case function, block, loop, ifThen, ifElse, tryTable, legacyTry, legacyCatch }

    var kind: Kind
    /// Height of the operand stack below the construct's parameters.
    var height: Int
    var parameters: [ValueType]
    var results: [ValueType]
    /// Where a loop starts.
    var start = 0
    /// Branches to the end, still to be resolved.
    var fixups: [Fixup] = []
    /// The branch over the first arm of an `if`.
    var elseFixup: Fixup?
    /// Catch clauses that lead to the end, still to be told where it is.
    var landings: [CatchTable.Place] = []
    /// Of a `try`: where its body starts, and the region made of it.
    var bodyStart = 0
    var region = -1
    /// Of a `try_table`.
    var clauses: [CatchTable.Clause] = []
    /// Indices of the labels that the clauses lead to.
    var targets: [Int] = []

    var branchTypes: [ValueType] { kind == .loop ? parameters : results }
}

/// A 32-bit distance at `field`, counted from `base`.
struct Fixup {
    var field: Int
    var base: Int
}

/// The instruction that last left its result in an accumulator.
struct Producer {
    var position = -1
    var end = -1
    var slot = -1
    var handler = 0
}

/// A comparison that a following branch may swallow, or an addition that a load may.
struct FusableOperation {
    var position: Int
    var end: Int
    var slot: Int
    /// Its first handler.
    var base: Int
    /// 0 ss, 1 as, 2 sa, 3 si, 4 ai.
    var form: Int
    var left: UInt16
    var right: UInt16
    var immediate: Int32
    var accumulators: SIMD4<Int32>
}

/// One run over one body, abstractly interpreting the operand stack (style of WasmKit's register machine): locals,
/// constants and temporaries are slots of the frame, so `local.get` and `const` vanish into operands.
///
/// On top of that, results travel in accumulators: `accumulators[class]` is the slot whose value is in the register,
/// and a producer whose temporary is consumed from there does not write its slot at all. See docs/RATIONALE.md.
struct Translator: ~Copyable {
    let environment: InstanceState
    var reader: BinaryReader
    var code = CodeBuffer()
    var stack: [StackValue] = []
    var labels: [Label] = []
    /// False behind an unconditional branch, until the construct ends.
    var isReachable = true
    /// Constructs opened in unreachable code.
    var skippedDepth = 0

    // The frame.
    let parameterCount: Int
    let header: Int
    var localTypes: [ValueType] = []
    /// First slot of each local.
    var localSlots: [Int] = []
    let temporaryBase: Int
    /// Slots that the values below each stack position take: `heights[n]` for position n. Entries up to that of
    /// `stack.count` are valid, and popping changes none of them.
    var heights: [Int] = [0]
    /// In slots.
    var heightMaximum = 0
    var isTooLarge = false

    // How many entries of the stack refer to a local, per local and in total.
    var lazyCounts: [UInt32] = []
    var lazyTotal = 0

    // The accumulators: slot per class, -1 = unknown.
    var accumulators = SIMD4<Int32>(repeating: -1)
    var producers: [Producer] = [Producer(), Producer(), Producer(), Producer()]
    var comparison: FusableOperation?
    var addition: FusableOperation?
    /// The `v128.const` that was emitted last.
    var vectorConstant: VectorConstant?
    /// The move that was emitted last, for merging: position, how many moves, accumulators before.
    var lastMove: (position: Int, end: Int, count: Int, accumulators: SIMD4<Int32>)?

    /// Who catches what in this function.
    var catches = CatchTable()

    /// With fuel: the run of instructions that is being counted.
    let countsFuel: Bool
    var fuelRun: (position: Int, cost: Int32)?

    /// Filled when asked for: code offset of each Wasm instruction (for backtraces).
    var recordsOffsets = false
    var offsets: [(code: Int, wasm: Int)] = []

    init(_ body: FunctionBody, type: FunctionType, environment: InstanceState) throws(FrameTooLarge) {
        self.environment = environment
        countsFuel = environment.store.limits.fuel != nil
        reader = BinaryReader(body, of: environment.module)
        parameterCount = type.parameters.count
        header = type.headerSlots
        localTypes = type.parameters
        // LIMIT: slot numbers have 16 bits.
        var total = UInt64(header) + 2
        for run in body.locals {
            total += UInt64(run.count) * UInt64(run.type.slotCount)
            guard total < 0xFFFF else { throw FrameTooLarge() }
            localTypes.append(contentsOf: repeatElement(run.type, count: Int(run.count)))
        }
        temporaryBase = Int(total)
        localSlots.reserveCapacity(localTypes.count)
        var slot = 0
        for (local, type) in localTypes.enumerated() {
            if local == parameterCount { slot = header + 2 }
            localSlots.append(slot)
            slot += type.slotCount
        }
        lazyCounts = Array(repeating: 0, count: localTypes.count)
        labels.append(Label(kind: .function, height: 0, parameters: [], results: type.results))
    }

    /// Translates the whole body; returns the number of slots of its frame.
    mutating func run() throws(FrameTooLarge) -> Int {
        let locals = temporaryBase - header - 2
        if locals > 0 {
            let operands = word(0, 0, UInt16(header + 2), UInt16(locals))
            code.append(handler: Int(SW_enter_locals), operands)
        }
        while !labels.isEmpty, !reader.isAtEnd {
            let offset = reader.offset
            // A fault cannot happen on a validated body; ending here leaves the function without its last `end`.
            guard let opcode = try? reader.readOpcode() else { break }
            if recordsOffsets { offsets.append((code.count, offset)) }
            if countsFuel, isReachable { countFuel(opcode) }
            guard (try? step(opcode)) != nil, !isTooLarge else { throw FrameTooLarge() }
            if countsFuel, opcode.endsFuelRun { endFuelRun() }
        }
        let slots = temporaryBase + heightMaximum + 2
        guard slots <= 0xFFFF else { throw FrameTooLarge() }
        return slots
    }

    // MARK: Slots

    func localSlot(_ local: Int) -> Int { localSlots[local] }

    /// The canonical slot of a stack position, at most one above the top.
    func temporarySlot(_ position: Int) -> Int { temporaryBase + heights[position] }

    mutating func number(_ slot: Int) -> UInt16 {
        if slot > 0xFFFF { isTooLarge = true }
        return UInt16(truncatingIfNeeded: slot)
    }

    // MARK: The abstract stack

    mutating func push(_ kind: StackValue.Kind, _ type: ValueType) {
        if case .local(let local) = kind {
            lazyCounts[local] += 1
            lazyTotal += 1
        }
        let height = heights[stack.count] + type.slotCount
        stack.append(StackValue(kind: kind, type: type))
        if heights.count > stack.count { heights[stack.count] = height } else { heights.append(height) }
        heightMaximum = max(heightMaximum, height)
    }

    /// The value and the position it had.
    mutating func pop() -> (value: StackValue, position: Int) {
        // A validated body never pops an empty stack.
        guard let value = stack.popLast() else { return (StackValue(kind: .constant(0), type: .i32), 0) }
        if case .local(let local) = value.kind {
            lazyCounts[local] -= 1
            lazyTotal -= 1
        }
        return (value, stack.count)
    }

    mutating func truncateStack(to height: Int) {
        while stack.count > height { _ = pop() }
    }

    /// Gives the value at `position` its canonical slot.
    mutating func materialize(_ position: Int) {
        let value = stack[position]
        switch value.kind {
        case .temporary: return
        case .constant(let bits): emitConstant(bits, value.type, to: temporarySlot(position))
        case .local(let local):
            lazyCounts[local] -= 1
            lazyTotal -= 1
            emitMove(from: localSlot(local), to: temporarySlot(position), RegisterClass(value.type), mayMerge: true)
        }
        stack[position].kind = .temporary
    }

    /// Before a local changes: whoever still means its old value gets a copy.
    mutating func flush(local: Int) {
        var position = stack.count - 1
        while lazyCounts[local] > 0, position >= 0 {
            if case .local(local) = stack[position].kind { materialize(position) }
            position -= 1
        }
    }

    /// Before code that may run several times or not at all.
    mutating func flushLocals() {
        var position = stack.count - 1
        while lazyTotal > 0, position >= 0 {
            if case .local = stack[position].kind { materialize(position) }
            position -= 1
        }
    }

    // MARK: Accumulators

    /// `slot`, and `slot + 1` for a vector, has a new value that no accumulator holds.
    mutating func noteWrite(_ slot: Int, isVector: Bool = false) {
        let slot = Int32(truncatingIfNeeded: slot)
        accumulators.replace(with: -1, where: accumulators .== slot)
        if isVector { accumulators.replace(with: -1, where: accumulators .== slot + 1) }
        // The upper half of a vector.
        if accumulators[RegisterClass.vector.rawValue] == slot - 1 {
            accumulators[RegisterClass.vector.rawValue] = -1
        }
    }

    mutating func forgetAccumulators() {
        accumulators = SIMD4(repeating: -1)
        forgetProducers()
    }

    /// After a branch the code before it must stay as it is.
    mutating func forgetProducers() {
        for index in producers.indices { producers[index].position = -1 }
        comparison = nil
        addition = nil
        vectorConstant = nil
        lastMove = nil
    }

    func isInAccumulator(_ value: StackValue, _ position: Int) -> Bool {
        slot(of: value, position) == Int(accumulators[RegisterClass(value.type).rawValue])
    }

    /// Where a temporary or local is; -2 for a constant.
    func slot(of value: StackValue, _ position: Int) -> Int {
        switch value.kind {
        case .temporary: temporarySlot(position)
        case .local(let local): localSlot(local)
        case .constant: -2
        }
    }

    /// The operand as slot, or nil = in the accumulator. Constants are materialized. The value must have been popped:
    /// its producer need not write the slot when the accumulator is read.
    mutating func operand(_ value: StackValue, _ position: Int) -> UInt16? {
        var value = value
        if case .constant(let bits) = value.kind {
            emitConstant(bits, value.type, to: temporarySlot(position))
            value.kind = .temporary
        }
        let index = RegisterClass(value.type).rawValue
        let slot = slot(of: value, position)
        guard accumulators[index] == slot else { return number(slot) }
        if value.isTemporary, producers[index].position >= 0, producers[index].slot == slot {
            code.setHandler(producers[index].handler + 1, at: producers[index].position)
            producers[index].position = -1
        }
        return nil
    }

    /// The operand as slot in any case.
    mutating func slotOperand(_ value: StackValue, _ position: Int) -> UInt16 {
        if case .constant(let bits) = value.kind {
            emitConstant(bits, value.type, to: temporarySlot(position))
            return number(temporarySlot(position))
        }
        return number(slot(of: value, position))
    }

    // MARK: Emission

    /// An instruction with its result slot at byte 8 and a twin (`handler + 1`) that writes the accumulator only.
    mutating func emitProducer(
        _ handler: Int, _ type: ValueType, to slot: Int, _ operands: UInt64, _ more: UInt64? = nil,
        _ last: UInt64? = nil
    ) {
        let position = code.append(handler: handler, operands)
        if let more { code.append(more) }
        if let last { code.append(last) }
        noteProducer(at: position, handler, type, to: slot)
    }

    /// The code from `position` to here is a producer.
    mutating func noteProducer(at position: Int, _ handler: Int, _ type: ValueType, to slot: Int) {
        let index = RegisterClass(type).rawValue
        noteWrite(slot, isVector: type == .v128)
        accumulators[index] = Int32(truncatingIfNeeded: slot)
        producers[index] = Producer(position: position, end: code.count, slot: slot, handler: handler)
    }

    /// Emits a producer and pushes its result.
    mutating func pushResult(_ handler: Int, _ type: ValueType, _ b: UInt16 = 0, _ c: UInt16 = 0, _ d: UInt16 = 0) {
        let slot = temporarySlot(stack.count)
        let operands = word(number(slot), b, c, d)
        push(.temporary, type)
        emitProducer(handler, type, to: slot, operands)
    }

    mutating func emitConstant(_ bits: UInt64, _ type: ValueType, to slot: Int) {
        let number = number(slot)
        switch RegisterClass(type) {
        case .integer where bits <= UInt32.max:
            emitProducer(Int(SW_const32_I), type, to: slot, word(number, 0, imm32: UInt32(bits)))
        case .integer: emitProducer(Int(SW_const64_I), type, to: slot, word(number), bits)
        case .float:
            emitProducer(Int(SW_const32_F), type, to: slot, word(number, 0, imm32: UInt32(truncatingIfNeeded: bits)))
        case .double: emitProducer(Int(SW_const64_D), type, to: slot, word(number), bits)
        // Vectors are no lazy constants: v128.const emits its instruction at once.
        case .vector: assertionFailure("a vector constant has no 64-bit pattern")
        }
    }

    /// Copies a slot. Neighbouring moves of arguments are merged into one instruction.
    mutating func emitMove(from source: Int, to target: Int, _ registers: RegisterClass, mayMerge: Bool = false) {
        let from = number(source)
        let to = number(target)
        let mayMerge = mayMerge && registers != .vector
        if mayMerge, let last = lastMove, last.end == code.count, last.count < 3 {
            if last.count == 1 {
                code.setHandler(Int(SW_mov2), at: last.position)
                code.set16(to, at: last.position + 12)
                code.set16(from, at: last.position + 14)
            } else {
                code.setHandler(Int(SW_mov3), at: last.position)
                code.append(word(to, from))
            }
            // The merged form leaves the accumulators alone.
            accumulators = last.accumulators
            noteWrite(movedTarget)
            noteWrite(target)
            lastMove = (last.position, code.count, last.count + 1, accumulators)
            return
        }
        let before = accumulators
        let isHeld = accumulators[registers.rawValue] == source
        let handler = Int(SW_mov_I) + registers.rawValue * 2 + (isHeld ? 1 : 0)
        let position = code.append(handler: handler, word(to, from))
        noteWrite(target, isVector: registers == .vector)
        accumulators[registers.rawValue] = Int32(truncatingIfNeeded: target)
        movedTarget = target
        lastMove = mayMerge ? (position, code.count, 1, before) : nil
    }

    /// Target of the first of the mergeable moves.
    var movedTarget = -1
}
