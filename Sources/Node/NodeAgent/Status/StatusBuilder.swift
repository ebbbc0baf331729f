// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a pod's status from the records of its containers; pure.

import KubernetesAPI

/// Upstream's rules for phase and conditions.
///
/// See: kubelet's `getPhase` and `GeneratePodReadyCondition`.
struct StatusBuilder {
    var pod: Pod
    var records: [ContainerRecord]
    var isSandboxReady: Bool
    var hostAddress: String
    var podAddress: String
    var startTime: Time
    var now: Time

    private var initRecords: [ContainerRecord] { records.filter(\.isInit) }
    private var mainRecords: [ContainerRecord] { records.filter { !$0.isInit } }

    private var isInitialized: Bool {
        initRecords.allSatisfy { $0.state.terminated?.exitCode == 0 }
            || mainRecords.contains { $0.state.running != nil || $0.state.terminated != nil || $0.attempt > 0 }
    }

    /// Keeps what others put into the status (PodScheduled, qosClass) and times of conditions that have not changed.
    func status(previous: PodStatus) -> PodStatus {
        var status = previous
        status.observedGeneration = pod.metadata.generation
        status.phase = phase
        status.hostIP = hostAddress
        status.hostIPs = [HostIP(ip: hostAddress)]
        if !podAddress.isEmpty {
            status.podIP = podAddress
            status.podIPs = [PodIP(ip: podAddress)]
        }
        status.startTime = previous.startTime ?? startTime
        status.initContainerStatuses = initRecords.map { record in
            var status = record.status
            // Upstream: an init container is ready when it has succeeded.
            status.ready = record.state.terminated?.exitCode == 0
            return status
        }
        status.containerStatuses = mainRecords.map(\.status)
        for condition in conditions() { set(condition, in: &status.conditions) }
        return status
    }

    var phase: PodPhase {
        let policy = pod.spec.restartPolicy ?? .always
        if !isInitialized {
            let hasFailed = initRecords.contains { ($0.state.terminated?.exitCode ?? 0) != 0 }
            return hasFailed && policy == .never ? .failed : .pending
        }
        var (running, waiting, stopped, succeeded) = (0, 0, 0, 0)
        for record in mainRecords {
            if record.state.running != nil {
                running += 1
            } else if let terminated = record.state.terminated ?? record.lastState.terminated {
                stopped += 1
                // A container that waits for its restart has not succeeded, whatever its last exit code was.
                if terminated.exitCode == 0, record.state.terminated != nil { succeeded += 1 }
            } else {
                waiting += 1
            }
        }
        if waiting > 0 { return .pending }
        if running > 0 { return .running }
        if policy == .always { return .running }
        if stopped == succeeded { return .succeeded }
        return policy == .never ? .failed : .running
    }

    private func conditions() -> [PodCondition] {
        let isOver = phase == .succeeded || phase == .failed
        let unready = mainRecords.filter { !$0.isReady }.map(\.name)
        let incomplete = initRecords.filter { $0.state.terminated?.exitCode != 0 }.map(\.name)
        var ready = PodCondition(status: unready.isEmpty && isInitialized ? .true : .false)
        if ready.status == .false {
            ready.reason = phase == .succeeded ? "PodCompleted" : phase == .failed ? "PodFailed" : "ContainersNotReady"
            if !isOver { ready.message = "containers with unready status: [\(unready.joined(separator: " "))]" }
        }
        var initialized = PodCondition(type: "Initialized", status: isInitialized ? .true : .false)
        if !isInitialized {
            initialized.reason = "ContainersNotInitialized"
            initialized.message = "containers with incomplete status: [\(incomplete.joined(separator: " "))]"
        } else if phase == .succeeded {
            initialized.reason = "PodCompleted"
        }
        var containersReady = ready
        containersReady.type = "ContainersReady"
        ready.type = "Ready"
        let sandbox = PodCondition(
            type: "PodReadyToStartContainers", status: isSandboxReady && !isOver ? .true : .false)
        return [sandbox, initialized, ready, containersReady]
    }

    private func set(_ condition: PodCondition, in conditions: inout [PodCondition]) {
        var condition = condition
        condition.observedGeneration = pod.metadata.generation
        guard let index = conditions.firstIndex(where: { $0.type == condition.type }) else {
            condition.lastTransitionTime = now
            conditions.append(condition)
            return
        }
        let isSame = conditions[index].status == condition.status
        condition.lastTransitionTime = isSame ? conditions[index].lastTransitionTime : now
        conditions[index] = condition
    }
}
