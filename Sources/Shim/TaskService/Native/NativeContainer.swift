// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a container with a native program in it.
import EventLoop
import Glibc
import Linux
import OCI
import TTRPC
import TaskAPI

/// A container that runc makes. The shim has its first process as a child and tells of it what it tells of a guest.
final class NativeContainer: Container {
    let id: String
    let bundle: Bundle
    let process: TaskProcess
    var execs: [String: TaskProcess] = [:]
    let cgroup: CGroup?
    private let hasMountedRoot: Bool
    private let context: ContainerContext

    private init(
        _ request: CreateTaskRequest, _ bundle: Bundle, _ cgroup: CGroup?, _ process: TaskProcess,
        _ context: ContainerContext
    ) {
        id = request.id
        self.bundle = bundle
        self.cgroup = cgroup
        self.process = process
        self.context = context
        hasMountedRoot = !request.rootfs.isEmpty
    }

    /// Makes the container; its program waits for Start.
    static func create(
        _ request: CreateTaskRequest, _ bundle: Bundle, _ context: ContainerContext,
        _ completion: @escaping (Result<NativeContainer, Status>) -> Void
    ) throws(Status) {
        guard !request.terminal else { throw Status(.unimplemented, "terminal: not supported for native programs") }
        let cgroup = try cgroup(bundle)
        let io = try StandardIO(loop: context.loop, StreamPaths(request))
        // Before anything is made: whoever cleans up after a killed shim looks for it.
        SandboxMark(process: 0, cgroupPath: cgroup?.path ?? "").write(toBundle: bundle.path)
        let pidFile = "\(bundle.path)/\(pidFileName)"
        let words = ["create", "--bundle", bundle.path, "--pid-file", pidFile, request.id]
        context.native.run(words, bundle, streams: io.descriptors) { result in
            io.handedOver()
            do throws(Status) {
                try result.get()
                let (process, control) = makeProcess(request, bundle, cgroup, io, context)
                try control.adopt(try number(in: pidFile))
                SandboxMark(process: control.pid, cgroupPath: cgroup?.path ?? "").write(toBundle: bundle.path)
                context.publish(.create(request, pid: process.pid))
                completion(.success(NativeContainer(request, bundle, cgroup, process, context)))
            } catch {
                io.finish()
                context.native.run(["delete", "--force", request.id], bundle) { _ in
                    SandboxMark.remove(fromBundle: bundle.path)
                    completion(.failure(error))
                }
            }
        }
        io.handedOver()
    }

    private static let pidFileName = "init.pid"

    private static func makeProcess(
        _ request: CreateTaskRequest, _ bundle: Bundle, _ cgroup: CGroup?, _ io: StandardIO, _ context: ContainerContext
    ) -> (TaskProcess, NativeControl) {
        let identity = ProcessIdentity(container: request.id, publish: context.publish)
        let events = TaskProcess.Events()
        let control = NativeControl(
            loop: context.loop, tell: events.tell,
            start: { completion in
                context.native.run(["start", request.id], bundle) { completion($0.map { nil }) }
            },
            thaw: { context.native.run(["resume", request.id], bundle) { _ in } },
            outOfMemoryKills: { cgroup?.outOfMemoryKills() ?? 0 })
        let process = TaskProcess(
            label: "container \(request.id)", control: control, events: events, io: io, streams: StreamPaths(request),
            didStart: { _ in identity.noteStart() },
            didEnd: { record in
                // In a process namespace that it shares, others outlive the first.
                for other in cgroup?.processes() ?? [] { kill(other, SIGKILL) }
                record.write(toBundle: bundle.path)
                identity.noteEnd(record)
            })
        identity.process = process
        return (process, control)
    }

    /// The group that runc makes for it.
    private static func cgroup(_ bundle: Bundle) throws(Status) -> CGroup? {
        guard let path = try bundle.cgroupPath(), let mounts = try? CGroupMounts.detect() else { return nil }
        return CGroup(path: path, mounts: mounts)
    }

    private static func number(in path: String) throws(Status) -> Int32 {
        guard let text = try? Files.readText(path, limit: 64), let number = Int32(text.filter(\.isNumber)), number > 0
        else { throw Status(.internalError, "\(path): expected the number of a process") }
        unlink(path)
        return number
    }

    // MARK: - Calls

    func addExec(_ request: ExecProcessRequest, _ spec: ProcessSpec) throws(Status) {
        guard !request.terminal else { throw Status(.unimplemented, "terminal: not supported for native programs") }
        let io = try StandardIO(loop: context.loop, StreamPaths(request))
        let identity = ProcessIdentity(container: id, exec: request.execID, publish: context.publish)
        let events = TaskProcess.Events()
        let (id, bundle, context, cgroup) = (id, bundle, context, cgroup)
        let kills = cgroup?.outOfMemoryKills() ?? 0
        let control = NativeControl(
            loop: context.loop, tell: events.tell,
            start: { completion in Self.exec(request, io, id, bundle, context.native, completion) },
            thaw: { context.native.run(["resume", id], bundle) { _ in } },
            outOfMemoryKills: { (cgroup?.outOfMemoryKills() ?? 0) - kills })
        let process = TaskProcess(
            label: "exec \(request.execID) of \(id)", control: control, events: events, io: io,
            streams: StreamPaths(request), didStart: { _ in identity.noteStart() }, didEnd: identity.noteEnd)
        identity.process = process
        execs[request.execID] = process
        context.publish(.execAdded(id: id, exec: request.execID))
    }

    private static func exec(
        _ request: ExecProcessRequest, _ io: StandardIO, _ id: String, _ bundle: Bundle, _ native: NativeRuntime,
        _ completion: @escaping (Result<Int32?, Status>) -> Void
    ) {
        // An identifier of ours has no slash in it.
        let path = "\(bundle.path)/exec-\(request.execID)"
        guard writeFile(request.spec?.value ?? [], "\(path).json") else {
            return completion(.failure(Status(.internalError, "\(path).json: \(Errno.current)")))
        }
        let words = ["exec", "--process", "\(path).json", "--pid-file", "\(path).pid", "--detach", id]
        native.run(words, bundle, streams: io.descriptors) { result in
            unlink("\(path).json")
            completion(
                result.flatMap {
                    do throws(Status) { return .success(try number(in: "\(path).pid")) } catch {
                        return .failure(error)
                    }
                })
        }
        io.handedOver()
    }

    func pause(_ completion: @escaping Completion) { change("pause", .pause, completion) { try $0.pause() } }

    func resume(_ completion: @escaping Completion) { change("resume", .resume, completion) { try $0.resume() } }

    /// runc freezes and thaws all of a container at once.
    private func change(
        _ command: String, _ event: Lifecycle.Event, _ completion: @escaping Completion,
        _ note: @escaping (TaskProcess) throws -> Void
    ) {
        do { _ = try process.lifecycle.after(event, of: process.label) } catch { return completion(.failure(error)) }
        context.native.run([command, id], bundle) { [self] result in
            if case .success = result { for process in allProcesses { try? note(process) } }
            completion(result)
        }
    }

    func update(_ resources: [UInt8], _ completion: @escaping Completion) {
        let path = "\(bundle.path)/resources.json"
        guard Self.writeFile(resources, path) else {
            return completion(.failure(Status(.internalError, "\(path): \(Errno.current)")))
        }
        context.native.run(["update", "--resources", path, id], bundle) { result in
            unlink(path)
            completion(result)
        }
    }

    func removeLeftovers(_ completion: @escaping () -> Void) {
        context.native.run(["delete", "--force", id], bundle) { [self] _ in
            removeTree(NativeRuntime.root(bundle))
            if hasMountedRoot { RootMounts.unmount("\(bundle.path)/rootfs") }
            SandboxMark.remove(fromBundle: bundle.path)
            completion()
        }
    }

    private static func writeFile(_ bytes: [UInt8], _ path: String) -> Bool {
        guard let file = try? Files.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o600) else {
            return false
        }
        return (try? Descriptors.writeAll(file.rawValue, bytes)) != nil
    }
}
