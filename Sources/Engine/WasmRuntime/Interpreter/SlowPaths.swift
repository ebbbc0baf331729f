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
    store.hostCallCount &+= 1
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
    case .exception(let reference):
        machine.pointee.exception = reference
        return UInt32(sw_exception_thrown)
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
