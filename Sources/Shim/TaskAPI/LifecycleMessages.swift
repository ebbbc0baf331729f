// SPDX-License-Identifier: Apache-2.0
// Swiftlet: requests and answers that move a task through its life.
public import Protobuf

/// Make a container from a bundle; it does not run yet.
public struct CreateTaskRequest: ProtobufMessage {
    public static let protobufName = "containerd.task.v2.CreateTaskRequest"
    public var id = ""
    /// Absolute path of the folder with `config.json`.
    public var bundle = ""
    public var rootfs: [Mount] = []
    public var terminal = false
    public var stdin = ""
    /// A fifo's path, `file://` or `cri://`; empty: none.
    public var stdout = ""
    public var stderr = ""
    public var checkpoint = ""
    public var parentCheckpoint = ""
    public var options: AnyMessage?

    public init() {}

    public init(
        id: String, bundle: String = "", rootfs: [Mount] = [], terminal: Bool = false, stdin: String = "",
        stdout: String = "", stderr: String = "", checkpoint: String = "", parentCheckpoint: String = "",
        options: AnyMessage? = nil
    ) {
        self.id = id
        self.bundle = bundle
        self.rootfs = rootfs
        self.terminal = terminal
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.checkpoint = checkpoint
        self.parentCheckpoint = parentCheckpoint
        self.options = options
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: id = try field.string()
        case 2: bundle = try field.string()
        case 3: rootfs.append(try field.message(Mount.self))
        case 4: terminal = try field.bool()
        case 5: stdin = try field.string()
        case 6: stdout = try field.string()
        case 7: stderr = try field.string()
        case 8: checkpoint = try field.string()
        case 9: parentCheckpoint = try field.string()
        case 10: options = try field.message(AnyMessage.self)
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.string(1, id)
        writer.string(2, bundle)
        writer.messages(3, rootfs)
        writer.bool(4, terminal)
        writer.string(5, stdin)
        writer.string(6, stdout)
        writer.string(7, stderr)
        writer.string(8, checkpoint)
        writer.string(9, parentCheckpoint)
        writer.message(10, options)
    }
}

/// Answer of Create.
public struct CreateTaskResponse: ProtobufMessage {
    public static let protobufName = "containerd.task.v2.CreateTaskResponse"
    public var pid: UInt32 = 0

    public init() {}

    public init(pid: UInt32) {
        self.pid = pid
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: pid = try field.uint32()
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.uint32(1, pid)
    }
}

/// Run a created container, or an exec of it.
public struct StartRequest: ProtobufMessage {
    public static let protobufName = "containerd.task.v2.StartRequest"
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

/// Answer of Start.
public struct StartResponse: ProtobufMessage {
    public static let protobufName = "containerd.task.v2.StartResponse"
    public var pid: UInt32 = 0

    public init() {}

    public init(pid: UInt32) {
        self.pid = pid
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: pid = try field.uint32()
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.uint32(1, pid)
    }
}

/// Prepare one more process in a running container.
public struct ExecProcessRequest: ProtobufMessage {
    public static let protobufName = "containerd.task.v2.ExecProcessRequest"
    public var id = ""
    public var execID = ""
    public var terminal = false
    public var stdin = ""
    public var stdout = ""
    public var stderr = ""
    /// An OCI `process` object as JSON.
    public var spec: AnyMessage?

    public init() {}

    public init(
        id: String, execID: String = "", terminal: Bool = false, stdin: String = "", stdout: String = "",
        stderr: String = "", spec: AnyMessage? = nil
    ) {
        self.id = id
        self.execID = execID
        self.terminal = terminal
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.spec = spec
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: id = try field.string()
        case 2: execID = try field.string()
        case 3: terminal = try field.bool()
        case 4: stdin = try field.string()
        case 5: stdout = try field.string()
        case 6: stderr = try field.string()
        case 7: spec = try field.message(AnyMessage.self)
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.string(1, id)
        writer.string(2, execID)
        writer.bool(3, terminal)
        writer.string(4, stdin)
        writer.string(5, stdout)
        writer.string(6, stderr)
        writer.message(7, spec)
    }
}

/// Send a signal.
public struct KillRequest: ProtobufMessage {
    public static let protobufName = "containerd.task.v2.KillRequest"
    public var id = ""
    public var execID = ""
    public var signal: UInt32 = 0
    /// Also every exec of the container.
    public var all = false

    public init() {}

    public init(id: String, execID: String = "", signal: UInt32 = 0, all: Bool = false) {
        self.id = id
        self.execID = execID
        self.signal = signal
        self.all = all
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: id = try field.string()
        case 2: execID = try field.string()
        case 3: signal = try field.uint32()
        case 4: all = try field.bool()
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.string(1, id)
        writer.string(2, execID)
        writer.uint32(3, signal)
        writer.bool(4, all)
    }
}

/// Forget a stopped container or exec.
public struct DeleteRequest: ProtobufMessage {
    public static let protobufName = "containerd.task.v2.DeleteRequest"
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

/// Answer of Delete; also what the `delete` command prints.
public struct DeleteResponse: ProtobufMessage {
    public static let protobufName = "containerd.task.v2.DeleteResponse"
    public var pid: UInt32 = 0
    public var exitStatus: UInt32 = 0
    public var exitedAt: Timestamp?

    public init() {}

    public init(pid: UInt32, exitStatus: UInt32 = 0, exitedAt: Timestamp? = nil) {
        self.pid = pid
        self.exitStatus = exitStatus
        self.exitedAt = exitedAt
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: pid = try field.uint32()
        case 2: exitStatus = try field.uint32()
        case 3: exitedAt = try field.message(Timestamp.self)
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.uint32(1, pid)
        writer.uint32(2, exitStatus)
        writer.message(3, exitedAt)
    }
}

/// Freeze a container.
public struct PauseRequest: ProtobufMessage {
    public static let protobufName = "containerd.task.v2.PauseRequest"
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

/// Thaw a container.
public struct ResumeRequest: ProtobufMessage {
    public static let protobufName = "containerd.task.v2.ResumeRequest"
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

/// End the shim if it has no containers, or at once.
public struct ShutdownRequest: ProtobufMessage {
    public static let protobufName = "containerd.task.v2.ShutdownRequest"
    public var id = ""
    public var now = false

    public init() {}

    public init(id: String, now: Bool = false) {
        self.id = id
        self.now = now
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: id = try field.string()
        case 2: now = try field.bool()
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.string(1, id)
        writer.bool(2, now)
    }
}
