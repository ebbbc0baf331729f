// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a container: its bundle, its process, its execs.
import EventLoop
import Glibc
import Linux
import OCI
import TTRPC
import TaskAPI
import Workload

/// How something ended that may take a while.
typealias Completion = (Result<Void, Status>) -> Void

/// What every container of a shim is made with.
struct ContainerContext {
    var loop: EventLoop
    var launcher: SandboxLauncher
    var native: NativeRuntime
    var compiler: ShimCompiler
    var namespace: String
    var pod: String
    var publish: (TaskEvent) -> Void
}

/// The streams of a request: paths of fifos, or URIs; empty for none.
struct StreamPaths {
    var input: String
    var output: String
    var error: String
    /// All of it is one terminal of the process's own; `error` is nobody's then.
    var hasTerminal: Bool

    init(_ request: CreateTaskRequest) {
        (input, output, error) = (request.stdin, request.stdout, request.stderr)
        hasTerminal = request.terminal
    }

    init(_ request: ExecProcessRequest) {
        (input, output, error) = (request.stdin, request.stdout, request.stderr)
        hasTerminal = request.terminal
    }
}

/// One container of the shim, whatever runs in it.
protocol Container: AnyObject {
    var id: String { get }
    var bundle: Bundle { get }
    var process: TaskProcess { get }
    var execs: [String: TaskProcess] { get set }
    /// nil: it has none.
    var cgroup: CGroup? { get }

    func addExec(_ request: ExecProcessRequest, _ spec: ProcessSpec) throws(Status)
    /// Stops the container's process and its execs.
    func pause(_ completion: @escaping Completion)
    func resume(_ completion: @escaping Completion)
    /// - Parameter resources: `linux.resources` as JSON.
    func update(_ resources: [UInt8], _ completion: @escaping Completion)
    /// Takes away what Create made beside the process, which has ended.
    func removeLeftovers(_ completion: @escaping () -> Void)
}

extension Container {
    /// The container's process for an empty id, else the exec's.
    func process(execID: String) throws(Status) -> TaskProcess {
        if execID.isEmpty { return process }
        guard let exec = execs[execID] else {
            throw Status(.notFound, "exec \(execID) of container \(id) is not known")
        }
        return exec
    }

    var allProcesses: [TaskProcess] { [process] + execs.values }

    func addExec(_ request: ExecProcessRequest) throws(Status) {
        guard execs[request.execID] == nil else {
            throw Status(.alreadyExists, "exec \(request.execID) of container \(id) exists")
        }
        // LIMIT: execs kept; the caller deletes them when it has their result.
        guard execs.count < 256 else { throw Status(.resourceExhausted, "container \(id) has 256 execs") }
        guard process.lifecycle == .running else {
            throw Status(.failedPrecondition, "container \(id) is \(process.lifecycle), not running")
        }
        let spec: ProcessSpec
        do { spec = try ProcessSpec(parsing: request.spec?.value ?? []) } catch {
            throw Status(.invalidArgument, "exec \(request.execID): \(error)")
        }
        try addExec(request, spec)
    }
}

/// Removes a directory with what is in it; symbolic links are removed, not followed.
package func removeTree(_ path: String, depth: Int = 0) {
    // LIMIT: deeper trees stay; the guest made them, and nobody but an attacker nests so deep.
    guard depth < 128 else { return }
    for name in (try? Files.names(in: path)) ?? [] {
        var information = stat()
        let child = "\(path)/\(name)"
        guard lstat(child, &information) == 0 else { continue }
        if information.st_mode & S_IFMT == S_IFDIR { removeTree(child, depth: depth + 1) } else { unlink(child) }
    }
    rmdir(path)
}
