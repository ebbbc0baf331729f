// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a pod for the tests of the shim: its folder, its shim, its containers.
import Glibc
import OCI
import Protobuf
import TTRPC
import TaskAPI
import TestSupport

/// What a test found instead of what it needs to go on.
struct Unexpected: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// A pod's runtime folder with a shim of the built program. Everything it started is gone when the value goes away.
final class Pod {
    let root: String
    let directory: String
    let name: String
    private(set) var address = ""
    private(set) var client: Client

    static let shim = BuiltProducts.program("containerd-shim-swiftlet-v1")
    static let isBuilt =
        BuiltProducts.exists(shim) && BuiltProducts.exists(BuiltProducts.program("swiftlet-sandbox"))
        && BuiltProducts.exists(BuiltProducts.guest("hello")) && geteuid() == 0

    init(_ name: String) throws {
        let unique = "\(getpid())-\(UInt32.random(in: 0 ... .max))"
        self.name = "\(name)-\(unique)"
        root = "/tmp/swl-shimtests-\(unique)"
        directory = "\(root)/pod"
        mkdir(root, 0o755)
        mkdir(directory, 0o755)
        address = try Self.start(self.name, root, directory)
        client = try Client(path: String(address.dropFirst(7)))
    }

    deinit {
        _ = try? client.call(
            ServiceName.task, "Shutdown", ShutdownRequest(id: name, now: true), as: Empty.self)
        _ = try? deleteCommand()
        for hierarchy in Self.hierarchies { rmdir("\(hierarchy)/\(cgroupParent)") }
        removeTree(root)
    }

    static func start(_ name: String, _ root: String, _ directory: String) throws -> String {
        // Modules are compiled by tests that look at it.
        var environment = ["SWIFTLET_ROOT": root, "SWIFTLET_BACKGROUND_COMPILER": "off"]
        if let sandbox = getenv("SWIFTLET_SANDBOX") { environment["SWIFTLET_SANDBOX"] = String(cString: sandbox) }
        let result = try Program.run(
            shim, ["-namespace", "default", "-id", name, "-address", "", "-publish-binary", "", "start"],
            environment: environment, workingDirectory: directory, seconds: 20)
        guard result.status.code == 0, result.errors.isEmpty, result.output.hasPrefix("unix:///") else {
            throw Unexpected("start: \(result)")
        }
        return result.output
    }

    /// Start again, as a node does that comes back; connects anew.
    func restart() throws {
        address = try Self.start(name, root, directory)
        client = try Client(path: String(address.dropFirst(7)))
    }

    func deleteCommand() throws -> DeleteResponse {
        // The output is binary, which `Program` gives as text: only that it works is of interest here.
        let result = try Program.run(
            Self.shim, ["-namespace", "default", "-id", name, "delete"], environment: ["SWIFTLET_ROOT": root],
            workingDirectory: directory, seconds: 20)
        guard result.status.code == 0, !result.output.isEmpty else {
            throw Unexpected("delete: \(result)")
        }
        return DeleteResponse(pid: 0)
    }

    var shimProcess: Int32 { Int32(text("\(directory)/shim.pid").prefix { $0 != "\n" }) ?? -1 }

    // MARK: - Calls

    func call<Answer: ProtobufMessage>(
        _ method: String, _ message: some ProtobufMessage, as type: Answer.Type = Empty.self,
        service: String = ServiceName.task, timeoutMilliseconds: Int32 = 20_000
    ) throws -> Answer {
        try client.call(service, method, message, as: type, timeoutMilliseconds: timeoutMilliseconds)
    }

    /// The status that a call is refused with; nil if it is not.
    func refusal(_ method: String, _ message: some ProtobufMessage, service: String = ServiceName.task) -> Status? {
        do {
            _ = try client.call(service, method, message, as: Empty.self)
            return nil
        } catch {
            guard case .status(let status) = error else { return Status(.unknown, "\(error)") }
            return status
        }
    }

    /// Writes the bundle of a container and creates it.
    @discardableResult
    func create(
        _ id: String, guest: String, _ arguments: [String] = [], environment: [String] = [],
        resources: ResourcesSpec = ResourcesSpec(), mounts: [MountSpec] = [], log: String = "",
        _ adjust: (inout SandboxAnnotations) -> Void = { _ in }
    ) throws -> UInt32 {
        let bundle = "\(directory)/\(id)"
        mkdir(bundle, 0o755)
        var annotations = SandboxAnnotations()
        annotations.module = BuiltProducts.guest(guest)
        adjust(&annotations)
        var spec = RuntimeSpec(
            process: ProcessSpec(args: [guest] + arguments, env: environment), mounts: mounts,
            annotations: annotations.annotations,
            linux: LinuxSpec(resources: resources, cgroupsPath: "\(cgroup)/\(id)"))
        spec.annotations["io.kubernetes.cri.container-name"] = id
        let bytes = spec.json.bytes
        let descriptor = open("\(bundle)/config.json", O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        write(descriptor, bytes, bytes.count)
        close(descriptor)
        let streams = log.isEmpty ? ["", ""] : ["stdout", "stderr"].map { "cri://\(root)/\(log)stream=\($0)" }
        let request = CreateTaskRequest(id: id, bundle: bundle, stdout: streams[0], stderr: streams[1])
        return try call("Create", request, as: CreateTaskResponse.self).pid
    }

    func start(_ id: String, exec: String = "") throws {
        _ = try call("Start", StartRequest(id: id, execID: exec), as: StartResponse.self)
    }

    func wait(_ id: String, exec: String = "", timeoutMilliseconds: Int32 = 20_000) throws -> UInt32 {
        try call(
            "Wait", WaitRequest(id: id, execID: exec), as: WaitResponse.self,
            timeoutMilliseconds: timeoutMilliseconds
        ).exitStatus
    }

    func kill(_ id: String, _ signal: Int32, all: Bool = false) throws {
        _ = try call("Kill", KillRequest(id: id, signal: UInt32(signal), all: all))
    }

    func status(_ id: String) throws -> TaskStatus? {
        TaskStatus(rawValue: try call("State", StateRequest(id: id), as: StateResponse.self).rawStatus)
    }

    // MARK: - What is left

    /// Where the containers' cgroups are, below the mounts.
    var cgroup: String { "\(cgroupParent)/pod" }

    /// As a node's own: the shim leaves it.
    private var cgroupParent: String { "swiftlet-shimtest-\(name)" }

    func exitRecord(_ id: String) throws -> JSON { try JSON(parsing: text("\(directory)/\(id)/exit.json")) }

    /// Processes of this pod: the shim and its sandboxes.
    func processes() -> [Int32] {
        names(in: "/proc").compactMap { Int32($0) }.filter { process in
            let arguments = text("/proc/\(process)/cmdline").split(separator: "\0")
            guard arguments.count >= 2, arguments[0] == "swiftlet-shim" || arguments[0] == "swiftlet-sandbox" else {
                return false
            }
            return arguments[1].contains(name)
        }
    }

    func cgroups() -> [String] {
        Self.hierarchies.map { "\($0)/\(cgroup)" }.filter { access($0, F_OK) == 0 }
    }

    /// Roots of version 1's hierarchies, and of version 2, which may be the only one.
    private static let hierarchies: [String] =
        ["/sys/fs/cgroup"] + names(in: "/sys/fs/cgroup").map { "/sys/fs/cgroup/\($0)" }
}

func text(_ path: String) -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = read(descriptor, &chunk, chunk.count)
        guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
        bytes += chunk[..<count]
    }
}

func names(in path: String) -> [String] {
    guard let stream = opendir(path) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names
}

func removeTree(_ path: String) {
    for name in names(in: path) {
        var information = stat()
        lstat("\(path)/\(name)", &information)
        if information.st_mode & S_IFMT == S_IFDIR { removeTree("\(path)/\(name)") } else { unlink("\(path)/\(name)") }
    }
    rmdir(path)
}

func isTrue(within seconds: Double, _ condition: () -> Bool) -> Bool {
    for _ in 0..<Int(seconds * 100) {
        if condition() { return true }
        usleep(10_000)
    }
    return condition()
}
