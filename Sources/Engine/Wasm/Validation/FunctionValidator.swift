// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the validation algorithm of core specification appendix A.3, straight from the bytes of a body.
import Glibc

/// A block under validation.
struct ControlFrame {
    /// What opened it: `block`, `loop`, `if`, `else`; `unreachable` stands for the function itself.
    var rule: ValidationRule
    /// The code after an unconditional branch: its operand stack yields any type.
    var isUnreachable: Bool
    /// Operands below the block.
    var height: UInt32
    var startCount: UInt32
    var endCount: UInt32
    /// Locals that the block has set and that need it, in ``FunctionValidator/setLocals``, begin here.
    var setCount: UInt32 = 0
    var startTypes: UnsafePointer<TypeCode>
    var endTypes: UnsafePointer<TypeCode>

    /// The types that a branch to the block carries.
    var labelTypes: UnsafePointer<TypeCode> { rule == .loop ? startTypes : endTypes }
    var labelCount: UInt32 { rule == .loop ? startCount : endCount }
}

/// Validates function bodies one after another, reusing its stacks.
///
/// Errors are recorded in ``failure`` and thrown as one-byte ``ReadFault``s, so that the hot path carries no message.
/// The stacks and tables are raw memory: the loop does no reference counting.
struct FunctionValidator: ~Copyable {
    let module: Module
    let tables: ModuleTables
    let features: FeatureSet
    let limits: DecodingLimits
    let table: ValidationTable
    /// `singleTypes[t]` is `t`: the type list of a block type that is one value type; see
    /// ``singleType(_:)``.
    let singleTypes: UnsafeMutablePointer<TypeCode>

    /// There is a memory 0, addressed with 32 bits: the usual case.
    let isFirstMemory32: Bool
    var reader: BinaryReader
    /// Place of the instruction being validated.
    var instructionStart = 0
    var functionIndex = 0
    var failure: WasmError?

    // SAFETY: `top <= operandCapacity`, `frameBase <= top`, `frameCount <= frameCapacity`; grown before each push.
    var operands: UnsafeMutablePointer<TypeCode>
    var operandCapacity = 1024
    /// What was allocated, and what the current function may use at most.
    private var allocatedOperands = 1024
    private var room = 1024
    var top = 0
    /// Height of the current frame: operands below it belong to outer blocks.
    var frameBase = 0
    var frames: UnsafeMutablePointer<ControlFrame>
    var frameCapacity = 64
    var frameCount = 0
    var locals: UnsafeMutablePointer<TypeCode>
    var localCapacity = 256
    var localCount: UInt32 = 0
    /// Locals without a default that are set now, in the order of setting.
    var setLocals: [UInt32] = []
    /// Type lists of block types that are one concrete reference.
    var concreteSingles: [TypeCode: UnsafeMutablePointer<TypeCode>] = [:]

    init(module: Module, tables: consuming ModuleTables, features: FeatureSet, limits: DecodingLimits) {
        self.module = module
        isFirstMemory32 = tables.memories.first == .i32
        self.tables = tables
        self.features = features
        self.limits = limits
        table = ValidationTable(features: features)
        reader = BinaryReader(module.bytes.buffer, in: 0..<0)
        operands = .allocate(capacity: operandCapacity)
        frames = .allocate(capacity: frameCapacity)
        locals = .allocate(capacity: localCapacity)
        singleTypes = .allocate(capacity: Self.singleTypeCount)
        for code in 0..<Self.singleTypeCount { (singleTypes + code).initialize(to: UInt32(code)) }
    }

    deinit {
        operands.deallocate()
        frames.deallocate()
        locals.deallocate()
        singleTypes.deallocate()
        for list in concreteSingles.values { list.deallocate() }
    }

    /// Validates all bodies of the module.
    mutating func validateAll() throws(WasmError) {
        let imported = tables.functions.count - module.code.count
        let code = module.code
        for index in code.indices {
            try validate(code[index], function: imported + index)
        }
    }

    private mutating func validate(_ body: FunctionBody, function index: Int) throws(WasmError) {
        functionIndex = index
        reader = BinaryReader(module.bytes.buffer, in: body.code)
        instructionStart = reader.offset
        do throws(ReadFault) {
            try enter(body)
            try run()
        } catch {
            throw failure ?? describe(error)
        }
        guard reader.isAtEnd else {
            throw WasmError(
                .malformed, at: reader.offset,
                "section size mismatch: END opcode expected last, \(reader.remaining) bytes follow\(place)")
        }
    }

    /// Sets up locals and the function's own frame.
    private mutating func enter(_ body: FunctionBody) throws(ReadFault) {
        let type = tables.types[Int(tables.functions[functionIndex])].shape
        var count = Int(type.parameterCount)
        for run in body.locals { count += Int(run.count) }
        let slots = try slotsOfLocals(body, type)
        if count > localCapacity {
            locals.deallocate()
            localCapacity = count
            locals = .allocate(capacity: count)
        }
        locals.update(from: type.parameters, count: Int(type.parameterCount))
        var next = Int(type.parameterCount)
        for run in body.locals {
            let code = run.type.rawValue | (run.type.isDefaultable ? 0 : .unsetBit)
            (locals + next).update(repeating: code, count: Int(run.count))
            next += Int(run.count)
        }
        localCount = UInt32(count)
        operandCapacity = min(allocatedOperands, operandRoom(besides: slots, type))
        top = 0
        frameCount = 0
        setLocals.removeAll(keepingCapacity: true)
        try pushFrame(.unreachable, start: (type.parameters, 0), end: (type.results, type.resultCount))
    }

    /// Slots of the frame that the locals take.
    private mutating func slotsOfLocals(_ body: FunctionBody, _ type: TypeShape) throws(ReadFault) -> Int {
        var slots = 0
        for index in 0..<Int(type.parameterCount) { slots += ValueType(rawValue: type.parameters[index]).slotCount }
        for run in body.locals { slots += Int(run.count) * run.type.slotCount }
        guard slots <= limits.locals else {
            throw fail(
                "too many locals: \(slots) with parameters, vectors counting twice, at most \(limits.locals) are "
                    + "allowed", .limit)
        }
        return slots
    }

    /// How many values the operand stack may hold, so that every frame can be addressed with 16-bit slot numbers.
    private mutating func operandRoom(besides slots: Int, _ type: TypeShape) -> Int {
        // Results may stand where parameters did, a callee's header behind the last operand.
        let headers = 2 * (Int(type.resultCount) + limits.results) + 8
        room = min(max((0xFFFF - slots - headers) / 2, 0), limits.operandDepth)
        return room
    }

    // MARK: - Operand stack

    @inline(__always)
    mutating func push(_ type: TypeCode) throws(ReadFault) {
        if top == operandCapacity { try growOperands() }
        operands[top] = type
        top += 1
    }

    @inline(__always)
    mutating func pop(_ expected: TypeCode) throws(ReadFault) {
        if top > frameBase && operands[top - 1] == expected {
            top -= 1
        } else {
            try popSlowly(expected)
        }
    }

    /// Pop and push in one.
    @inline(__always)
    mutating func replaceTop(_ expected: TypeCode, by result: TypeCode) throws(ReadFault) {
        if top > frameBase && operands[top - 1] == expected {
            operands[top - 1] = result
        } else {
            try popSlowly(expected)
            try push(result)
        }
    }

    @inline(never)
    private mutating func popSlowly(_ expected: TypeCode) throws(ReadFault) {
        let found = try popAny(expected)
        guard expected == .any || tables.matches(found, expected) else { throw mismatch(expected, found: found) }
    }

    /// Pops whatever is there; `expected` is for the message only.
    mutating func popAny(_ expected: TypeCode = .any) throws(ReadFault) -> TypeCode {
        if top > frameBase {
            top -= 1
            return operands[top]
        }
        guard frames[frameCount - 1].isUnreachable else { throw mismatch(expected, found: nil) }
        return .any
    }

    mutating func popAll(_ types: UnsafePointer<TypeCode>, _ count: UInt32) throws(ReadFault) {
        if count == 0 { return }
        if count == 1 { return try pop(types[0]) }
        if isOnTop(types, count) {
            top -= Int(count)
            return
        }
        var left = Int(count)
        while left > 0 {
            if isBottomless { return }
            left -= 1
            try pop(types[left])
        }
    }

    /// Whether every further pop succeeds: nothing is left of what unreachable code has pushed. A hostile body must not
    /// make it thousands of times.
    var isBottomless: Bool { top == frameBase && frames[frameCount - 1].isUnreachable }

    /// Whether exactly these types, all of them known, end the current frame's stack.
    ///
    /// Compared in one go, because a two-byte call may have a thousand parameters: a hostile body must not cost a
    /// thousand steps per instruction.
    @inline(__always)
    func isOnTop(_ types: UnsafePointer<TypeCode>, _ count: UInt32) -> Bool {
        top - frameBase >= Int(count) && memcmp(operands + (top - Int(count)), types, Int(count) * 4) == 0
    }

    mutating func pushAll(_ types: UnsafePointer<TypeCode>, _ count: UInt32) throws(ReadFault) {
        if count == 0 { return }
        if count == 1 { return try push(types[0]) }
        while operandCapacity - top < Int(count) { try growOperands() }
        (operands + top).update(from: types, count: Int(count))
        top += Int(count)
    }

    @inline(never)
    private mutating func growOperands() throws(ReadFault) {
        guard operandCapacity < room else {
            throw fail("operand stack deeper than the \(room) values allowed beside the locals", .limit)
        }
        let capacity = min(operandCapacity * 2, room)
        if capacity > allocatedOperands {
            let larger = UnsafeMutablePointer<TypeCode>.allocate(capacity: capacity)
            larger.update(from: operands, count: top)
            operands.deallocate()
            operands = larger
            allocatedOperands = capacity
        }
        operandCapacity = capacity
    }

    // MARK: - Control stack

    typealias TypeList = (types: UnsafePointer<TypeCode>, count: UInt32)

    /// Opens a block and pushes its parameters, which the caller has popped.
    mutating func pushFrame(_ rule: ValidationRule, start: TypeList, end: TypeList) throws(ReadFault) {
        if frameCount == frameCapacity { try growFrames() }
        frames[frameCount] = ControlFrame(
            rule: rule, isUnreachable: false, height: UInt32(top), startCount: start.count, endCount: end.count,
            setCount: UInt32(setLocals.count), startTypes: start.types, endTypes: end.types)
        frameCount += 1
        frameBase = top
        try pushAll(start.types, start.count)
    }

    @inline(never)
    private mutating func growFrames() throws(ReadFault) {
        guard frameCapacity < limits.blockDepth else {
            throw fail("blocks nested deeper than the \(limits.blockDepth) levels allowed", .limit)
        }
        let larger = UnsafeMutablePointer<ControlFrame>.allocate(capacity: frameCapacity * 2)
        larger.update(from: frames, count: frameCount)
        frames.deallocate()
        frames = larger
        frameCapacity *= 2
    }

    /// Closes the current block: its results must be all that is left on the stack.
    mutating func popFrame() throws(ReadFault) -> ControlFrame {
        let frame = frames[frameCount - 1]
        try popAll(frame.endTypes, frame.endCount)
        guard top == frameBase else {
            throw fail("type mismatch: \(top - frameBase) values remain on the stack at the end of a block")
        }
        if setLocals.count > Int(frame.setCount) { unsetLocals(from: Int(frame.setCount)) }
        frameCount -= 1
        frameBase = frameCount > 0 ? Int(frames[frameCount - 1].height) : 0
        return frame
    }

    /// The rest of the block is dead code.
    mutating func setUnreachable() {
        top = frameBase
        frames[frameCount - 1].isUnreachable = true
    }

    mutating func label() throws(ReadFault) -> Int {
        let depth = try reader.readU32()
        return try frameIndex(ofLabel: depth)
    }

    mutating func frameIndex(ofLabel depth: UInt32) throws(ReadFault) -> Int {
        guard Int(depth) < frameCount else { throw unknown("label", depth, frameCount) }
        return frameCount - 1 - Int(depth)
    }
}
