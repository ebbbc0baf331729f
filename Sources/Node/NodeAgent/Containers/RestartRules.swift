// SPDX-License-Identifier: Apache-2.0
// Swiftlet: whether and when a container runs again; pure.

import KubernetesAPI

enum RestartRules {
    /// - Parameter isInit: an init container that has succeeded is done under every policy, and `Always` means
    ///   `OnFailure` for it.
    static func shouldRestart(_ policy: RestartPolicy, exitCode: Int32, isInit: Bool) -> Bool {
        switch policy {
        case .never: false
        case .onFailure: exitCode != 0
        default: !isInit || exitCode != 0
        }
    }
}

/// Pauses between restarts: none before the first, then 10 s doubling to 300 s; forgotten after a run of 10 minutes.
///
/// See: Kubernetes documentation, "Pod Lifecycle", container restarts.
struct RestartBackOff: Sendable, Equatable {
    static let first: Duration = .seconds(10)
    static let longest: Duration = .seconds(300)
    static let resetAfter: Duration = .seconds(600)

    private var next: Duration = .zero

    /// The pause before the next start, given how long the last run took.
    mutating func pause(afterRunOf duration: Duration) -> Duration {
        if duration >= Self.resetAfter { next = .zero }
        let pause = next
        next = pause == .zero ? Self.first : min(pause * 2, Self.longest)
        return pause
    }

    /// For attempts that never ran (image pulls): the first pause is the short one already.
    mutating func pauseAfterFailure() -> Duration {
        next = next == .zero ? Self.first : min(next * 2, Self.longest)
        return next
    }
}
