// SPDX-License-Identifier: Apache-2.0
// Swiftlet: calling a guest from the host.

import CInterpreter
import Wasm

/// How a call into a guest ended.
public enum Invocation {
    /// The results as slots: i32 and f32 in the low half, a v128 as two slots with the low half first, references as
    /// in ``Table``.
    case returned([UInt64])
    /// `proc_exit` was called with this status.
    case exited(UInt32)
    case trapped(Trap)
}

extension Store {
    /// Calls a function. May be used inside a host function too, on the same thread (a re-entrant call).
    ///
    /// The arguments are slots (a v128 takes two, the low half first); their number and types must be those of the
    /// function.
    public func invoke(_ function: Function, _ arguments: [UInt64]) -> Invocation {
        let type = function.type
        precondition(arguments.count == type.parameters.slotCount, "arguments of \(type): found \(arguments.count)")
        guard let context = function.pointer.pointee.context else {
            return invokeHost(hostFunctions[Int(function.pointer.pointee.index)], type, arguments)
        }
        let frame = machine.pointee.stack_top.unsafelyUnwrapped
        guard frame < stackLimit, nesting < limits.hostNesting else { return .trapped(Trap(.callStackExhausted)) }
        nesting += 1
        defer {
            nesting -= 1
            machine.pointee.stack_top = frame
        }
        for (index, argument) in arguments.enumerated() { frame[index] = argument }
        machine.pointee.native?.pointee.kept_count = 0
        sw_run(function.pointer, context, frame)
        let reason = machine.pointee.trap_reason
        if reason == 0 { return .returned((0..<type.results.slotCount).map { frame[$0] }) }
        if reason == sw_exit_requested { return .exited(machine.pointee.exit_status) }
        var trap = Trap(TrapReason(rawValue: UInt8(truncatingIfNeeded: reason)) ?? .hostError, frames: backtrace())
        if trap.reason == .uncaughtException { trap.exception = takeException() }
        return .trapped(trap)
    }

    private func invokeHost(_ function: HostFunction, _ type: FunctionType, _ arguments: [UInt64]) -> Invocation {
        var slots = arguments + Array(repeating: 0, count: type.results.slotCount)
        let outcome = slots.withUnsafeMutableBufferPointer { buffer in
            // An empty array has no address; a function without parameters reads none.
            let base = buffer.baseAddress ?? machine.pointee.stack_top.unsafelyUnwrapped
            return function.body(HostCall(memory: nil, arguments: base, results: base + arguments.count))
        }
        return switch outcome {
        case .returned: .returned(Array(slots[arguments.count...]))
        case .exit(let status): .exited(status)
        case .trap(let reason): .trapped(Trap(reason))
        case .exception(let reference): .trapped(uncaught(reference))
        }
    }

    private func uncaught(_ reference: UInt64) -> Trap {
        machine.pointee.exception = reference
        var trap = Trap(reference == 0 ? .nullExceptionReference : .uncaughtException)
        trap.exception = takeException()
        return trap
    }

    /// The exception that ended the last run.
    private func takeException() -> UncaughtException? {
        defer { machine.pointee.exception = 0 }
        return ExceptionObject(machine.pointee.exception).map { UncaughtException($0, in: self) }
    }
}
