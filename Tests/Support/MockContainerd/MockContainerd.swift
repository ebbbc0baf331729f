// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: a containerd, as far as a shim can see one.

import Glibc
import Linux
import Protobuf
public import TaskAPI

/// Calls a shim as one version of containerd does: its folders, its command lines, its connection, its order of calls.
///
/// There is no image and no snapshot: a task's root is the bundle's own `rootfs`. Not for several threads.
public final class MockContainerd {
    public let version: ContainerdVersion
    public let namespace: String
    /// Folder of the daemon's state and sockets.
    public let path: String
    /// Absolute path of the shim's program.
    public let shim: String
    /// A program that stands for the daemon where a shim calls it to publish events.
    public var publishBinary = "/usr/bin/containerd"
    /// Whether the events' socket is told to shims.
    public var tellsEventAddress = true
    private var receiver: EventReceiver?
    private var earlierEvents: [EventEnvelope] = []

    var grpcAddress: String { "\(path)/c.sock" }
    private var ttrpcAddress: String { "\(path)/c.sock.ttrpc" }

    /// - Parameter path: a folder of the caller's, short enough for a socket's name.
    public init(_ version: ContainerdVersion, path: String, shim: String, namespace: String = "default") throws {
        self.version = version
        self.path = path
        self.shim = shim
        self.namespace = namespace
        try Files.makeDirectory(path)
        receiver = try EventReceiver(path: ttrpcAddress)
    }

    deinit { receiver?.stop() }

    /// What shims have published, in the order of arrival.
    public var events: [EventEnvelope] { earlierEvents + (receiver?.events ?? []) }

    /// Topics of the events about a container, without `/tasks/`.
    public func topics(about id: String) -> [String] {
        events.filter { envelope in
            // The container's id is field 1 of each task event.
            guard let value = envelope.event?.value, value.count > 2, value[0] == 0x0a else { return false }
            return Array(value[2...].prefix(Int(value[1]))) == Array(id.utf8)
        }.map { String($0.topic.dropFirst("/tasks/".utf8.count)) }
    }

    /// The daemon ends; its shims stay.
    public func stop() {
        earlierEvents = events
        receiver?.stop()
        receiver = nil
    }

    /// The daemon comes back; tasks are taken again with `MockTask.reload`.
    public func start() throws { if receiver == nil { receiver = try EventReceiver(path: ttrpcAddress) } }

    // MARK: - The shim's program

    func bundlePath(_ id: String) -> String { "\(path)/io.containerd.runtime.v2.task/\(namespace)/\(id)" }

    /// `-info`, as 2.2 and later ask before each Create.
    public func information() throws -> RuntimeInfo {
        let (code, output) = try runShim(["-info"], in: "/")
        guard code == 0 else { throw MockFailure("-info: exit \(code): \(String(decoding: output, as: UTF8.self))") }
        return try RuntimeInfo(protobuf: output)
    }

    /// `start` in a bundle: the address of the task's shim.
    func startShim(_ id: String) throws -> String {
        var input: [UInt8] = []
        if version.sendsBootstrapParams {
            input =
                BootstrapParams(
                    instanceID: id, namespace: namespace, containerdVersion: "v\(version.rawValue).0",
                    ttrpcAddress: ttrpcAddress, grpcAddress: grpcAddress, containerdBinary: publishBinary,
                    socketDirectory: "\(path)/s"
                ).protobufBytes
        }
        let (code, output) = try runShim(flags(id) + ["start"], in: bundlePath(id), input: input)
        guard code == 0 else {
            throw MockFailure("start failed: \(String(decoding: output, as: UTF8.self)): exit status \(code)")
        }
        return try version.address(printed: output)
    }

    /// `delete` in a bundle, after the shim has gone.
    public func cleanUp(_ id: String) throws -> DeleteResponse {
        let (code, output) = try runShim(
            flags(id) + ["-bundle", bundlePath(id), "delete"], in: Files.exists(bundlePath(id)) ? bundlePath(id) : path,
            joinsErrors: false)
        guard code == 0 else {
            throw MockFailure("delete failed: \(String(decoding: output, as: UTF8.self)): exit status \(code)")
        }
        return try DeleteResponse(protobuf: output)
    }

    private func flags(_ id: String) -> [String] {
        ["-namespace", namespace, "-address", grpcAddress, "-publish-binary", publishBinary, "-id", id]
    }

    /// The output is a pipe that is read to its end: a daemon that keeps it would hang containerd.
    ///
    /// - Parameter joinsErrors: stderr is in the answer, too, as for `start`; for `delete` containerd keeps them apart.
    private func runShim(
        _ arguments: [String], in directory: String, input: [UInt8] = [], joinsErrors: Bool = true
    ) throws -> (code: Int32, output: [UInt8]) {
        let (inputReader, inputWriter) = try Self.pipe()
        let (reader, writer) = try Self.pipe()
        defer { close(reader) }
        try Descriptors.writeAll(inputWriter, input)
        close(inputWriter)
        var request = SpawnRequest(path: shim, arguments: [shim] + arguments)
        request.environment = processEnvironment().filter { !$0.hasPrefix("TTRPC_ADDRESS=") }
        request.environment += version.environment(
            grpc: grpcAddress, ttrpc: tellsEventAddress ? ttrpcAddress : "", namespace: namespace)
        request.directory = directory
        let null = try Files.open("/dev/null", O_WRONLY)
        request.descriptors = [
            .init(inputReader, as: 0), .init(writer, as: 1), .init(joinsErrors ? writer : null.rawValue, as: 2),
        ]
        let child: ChildProcess
        do {
            defer { for descriptor in [inputReader, writer] { close(descriptor) } }
            child = try ChildProcess.spawn(request)
        }
        let bytes = try Self.readToEnd(reader)
        guard case .exited(let code) = try child.wait().cause else { throw MockFailure("the shim was killed") }
        return (code, bytes)
    }

    private static func pipe() throws -> (reader: Int32, writer: Int32) {
        var ends: [Int32] = [-1, -1]
        guard Glibc.pipe(&ends) == 0 else { throw MockFailure("pipe: \(Errno.current)") }
        for end in ends { try Descriptors.setCloseOnExec(end) }
        return (ends[0], ends[1])
    }

    private static func readToEnd(_ descriptor: Int32) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, 20_000) > 0 else { throw MockFailure("the shim's output does not end") }
            let count = read(descriptor, &chunk, chunk.count)
            guard count > 0 else { return bytes }
            bytes += chunk[..<count]
        }
    }
}
