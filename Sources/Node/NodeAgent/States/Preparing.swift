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

    // MARK: - Images

    private func pullImages() async -> Bool {
        for container in pod.spec.initContainers + pod.spec.containers {
            guard await pullImage(container) else { return false }
        }
        return true
    }

    /// States ErrImagePull and ImagePullBackOff: the file may appear, so it is looked for again and again.
    private func pullImage(_ container: Container) async -> Bool {
        var backOff = RestartBackOff()
        while !Task.isCancelled {
            do {
                let image = try ImageReference.resolve(
                    container.image, policy: container.imagePullPolicy,
                    workingDirectory: configuration.workingDirectory)
                images[container.name] = image
                change(container.name) { record in
                    record.imageID = image.id
                    let isFailed = ["ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"]
                        .contains(record.state.waiting?.reason ?? "")
                    if isFailed { record.wait("ContainerCreating") }
                }
                if records[container.name]?.state.running == nil {
                    record(
                        .normal, "Pulled",
                        "Container image \"\(container.image)\" already present on machine", container: container.name)
                }
                return true
            } catch {
                await reportMissingImage(container, error, &backOff)
            }
        }
        return false
    }

    private func reportMissingImage(_ container: Container, _ error: NodeError, _ backOff: inout RestartBackOff) async {
        let event = error.reason == "InvalidImageName" ? "InspectFailed" : "Failed"
        record(.warning, event, error.message, container: container.name)
        record(.warning, "Failed", "Error: \(error.reason)", container: container.name)
        change(container.name) { $0.wait(error.reason, error.message) }
        publish()
        let pause = backOff.pauseAfterFailure()
        // A moment in which the first reason can be seen, as upstream's own rhythm gives it.
        try? await environment.clock.sleep(.seconds(1))
        guard !Task.isCancelled else { return }
        if error.reason == "ErrImagePull" {
            let message = "Back-off pulling image \"\(container.image)\": \(error.reason): \(error.message)"
            record(.normal, "BackOff", "Back-off pulling image \"\(container.image)\"", container: container.name)
            record(.warning, "Failed", "Error: ImagePullBackOff", container: container.name)
            change(container.name) { $0.wait("ImagePullBackOff", message) }
            publish()
        }
        try? await environment.clock.sleep(pause)
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
