// SPDX-License-Identifier: Apache-2.0
// Swiftlet: state CrashLoopBackOff: a container has ended and waits for its next attempt.

import KubernetesAPI
import ObjectStore
import Probes

extension PodWorker {
    /// Waits as long as the container's history asks, then begins the next attempt. False: cancelled.
    func backOff(_ container: Container, _ terminated: ContainerStateTerminated) async -> Bool {
        let name = container.name
        let ran = max(
            0, (terminated.finishedAt?.secondsSinceEpoch ?? 0) - (terminated.startedAt?.secondsSinceEpoch ?? 0))
        let pause = backOffs[name, default: RestartBackOff()].pause(afterRunOf: .seconds(ran))
        if pause > .zero {
            let full = "\(identity.name)_\(identity.namespace)(\(identity.uid))"
            let text =
                "back-off \(Self.goDuration(pause.components.seconds)) restarting failed container=\(name) pod=\(full)"
            change(name) { $0.wait("CrashLoopBackOff", text) }
            publish()
            record(
                .warning, "BackOff", "Back-off restarting failed container \(name) in pod \(full)", container: name)
            do { try await environment.clock.sleep(pause) } catch { return false }
        }
        change(name) { record in
            record.wait("ContainerCreating")
            record.attempt += 1
        }
        return !Task.isCancelled
    }

    /// `10s`, `1m20s`, `5m0s`: upstream's way to write a duration.
    static func goDuration(_ seconds: Int64) -> String {
        seconds < 60 ? "\(seconds)s" : "\(seconds / 60)m\(seconds % 60)s"
    }
}
