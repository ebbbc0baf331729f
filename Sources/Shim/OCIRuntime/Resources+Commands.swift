// SPDX-License-Identifier: Apache-2.0
// Swiftlet: update and events.
internal import Glibc
internal import Linux
internal import OCI
internal import TaskAPI
internal import TaskService
internal import Workload

extension OCIRuntime {
    func update(_ container: StoredContainer) throws(RuntimeFailure) {
        _ = try arguments.onlyContainerID()
        let record = try container.record()
        guard container.status(record) != .stopped else { throw RuntimeFailure("container not running") }
        guard let path = record.cgroupPath else { throw RuntimeFailure("container \(record.id) has no cgroup") }
        var resources = ResourcesSpec()
        if let file = arguments.value("resources") {
            resources = try RuntimeFailure.translating("--resources \(file)") {
                let bytes = file == "-" ? try Files.read(0, limit: 1 << 20) : try Files.read(file, limit: 1 << 20)
                return try ResourcesSpec(parsing: bytes)
            }
        } else {
            resources.memoryLimitBytes = try arguments.integer("memory", Int64.self)
            resources.cpuQuotaMicroseconds = try arguments.integer("cpu-quota", Int64.self)
            resources.cpuPeriodMicroseconds = try arguments.integer("cpu-period", UInt64.self)
            resources.cpuShares = try arguments.integer("cpu-share", UInt64.self)
            resources.pidsLimit = try arguments.integer("pids-limit", Int64.self)
        }
        let processes = self.processes(record)
        try RuntimeFailure.translating("container \(record.id)") {
            let cgroup = CGroup(path: path, mounts: try CGroupMounts.detect())
            try cgroup.create(ResourceLimits(resources))
            for process in processes { try cgroup.add(process) }
        }
    }

    // MARK: - Events

    /// Statistics every interval, and a line for each process that the kernel killed for want of memory, until the
    /// container ends; with --stats statistics once.
    func events(_ container: StoredContainer) throws(RuntimeFailure) {
        _ = try arguments.onlyContainerID()
        let record = try container.record()
        guard container.status(record) != .stopped else {
            throw RuntimeFailure("container with id \(record.id) is not running")
        }
        let interval = try Self.milliseconds(arguments.value("interval") ?? "5s")
        let cgroup = record.cgroupPath.flatMap { path in
            (try? CGroupMounts.detect()).map { CGroup(path: path, mounts: $0) }
        }
        if arguments.flag("stats") { return Self.print(statistics(record, cgroup).text) }
        var kills = cgroup?.outOfMemoryKills() ?? 0
        while container.status(record) != .stopped {
            Self.print(statistics(record, cgroup).text)
            var waited: UInt32 = 0
            while waited < interval, container.status(record) != .stopped {
                Clock.sleep(milliseconds: min(100, interval - waited))
                waited += 100
                let now = cgroup?.outOfMemoryKills() ?? 0
                if now > kills {
                    Self.print(JSON.members([("type", .string("oom")), ("id", .string(record.id))]).text)
                }
                kills = now
            }
        }
    }

    /// `5s`, `500ms`, `1m`, as Go writes durations; one number and one unit.
    static func milliseconds(_ text: String) throws(RuntimeFailure) -> UInt32 {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let factors: [Substring: UInt32] = ["ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000]
        guard let number = UInt32(digits), let factor = factors[text.dropFirst(digits.count)], number > 0 else {
            throw RuntimeFailure("events: option --interval: expected a duration like 5s, found \"\(text)\"")
        }
        let (product, overflows) = number.multipliedReportingOverflow(by: factor)
        return overflows ? .max : product
    }

    private func statistics(_ record: ContainerRecord, _ cgroup: CGroup?) -> JSON {
        let metrics = ContainerMetrics(cgroup: cgroup, processes: processes(record)).read()
        let usage = metrics.memory?.usage
        let throttling = metrics.cpu?.throttling
        let cpu = JSON.members([
            ("usage", .members([("total", .integer(metrics.cpu?.usage?.total ?? 0))])),
            (
                "throttling",
                .members([
                    ("periods", .integer(throttling?.periods ?? 0)),
                    ("throttledPeriods", .integer(throttling?.throttledPeriods ?? 0)),
                    ("throttledTime", .integer(throttling?.throttledTime ?? 0)),
                ])
            ),
        ])
        let memory = JSON.members([
            ("cache", .integer(metrics.memory?.cache ?? 0)),
            (
                "usage",
                .members([
                    ("limit", .integer(usage?.limit ?? 0)), ("usage", .integer(usage?.usage ?? 0)),
                    ("max", .integer(usage?.max ?? 0)), ("failcnt", .integer(usage?.failcnt ?? 0)),
                ])
            ),
        ])
        let pids = JSON.members([
            ("current", .integer(metrics.pids?.current ?? 0)), ("limit", metrics.pids.map { .integer($0.limit) }),
        ])
        return .members([
            ("type", .string("stats")), ("id", .string(record.id)),
            ("data", .members([("cpu", cpu), ("memory", memory), ("pids", pids)])),
        ])
    }
}
