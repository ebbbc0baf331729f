// SPDX-License-Identifier: Apache-2.0
// Swiftlet: requests and limits as cgroup settings, by kubelet's rules.

import KubernetesAPI
import OCI

/// See: kubelet's `MilliCPUToQuota` and `MilliCPUToShares`.
enum ResourceMapping {
    static let periodMicroseconds: UInt64 = 100_000
    // LIMIT: kernel's smallest quota.
    static let quotaMicrosecondsMin: Int64 = 1000
    static let sharesMin: UInt64 = 2
    static let sharesMax: UInt64 = 262_144
    // LIMIT: processes of one container: the sandbox, its threads and those of its execs.
    static let processesMax: Int64 = 256

    static func resources(of container: Container) -> ResourcesSpec {
        var result = ResourcesSpec(pidsLimit: processesMax)
        let limits = container.resources.limits
        let requests = container.resources.requests
        if let memory = limits["memory"], memory.value > 0 { result.memoryLimitBytes = memory.value }
        if let cpu = limits["cpu"], cpu.milliValue > 0 {
            let quota = cpu.milliValue.multipliedReportingOverflow(by: Int64(periodMicroseconds)).partialValue / 1000
            result.cpuQuotaMicroseconds = max(quotaMicrosecondsMin, quota)
            result.cpuPeriodMicroseconds = periodMicroseconds
        }
        // Without a request the limit is one (upstream's defaulting), without both the smallest weight.
        let request = UInt64(max(0, (requests["cpu"] ?? limits["cpu"])?.milliValue ?? 0))
        result.cpuShares = min(sharesMax, max(sharesMin, request * 1024 / 1000))
        return result
    }
}
