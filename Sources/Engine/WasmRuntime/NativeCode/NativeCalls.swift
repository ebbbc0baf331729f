// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what native code leaves to Swift.

import CInterpreter
import Wasm

/// Executes an instruction of ``SlowOperation``; 0, or the reason of a trap.
@c(sw_native_operation)
func nativeOperation(
    _ context: UnsafeMutablePointer<sw_context>?, _ opcode: UInt32, _ first: UInt32, _ second: UInt32, _ a: UInt64,
    _ b: UInt64, _ c: UInt64, _ result: UnsafeMutablePointer<UInt64>?
) -> UInt32 {
    guard let context, let opcode = Opcode(rawValue: UInt16(truncatingIfNeeded: opcode)) else { return 0 }
    var operation = SlowOperation(
        instance: InstanceState.of(context), opcode: opcode, first: first, second: second, a: a, b: b, c: c)
    if let trap = operation.run() { return UInt32(trap.rawValue) }
    if let value = operation.result { result?.pointee = value }
    return 0
}

/// Makes an exception of the values in slots; false when the memory limit is reached.
@c(sw_make_exception)
func makeNativeException(
    _ context: UnsafeMutablePointer<sw_context>?, _ tag: UnsafeMutablePointer<sw_tag>?,
    _ slots: UnsafePointer<UInt64>?
) -> Bool {
    guard let context, let tag else { return false }
    let store = InstanceState.of(context).store
    // Values that are references do not occur in native code.
    guard let exception = store.makeException(tag, slots, stackTop: store.machine.pointee.stack_top) else {
        return false
    }
    store.machine.pointee.exception = exception.reference
    return true
}

/// Keeps the interpreter's frames of the run that just ended, for the backtrace.
@c(sw_keep_interpreter_frames)
func keepInterpreterFrames(_ machine: UnsafeMutablePointer<sw_machine>?) {
    guard let machine, let state = machine.pointee.native, let context = machine.pointee.trap_context else { return }
    InstanceState.of(context).store.visitInterpreterFrames { function, offset in
        sw_native_keep(state, sw_frame_place(place: UnsafeRawPointer(function), offset: UInt64(offset)))
    }
}
