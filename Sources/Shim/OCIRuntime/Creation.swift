// SPDX-License-Identifier: Apache-2.0
// Swiftlet: create and run.
internal import Glibc
internal import LaunchProtocol
internal import Linux
internal import NativeCache
internal import OCI
internal import TaskService
internal import Workload

/// Makes a container: a sandbox process that waits for `start`. It is nobody's child once this process has left, or the
/// child of the nearest subreaper, as runc's init is.
struct Creation {
    private let runtime: OCIRuntime
    private let arguments: RuntimeArguments
    private let isRun: Bool

    init(_ runtime: OCIRuntime) {
        self.runtime = runtime
        arguments = runtime.arguments
        isRun = arguments.command == .run
    }

    private var isDetached: Bool { !isRun || arguments.flag("detach") }

    func perform() throws(RuntimeFailure) -> Int32 {
        let id = try arguments.onlyContainerID()
        let given = arguments.value("bundle") ?? ""
        guard let path = OCIRuntime.absolutePath(given.isEmpty ? "." : given),
            let bundlePath = NativeProgram.realPath(path)
        else { throw RuntimeFailure("bundle \(given): \(Errno.current)") }
        let bundle = try RuntimeFailure.translating {
            try Bundle(path: bundlePath, configName: arguments.value("config") ?? "config.json")
        }
        let kind = runtime.isWasmOnly ? .wasm : try RuntimeFailure.translating { try bundle.entrypointKind() }
        if kind == EntrypointKind.native {
            guard !runtime.store.exists(id) else { throw RuntimeFailure("container with id exists: \(id)") }
            throw NativeRuntime(runtime).handOver()
        }
        try check(bundle)
        let (container, record) = try create(id, bundle)
        guard isRun else { return 0 }
        do {
            try runtime.startUnlocked(container, record)
        } catch {
            Removal(runtime, container).destroy(record)
            throw error
        }
        guard !arguments.flag("detach") else { return 0 }
        let code = ForegroundWait.wait(for: record)
        if !arguments.flag("keep") { Removal(runtime, container).destroy(record) }
        return code
    }

    // MARK: - Checks

    private func check(_ bundle: Bundle) throws(RuntimeFailure) {
        let hasSocket = !(arguments.value("console-socket") ?? "").isEmpty
        if bundle.process.isTerminal, isDetached, !hasSocket {
            throw RuntimeFailure("cannot allocate tty if swiftlet-oci will detach without setting console socket")
        }
        if hasSocket, !bundle.process.isTerminal || !isDetached {
            throw RuntimeFailure("cannot use console socket if swiftlet-oci will not detach or allocate tty")
        }
        if !bundle.spec.hooks[.startContainer].isEmpty {
            throw RuntimeFailure(
                "hooks.startContainer: not supported: they are programs of the container's own file system")
        }
        let path = bundle.spec.linux?.cgroupsPath ?? ""
        if runtime.expectsSystemdPath, !path.isEmpty, !path.contains(":") {
            throw RuntimeFailure(
                "expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got \"\(path)\" instead"
            )
        }
    }

    // MARK: - Making

    private func create(
        _ id: String, _ bundle: Bundle
    ) throws(RuntimeFailure) -> (StoredContainer, ContainerRecord) {
        let container = try runtime.store.make(id)
        do throws(RuntimeFailure) {
            let listener = try RuntimeFailure.translating {
                try DetachedControl.listen(StoredContainer.controlName, in: container.descriptor.rawValue)
            }
            var record = ContainerRecord(
                id: id, bundle: bundle.path, rootfs: rootPath(bundle),
                cgroupPath: try RuntimeFailure.translating { try bundle.cgroupPath() } ?? "swiftlet-oci/\(id)",
                annotations: bundle.spec.annotations, owner: geteuid(),
                createdAtNanoseconds: Clock.realNanoseconds())
            let plan = try plan(bundle, id, container)
            if !canUseCGroups(bundle, record.cgroupPath) { record.cgroupPath = nil }
            try RuntimeFailure.translating {
                try container.write(bundle.spec.json.bytes, to: StoredContainer.configName)
                try container.write(record)
            }
            // From here on a killed create is found by its name.
            try runtime.store.publish(container)
            do throws(RuntimeFailure) {
                try launch(plan, listener.rawValue, bundle, container, &record)
                return (container, record)
            } catch {
                Removal(runtime, container).destroy(record)
                throw error
            }
        } catch {
            runtime.store.remove(container)
            throw error
        }
    }

    private func rootPath(_ bundle: Bundle) -> String {
        guard let path = bundle.spec.root?.path else { return "" }
        return path.hasPrefix("/") ? path : "\(bundle.path)/\(path)"
    }

    private func plan(
        _ bundle: Bundle, _ id: String, _ container: StoredContainer
    ) throws(RuntimeFailure) -> LaunchPlan {
        try RuntimeFailure.translating {
            if bundle.annotations.engine == .aot { try compile(bundle, id) }
            let plan = try LaunchPlan(
                bundle, process: bundle.process, module: try bundle.resolver.resolve(bundle.process), name: id,
                isExec: false, temporaryDirectory: "\(container.path)/tmpfs")
            if let problem = plan.nativeProblem { runtime.log.warning(problem) }
            return plan
        }
    }

    /// Whoever asks for `aot` waits for it. Nothing is compiled in the background: this process is gone in a moment, and
    /// there is no other that would own a compiler.
    private func compile(_ bundle: Bundle, _ id: String) throws {
        let module = try bundle.resolver.resolve(bundle.process)
        let cache = try NativeCache(making: NativeCache.standardRoot)
        let job = try NativeJob(
            module.takeDescriptor(), CompileRequest(name: id), in: cache, compiler: try NativeCompiler(),
            heedsFailures: true)
        do { _ = try job.run() } catch { throw RuntimeFailure("engine aot: \(error)") }
    }

    /// A user without cgroups of their own gets containers without, unless limits are asked for.
    private func canUseCGroups(_ bundle: Bundle, _ path: String?) -> Bool {
        guard geteuid() != 0, ResourceLimits(bundle.resources).isEmpty, let path else { return true }
        do {
            try CGroup(path: path, mounts: try CGroupMounts.detect()).create(ResourceLimits())
            return true
        } catch {
            runtime.log.warning("no cgroup for the container: \(error)")
            return false
        }
    }

    private func launch(
        _ plan: LaunchPlan, _ listener: Int32, _ bundle: Bundle, _ container: StoredContainer,
        _ record: inout ContainerRecord
    ) throws(RuntimeFailure) {
        var request = plan.request(cgroupPath: record.cgroupPath)
        request.limits = ResourceLimits(bundle.resources)
        request.accountsAll = true
        request.removesCGroup = false
        let extra = try PreservedDescriptors.listeners(arguments.value("preserve-fds"))
        request.spec.network.listeners += extra
        let sandbox = try Console.withStreams(bundle.process, socket: arguments.value("console-socket")) {
            (streams) throws(RuntimeFailure) in
            request.streams = streams.standard
            request.controlsTerminal = streams.isTerminal
            return try RuntimeFailure.translating {
                try SandboxLauncher().prepareDetached(request, listener: listener)
            }
        }
        plan.close()
        record.process = ProcessReference(processIdentifier: sandbox.processIdentifier)
        try RuntimeFailure.translating {
            try container.write(try sandbox.spec.encoded(), to: StoredContainer.launchName)
            try container.write(record)
            try setUpNetwork(plan, bundle, sandbox.processIdentifier)
            if let score = bundle.process.oomScoreAdj {
                // A wish: only the privileged may go down.
                try? Files.write("\(score)", toExisting: "/proc/\(sandbox.processIdentifier)/oom_score_adj")
            }
        }
        let hooks = HookRunner(
            hooks: bundle.spec.hooks, bundle: bundle.path,
            networkPath: "/proc/\(sandbox.processIdentifier)/ns/net")
        for moment in [HooksSpec.Moment.prestart, .createRuntime] {
            try hooks.run(moment, state: record.stateJSON(.creating))
        }
        try hooks.run(.createContainer, state: record.stateJSON(.creating))
        try PIDFile.write(sandbox.processIdentifier, to: arguments.value("pid-file"))
    }

    private func setUpNetwork(_ plan: LaunchPlan, _ bundle: Bundle, _ process: Int32) throws {
        guard plan.hasOwnNetwork || plan.networkPath != nil else { return }
        // Others are about calls that a guest does not have.
        let parameters = (bundle.spec.linux?.sysctl ?? [:]).filter { $0.key.hasPrefix("net.") && !$0.key.contains("/") }
        guard plan.hasOwnNetwork || !parameters.isEmpty else { return }
        try NamespaceAccess.inNetwork("/proc/\(process)/ns/net") { () throws(SystemError) in
            if plan.hasOwnNetwork { try NamespaceAccess.raiseLoopback() }
            for (name, value) in parameters.sorted(by: { $0.key < $1.key }) {
                let path = String(name.map { $0 == "." ? "/" : $0 })
                try Files.write(value, toExisting: "/proc/sys/\(path)")
            }
        }
    }
}
