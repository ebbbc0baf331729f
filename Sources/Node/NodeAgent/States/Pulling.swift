// SPDX-License-Identifier: Apache-2.0
// Swiftlet: states Pulling, ErrImagePull and ImagePullBackOff: the images of a pod.

import Images
import KubernetesAPI
import ObjectStore
import Probes

extension PodWorker {
    func pullImages() async -> Bool {
        for container in pod.spec.initContainers + pod.spec.containers {
            guard await pullImage(container) else { return false }
        }
        return true
    }

    /// The image may appear, or the registry come back: it is tried again and again.
    private func pullImage(_ container: Container) async -> Bool {
        var backOff = RestartBackOff()
        while !Task.isCancelled {
            do throws(NodeError) {
                let image = try await obtainImage(container)
                images[container.name] = image
                change(container.name) { record in
                    record.imageID = image.id
                    let isFailed = ["ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"]
                        .contains(record.state.waiting?.reason ?? "")
                    if isFailed { record.wait("ContainerCreating") }
                }
                return true
            } catch {
                guard !Task.isCancelled else { return false }
                await reportMissingImage(container, error, &backOff)
            }
        }
        return false
    }

    /// The image as its pull policy wants it.
    private func obtainImage(_ container: Container) async throws(NodeError) -> LocalImage {
        let reference = try ImageReference(container.image, workingDirectory: configuration.workingDirectory)
        // One that runs needs its image only for its next attempt.
        let isRunning = records[container.name]?.state.running != nil
        switch reference {
        case .file(let path):
            let image = try ImageReference.module(at: path, image: container.image, policy: container.imagePullPolicy)
            if !isRunning { recordPresent(container) }
            return image
        case .name(let name):
            let policy = container.imagePullPolicy ?? (name.tag == "latest" ? .always : .ifNotPresent)
            return try await obtain(name, container, policy, isRunning: isRunning)
        }
    }

    private func recordPresent(_ container: Container) {
        record(
            .normal, "Pulled", "Container image \"\(container.image)\" already present on machine",
            container: container.name)
    }

    private func obtain(
        _ name: ImageName, _ container: Container, _ policy: ImagePullPolicy, isRunning: Bool
    ) async throws(NodeError) -> LocalImage {
        guard let nodeImages = environment.images else {
            throw NodeError(
                policy == .never ? "ErrImageNeverPull" : "ErrImagePull",
                "image \"\(container.image)\": this node has no image store; use the path of a .wasm file, such as "
                    + "./app.wasm")
        }
        let lease = leaseID(container.name)
        do throws(ImageError) {
            if policy != .always || isRunning, let image = try await nodeImages.local(name, lease: lease) {
                if !isRunning { recordPresent(container) }
                return image
            }
        } catch {
            // A damaged image is fetched anew, where that is allowed.
            guard policy != .never else { throw NodeError("ErrImageNeverPull", error.message) }
        }
        guard policy != .never else {
            throw NodeError(
                "ErrImageNeverPull", "Container image \"\(container.image)\" is not present with pull policy of Never")
        }
        record(.normal, "Pulling", "Pulling image \"\(container.image)\"", container: container.name)
        let begin = environment.clock.now()
        do throws(ImageError) {
            try await nodeImages.puller.pull(name, into: nodeImages.store(), secrets: pullSecrets(container))
            guard let image = try await nodeImages.local(name, lease: lease) else {
                throw ImageError(.notFound, "image \(name) was removed while it was pulled")
            }
            let took = Self.goMilliseconds(environment.clock.now() - begin)
            record(
                .normal, "Pulled",
                "Successfully pulled image \"\(container.image)\" in \(took) (\(took) including waiting). Image size: "
                    + "\(nodeImages.size(name)) bytes.", container: container.name)
            return image
        } catch {
            throw NodeError("ErrImagePull", "failed to pull and unpack image \"\(name)\": \(error.message)")
        }
    }

    /// `812ms`, `1.204s`: upstream's way to write how long something took.
    static func goMilliseconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = max(0, seconds * 1000 + attoseconds / 1_000_000_000_000_000)
        guard milliseconds >= 1000 else { return "\(milliseconds)ms" }
        let rest = String(milliseconds % 1000)
        let padded = String(repeating: "0", count: 3 - rest.count) + rest
        let fraction = String(padded.reversed().drop { $0 == "0" }.reversed())
        return "\(milliseconds / 1000)\(fraction.isEmpty ? "" : ".\(fraction)")s"
    }

    // MARK: - Secrets and leases

    /// The pod's secrets that are there; the pull is tried without the others.
    private func pullSecrets(_ container: Container) -> [PullSecret] {
        var secrets: [PullSecret] = []
        var missing: [String] = []
        for reference in pod.spec.imagePullSecrets {
            let data = configSource.secret(reference.name)?.data
            if let content = data?[".dockerconfigjson"] ?? data?[".dockercfg"] {
                secrets.append(PullSecret(name: reference.name, content: content.bytes))
            } else {
                missing.append(reference.name)
            }
        }
        if !missing.isEmpty {
            record(
                .warning, "FailedToRetrieveImagePullSecret",
                "Unable to retrieve some image pull secrets (\(missing.joined(separator: ", "))); attempting to pull the "
                    + "image may not succeed.", container: container.name)
        }
        return secrets
    }

    private func leaseID(_ container: String) -> String { "\(leasePrefix)\(container)" }

    /// Of all containers of this pod.
    private var leasePrefix: String { "\(configuration.instanceName).\(identity.uid)." }

    func releaseImages() {
        let prefix = leasePrefix
        environment.images?.release { $0.hasPrefix(prefix) }
    }

    // MARK: - Failure

    private func reportMissingImage(_ container: Container, _ error: NodeError, _ backOff: inout RestartBackOff) async {
        let name = container.name
        switch error.reason {
        case "InvalidImageName": record(.warning, "InspectFailed", error.message, container: name)
        case "ErrImageNeverPull": record(.warning, "ErrImageNeverPull", error.message, container: name)
        default:
            record(
                .warning, "Failed", "Failed to pull image \"\(container.image)\": \(error.message)", container: name)
        }
        record(.warning, "Failed", "Error: \(error.reason)", container: name)
        change(name) { $0.wait(error.reason, error.message) }
        publish()
        let pause = backOff.pauseAfterFailure()
        // A moment in which the first reason can be seen, as upstream's own rhythm gives it.
        try? await environment.clock.sleep(.seconds(1))
        guard !Task.isCancelled else { return }
        if error.reason == "ErrImagePull" {
            let message = "Back-off pulling image \"\(container.image)\": \(error.reason): \(error.message)"
            record(.normal, "BackOff", "Back-off pulling image \"\(container.image)\"", container: name)
            record(.warning, "Failed", "Error: ImagePullBackOff", container: name)
            change(name) { $0.wait("ImagePullBackOff", message) }
            publish()
        }
        try? await environment.clock.sleep(pause)
    }
}
