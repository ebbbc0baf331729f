// SPDX-License-Identifier: Apache-2.0
// Swiftlet: from the place of a throw to the clause that catches (core specification 3.0 §4.4.10 "throw_ref").

import CInterpreter
import Wasm

/// Throws a new exception; 0 when it is caught, or the reason of a trap.
@c(sw_throw)
func throwNew(
    _ context: UnsafeMutablePointer<sw_context>?, _ frame: UnsafeMutablePointer<UInt64>?,
    _ instruction: UnsafePointer<UInt8>?
) -> UInt32 {
    guard let context, let frame, let instruction else { return 0 }
    let store = InstanceState.of(context).store
    let raw = UnsafeRawPointer(instruction)
    let slot = Int(raw.load(fromByteOffset: 8, as: UInt16.self))
    let address = UInt(raw.load(fromByteOffset: 16, as: UInt64.self))
    guard let tag = UnsafeMutablePointer<sw_tag>(bitPattern: address),
        let (function, _) = store.codeArena.find(raw),
        let exception = store.makeException(
            tag, frame + slot, stackTop: frame + Int(function.pointee.frame_slots))
    else { return UInt32(TrapReason.outOfMemory.rawValue) }
    return store.unwind(exception, frame, raw, isReturnAddress: false)
}

/// Throws an exception that exists; 0 when it is caught, or the reason of a trap.
@c(sw_throw_reference)
func throwReference(
    _ context: UnsafeMutablePointer<sw_context>?, _ frame: UnsafeMutablePointer<UInt64>?,
    _ instruction: UnsafePointer<UInt8>?
) -> UInt32 {
    guard let context, let frame, let instruction else { return 0 }
    let raw = UnsafeRawPointer(instruction)
    guard let exception = ExceptionObject(frame[Int(raw.load(fromByteOffset: 8, as: UInt16.self))]) else {
        return UInt32(TrapReason.nullExceptionReference.rawValue)
    }
    return InstanceState.of(context).store.unwind(exception, frame, raw, isReturnAddress: false)
}

/// Throws what a host function threw to its caller; 0 when it is caught, or the reason of a trap.
@c(sw_throw_from_host)
func throwFromHost(
    _ context: UnsafeMutablePointer<sw_context>?, _ frame: UnsafeMutablePointer<UInt64>?,
    _ returnAddress: UnsafePointer<UInt8>?
) -> UInt32 {
    guard let context, let frame, let returnAddress else { return 0 }
    let store = InstanceState.of(context).store
    guard let exception = ExceptionObject(store.machine.pointee.exception) else {
        return UInt32(TrapReason.nullExceptionReference.rawValue)
    }
    return store.unwind(exception, frame, UnsafeRawPointer(returnAddress), isReturnAddress: true)
}

extension Store {
    /// Searches frame by frame. The stack is not changed before a clause is found, so an uncaught exception is reported
    /// at the place of its throw.
    fileprivate func unwind(
        _ exception: ExceptionObject, _ frame: UnsafeMutablePointer<UInt64>, _ place: UnsafeRawPointer,
        isReturnAddress: Bool
    ) -> UInt32 {
        // A loop of throws has no other moment at which it could be stopped.
        if machine.pointee.is_interrupted != 0 { return UInt32(TrapReason.interrupted.rawValue) }
        let base = UnsafeRawPointer(machine)
        let exitCode = MemoryLayout<sw_machine>.offset(of: \.exit_code).map { base + $0 }
        let crossCode = MemoryLayout<sw_machine>.offset(of: \.cross_return_code).map { base + $0 }
        var (sp, pc) = (frame, place)
        // A return address belongs to the instruction before it.
        var isReturnAddress = isReturnAddress
        while pc != exitCode {
            let next: (pc: UInt64, sp: UInt64)
            if pc == crossCode {
                next = (sp[0], sp[1])
            } else {
                guard let (function, offset) = codeArena.find(isReturnAddress ? pc - 1 : pc) else { break }
                let table = Int(function.pointee.catch_table)
                if table != 0, let clause = catchTables[table].clause(for: exception.tag, at: offset) {
                    land(exception, clause, function, sp)
                    return 0
                }
                let header = Int(function.pointee.header)
                next = (sp[header], sp[header + 1])
            }
            guard let nextPc = UnsafeRawPointer(bitPattern: UInt(next.pc)),
                let nextSp = UnsafeMutablePointer<UInt64>(bitPattern: UInt(next.sp))
            else { break }
            (pc, sp) = (nextPc, nextSp)
            isReturnAddress = true
        }
        machine.pointee.exception = exception.reference
        return UInt32(TrapReason.uncaughtException.rawValue)
    }

    private func land(
        _ exception: ExceptionObject, _ clause: CatchTable.Clause, _ function: UnsafeMutablePointer<sw_function>,
        _ sp: UnsafeMutablePointer<UInt64>
    ) {
        if clause.tag != 0 {
            (sp + Int(clause.valueSlot)).update(from: exception.slots + 1, count: exception.valueCount)
        }
        if clause.referenceSlot >= 0 { sp[Int(clause.referenceSlot)] = exception.reference }
        machine.pointee.native?.pointee.kept_count = 0
        machine.pointee.landing_pc = function.pointee.code + Int(clause.landing)
        machine.pointee.landing_sp = sp
        machine.pointee.landing_context = function.pointee.context
    }
}
