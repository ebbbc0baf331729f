// SPDX-License-Identifier: Apache-2.0
// Swiftlet: state Terminating: hooks, signals, grace, and nothing left behind.

import KubernetesAPI
import Logging
import ObjectStore
import PodNetwork
import Probes

extension PodWorker {
    // LIMIT: what is left for SIGTERM after a preStop hook that used up the grace period, as upstream.
    static let afterPreStopMin: Duration = .seconds(2)
    // LIMIT: time between SIGKILL and the belief that the shim itself is stuck.
    static let afterKillMax: Duration = .seconds(10)

    /// Ends everything and removes the pod.
    func terminate() async {
        let running = (pod.spec.initContainers + pod.spec.containers)
            .filter { records[$0.name]?.state.running != nil }
        logger.info("stopping pod", metadata: ["grace_s": "\(graceSeconds ?? 0)", "running": "\(running.count)"])
        await withTaskGroup(of: Void.self) { group in
            for container in running {
                record(.normal, "Killing", "Stopping container \(container.name)", container: container.name)
                group.addTask { await self.end(container) }
            }
        }
        await endShim()
        await closeHostPorts()
        publish()
        FileTree.remove(paths.directory)
        FileTree.remove(paths.logs)
        releaseImages()
        if let podAddress, ownsAddress { environment.pool.releasePodAddress(podAddress) }
        do {
            try environment.store.remove(
                Pod.self, namespace: identity.namespace, name: identity.name, uid: identity.uid)
        } catch {
            if error.reason != .notFound { logger.error("cannot remove the pod", metadata: ["error": "\(error)"]) }
        }
    }

    private func endShim() async {
        await shim?.shutdown()
        shim = nil
        isSandboxReady = false
        guard FileTree.isDirectory(paths.directory) else { return }
        // Also after an orderly end: what the shim could not remove is found by what it wrote down.
        await environment.runtime.cleanUp(sandbox)
    }

    /// One container: signal, wait, kill.
    private func end(_ container: Container) async {
        let exit = await withTaskGroup(of: ContainerExit?.self) { group in
            group.addTask { await self.exit(of: container.name) }
            group.addTask {
                await self.stop(container, grace: nil)
                try? await self.environment.clock.sleep(Self.afterKillMax)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
        let stuck = ContainerExit(code: 137, signal: 9, message: "the container did not end after SIGKILL")
        change(container.name) { $0.end(exit ?? stuck, now: .now) }
        publish()
    }

    /// preStop, SIGTERM, and SIGKILL when the grace is over. Cancelled by the container's end.
    ///
    /// - Parameter grace: nil: the pod's, which may be shortened while it runs.
    func stop(_ container: Container, grace: Duration?) async {
        let clock = environment.clock
        let begin = clock.now()
        var extra: Duration = .zero
        func remaining() -> Duration {
            begin + (grace ?? .seconds(graceSeconds ?? defaultGraceSeconds)) + extra - clock.now()
        }
        if let hook = container.lifecycle?.preStop, remaining() > .zero {
            await run(hook, "PreStop", of: container, timeout: remaining())
            extra = max(.zero, Self.afterPreStopMin - remaining())
        }
        guard !Task.isCancelled, let (shim, id) = target(container.name) else { return }
        if remaining() > .zero {
            try? await shim.kill(id, signal: 15)
            // In slices, because a second deletion may bring the end nearer.
            while remaining() > .zero, !Task.isCancelled {
                try? await clock.sleep(min(remaining(), .milliseconds(500)))
            }
        }
        guard !Task.isCancelled else { return }
        try? await shim.kill(id, signal: 9)
    }
}
