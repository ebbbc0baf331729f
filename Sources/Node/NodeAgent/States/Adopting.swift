// SPDX-License-Identifier: Apache-2.0
// Swiftlet: state Adopting: the pod was here before this agent.

import KubernetesAPI
import Logging
import ObjectStore
import PodNetwork

extension PodWorker {
    /// Takes up restart counts and last states from the stored status.
    func restoreRecords() {
        for status in pod.status.initContainerStatuses + pod.status.containerStatuses {
            change(status.name) { $0.restore(status) }
        }
        startTime = pod.status.startTime ?? startTime
    }

    /// Finds out what runs: reconnects to the shim, or reads what a dead one has left.
    func adopt() async {
        restoreRecords()
        if let address = IPv4Address(pod.status.podIP), !pod.spec.hostNetwork {
            podAddress = address
            ownsAddress = environment.pool.reservePodAddress(address)
        }
        shim = await environment.runtime.adopt(sandbox)
        if shim == nil {
            await environment.runtime.cleanUp(sandbox)
        } else {
            shimGeneration += 1
            isSandboxReady = true
        }
        for name in records.keys.sorted() { await adopt(container: name) }
        logger.info("adopted pod", metadata: ["shim": "\(shim == nil ? "gone" : "running")"])
        publish()
    }

    private func adopt(container name: String) async {
        guard let record = records[name] else { return }
        // The agent may have died between the start of an attempt and its report.
        let newest = FileTree.names(in: paths.directory)
            .filter { $0.hasPrefix(name + "-") }.compactMap { Int($0.dropFirst(name.count + 1)) }.max()
        guard let newest, newest >= record.attempt else { return }
        if newest > record.attempt {
            change(name) { record in
                record.wait("ContainerCreating")
                record.attempt = newest
            }
        }
        let id = "\(name)-\(newest)"
        switch (try? await shim?.state(id)) ?? .missing {
        case .running:
            let fullID = containerID(id)
            change(name) { record in
                if record.state.running == nil { record.run(since: .now) }
                record.containerID = fullID
            }
        case .created:
            // Created and not started: this attempt has done nothing yet.
            try? await shim?.delete(id)
            change(name) { $0.wait("ContainerCreating") }
        case .stopped, .missing:
            if let exit = ContainerExit(bundle: paths.bundle(name, newest)) {
                change(name) { $0.end(exit, now: .now) }
            } else if record.state.running != nil {
                let message = "the container was lost while no agent was running"
                change(name) { $0.end(ContainerExit(code: 137, message: message), now: .now) }
            }
        }
    }

    func containerID(_ taskID: String) -> String { "swiftlet://\(identity.uid)/\(taskID)" }
}
