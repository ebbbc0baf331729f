// SPDX-License-Identifier: Apache-2.0
// Swiftlet: runc's commands, run beside the event loop.
import EventLoop
import Glibc
import Linux
import OCI
import TTRPC

/// Runs runc for the native containers of a shim: the pause container of a pod, sidecars. The loop goes on meanwhile.
///
/// runc keeps what it knows of a container in the container's bundle, so there is nothing to be found anywhere else when
/// the bundle is gone, and two daemons with equal names of containers do not meet.
final class NativeRuntime {
    /// Called when no command runs any more: until then an unknown child may be the process of a new container.
    var didBecomeIdle: () -> Void = {}
    private let loop: EventLoop
    private var commands: [Int32: Command] = [:]
    private var commandCount = 0

    private final class Command {
        let child: ChildProcess
        let log: String
        let completion: Completion

        init(_ child: consuming ChildProcess, log: String, completion: @escaping Completion) {
            self.child = child
            self.log = log
            self.completion = completion
        }
    }

    init(loop: EventLoop) { self.loop = loop }

    /// runc's processes; theirs are not in here.
    var livingProcesses: [Int32] { Array(commands.keys) }

    static func root(_ bundle: Bundle) -> String { root(bundlePath: bundle.path) }

    static func root(bundlePath: String) -> String { "\(bundlePath)/runc" }

    /// Runs a command for the container of a bundle. The completion is never called before this returns.
    ///
    /// - Parameter streams: stdin, stdout and stderr of the container's process; nil: none.
    func run(_ words: [String], _ bundle: Bundle, streams: [Int32]? = nil, _ completion: @escaping Completion) {
        commandCount += 1
        let log = "\(bundle.path)/runc-\(commandCount).log"
        do throws(Status) {
            let child = try spawn(words, bundle, log: log, streams)
            let process = child.processIdentifier
            let descriptor = child.descriptor.rawValue
            let command = Command(child, log: log, completion: completion)
            do { try loop.watch(descriptor, for: .read) { [unowned self] _ in self.finish(process) } } catch {
                try? command.child.kill(SIGKILL)
                _ = try? command.child.wait()
                throw Status(.internalError, "\(error)")
            }
            commands[process] = command
        } catch {
            loop.schedule(afterNanoseconds: 0) { completion(.failure(error)) }
        }
    }

    private func spawn(
        _ words: [String], _ bundle: Bundle, log: String, _ streams: [Int32]?
    ) throws(Status) -> ChildProcess {
        guard let path = NativeProgram.find() else {
            throw Status(
                .failedPrecondition,
                "a native program needs runc, and there is none in PATH (or name it in SWIFTLET_RUNC)")
        }
        do {
            let null = try Files.open("/dev/null", O_RDWR)
            var request = SpawnRequest(
                path: path, arguments: [path] + Self.options(bundle) + ["--log", log, "--log-format", "json"] + words)
            request.environment = processEnvironment()
            let streams = streams ?? [null.rawValue, null.rawValue, null.rawValue]
            request.descriptors = (0..<3).map { .init(streams[$0], as: Int32($0)) }
            request.directory = bundle.path
            return try ChildProcess.spawn(request)
        } catch { throw Status(.failedPrecondition, "start \(path): \(error)") }
    }

    private static func options(_ bundle: Bundle) -> [String] {
        let isSystemd = bundle.spec.linux?.cgroupsPath?.contains(":") == true
        return ["--root", root(bundle)] + (isSystemd ? ["--systemd-cgroup"] : [])
    }

    private func finish(_ process: Int32) {
        guard let command = commands[process], let end = try? command.child.reap() else { return }
        loop.unwatch(command.child.descriptor.rawValue)
        commands[process] = nil
        if end.cause == .exited(code: 0) {
            command.completion(.success(()))
        } else {
            command.completion(.failure(Status(.unknown, Self.reason(command.log, end.cause))))
        }
        unlink(command.log)
        if commands.isEmpty { didBecomeIdle() }
    }

    /// The last error that runc has logged.
    private static func reason(_ log: String, _ cause: ProcessExit.Cause) -> String {
        let text = (try? Files.readText(log, limit: 1 << 20)) ?? ""
        for line in text.split(separator: "\n").reversed() {
            guard let entry = try? JSON(parsing: String(line)), case .string("error")? = entry["level"],
                case .string(let message)? = entry["msg"]
            else { continue }
            return "OCI runtime: \(message)"
        }
        return "OCI runtime: \(cause)"
    }

    // MARK: - Without a loop

    /// Removes a container of a shim that is gone, with what runc was just doing for it.
    static func removeAbandoned(bundlePath: String, id: String) {
        let root = root(bundlePath: bundlePath)
        guard Files.exists(root) else { return }
        for process in (try? ProcessTable.all()) ?? [] where process != getpid() {
            let arguments = ProcessTable.arguments(of: process)
            guard let place = arguments.firstIndex(of: "--root"), place + 1 < arguments.count,
                arguments[place + 1] == root
            else { continue }
            kill(process, SIGKILL)
        }
        if let path = NativeProgram.find() {
            _ = try? ToolOutput.run(path, ["--root", root, "--log", "/dev/null", "delete", "--force", id])
        }
        removeTree(root)
    }
}
