// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the messages between a supervisor and a sandbox process.

/// What the sandbox tells its supervisor, one message per record on the control socket (SOCK_SEQPACKET).
public enum StatusRecord: Sendable, Equatable {
    /// Confined, module decoded, validated and instantiated; the next instruction is the guest's. `isNative` tells
    /// whether native code of the module runs, as far as there is some of its functions.
    case started(isNative: Bool)
    /// The guest ended by itself: return from the entrypoint (0) or `proc_exit`.
    case exited(code: UInt32)
    /// The engine stopped the guest. `message` has the reason and the Wasm backtrace, for people.
    case trapped(reason: UInt8, message: String)
    /// The guest never ran. `message` says what is wrong with what.
    case failed(stage: LaunchStage, message: String)
    /// A part of the confinement that this kernel or user cannot give; the supervisor puts it in the status.
    case warning(String)
    /// Answer to `ControlRequest.probe`: the exported function's result (0 is healthy), or why there is none.
    case probe(id: UInt32, outcome: ProbeOutcome)
}

/// How far a launch came.
public enum LaunchStage: UInt8, Sendable, Equatable {
    case spec = 0
    case confinement = 1
    case module = 2
    case imports = 3
    case instantiation = 4
}

public enum ProbeOutcome: Sendable, Equatable {
    case returned(Int32)
    case trapped(String)
    /// The export does not exist, has another type, or is not granted.
    case unavailable(String)
}

/// What the supervisor asks of a running sandbox.
public enum ControlRequest: Sendable, Equatable {
    /// SIGTERM for a guest that has no signals: listeners stop accepting, blocked waits end. See docs/guide/lifecycle.md.
    case stop
    /// Call an exported function of type `() -> i32` when the guest next waits for something.
    case probe(id: UInt32, export: String)
}
