// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the cgroup v1 metrics that Stats answers with.
public import Protobuf

/// Resource use of a container. containerd's CRI reads these fields on cgroup v2 hosts, too.
public struct Metrics: ProtobufMessage {
    public static let protobufName = "io.containerd.cgroups.v1.Metrics"
    public var pids: PidsStat?
    public var cpu: CPUStat?
    public var memory: MemoryStat?
    public var memoryOOMControl: MemoryOOMControl?

    public init() {}

    public init(
        pids: PidsStat?, cpu: CPUStat? = nil, memory: MemoryStat? = nil, memoryOOMControl: MemoryOOMControl? = nil
    ) {
        self.pids = pids
        self.cpu = cpu
        self.memory = memory
        self.memoryOOMControl = memoryOOMControl
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 2: pids = try field.message(PidsStat.self)
        case 3: cpu = try field.message(CPUStat.self)
        case 4: memory = try field.message(MemoryStat.self)
        case 9: memoryOOMControl = try field.message(MemoryOOMControl.self)
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.message(2, pids)
        writer.message(3, cpu)
        writer.message(4, memory)
        writer.message(9, memoryOOMControl)
    }
}

/// Number of processes.
public struct PidsStat: ProtobufMessage {
    public static let protobufName = "io.containerd.cgroups.v1.PidsStat"
    public var current: UInt64 = 0
    /// 0: none.
    public var limit: UInt64 = 0

    public init() {}

    public init(current: UInt64, limit: UInt64 = 0) {
        self.current = current
        self.limit = limit
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: current = try field.uint64()
        case 2: limit = try field.uint64()
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.uint64(1, current)
        writer.uint64(2, limit)
    }
}

/// Nanoseconds of CPU time.
public struct CPUUsage: ProtobufMessage {
    public static let protobufName = "io.containerd.cgroups.v1.CPUUsage"
    public var total: UInt64 = 0
    public var kernel: UInt64 = 0
    public var user: UInt64 = 0

    public init() {}

    public init(total: UInt64, kernel: UInt64 = 0, user: UInt64 = 0) {
        self.total = total
        self.kernel = kernel
        self.user = user
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: total = try field.uint64()
        case 2: kernel = try field.uint64()
        case 3: user = try field.uint64()
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.uint64(1, total)
        writer.uint64(2, kernel)
        writer.uint64(3, user)
    }
}

/// How the CFS quota held.
public struct Throttle: ProtobufMessage {
    public static let protobufName = "io.containerd.cgroups.v1.Throttle"
    public var periods: UInt64 = 0
    public var throttledPeriods: UInt64 = 0
    /// Nanoseconds.
    public var throttledTime: UInt64 = 0

    public init() {}

    public init(periods: UInt64, throttledPeriods: UInt64 = 0, throttledTime: UInt64 = 0) {
        self.periods = periods
        self.throttledPeriods = throttledPeriods
        self.throttledTime = throttledTime
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: periods = try field.uint64()
        case 2: throttledPeriods = try field.uint64()
        case 3: throttledTime = try field.uint64()
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.uint64(1, periods)
        writer.uint64(2, throttledPeriods)
        writer.uint64(3, throttledTime)
    }
}

/// CPU use.
public struct CPUStat: ProtobufMessage {
    public static let protobufName = "io.containerd.cgroups.v1.CPUStat"
    public var usage: CPUUsage?
    public var throttling: Throttle?

    public init() {}

    public init(usage: CPUUsage?, throttling: Throttle? = nil) {
        self.usage = usage
        self.throttling = throttling
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: usage = try field.message(CPUUsage.self)
        case 2: throttling = try field.message(Throttle.self)
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.message(1, usage)
        writer.message(2, throttling)
    }
}

/// One memory counter with its limit, in bytes.
public struct MemoryEntry: ProtobufMessage {
    public static let protobufName = "io.containerd.cgroups.v1.MemoryEntry"
    public var limit: UInt64 = 0
    public var usage: UInt64 = 0
    public var max: UInt64 = 0
    public var failcnt: UInt64 = 0

    public init() {}

    public init(limit: UInt64, usage: UInt64 = 0, max: UInt64 = 0, failcnt: UInt64 = 0) {
        self.limit = limit
        self.usage = usage
        self.max = max
        self.failcnt = failcnt
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: limit = try field.uint64()
        case 2: usage = try field.uint64()
        case 3: max = try field.uint64()
        case 4: failcnt = try field.uint64()
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.uint64(1, limit)
        writer.uint64(2, usage)
        writer.uint64(3, max)
        writer.uint64(4, failcnt)
    }
}

/// Memory use in bytes. The `total` fields include child cgroups.
public struct MemoryStat: ProtobufMessage {
    public static let protobufName = "io.containerd.cgroups.v1.MemoryStat"
    public var cache: UInt64 = 0
    public var rss: UInt64 = 0
    public var pageFaults: UInt64 = 0
    public var majorPageFaults: UInt64 = 0
    public var inactiveFile: UInt64 = 0
    public var activeFile: UInt64 = 0
    public var hierarchicalMemoryLimit: UInt64 = 0
    public var totalCache: UInt64 = 0
    public var totalRSS: UInt64 = 0
    public var totalPageFaults: UInt64 = 0
    public var totalMajorPageFaults: UInt64 = 0
    public var totalInactiveFile: UInt64 = 0
    public var totalActiveFile: UInt64 = 0
    public var usage: MemoryEntry?

    public init() {}

    public init(
        cache: UInt64, rss: UInt64 = 0, pageFaults: UInt64 = 0, majorPageFaults: UInt64 = 0, inactiveFile: UInt64 = 0,
        activeFile: UInt64 = 0, hierarchicalMemoryLimit: UInt64 = 0, totalCache: UInt64 = 0, totalRSS: UInt64 = 0,
        totalPageFaults: UInt64 = 0, totalMajorPageFaults: UInt64 = 0, totalInactiveFile: UInt64 = 0,
        totalActiveFile: UInt64 = 0, usage: MemoryEntry? = nil
    ) {
        self.cache = cache
        self.rss = rss
        self.pageFaults = pageFaults
        self.majorPageFaults = majorPageFaults
        self.inactiveFile = inactiveFile
        self.activeFile = activeFile
        self.hierarchicalMemoryLimit = hierarchicalMemoryLimit
        self.totalCache = totalCache
        self.totalRSS = totalRSS
        self.totalPageFaults = totalPageFaults
        self.totalMajorPageFaults = totalMajorPageFaults
        self.totalInactiveFile = totalInactiveFile
        self.totalActiveFile = totalActiveFile
        self.usage = usage
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: cache = try field.uint64()
        case 2: rss = try field.uint64()
        case 9: pageFaults = try field.uint64()
        case 10: majorPageFaults = try field.uint64()
        case 13: inactiveFile = try field.uint64()
        case 14: activeFile = try field.uint64()
        case 16: hierarchicalMemoryLimit = try field.uint64()
        case 18: totalCache = try field.uint64()
        case 19: totalRSS = try field.uint64()
        case 26: totalPageFaults = try field.uint64()
        case 27: totalMajorPageFaults = try field.uint64()
        case 30: totalInactiveFile = try field.uint64()
        case 31: totalActiveFile = try field.uint64()
        case 33: usage = try field.message(MemoryEntry.self)
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.uint64(1, cache)
        writer.uint64(2, rss)
        writer.uint64(9, pageFaults)
        writer.uint64(10, majorPageFaults)
        writer.uint64(13, inactiveFile)
        writer.uint64(14, activeFile)
        writer.uint64(16, hierarchicalMemoryLimit)
        writer.uint64(18, totalCache)
        writer.uint64(19, totalRSS)
        writer.uint64(26, totalPageFaults)
        writer.uint64(27, totalMajorPageFaults)
        writer.uint64(30, totalInactiveFile)
        writer.uint64(31, totalActiveFile)
        writer.message(33, usage)
    }
}

/// State of the OOM killer.
public struct MemoryOOMControl: ProtobufMessage {
    public static let protobufName = "io.containerd.cgroups.v1.MemoryOomControl"
    public var oomKillDisable: UInt64 = 0
    public var underOOM: UInt64 = 0
    /// Kills so far.
    public var oomKill: UInt64 = 0

    public init() {}

    public init(oomKillDisable: UInt64, underOOM: UInt64 = 0, oomKill: UInt64 = 0) {
        self.oomKillDisable = oomKillDisable
        self.underOOM = underOOM
        self.oomKill = oomKill
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: oomKillDisable = try field.uint64()
        case 2: underOOM = try field.uint64()
        case 3: oomKill = try field.uint64()
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.uint64(1, oomKillDisable)
        writer.uint64(2, underOOM)
        writer.uint64(3, oomKill)
    }
}
