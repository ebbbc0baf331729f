// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the states of a container or exec, and the ways between them.
public import TTRPC
public import TaskAPI

/// Where a process is in its life. Every way from one state to another is in `after`; there are no others.
public enum Lifecycle: Sendable, Equatable {
    /// The sandbox process exists and waits; the guest is not loaded.
    case created
    /// The guest is being loaded.
    case starting
    case running
    case paused
    case stopped

    public enum Event: Sendable, Equatable {
        case start
        /// The sandbox has reported that the guest runs.
        case started
        case pause
        case resume
        /// The sandbox process is gone, for whatever reason.
        case ended
    }

    /// The state after an event. An event that has no place in this state is FailedPrecondition, as containerd's own
    /// shims have it.
    public func after(_ event: Event, of name: String) throws(Status) -> Lifecycle {
        switch (self, event) {
        case (.created, .start): return .starting
        case (.starting, .started): return .running
        case (.running, .pause): return .paused
        case (.paused, .resume): return .running
        case (.created, .ended), (.starting, .ended), (.running, .ended), (.paused, .ended): return .stopped
        default:
            throw Status(.failedPrecondition, "\(name) is \(self): \(event) needs \(Self.needed(for: event))")
        }
    }

    private static func needed(for event: Event) -> String {
        switch event {
        case .start: "created"
        case .started: "starting"
        case .pause: "running"
        case .resume: "paused"
        case .ended: "a state before stopped"
        }
    }

    /// What State answers. Loading counts as created: the guest has not run.
    public var taskStatus: TaskStatus {
        switch self {
        case .created, .starting: .created
        case .running: .running
        case .paused: .paused
        case .stopped: .stopped
        }
    }
}
