// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what a container uses, as the Stats call answers it.
import Glibc
package import Linux
package import TaskAPI

/// Reads the cgroup where it has the controller, else the process. The answer always has pids, CPU and memory:
/// containerd's CRI reads them without asking.
package struct ContainerMetrics {
    var cgroup: CGroup?
    var processes: [Int32]

    package init(cgroup: CGroup?, processes: [Int32]) {
        self.cgroup = cgroup
        self.processes = processes
    }

    package func read() -> Metrics {
        var metrics = Metrics(pids: PidsStat(current: UInt64(processes.count)))
        metrics.cpu = CPUStat(usage: CPUUsage(total: processorNanoseconds()), throttling: throttling())
        metrics.memory = memory()
        if let cgroup {
            metrics.memoryOOMControl = MemoryOOMControl(oomKillDisable: 0, oomKill: cgroup.outOfMemoryKills())
        }
        if let limit = file("pids", "pids.max").flatMap({ UInt64($0) }) { metrics.pids?.limit = limit }
        return metrics
    }

    // MARK: - CPU

    private func processorNanoseconds() -> UInt64 {
        if let text = file("cpuacct", "cpuacct.usage"), let value = UInt64(text) { return value }
        if let microseconds = table(file("cpu", "cpu.stat"))["usage_usec"] { return microseconds * 1000 }
        // The first field of schedstat is the time on a CPU; a sandbox has one thread.
        return processes.reduce(0) { sum, process in
            let text = try? Files.readText("/proc/\(process)/schedstat")
            return sum + (text?.split(separator: " ").first.flatMap { UInt64($0) } ?? 0)
        }
    }

    private func throttling() -> Throttle {
        let values = table(file("cpu", "cpu.stat"))
        return Throttle(
            periods: values["nr_periods"] ?? 0, throttledPeriods: values["nr_throttled"] ?? 0,
            throttledTime: values["throttled_time"] ?? (values["throttled_usec"] ?? 0) * 1000)
    }

    // MARK: - Memory

    private func memory() -> MemoryStat {
        var stat = MemoryStat(cache: 0)
        let values = table(file("memory", "memory.stat"))
        stat.cache = values["cache"] ?? values["file"] ?? 0
        stat.rss = values["rss"] ?? values["anon"] ?? residentBytes()
        stat.pageFaults = values["pgfault"] ?? 0
        stat.majorPageFaults = values["pgmajfault"] ?? 0
        stat.inactiveFile = values["inactive_file"] ?? 0
        stat.activeFile = values["active_file"] ?? 0
        stat.totalCache = values["total_cache"] ?? stat.cache
        stat.totalRSS = values["total_rss"] ?? stat.rss
        stat.totalPageFaults = values["total_pgfault"] ?? stat.pageFaults
        stat.totalMajorPageFaults = values["total_pgmajfault"] ?? stat.majorPageFaults
        stat.totalInactiveFile = values["total_inactive_file"] ?? stat.inactiveFile
        stat.totalActiveFile = values["total_active_file"] ?? stat.activeFile
        var usage = MemoryEntry(limit: 0)
        usage.limit = number("memory", "memory.limit_in_bytes", "memory.max") ?? .max
        usage.usage = number("memory", "memory.usage_in_bytes", "memory.current") ?? residentBytes()
        usage.max = number("memory", "memory.max_usage_in_bytes", "memory.peak") ?? usage.usage
        usage.failcnt = number("memory", "memory.failcnt", "memory.failcnt") ?? 0
        stat.usage = usage
        stat.hierarchicalMemoryLimit = values["hierarchical_memory_limit"] ?? usage.limit
        return stat
    }

    private func residentBytes() -> UInt64 {
        processes.reduce(0) { sum, process in
            let text = try? Files.readText("/proc/\(process)/statm")
            let fields = text?.split(separator: " ") ?? []
            return sum + (fields.count > 1 ? (UInt64(fields[1]) ?? 0) * UInt64(getpagesize()) : 0)
        }
    }

    // MARK: - Files

    /// A control file of the group, without the line feed; nil where the group has no such controller.
    private func file(_ controller: String, _ name: String) -> String? {
        guard let cgroup else { return nil }
        let mounts = cgroup.mounts
        guard let root = mounts.isUnified ? mounts.unified : mounts.controllers[controller],
            let text = try? Files.readText("\(root)/\(cgroup.path)/\(name)")
        else { return nil }
        return text.last == "\n" ? String(text.dropLast()) : text
    }

    private func number(_ controller: String, _ first: String, _ second: String) -> UInt64? {
        (file(controller, first) ?? file(controller, second)).flatMap { UInt64($0) }
    }

    private func table(_ text: String?) -> [String: UInt64] {
        var table: [String: UInt64] = [:]
        for line in text?.split(separator: "\n") ?? [] {
            let words = line.split(separator: " ")
            if words.count == 2, let value = UInt64(words[1]) { table[String(words[0])] = value }
        }
        return table
    }
}
