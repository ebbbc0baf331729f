// SPDX-License-Identifier: Apache-2.0
// Swiftlet: requests and answers that look at a task or adjust it.
public import Protobuf

/// Ask for the state of a container or exec.
public struct StateRequest: ProtobufMessage {
    public static let protobufName = "containerd.task.v2.StateRequest"
    public var id = ""
    public var execID = ""

    public init() {}

    public init(id: String, execID: String = "") {
        self.id = id
        self.execID = execID
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: id = try field.string()
        case 2: execID = try field.string()
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.string(1, id)
        writer.string(2, execID)
    }
}

/// Answer of State.
public struct StateResponse: ProtobufMessage {
    public static let protobufName = "containerd.task.v2.StateResponse"
    public var id = ""
    public var bundle = ""
    public var pid: UInt32 = 0
    /// See `TaskStatus`.
    public var rawStatus: Int32 = 0
    public var stdin = ""
    public var stdout = ""
    public var stderr = ""
    public var terminal = false
    public var exitStatus: UInt32 = 0
    public var exitedAt: Timestamp?
    public var execID = ""

    public init() {}

    public init(
        id: String, bundle: String = "", pid: UInt32 = 0, rawStatus: Int32 = 0, stdin: String = "", stdout: String = "",
        stderr: String = "", terminal: Bool = false, exitStatus: UInt32 = 0, exitedAt: Timestamp? = nil,
        execID: String = ""
    ) {
        self.id = id
        self.bundle = bundle
        self.pid = pid
        self.rawStatus = rawStatus
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.terminal = terminal
        self.exitStatus = exitStatus
        self.exitedAt = exitedAt
        self.execID = execID
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: id = try field.string()
        case 2: bundle = try field.string()
        case 3: pid = try field.uint32()
        case 4: rawStatus = try field.int32()
        case 5: stdin = try field.string()
        case 6: stdout = try field.string()
        case 7: stderr = try field.string()
        case 8: terminal = try field.bool()
        case 9: exitStatus = try field.uint32()
        case 10: exitedAt = try field.message(Timestamp.self)
        case 11: execID = try field.string()
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.string(1, id)
        writer.string(2, bundle)
        writer.uint32(3, pid)
        writer.int32(4, rawStatus)
        writer.string(5, stdin)
        writer.string(6, stdout)
        writer.string(7, stderr)
        writer.bool(8, terminal)
        writer.uint32(9, exitStatus)
        writer.message(10, exitedAt)
        writer.string(11, execID)
    }
}

/// Answered when the container or exec has ended.
public struct WaitRequest: ProtobufMessage {
    public static let protobufName = "containerd.task.v2.WaitRequest"
    public var id = ""
    public var execID = ""

    public init() {}

    public init(id: String, execID: String = "") {
        self.id = id
        self.execID = execID
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: id = try field.string()
        case 2: execID = try field.string()
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.string(1, id)
        writer.string(2, execID)
    }
}

/// Answer of Wait.
public struct WaitResponse: ProtobufMessage {
    public static let protobufName = "containerd.task.v2.WaitResponse"
    public var exitStatus: UInt32 = 0
    public var exitedAt: Timestamp?

    public init() {}

    public init(exitStatus: UInt32, exitedAt: Timestamp? = nil) {
        self.exitStatus = exitStatus
        self.exitedAt = exitedAt
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: exitStatus = try field.uint32()
        case 2: exitedAt = try field.message(Timestamp.self)
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.uint32(1, exitStatus)
        writer.message(2, exitedAt)
    }
}

/// Ask for the processes of a container.
public struct PidsRequest: ProtobufMessage {
    public static let protobufName = "containerd.task.v2.PidsRequest"
    public var id = ""

    public init() {}

    public init(id: String) {
        self.id = id
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: id = try field.string()
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.string(1, id)
    }
}

/// One process.
public struct ProcessInfo: ProtobufMessage {
    public static let protobufName = "containerd.task.v2.ProcessInfo"
    public var pid: UInt32 = 0
    public var info: AnyMessage?

    public init() {}

    public init(pid: UInt32, info: AnyMessage? = nil) {
        self.pid = pid
        self.info = info
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: pid = try field.uint32()
        case 2: info = try field.message(AnyMessage.self)
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.uint32(1, pid)
        writer.message(2, info)
    }
}

/// Answer of Pids.
public struct PidsResponse: ProtobufMessage {
    public static let protobufName = "containerd.task.v2.PidsResponse"
    public var processes: [ProcessInfo] = []

    public init() {}

    public init(processes: [ProcessInfo]) {
        self.processes = processes
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: processes.append(try field.message(ProcessInfo.self))
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.messages(1, processes)
    }
}

/// Ask who serves a container.
public struct ConnectRequest: ProtobufMessage {
    public static let protobufName = "containerd.task.v2.ConnectRequest"
    public var id = ""

    public init() {}

    public init(id: String) {
        self.id = id
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: id = try field.string()
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.string(1, id)
    }
}

/// Answer of Connect.
public struct ConnectResponse: ProtobufMessage {
    public static let protobufName = "containerd.task.v2.ConnectResponse"
    public var shimPid: UInt32 = 0
    public var taskPid: UInt32 = 0
    public var version = ""

    public init() {}

    public init(shimPid: UInt32, taskPid: UInt32 = 0, version: String = "") {
        self.shimPid = shimPid
        self.taskPid = taskPid
        self.version = version
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: shimPid = try field.uint32()
        case 2: taskPid = try field.uint32()
        case 3: version = try field.string()
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.uint32(1, shimPid)
        writer.uint32(2, taskPid)
        writer.string(3, version)
    }
}

/// Ask for the resource use of a container.
public struct StatsRequest: ProtobufMessage {
    public static let protobufName = "containerd.task.v2.StatsRequest"
    public var id = ""

    public init() {}

    public init(id: String) {
        self.id = id
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: id = try field.string()
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.string(1, id)
    }
}

/// Answer of Stats.
public struct StatsResponse: ProtobufMessage {
    public static let protobufName = "containerd.task.v2.StatsResponse"
    /// Never absent: containerd 1.6 does not survive that.
    public var stats: AnyMessage?

    public init() {}

    public init(stats: AnyMessage?) {
        self.stats = stats
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: stats = try field.message(AnyMessage.self)
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.message(1, stats)
    }
}

/// Change the resource limits of a container.
public struct UpdateTaskRequest: ProtobufMessage {
    public static let protobufName = "containerd.task.v2.UpdateTaskRequest"
    public var id = ""
    /// An OCI `linux.resources` object as JSON.
    public var resources: AnyMessage?

    public init() {}

    public init(id: String, resources: AnyMessage? = nil) {
        self.id = id
        self.resources = resources
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: id = try field.string()
        case 2: resources = try field.message(AnyMessage.self)
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.string(1, id)
        writer.message(2, resources)
    }
}

/// Close the end of stdin that the shim holds.
public struct CloseIORequest: ProtobufMessage {
    public static let protobufName = "containerd.task.v2.CloseIORequest"
    public var id = ""
    public var execID = ""
    public var stdin = false

    public init() {}

    public init(id: String, execID: String = "", stdin: Bool = false) {
        self.id = id
        self.execID = execID
        self.stdin = stdin
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: id = try field.string()
        case 2: execID = try field.string()
        case 3: stdin = try field.bool()
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.string(1, id)
        writer.string(2, execID)
        writer.bool(3, stdin)
    }
}

/// Change the size of a terminal.
public struct ResizePtyRequest: ProtobufMessage {
    public static let protobufName = "containerd.task.v2.ResizePtyRequest"
    public var id = ""
    public var execID = ""
    public var width: UInt32 = 0
    public var height: UInt32 = 0

    public init() {}

    public init(id: String, execID: String = "", width: UInt32 = 0, height: UInt32 = 0) {
        self.id = id
        self.execID = execID
        self.width = width
        self.height = height
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: id = try field.string()
        case 2: execID = try field.string()
        case 3: width = try field.uint32()
        case 4: height = try field.uint32()
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.string(1, id)
        writer.string(2, execID)
        writer.uint32(3, width)
        writer.uint32(4, height)
    }
}

/// Dump a container to disk.
public struct CheckpointTaskRequest: ProtobufMessage {
    public static let protobufName = "containerd.task.v2.CheckpointTaskRequest"
    public var id = ""
    public var path = ""
    public var options: AnyMessage?

    public init() {}

    public init(id: String, path: String = "", options: AnyMessage? = nil) {
        self.id = id
        self.path = path
        self.options = options
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: id = try field.string()
        case 2: path = try field.string()
        case 3: options = try field.message(AnyMessage.self)
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.string(1, id)
        writer.string(2, path)
        writer.message(3, options)
    }
}
