// SPDX-License-Identifier: Apache-2.0
// Swiftlet: start, kill, pause, resume.
internal import Glibc
internal import LaunchProtocol
internal import Linux
internal import OCI
internal import TaskService
internal import Workload

extension OCIRuntime {
    func start(_ container: StoredContainer) throws(RuntimeFailure) {
        _ = try arguments.onlyContainerID()
        try RuntimeFailure.translating { try container.lock() }
        try startUnlocked(container, try container.record())
    }

    /// For a caller that has the lock.
    func startUnlocked(_ container: StoredContainer, _ record: ContainerRecord) throws(RuntimeFailure) {
        switch container.status(record, isLocked: true) {
        case .created: break
        case .stopped, .creating: throw RuntimeFailure("cannot start a container that has stopped")
        case .running, .paused: throw RuntimeFailure("cannot start an already running container")
        }
        let launchPath = "\(container.path)/\(StoredContainer.launchName)"
        let spec = try RuntimeFailure.translating("container \(record.id)") {
            try LaunchSpec(decoding: try Files.read(launchPath, limit: ProtocolLimits.specBytesMax))
        }
        let connection = try RuntimeFailure.translating { () -> OwnedDescriptor in
            let found = try DetachedControl.connect(StoredContainer.controlName, in: container.descriptor.rawValue)
            guard let found else { throw RuntimeFailure("cannot start a container that has stopped") }
            return found
        }
        // Whoever kills us from here on cuts the connection, and that ends the sandbox: so it is started, or stopped.
        unlink(launchPath)
        unlink("\(container.path)/\(StoredContainer.controlName)")
        do throws(WorkloadError) { try DetachedControl.begin(spec, over: connection.rawValue) } catch {
            throw RuntimeFailure("container \(record.id): \(error)")
        }
        guard let hooks = try? self.spec(of: container).hooks, !hooks[.poststart].isEmpty else { return }
        // A guest that runs goes on whatever these say (runtime-spec runtime.md, Lifecycle 9).
        do throws(RuntimeFailure) {
            try HookRunner(hooks: hooks, bundle: record.bundle).run(.poststart, state: record.stateJSON(.running))
        } catch { log.warning(error.description) }
    }

    /// config.json as it was when the container was created.
    func spec(of container: StoredContainer) throws(RuntimeFailure) -> RuntimeSpec {
        try RuntimeFailure.translating("container \(container.id)") {
            try RuntimeSpec(
                parsing: try Files.read("\(container.path)/\(StoredContainer.configName)", limit: 8 << 20))
        }
    }

    // MARK: - Signals

    func kill(_ container: StoredContainer) throws(RuntimeFailure) {
        guard arguments.operands.count <= 2 else {
            throw RuntimeFailure("kill: unexpected \"\(arguments.operands[2])\"")
        }
        let signal = try SignalName.number(arguments.operands.count > 1 ? arguments.operands[1] : "TERM")
        let record = try container.record()
        let status = container.status(record)
        guard let process = record.process, status != .stopped, status != .creating else {
            // With --all there may be others, and none is fine: runc.
            if arguments.flag("all") { return }
            throw RuntimeFailure("container not running")
        }
        var number = signal
        switch signal {
        // 0 only asks; the others do nothing to a process that does not handle them.
        case 0, SIGCONT, SIGCHLD, SIGWINCH, SIGURG: return
        case SIGKILL: break
        case SIGTERM, SIGINT, SIGQUIT, SIGHUP:
            // A guest that was never started has nothing to finish.
            if status == .created { number = SIGKILL }
        default:
            throw RuntimeFailure(
                "signal \(signal): a guest has no signals; TERM, INT, QUIT and HUP ask it to stop, KILL ends it")
        }
        try RuntimeFailure.translating {
            guard try process.signal(number) else { throw RuntimeFailure("container not running") }
            guard arguments.flag("all") else { return }
            for other in processes(record) where other != process.processIdentifier {
                _ = try ProcessReference(processIdentifier: other)?.signal(number)
            }
        }
    }

    /// The container's process and its execs.
    func processes(_ record: ContainerRecord) -> [Int32] {
        var processes = Set<Int32>()
        if let path = record.cgroupPath, let mounts = try? CGroupMounts.detect() {
            processes.formUnion(CGroup(path: path, mounts: mounts).processes())
        }
        if let process = record.process, process.condition != .ended { processes.insert(process.processIdentifier) }
        return processes.sorted()
    }

    /// By SIGSTOP: a sandbox is one thread that cannot handle it, and it works without cgroup rights, too.
    func pause(_ container: StoredContainer) throws(RuntimeFailure) {
        try changeAll(container, from: .running, with: SIGSTOP, refusal: "container not running")
    }

    func resume(_ container: StoredContainer) throws(RuntimeFailure) {
        try changeAll(container, from: .paused, with: SIGCONT, refusal: "container not paused")
    }

    private func changeAll(
        _ container: StoredContainer, from expected: ContainerStatus, with signal: Int32, refusal: String
    ) throws(RuntimeFailure) {
        _ = try arguments.onlyContainerID()
        let record = try container.record()
        guard container.status(record) == expected, let process = record.process else { throw RuntimeFailure(refusal) }
        try RuntimeFailure.translating {
            for other in processes(record) where other != process.processIdentifier {
                _ = try ProcessReference(processIdentifier: other)?.signal(signal)
            }
            // Last, because the status is read from it: it is not paused before everything is.
            _ = try process.signal(signal)
        }
        // The signal is on its way; who asks for the state after us must find it changed.
        for _ in 0..<2000 where container.status(record) == expected { Clock.sleep(milliseconds: 1) }
    }
}

/// Signals as people write them: `9`, `KILL`, `SIGKILL`, `sigkill`.
enum SignalName {
    private static let names: [String: Int32] = [
        "HUP": SIGHUP, "INT": SIGINT, "QUIT": SIGQUIT, "ILL": SIGILL, "TRAP": SIGTRAP, "ABRT": SIGABRT,
        "BUS": SIGBUS, "FPE": SIGFPE, "KILL": SIGKILL, "USR1": SIGUSR1, "SEGV": SIGSEGV, "USR2": SIGUSR2,
        "PIPE": SIGPIPE, "ALRM": SIGALRM, "TERM": SIGTERM, "CHLD": SIGCHLD, "CONT": SIGCONT, "STOP": SIGSTOP,
        "TSTP": SIGTSTP, "TTIN": SIGTTIN, "TTOU": SIGTTOU, "URG": SIGURG, "XCPU": SIGXCPU, "XFSZ": SIGXFSZ,
        "VTALRM": SIGVTALRM, "PROF": SIGPROF, "WINCH": SIGWINCH, "IO": SIGIO, "PWR": SIGPWR, "SYS": SIGSYS,
    ]

    static func number(_ text: String) throws(RuntimeFailure) -> Int32 {
        if let number = Int32(text), (0...64).contains(number) { return number }
        let upper = text.uppercased()
        guard let number = names[upper.hasPrefix("SIG") ? String(upper.dropFirst(3)) : upper] else {
            throw RuntimeFailure("unknown signal \"\(text)\"")
        }
        return number
    }
}
