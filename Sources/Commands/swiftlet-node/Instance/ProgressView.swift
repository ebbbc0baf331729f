// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what `swiftlet up` shows of its pods.

import KubernetesAPI
import ObjectStore

/// Prints one line whenever a pod's state changes, a Service's endpoints change or something goes wrong, and the
/// containers' output.
struct ProgressView: Sendable {
    let store: ObjectStore
    let showsLogs: Bool
    /// The log file of a container's current run.
    let logPath: @Sendable (_ pod: Pod, _ container: String) -> String?

    /// Follows the store until cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            var state = ProgressState(start: .now)
            var followed: Set<String> = []
            while !Task.isCancelled {
                guard let changes = try? store.watch([Pod.self, Service.self, EndpointSlice.self, Event.self]) else {
                    return
                }
                for await change in changes {
                    for line in state.lines(for: change) { writeOutput(line + "\n") }
                    guard showsLogs, let pod = change.object(as: Pod.self) else { continue }
                    for status in pod.status.containerStatuses + pod.status.initContainerStatuses {
                        // Each run of a container has a log of its own.
                        guard !status.containerID.isEmpty, followed.insert(status.containerID).inserted,
                            let path = logPath(pod, status.name)
                        else { continue }
                        let prefix = "\(pod.metadata.name)/\(status.name)"
                        group.addTask { await LogFollower(path: path, prefix: prefix).run() }
                    }
                }
            }
        }
    }
}

/// Which lines a change is worth; kept apart from printing so that it can be read at a glance.
struct ProgressState {
    private let start: ContinuousClock.Instant
    private var podStates: [String: String] = [:]
    private var serviceStates: [String: String] = [:]
    private var services: [String: Service] = [:]
    private var readyPods: Set<String> = []
    private var pods: Set<String> = []
    private var announcedReady = false

    init(start: ContinuousClock.Instant) { self.start = start }

    mutating func lines(for change: WatchEvent) -> [String] {
        if let pod = change.object(as: Pod.self) { return lines(pod, isGone: change.type == .deleted) }
        if let service = change.object(as: Service.self) {
            services["\(service.metadata.namespace)/\(service.metadata.name)"] = service
            return []
        }
        if let slice = change.object(as: EndpointSlice.self), change.type != .deleted { return lines(slice) }
        if let event = change.object(as: Event.self), event.type == "Warning", change.type != .deleted {
            return ["\(time)  warning  \(event.involvedObject.name): \(event.reason): \(event.message)"]
        }
        return []
    }

    private mutating func lines(_ pod: Pod, isGone: Bool) -> [String] {
        let key = "\(pod.metadata.namespace)/\(pod.metadata.name)"
        if isGone {
            pods.remove(key)
            readyPods.remove(key)
            return podStates.removeValue(forKey: key) == nil ? [] : ["\(time)  pod/\(pod.metadata.name)  gone"]
        }
        pods.insert(key)
        let isReady = pod.status.conditions.contains { $0.type == "Ready" && $0.status == .true }
        if isReady { readyPods.insert(key) } else { readyPods.remove(key) }
        let state = Self.describe(pod, isReady: isReady)
        guard podStates.updateValue(state, forKey: key) != state else { return [] }
        var lines = ["\(time)  pod/\(pod.metadata.name)  \(state)"]
        if !announcedReady, readyPods.count == pods.count, !pods.isEmpty {
            announcedReady = true
            lines.append("\(time)  all \(pods.count) pods Ready; Ctrl-C stops them and cleans up")
        }
        return lines
    }

    /// One or two words, as the STATUS column has them, with the address once Ready.
    private static func describe(_ pod: Pod, isReady: Bool) -> String {
        if pod.metadata.deletionTimestamp != nil { return "Terminating" }
        if isReady { return "Ready  \(pod.status.podIP)" }
        for status in pod.status.containerStatuses {
            if let waiting = status.state.waiting, !waiting.reason.isEmpty {
                let restarts = status.restartCount > 0 ? " (restart \(status.restartCount))" : ""
                return waiting.reason + restarts
            }
            if let terminated = status.state.terminated, pod.status.phase != .succeeded {
                return "\(terminated.reason) (exit code \(terminated.exitCode))"
            }
        }
        return pod.status.phase?.rawValue ?? "Pending"
    }

    private mutating func lines(_ slice: EndpointSlice) -> [String] {
        guard let name = slice.metadata.labels["kubernetes.io/service-name"],
            let service = services["\(slice.metadata.namespace)/\(name)"]
        else { return [] }
        let ready = slice.endpoints.filter { $0.conditions.ready ?? true }.count
        let ports = service.spec.ports.map { "\(service.spec.clusterIP):\($0.port)" }.joined(separator: " ")
        let state = "\(ports)  \(ready) endpoint\(ready == 1 ? "" : "s")"
        guard serviceStates.updateValue(state, forKey: name) != state else { return [] }
        return ["\(time)  service/\(name)  \(state)"]
    }

    /// Seconds since the start, to the hundredth.
    private var time: String {
        let elapsed = start.duration(to: .now).components
        let hundredths = elapsed.seconds * 100 + elapsed.attoseconds / 10_000_000_000_000_000
        let fraction = hundredths % 100
        let text = "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)s"
        return String(repeating: " ", count: max(0, 8 - text.count)) + text
    }
}
