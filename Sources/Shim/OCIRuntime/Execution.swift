// SPDX-License-Identifier: Apache-2.0
// Swiftlet: exec: one more process in a container.
internal import Glibc
internal import LaunchProtocol
internal import Linux
internal import OCI
internal import TaskService
internal import Workload

/// Runs the container's module again, or another one of its image, with the container's grants, in its namespaces and
/// its cgroup.
struct Execution {
    private let runtime: OCIRuntime
    private let arguments: RuntimeArguments

    init(_ runtime: OCIRuntime) {
        self.runtime = runtime
        arguments = runtime.arguments
    }

    func perform() throws(RuntimeFailure) -> Int32 {
        do throws(RuntimeFailure) { return try execute() } catch {
            throw RuntimeFailure("exec failed: \(error.description)", exitCode: 255)
        }
    }

    private func execute() throws(RuntimeFailure) -> Int32 {
        let id = try arguments.containerID()
        if runtime.store.hasNative(id) { throw NativeRuntime(runtime).handOver() }
        guard let container = try runtime.store.find(id) else {
            throw RuntimeFailure("container \"\(id)\" does not exist")
        }
        let record = try container.record()
        switch container.status(record) {
        case .running: break
        case .paused where arguments.flag("ignore-paused"): break
        case .paused: throw RuntimeFailure("cannot exec in a paused container (use --ignore-paused to override)")
        case let status: throw RuntimeFailure("cannot exec in a container that is \(status.rawValue)")
        }
        let bundle = try RuntimeFailure.translating {
            try Bundle(path: record.bundle, configName: "\(container.path)/\(StoredContainer.configName)")
        }
        let process = try self.process(bundle)
        let child = try launch(process, bundle, container, record)
        do throws(RuntimeFailure) {
            try PIDFile.write(child, to: arguments.value("pid-file"))
        } catch {
            Glibc.kill(child, SIGKILL)
            throw error
        }
        return arguments.flag("detach") ? 0 : ForegroundWait.wait(for: child)
    }

    /// `--process`, or the container's with what the options change.
    private func process(_ bundle: Bundle) throws(RuntimeFailure) -> ProcessSpec {
        var process = bundle.process
        if let path = arguments.value("process") {
            process = try RuntimeFailure.translating("--process \(path)") {
                try ProcessSpec(parsing: try Files.read(path, limit: 4 << 20))
            }
            // Some callers say it only on the command line.
            process.isTerminal = process.isTerminal || arguments.flag("tty")
        } else {
            process.args = Array(arguments.operands.dropFirst())
            guard !process.args.isEmpty else { throw RuntimeFailure("process args cannot be empty") }
            process.isTerminal = arguments.flag("tty")
            process.env += arguments.options["env"] ?? []
            if let directory = arguments.value("cwd") { process.cwd = directory }
            if let user = arguments.value("user") { try setUser(user, of: &process) }
        }
        let hasSocket = !(arguments.value("console-socket") ?? "").isEmpty
        if process.isTerminal, arguments.flag("detach"), !hasSocket {
            throw RuntimeFailure("cannot allocate tty if swiftlet-oci will detach without setting console socket")
        }
        return process
    }

    private func setUser(_ text: String, of process: inout ProcessSpec) throws(RuntimeFailure) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let user = UInt32(parts[0]),
            let group = parts.count > 1 ? UInt32(parts[1]) : process.gid
        else { throw RuntimeFailure("--user: expected UID[:GID], found \"\(text)\"") }
        process.uid = user
        process.gid = group
    }

    private func launch(
        _ process: ProcessSpec, _ bundle: Bundle, _ container: StoredContainer, _ record: ContainerRecord
    ) throws(RuntimeFailure) -> Int32 {
        let plan = try RuntimeFailure.translating {
            try LaunchPlan(
                bundle, process: process, module: try bundle.resolver.resolve(process, of: bundle.process),
                name: "\(record.id)/exec", isExec: true, temporaryDirectory: "\(container.path)/tmpfs")
        }
        var request = plan.request(cgroupPath: record.cgroupPath)
        request.removesCGroup = false
        // The container's, whatever they are: joined by this process, which has no other use for its own.
        request.networkPath = nil
        request.hasOwnNetwork = false
        request.spec.network.listeners += try PreservedDescriptors.listeners(arguments.value("preserve-fds"))
        let directory = container.descriptor.rawValue
        let name = "exec-\(getpid())"
        let listener = try RuntimeFailure.translating { try DetachedControl.listen(name, in: directory) }
        defer { unlink("\(container.path)/\(name)") }
        let launcher = try RuntimeFailure.translating { try SandboxLauncher() }
        let sandbox = try Console.withStreams(process, socket: arguments.value("console-socket")) {
            (streams) throws(RuntimeFailure) in
            request.streams = streams.standard
            request.controlsTerminal = streams.isTerminal
            return try RuntimeFailure.translating {
                if Capabilities.has(.systemAdministration), let first = record.process {
                    try NamespaceAccess.join(
                        process: first.processIdentifier, [.process, .ipc, .uts, .network])
                    request.inheritsNamespaces = true
                }
                return try launcher.prepareDetached(request, listener: listener.rawValue)
            }
        }
        plan.close()
        do throws(RuntimeFailure) {
            try RuntimeFailure.translating {
                guard let connection = try DetachedControl.connect(name, in: directory) else {
                    throw RuntimeFailure("the sandbox ended before the guest ran")
                }
                try DetachedControl.begin(sandbox.spec, over: connection.rawValue)
            }
        } catch {
            Glibc.kill(sandbox.processIdentifier, SIGKILL)
            waitpid(sandbox.processIdentifier, nil, 0)
            throw error
        }
        return sandbox.processIdentifier
    }
}
