// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the row of a pod.
//
// As upstream: k8s.io/kubernetes/pkg/printers/internalversion printPod.
public import KubernetesAPI

extension RowPrinter where T == Pod {
    static var pods: RowPrinter<Pod> {
        RowPrinter([
            .name, .text("Ready", "Containers that are ready, of all."), .text("Status", "What the pod is doing."),
            .text("Restarts", "How often containers were started again, and when last."), .age,
            .text("IP", "Address of the pod.", wide: true), .text("Node", "Where the pod runs.", wide: true),
            .text("Nominated Node", "Where the pod may come to run.", wide: true),
            .text("Readiness Gates", "Further conditions that are true, of all.", wide: true),
        ]) { pod, now in
            let summary = PodSummary(pod)
            var restarts = String(summary.restarts)
            if summary.restarts != 0, let last = summary.lastRestart {
                restarts += " (\(HumanDuration.text(since: last, now: now)) ago)"
            }
            let gates = pod.spec.readinessGates
            let open = gates.count { gate in
                pod.status.conditions.contains { $0.type == gate.conditionType && $0.status == .true }
            }
            return [
                .string(pod.metadata.name), .string("\(summary.readyContainers)/\(summary.containers)"),
                .string(summary.reason), .string(restarts), .age(pod.metadata.creationTimestamp, now),
                .orNone(pod.status.podIP), .orNone(pod.spec.nodeName), .orNone(pod.status.nominatedNodeName),
                .orNone(gates.isEmpty ? "" : "\(open)/\(gates.count)"),
            ]
        }
    }
}

/// A pod in one line.
public struct PodSummary: Sendable, Equatable {
    public private(set) var readyContainers = 0
    public private(set) var containers = 0
    /// The STATUS column: phase, or the reason of the container that is in the way.
    public private(set) var reason: String
    public private(set) var restarts = 0
    public private(set) var lastRestart: Time?

    private var sidecarRestarts = 0
    private var lastSidecarRestart: Time?

    public init(_ pod: Pod) {
        reason = pod.status.reason.isEmpty ? (pod.status.phase ?? .pending).rawValue : pod.status.reason
        let sidecars = Set(pod.spec.initContainers.filter { $0.restartPolicy == .always }.map { $0.name })
        containers = pod.spec.containers.count + sidecars.count
        let isInitializing = readInitContainers(pod, sidecars: sidecars)
        let isInitialized = pod.status.conditions.contains { $0.type == "Initialized" && $0.status == .true }
        if !isInitializing || isInitialized {
            restarts = sidecarRestarts
            lastRestart = lastSidecarRestart
            readContainers(pod)
        }
        let hasEnded = pod.status.phase == .succeeded || pod.status.phase == .failed
        if pod.metadata.deletionTimestamp != nil {
            if pod.status.reason == "NodeLost" {
                reason = "Unknown"
            } else if !hasEnded {
                reason = "Terminating"
            }
        }
    }

    /// Reads up to the first init container that is in the way; true if there is one.
    private mutating func readInitContainers(_ pod: Pod, sidecars: Set<String>) -> Bool {
        for (index, status) in pod.status.initContainerStatuses.enumerated() {
            let isSidecar = sidecars.contains(status.name)
            restarts += Int(status.restartCount)
            lastRestart = max(lastRestart, status.lastState.terminated?.finishedAt)
            if isSidecar {
                sidecarRestarts += Int(status.restartCount)
                lastSidecarRestart = max(lastSidecarRestart, status.lastState.terminated?.finishedAt)
            }
            if let ended = status.state.terminated, ended.exitCode == 0 { continue }
            if isSidecar, status.started == true {
                if status.ready { readyContainers += 1 }
                continue
            }
            if let ended = status.state.terminated {
                reason = "Init:" + Self.text(of: ended)
            } else if let waiting = status.state.waiting, !waiting.reason.isEmpty, waiting.reason != "PodInitializing" {
                reason = "Init:" + waiting.reason
            } else {
                reason = "Init:\(index)/\(pod.spec.initContainers.count)"
            }
            return true
        }
        return false
    }

    private mutating func readContainers(_ pod: Pod) {
        var isRunning = false
        // The first container's reason wins, so it is read last.
        for status in pod.status.containerStatuses.reversed() {
            restarts += Int(status.restartCount)
            lastRestart = max(lastRestart, status.lastState.terminated?.finishedAt)
            if let waiting = status.state.waiting, !waiting.reason.isEmpty {
                reason = waiting.reason
            } else if let ended = status.state.terminated {
                reason = Self.text(of: ended)
            } else if status.ready, status.state.running != nil {
                isRunning = true
                readyContainers += 1
            }
        }
        if reason == "Completed", isRunning {
            let isReady = pod.status.conditions.contains { $0.type == "Ready" && $0.status == .true }
            reason = isReady ? "Running" : "NotReady"
        }
    }

    private static func text(of ended: ContainerStateTerminated) -> String {
        if !ended.reason.isEmpty { return ended.reason }
        return ended.signal != 0 ? "Signal:\(ended.signal)" : "ExitCode:\(ended.exitCode)"
    }
}

private func max(_ left: Time?, _ right: Time?) -> Time? {
    guard let left, let right else { return left ?? right }
    return left < right ? right : left
}
