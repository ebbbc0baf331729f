// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what a supervisor wants to have run, and how it ended.

public import LaunchProtocol
public import Linux

/// Descriptors that become 0, 1 and 2 of the sandbox. They stay the caller's.
public struct StandardStreams: Sendable, Equatable {
    public var input: Int32
    public var output: Int32
    public var error: Int32

    public init(input: Int32 = 0, output: Int32 = 1, error: Int32 = 2) {
        self.input = input
        self.output = output
        self.error = error
    }
}

/// One workload to start.
public struct LaunchRequest: Sendable, Equatable {
    /// What to run. Its descriptors are the *supervisor's* numbers, and stay the supervisor's; the launcher hands copies
    /// over and puts the sandbox's numbers in.
    public var spec: LaunchSpec
    public var streams: StandardStreams
    /// Limits of the cgroup; the engine's own limits are in the spec.
    public var limits: ResourceLimits
    /// `swiftlet-INSTANCE/podUID/CONTAINER`; nil: no cgroup, and then limits are refused.
    public var cgroupPath: String?
    /// Whether the cgroup goes with the process. False for a process that joins the cgroup of another one.
    public var removesCGroup = true
    /// Whether the cgroup is in every hierarchy even without limits, because somebody else reads it there.
    public var accountsAll = false
    /// File of the network namespace that the sandbox joins; nil: it stays in the supervisor's.
    public var networkPath: String?
    /// Whether the sandbox gets a new network namespace, with nothing but a loopback interface.
    public var hasOwnNetwork = false
    /// Whether the supervisor has joined the namespaces that the sandbox is to have; it gets no others then.
    public var inheritsNamespaces = false
    /// Whether `streams.input` is a terminal that becomes the sandbox's own.
    public var controlsTerminal = false

    public init(
        spec: LaunchSpec, streams: StandardStreams = StandardStreams(), limits: ResourceLimits = ResourceLimits(),
        cgroupPath: String? = nil
    ) {
        self.spec = spec
        self.streams = streams
        self.limits = limits
        self.cgroupPath = cgroupPath
    }
}

/// Why a workload could not be started or handled.
public struct WorkloadError: Error, Sendable, Equatable, CustomStringConvertible {
    public var description: String

    public init(_ description: String) { self.description = description }

    init(_ doing: String, _ cause: SystemError) { description = "\(doing): \(cause)" }
}

/// How a workload ended.
public struct WorkloadExit: Sendable, Equatable {
    /// The reasons that `kubectl get pods` shows, as containerd and the kubelet name them.
    public enum Reason: String, Sendable, Equatable {
        case completed = "Completed"
        case error = "Error"
        case trapped = "Trapped"
        case outOfMemory = "OOMKilled"
        case startError = "StartError"
    }

    /// The guest's exit code; 134 after a trap, 137 after OOMKilled or SIGKILL (128 + signal), 125 when it never ran.
    public var code: Int32
    /// The signal that ended the process, where one did.
    public var signal: Int32?
    public var reason: Reason
    /// For people: the trap with its backtrace, what failed at the start, or what killed it. May be empty.
    public var message: String
    /// How far the launch came, for `startError`.
    public var failedStage: LaunchStage?
    /// Nanoseconds since 1970; nil when the guest never ran.
    public var startedAtNanoseconds: UInt64?
    public var finishedAtNanoseconds: UInt64
    public var userMicroseconds: Int64
    public var systemMicroseconds: Int64
    public var residentKibibytesMax: Int64

    package init(startedAtNanoseconds: UInt64?, finishedAtNanoseconds: UInt64, end: ProcessExit) {
        code = 0
        reason = .completed
        message = ""
        self.startedAtNanoseconds = startedAtNanoseconds
        self.finishedAtNanoseconds = finishedAtNanoseconds
        userMicroseconds = end.userMicroseconds
        systemMicroseconds = end.systemMicroseconds
        residentKibibytesMax = end.residentKibibytesMax
    }
}
