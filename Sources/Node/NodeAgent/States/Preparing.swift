// SPDX-License-Identifier: Apache-2.0
// Swiftlet: state Preparing: address, image, volumes, host ports, shim. Nothing of the guest runs yet.

import KubernetesAPI
import Logging
import NIOPosix
import ObjectStore
import PodNetwork
import Probes

extension PodWorker {
    /// Everything before the first container. False: cancelled.
    func prepare() async -> Bool {
        guard await retrying("FailedCreatePodSandBox", { try self.makePlace() }) else { return false }
        publish()
        reportProbeProblems()
        guard await pullImages() else { return false }
        guard await retrying("FailedMount", { try self.mountVolumes() }) else { return false }
        guard await retrying("FailedCreatePodSandBox", { try await self.openHostPorts() }) else { return false }
        return await retrying("FailedCreatePodSandBox") { _ = try await self.currentShim() }
    }

    /// Repeats a step until it works, with an event for each failure.
    private func retrying(_ reason: String, _ step: () async throws -> Void) async -> Bool {
        var pause: Duration = .milliseconds(500)
        while !Task.isCancelled {
            do {
                try await step()
                return true
            } catch is CancellationError {
                return false
            } catch {
                record(.warning, reason, "\(error)")
                logger.warning("pod cannot start yet", metadata: ["reason": "\(reason)", "error": "\(error)"])
            }
            try? await environment.clock.sleep(pause)
            // LIMIT: kubelet retries volumes at most every two minutes.
            pause = min(pause * 2, .seconds(122))
        }
        return false
    }

    private func makePlace() throws {
        try FileTree.makeDirectories(paths.directory, mode: 0o700)
        try FileTree.makeDirectories(paths.logs, mode: 0o755)
        if pod.spec.hostNetwork {
            podAddress = configuration.hostAddress
        } else if podAddress == nil {
            podAddress = try environment.pool.allocatePodAddress()
            ownsAddress = true
        }
    }

    private func reportProbeProblems() {
        let names = pod.spec.containers.map(\.name)
        for problem in ProbeExport.parse(annotations: pod.metadata.annotations, containers: names).problems {
            record(.warning, "InvalidAnnotation", problem)
        }
    }

    // MARK: - Volumes and ports

    var downwardContext: DownwardContext {
        DownwardContext(
            pod: pod, nodeName: configuration.nodeName, hostAddress: configuration.hostAddress.description,
            podAddress: podAddress?.description ?? "")
    }

    var configSource: ConfigSource {
        let (store, namespace) = (environment.store, identity.namespace)
        return ConfigSource(
            configMap: { store.get(ConfigMap.self, namespace: namespace, name: $0) },
            secret: { store.get(Secret.self, namespace: namespace, name: $0) })
    }

    private func mountVolumes() throws {
        volumePaths = try VolumeWriter(
            pod: pod, context: downwardContext, source: configSource, paths: paths
        ).write()
    }

    /// hostPort: a forwarder per port, as a host port of upstream is a rule per port.
    private func openHostPorts() async throws {
        guard !pod.spec.hostNetwork, hostPorts.isEmpty, let podAddress else { return }
        do {
            for port in pod.spec.containers.flatMap(\.ports) where port.hostPort > 0 {
                guard let hostPort = UInt16(exactly: port.hostPort), let target = UInt16(exactly: port.containerPort)
                else { continue }
                guard (port.protocol ?? .tcp) == .tcp else {
                    throw NodeError.config("hostPort \(hostPort)/\(port.protocol ?? .tcp): only TCP is forwarded")
                }
                guard let address = port.hostIP.isEmpty ? .any : IPv4Address(port.hostIP) else {
                    throw NodeError.config("hostIP \"\(port.hostIP)\": expected an IPv4 address")
                }
                let forwarder = Balancer(
                    listenOn: SocketTarget(address, hostPort), group: MultiThreadedEventLoopGroup.singleton)
                try await forwarder.update(targets: [SocketTarget(podAddress, target)])
                hostPorts.append(forwarder)
            }
        } catch {
            await closeHostPorts()
            throw error
        }
    }

    func closeHostPorts() async {
        for forwarder in hostPorts { await forwarder.close() }
        hostPorts = []
    }
}
