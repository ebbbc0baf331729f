// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the shim process itself, from its listening socket to its end.
internal import CEpoll
import EventLoop
import Glibc
import TTRPC
import Workload

/// Serves one pod until Shutdown, SIGTERM or SIGINT.
public final class ShimDaemon {
    private let loop: EventLoop
    private let socketPath: String
    private var server: Server?
    private var service: TaskService?
    private var publisher: (any EventSink)?

    /// - Parameters:
    ///   - listener: listening on `socketPath`; taken over.
    ///   - namespace: containerd's, or the pod's.
    public init(
        listener: Int32, socketPath: String, namespace: String, pod: String
    ) throws(ShimFailure) {
        self.socketPath = socketPath
        do {
            loop = try EventLoop()
            let launcher = try SandboxLauncher()
            if let address = getenv("TTRPC_ADDRESS").map({ String(cString: $0) }), !address.isEmpty {
                publisher = EventPublisher(loop: loop, address: address, namespace: namespace)
            } else if let path = getenv(ShimStart.publisherVariable), let address = getenv(ShimStart.addressVariable) {
                publisher = ProgramPublisher(
                    loop: loop, path: String(cString: path), address: String(cString: address), namespace: namespace)
            }
            let service = TaskService(
                loop: loop, launcher: launcher, namespace: namespace, pod: pod,
                publish: { [weak publisher] in publisher?.publish($0) },
                shutdown: { [unowned self] in self.stopSoon() })
            service.whenAdopted { [unowned self] in self.reapOrphans() }
            self.service = service
            server = try Server(loop: loop, listener: listener) { service.handle($0, $1) }
        } catch let error as SystemFailure {
            throw ShimFailure("\(error)")
        } catch let error as WorkloadError {
            throw ShimFailure("\(error)")
        } catch { throw ShimFailure("\(error)") }
    }

    /// Returns when the shim is to end. Everything it owns is gone then: sandboxes, cgroups, socket.
    public func run() throws(ShimFailure) {
        // Orphans of a sandbox come here to be reaped, not to init, which may be slow or absent.
        _ = swiftlet_become_subreaper()
        signal(SIGPIPE, SIG_IGN)
        do {
            try loop.watchSignals([SIGTERM, SIGINT, SIGCHLD]) { [unowned self] number in
                if number == SIGCHLD { self.reapOrphans() } else { self.loop.stop() }
            }
            try loop.run()
        } catch { throw ShimFailure("\(error)") }
        // From here nobody may find the shim; a start that comes now makes a new one.
        unlink(socketPath)
        service?.killAll()
        publisher?.drain(nanoseconds: 1_000_000_000)
        server?.close()
    }

    /// The answer of the Shutdown call goes out first.
    private func stopSoon() { loop.schedule(afterNanoseconds: 1_000_000) { [loop] in loop.stop() } }

    private func reapOrphans() {
        guard service?.isAdopting != true else { return }
        let own = (service?.livingProcesses ?? []) + (publisher?.livingProcesses ?? [])
        while true {
            var information = siginfo_t()
            // A look, no taking: the exits of sandboxes are for those who wait at their pidfd.
            guard waitid(P_ALL, 0, &information, WEXITED | WNOHANG | WNOWAIT) == 0 else { return }
            let process = information._sifields._sigchld.si_pid
            guard process > 0 else { return }
            // It is reaped in a moment, and may hide others until then.
            if own.contains(process) {
                loop.schedule(afterNanoseconds: 10_000_000) { [weak self] in self?.reapOrphans() }
                return
            }
            waitpid(process, nil, WNOHANG)
        }
    }
}

/// Why a shim cannot be started, cleaned up or run.
public struct ShimFailure: Error, CustomStringConvertible {
    public var description: String

    public init(_ description: String) { self.description = description }
}
