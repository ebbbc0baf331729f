// SPDX-License-Identifier: Apache-2.0
// Swiftlet: postStart and preStop, and processes in a running container.

import KubernetesAPI
import ObjectStore
import OCI
import PodNetwork
import Probes

extension PodWorker {
    // LIMIT: a postStart hook; upstream has none, and then nothing ever gets ready.
    static let postStartTimeout: Duration = .seconds(600)
    // LIMIT: kept output of an exec, as upstream's probes.
    static let execOutputBytesMax = 10 * 1024

    /// Runs the postStart hook if there is one. False: it failed and the container is being killed.
    func postStart(_ container: Container) async -> Bool {
        guard let hook = container.lifecycle?.postStart else { return true }
        if await run(hook, "PostStart", of: container, timeout: Self.postStartTimeout) { return true }
        guard !Task.isCancelled else { return false }
        record(.normal, "Killing", "FailedPostStartHook", container: container.name)
        await stop(container, grace: .seconds(defaultGraceSeconds))
        return false
    }

    /// Returns whether the hook succeeded. A failure is an event, as upstream.
    @discardableResult
    func run(_ hook: LifecycleHandler, _ title: String, of container: Container, timeout: Duration) async -> Bool {
        var outcome = ProbeOutcome(.success)
        if let sleep = hook.sleep {
            try? await environment.clock.sleep(min(.seconds(sleep.seconds), timeout))
        } else {
            let host = podAddress?.description ?? configuration.hostAddress.description
            var action = ProbeAction.unusable(reason: "the hook has no supported action (exec, httpGet, sleep)")
            if let exec = hook.exec { action = .exec(command: exec.command) }
            if let get = hook.httpGet { action = ProbeSetup.http(get, container, host: host) }
            let specification = ProbeSpecification(
                kind: .startup, action: action, settings: ProbeSettings(timeout: timeout))
            outcome = await makeProber(container.name).attempt(specification)
        }
        guard !outcome.hasPassed, !Task.isCancelled else { return true }
        record(.warning, "Failed\(title)Hook", "\(title)Hook failed: \(outcome.message)", container: container.name)
        return false
    }

    /// Runs a command in a fresh sandbox with the container's grants; exit code and beginning of its output.
    func execute(
        _ command: [String], in container: String, timeout: Duration
    ) async throws -> (exitCode: Int32, output: String) {
        guard let (shim, id) = target(container), let record = records[container] else {
            throw ProbeUnavailable("the container is not running")
        }
        nextExec += 1
        let execID = "exec-\(nextExec)"
        let spec = (pod.spec.initContainers + pod.spec.containers).first { $0.name == container }
        let directory = spec?.workingDir ?? ""
        let process = ProcessSpec(
            args: command, env: (environments[container] ?? []).map { "\($0.name)=\($0.value)" },
            cwd: directory.hasPrefix("/") ? directory : "/")
        let output = "\(paths.bundle(container, record.attempt))/\(execID).out"
        defer { FileTree.remove(output) }
        do {
            let code = try await shim.exec(
                id, execID: execID, process: process.json.bytes, output: "file://\(output)", timeout: timeout)
            let bytes = FileTree.read(output, limit: Self.execOutputBytesMax) ?? []
            return (code, String(decoding: bytes, as: UTF8.self))
        } catch let error as ShimError where error.code == .timedOut {
            throw NodeError("Timeout", "command \(command) timed out")
        }
    }
}
