// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what handlers leave to Swift: translation, host calls, table and bulk instructions.

import CInterpreter
import Wasm

/// Translates a function at its first call; 0, or the reason of a trap.
@c(sw_translate)
func translate(_ function: UnsafeMutablePointer<sw_function>?) -> UInt32 {
    guard let function, let context = function.pointee.context else { return 0 }
    // A frame of more than 65,535 slots is one that does not fit on the stack.
    return InstanceState.of(context).translate(function) ? 0 : UInt32(TrapReason.callStackExhausted.rawValue)
}

/// Calls the host with the arguments at `frame`, writes the results there; 0, or the reason of a trap.
@c(sw_call_host)
func callHost(
    _ function: UnsafeMutablePointer<sw_function>?, _ caller: UnsafeMutablePointer<sw_context>?,
    _ frame: UnsafeMutablePointer<UInt64>?
) -> UInt32 {
    guard let function, let caller, let frame else { return 0 }
    let instance = InstanceState.of(caller)
    let store = instance.store
    let machine = store.machine
    // The results get slots of their own, so that the host may write them before it has read all arguments.
    let results = frame + Int(function.pointee.header) + 2
    let resultCount = Int(function.pointee.result_slots)
    guard results + resultCount < store.stackLimit else { return UInt32(TrapReason.callStackExhausted.rawValue) }
    results.update(repeating: 0, count: resultCount)
    let top = machine.pointee.stack_top
    machine.pointee.stack_top = results + resultCount
    let call = HostCall(memory: instance.memory?.guest, arguments: frame, results: results)
    let outcome = store.hostFunctions[Int(function.pointee.index)].body(call)
    machine.pointee.stack_top = top
    switch outcome {
    case .returned:
        frame.update(from: results, count: resultCount)
        return 0
    case .exit(let status):
        machine.pointee.exit_status = status
        return UInt32(sw_exit_requested)
    case .trap(let reason): return UInt32(reason.rawValue)
    }
}

/// Executes a table, bulk memory or memory.grow instruction; 0, or the reason of a trap.
///
/// Operands: opcode at 8, slots of up to three operands at 10, 12, 14; two indices at 16 and 20; result slot at 24.
@c(sw_slow_operation)
func slowOperation(
    _ context: UnsafeMutablePointer<sw_context>?, _ frame: UnsafeMutablePointer<UInt64>?,
    _ instruction: UnsafePointer<UInt8>?
) -> UInt32 {
    guard let context, let frame, let instruction else { return 0 }
    let raw = UnsafeRawPointer(instruction)
    guard let opcode = Opcode(rawValue: raw.load(fromByteOffset: 8, as: UInt16.self)) else { return 0 }
    func slot(_ offset: Int) -> UInt64 { frame[Int(raw.load(fromByteOffset: offset, as: UInt16.self))] }
    var operation = SlowOperation(
        instance: InstanceState.of(context), opcode: opcode, first: raw.load(fromByteOffset: 16, as: UInt32.self),
        second: raw.load(fromByteOffset: 20, as: UInt32.self), a: slot(10), b: slot(12), c: slot(14))
    if let trap = operation.run() { return UInt32(trap.rawValue) }
    if let result = operation.result { frame[Int(raw.load(fromByteOffset: 24, as: UInt16.self))] = result }
    return 0
}

/// One execution of an instruction that has no handler of its own.
private struct SlowOperation {
    let instance: InstanceState
    let opcode: Opcode
    /// Immediates in the order of the binary.
    let first: UInt32
    let second: UInt32
    /// Operands, the deepest first.
    let a: UInt64
    let b: UInt64
    let c: UInt64
    var result: UInt64?

    mutating func run() -> TrapReason? {
        let (x, y, z) = (
            UInt32(truncatingIfNeeded: a), UInt32(truncatingIfNeeded: b), UInt32(truncatingIfNeeded: c)
        )
        switch opcode {
        case .memoryGrow:
            let old = instance.memory?.grow(byPages: UInt64(x))
            result = UInt64(old.map { UInt32($0) } ?? .max)
            return nil
        case .memoryFill: return memoryFill(x, UInt8(truncatingIfNeeded: b), z) ? nil : .outOfBoundsMemoryAccess
        case .memoryCopy: return memoryCopy(x, y, z) ? nil : .outOfBoundsMemoryAccess
        case .memoryInit:
            return instance.memoryInit(segment: first, to: x, from: y, count: z) ? nil : .outOfBoundsMemoryAccess
        case .dataDrop: instance.isDataDropped[Int(first)] = true
        case .elemDrop: instance.elements[Int(first)] = []
        case .tableInit:
            let isInside = instance.tableInit(second, segment: first, to: x, from: y, count: z)
            return isInside ? nil : .outOfBoundsTableAccess
        default: return table(x, y, z)
        }
        return nil
    }

    private mutating func table(_ x: UInt32, _ y: UInt32, _ z: UInt32) -> TrapReason? {
        let table = instance.tables[Int(first)]
        switch opcode {
        case .tableSize: result = UInt64(table.count)
        case .tableGet:
            guard let value = table[x] else { return .outOfBoundsTableAccess }
            result = value
        case .tableSet:
            guard x < table.count else { return .outOfBoundsTableAccess }
            table.pointer.pointee.elements[Int(x)] = b
        case .tableGrow: result = UInt64(table.grow(by: y, initial: a) ?? .max)
        case .tableFill:
            guard UInt64(x) + UInt64(z) <= UInt64(table.count) else { return .outOfBoundsTableAccess }
            if z > 0 { (table.pointer.pointee.elements + Int(x)).update(repeating: b, count: Int(z)) }
        case .tableCopy:
            let source = instance.tables[Int(second)]
            guard UInt64(x) + UInt64(z) <= UInt64(table.count), UInt64(y) + UInt64(z) <= UInt64(source.count) else {
                return .outOfBoundsTableAccess
            }
            if z > 0 {
                (table.pointer.pointee.elements + Int(x)).update(
                    from: source.pointer.pointee.elements + Int(y), count: Int(z))
            }
        default: break
        }
        return nil
    }

    private func memoryFill(_ target: UInt32, _ value: UInt8, _ count: UInt32) -> Bool {
        guard let bytes = instance.memory?.guest.slice(target, count: UInt64(count)) else { return false }
        bytes.initializeMemory(as: UInt8.self, repeating: value)
        return true
    }

    private func memoryCopy(_ target: UInt32, _ source: UInt32, _ count: UInt32) -> Bool {
        guard let memory = instance.memory?.guest, let to = memory.slice(target, count: UInt64(count)),
            let from = memory.slice(source, count: UInt64(count))
        else { return false }
        to.copyMemory(from: UnsafeRawBufferPointer(from))
        return true
    }
}

extension InstanceState {
    /// memory.init (core specification §4.4.8); false when out of bounds.
    func memoryInit(segment: UInt32, to target: UInt32, from source: UInt32, count: UInt32) -> Bool {
        let range = isDataDropped[Int(segment)] ? 0..<0 : module.data[Int(segment)].bytes
        guard UInt64(source) + UInt64(count) <= UInt64(range.count),
            let to = memory?.guest.slice(target, count: UInt64(count))
        else { return false }
        let start = range.lowerBound + Int(source)
        to.copyMemory(from: UnsafeRawBufferPointer(rebasing: module.bytes.buffer[start..<(start + Int(count))]))
        return true
    }

    /// table.init (core specification §4.4.7); false when out of bounds.
    func tableInit(_ index: UInt32, segment: UInt32, to target: UInt32, from source: UInt32, count: UInt32) -> Bool {
        let table = tables[Int(index)]
        let values = elements[Int(segment)]
        guard UInt64(source) + UInt64(count) <= UInt64(values.count),
            UInt64(target) + UInt64(count) <= UInt64(table.count)
        else { return false }
        for offset in 0..<Int(count) {
            table.pointer.pointee.elements[Int(target) + offset] = values[Int(source) + offset]
        }
        return true
    }
}
