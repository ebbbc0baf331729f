// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: one task of the mock, from its bundle to its end.

import Glibc
import Linux
public import OCI
public import Protobuf
import TTRPC
public import TaskAPI

/// A task as containerd's task manager has it: made with its bundle and shim, deleted with both.
public final class MockTask {
    public let id: String
    public let bundle: String
    private let daemon: MockContainerd
    private var client: Client
    /// The shim's log, which containerd reads from the bundle's fifo: some shims wait until somebody does.
    private let log: Int32
    /// 2.x: what the daemon would write into bootstrap.json.
    private let address: String
    public private(set) var pid: UInt32 = 0

    /// Makes the bundle, starts its shim (or joins its pod's) and calls Create.
    ///
    /// - Parameters:
    ///   - spec: config.json.
    ///   - streams: paths of stdin, stdout and stderr; empty: none.
    public init(
        _ daemon: MockContainerd, _ id: String, config: [UInt8], streams: [String] = ["", "", ""],
        hasTerminal: Bool = false
    ) throws {
        self.daemon = daemon
        self.id = id
        bundle = daemon.bundlePath(id)
        if daemon.version.asksInformation, try daemon.information().name.isEmpty {
            throw MockFailure("-info told no name")
        }
        try Self.makeBundle(bundle, config, shim: daemon.shim)
        log = open("\(bundle)/log", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        do {
            address = try daemon.startShim(id)
            if daemon.version.writesBootstrapFile {
                let text = #"{"version":2,"address":"unix://\#(address)","protocol":"ttrpc"}"#
                try Self.write(Array(text.utf8), to: "\(bundle)/bootstrap.json")
            }
            client = try Self.connect(address, daemon)
            let request = CreateTaskRequest(
                id: id, bundle: bundle, terminal: hasTerminal, stdin: streams[0], stdout: streams[1],
                stderr: streams[2])
            pid = try client.call(ServiceName.task, "Create", request, as: CreateTaskResponse.self).pid
        } catch {
            _ = try? daemon.cleanUp(id)
            Self.removeTree(bundle)
            throw error
        }
    }

    deinit { close(log) }

    private static func connect(_ address: String, _ daemon: MockContainerd) throws -> Client {
        let client = try Client(path: address)
        client.metadata = [KeyValue("containerd-namespace-ttrpc", daemon.namespace)]
        return client
    }

    private static func makeBundle(_ path: String, _ config: [UInt8], shim: String) throws {
        var prefix = ""
        for part in path.split(separator: "/") {
            prefix += "/\(part)"
            if !Files.exists(prefix) { try Files.makeDirectory(prefix, mode: 0o711) }
        }
        try Files.makeDirectory("\(path)/rootfs")
        guard mkfifo("\(path)/log", 0o600) == 0 else { throw MockFailure("mkfifo \(path)/log: \(Errno.current)") }
        try write(config, to: "\(path)/config.json")
        try write(Array(shim.utf8), to: "\(path)/shim-binary-path")
    }

    private static func write(_ bytes: [UInt8], to path: String) throws {
        let file = try Files.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
        try Descriptors.writeAll(file.rawValue, bytes)
    }

    // MARK: - Calls

    public func call<Answer: ProtobufMessage>(
        _ method: String, _ message: some ProtobufMessage, as type: Answer.Type = Empty.self
    ) throws -> Answer {
        try client.call(ServiceName.task, method, message, as: type, timeoutMilliseconds: 20_000)
    }

    /// Start, with Wait parked before it as containerd does; the exit code when it has ended.
    public func run() throws -> UInt32 {
        let wait = try client.begin(ServiceName.task, "Wait", WaitRequest(id: id))
        try start()
        return try client.finish(wait, as: WaitResponse.self, timeoutMilliseconds: 20_000).exitStatus
    }

    public func start() throws { _ = try call("Start", StartRequest(id: id), as: StartResponse.self) }

    public func kill(_ signal: Int32, all: Bool = false) throws {
        _ = try call("Kill", KillRequest(id: id, signal: UInt32(signal), all: all))
    }

    public func wait(exec: String = "") throws -> UInt32 {
        try call("Wait", WaitRequest(id: id, execID: exec), as: WaitResponse.self).exitStatus
    }

    public func status() throws -> TaskStatus? {
        TaskStatus(rawValue: try call("State", StateRequest(id: id), as: StateResponse.self).rawStatus)
    }

    /// Exec, Start, Wait and Delete of another process: as an exec probe does it.
    public func exec(_ name: String, _ process: ProcessSpec) throws -> UInt32 {
        let spec = AnyMessage(
            typeURL: "types.containerd.io/opencontainers/runtime-spec/1/Process", value: process.json.bytes)
        _ = try call("Exec", ExecProcessRequest(id: id, execID: name, spec: spec))
        _ = try call("Start", StartRequest(id: id, execID: name), as: StartResponse.self)
        let code = try wait(exec: name)
        _ = try call("Delete", DeleteRequest(id: id, execID: name), as: DeleteResponse.self)
        return code
    }

    /// Delete and Shutdown; when the shim has gone, `delete` and the bundle's end.
    ///
    /// - Parameter isLast: whether the shim has no other task, so that it must leave.
    @discardableResult
    public func delete(isLast: Bool = true) throws -> DeleteResponse {
        let response = try call("Delete", DeleteRequest(id: id), as: DeleteResponse.self)
        _ = try? call("Shutdown", ShutdownRequest(id: id))
        if isLast {
            try waitForDisconnect()
            _ = try daemon.cleanUp(id)
        }
        Self.removeTree(bundle)
        return response
    }

    private func waitForDisconnect() throws {
        do throws(CallFailure) {
            // Never answered but by the end of the connection.
            _ = try client.response(onStream: .max, timeoutMilliseconds: 3000)
        } catch {
            guard case .disconnected = error else { throw MockFailure("the shim does not leave: \(error)") }
        }
    }

    /// What a daemon does that comes back: finds the shim by what is in the bundle, connects and looks whether it lives.
    /// Returns the process that the shim names.
    public func reload() throws -> UInt32 {
        let found =
            daemon.version.writesBootstrapFile
            ? address : String(try Files.readText("\(bundle)/address").dropFirst("unix://".utf8.count))
        client = try Self.connect(found, daemon)
        let connection = try call("Connect", ConnectRequest(id: id), as: ConnectResponse.self)
        if daemon.version.asksPidsOnReload {
            let pids = try call("Pids", PidsRequest(id: id), as: PidsResponse.self)
            guard !pids.processes.isEmpty else { throw MockFailure("cleaning leaked shim process") }
        }
        return connection.taskPid
    }

    /// The shim has died: `delete`, and the end of the bundle.
    public func cleanUpAfterDeath() throws -> DeleteResponse {
        let response = try daemon.cleanUp(id)
        Self.removeTree(bundle)
        return response
    }

    /// The process of the shim.
    public func shimProcess() throws -> Int32 {
        Int32(bitPattern: try call("Connect", ConnectRequest(id: id), as: ConnectResponse.self).shimPid)
    }

    private static func removeTree(_ path: String) {
        for name in (try? Files.names(in: path)) ?? [] {
            var information = stat()
            let child = "\(path)/\(name)"
            guard lstat(child, &information) == 0 else { continue }
            if information.st_mode & S_IFMT == S_IFDIR { removeTree(child) } else { unlink(child) }
        }
        rmdir(path)
    }
}
