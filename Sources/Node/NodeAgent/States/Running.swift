// SPDX-License-Identifier: Apache-2.0
// Swiftlet: states Initializing and Running: containers run, are probed, end and run again.

import KubernetesAPI
import Logging
import NIOPosix
import ObjectStore
import PodNetwork
import Probes

extension PodWorker {
    /// Init containers, one after the other. False: one has failed for good, or cancelled.
    func initialize() async -> Bool {
        let hasBegun = pod.spec.containers.contains { container in
            guard let record = records[container.name] else { return false }
            return record.attempt > 0 || record.state.waiting == nil
        }
        if hasBegun { return true }
        for container in pod.spec.initContainers {
            guard await keepRunning(container, isInit: true) else {
                publish()
                return false
            }
        }
        for container in pod.spec.containers where records[container.name]?.state.waiting != nil {
            change(container.name) { $0.wait("ContainerCreating") }
        }
        return true
    }

    /// The main containers, side by side, until none is to run again.
    func runContainers() async {
        let containers = pod.spec.containers
        await withTaskGroup(of: Void.self) { group in
            for container in containers {
                group.addTask { _ = await self.keepRunning(container, isInit: false) }
            }
        }
        guard !Task.isCancelled else { return }
        await retire()
    }

    /// A pod that is over needs no process; its directory stays for its exit records.
    private func retire() async {
        let old = shim
        shim = nil
        isSandboxReady = false
        await old?.shutdown()
        await closeHostPorts()
        publish()
    }

    /// One container over all its attempts. Returns whether its last one succeeded.
    func keepRunning(_ container: Container, isInit: Bool) async -> Bool {
        let name = container.name
        let policy = pod.spec.restartPolicy ?? .always
        while !Task.isCancelled {
            if let terminated = records[name]?.state.terminated {
                guard RestartRules.shouldRestart(policy, exitCode: terminated.exitCode, isInit: isInit) else {
                    return terminated.exitCode == 0
                }
                guard await backOff(container, terminated) else { return false }
            }
            if records[name]?.state.running == nil {
                guard await begin(container) else { continue }
            }
            let exit = await watch(container)
            guard !Task.isCancelled, let exit else { continue }
            change(name) { $0.end(exit, now: .now) }
            publish()
            logger.info(
                "container ended",
                metadata: ["container": "\(name)", "code": "\(exit.code)", "reason": "\(exit.reason)"])
            if let record = records[name] { try? await shim?.delete(record.taskID) }
        }
        return false
    }

    /// Starts an attempt. False: it did not come to run; the record says why.
    private func begin(_ container: Container) async -> Bool {
        let name = container.name
        do {
            try await start(container)
            change(name) { $0.run(since: .now) }
            publish()
            return true
        } catch is CancellationError {
            return false
        } catch let error as ShimError where error.code == .disconnected {
            await shimLost(generation: shimGeneration)
            change(name) { $0.end(ContainerExit(code: 137, message: error.message), now: .now) }
        } catch let error as NodeError {
            record(.warning, "Failed", "Error: \(error.message)", container: name)
            change(name) { $0.wait(error.reason, error.message) }
            publish()
            try? await environment.clock.sleep(.seconds(5))
            return false
        } catch {
            guard !Task.isCancelled else { return false }
            record(.warning, "Failed", "Error: \(error)", container: name)
            if let record = records[name] {
                // The shim's record of a launch that failed, where there is one, says more.
                let exit = ContainerExit(bundle: paths.bundle(name, record.attempt))
                try? await shim?.kill(record.taskID, signal: 9)
                try? await shim?.delete(record.taskID)
                let plain = ContainerExit(code: 128, reason: "StartError", message: "\(error)")
                change(name) { $0.end(exit ?? plain, now: .now) }
            }
        }
        publish()
        return false
    }

    /// Waits for the end of a running attempt while its hook and probes do their work. nil: cancelled.
    private func watch(_ container: Container) async -> ContainerExit? {
        let startedAt = environment.clock.now()
        return await withTaskGroup(of: ContainerExit?.self) { group in
            group.addTask { await self.exit(of: container.name) }
            group.addTask {
                await self.compileMeanwhile(container)
                return nil
            }
            group.addTask {
                if await self.postStart(container) { await self.probe(container, startedAt: startedAt) }
                return nil
            }
            for await exit in group {
                guard let exit else {
                    if Task.isCancelled { break }
                    continue
                }
                group.cancelAll()
                return exit
            }
            group.cancelAll()
            return nil
        }
    }

    /// Waits for the end of the current attempt. nil: cancelled.
    func exit(of name: String) async -> ContainerExit? {
        guard let record = records[name] else { return nil }
        let generation = shimGeneration
        var code: Int32 = 137
        var message = "the pod's shim has ended"
        do {
            guard let shim else { throw ShimError(.disconnected, message) }
            code = try await shim.wait(record.taskID)
            message = ""
        } catch is CancellationError {
            return nil
        } catch {
            if Task.isCancelled { return nil }
            message = "\(error)"
            await shimLost(generation: generation)
        }
        var exit =
            ContainerExit(bundle: paths.bundle(name, record.attempt)) ?? ContainerExit(code: code, message: message)
        let container = pod.spec.containers.first { $0.name == name }
        if exit.code != 0, exit.message.isEmpty, container?.terminationMessagePolicy == .fallbackToLogsOnError {
            exit.message = LogTail.read(paths.log(name, record.attempt))
        }
        return exit
    }

    // MARK: - Probes

    private func probe(_ container: Container, startedAt: Duration) async {
        let name = container.name
        let host = podAddress?.description ?? configuration.hostAddress.description
        // Init containers have no probes; upstream refuses them.
        let specifications =
            records[name]?.isInit == true
            ? [] : ProbeSetup.specifications(of: container, host: host, exports: probeExports[name] ?? [:])
        let prober = makeProber(name)
        let probes = ContainerProbes(specifications, clock: environment.clock) { await prober.attempt($0) }
        await probes.run(startedAt: startedAt) { await self.take($0, container: container) }
    }

    private func take(_ event: ProbeEvent, container: Container) async {
        let name = container.name
        guard !Task.isCancelled, records[name]?.state.running != nil else { return }
        switch event {
        case .started:
            change(name) { $0.isStarted = true }
            // Without a readiness probe the next event follows at once and is reported with this one.
            if container.readinessProbe != nil || probeExports[name]?[.readiness] != nil { publish() }
        case .ready(let isReady):
            change(name) { $0.isReady = isReady }
            publish()
        case .unhealthy(let kind, let message):
            record(.warning, "Unhealthy", "\(kind.title) probe failed: \(message)", container: name)
        case .warning(let kind, let message):
            record(.warning, "ProbeWarning", "\(kind.title) probe warning: \(message)", container: name)
        case .mustRestart(let kind, _, let grace):
            record(
                .normal, "Killing", "Container \(name) failed \(kind.rawValue) probe, will be restarted",
                container: name)
            await stop(container, grace: .seconds(grace.map { Int64($0) } ?? defaultGraceSeconds))
        }
    }

    func makeProber(_ container: String) -> Prober {
        Prober(
            group: MultiThreadedEventLoopGroup.singleton,
            execute: { command, timeout in
                try await self.execute(command, in: container, timeout: timeout)
            },
            callExport: { export, timeout in
                guard let (shim, id) = await self.target(container) else { throw ProbeUnavailable("no shim") }
                return try await shim.callExport(id, export: export, timeout: timeout)
            })
    }

    func target(_ container: String) -> (any PodShim, String)? {
        guard let shim, let record = records[container], record.state.running != nil else { return nil }
        return (shim, record.taskID)
    }
}
