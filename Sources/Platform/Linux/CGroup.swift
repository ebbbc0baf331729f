// SPDX-License-Identifier: Apache-2.0
// Swiftlet: control groups, version 1 (a hierarchy per controller) and version 2 (one for all).

public import Glibc

/// Where the machine keeps its cgroup controllers (cgroups(7)).
public struct CGroupMounts: Sendable, Equatable {
    /// Mount point by controller, version 1.
    public var controllers: [String: String] = [:]
    /// Mount point of version 2, where it has controllers.
    public var unified: String?
    /// Controllers that version 2 offers at its root.
    public var unifiedControllers: [String] = []

    /// What this process may use: the machine's hierarchies, or, without root, the part of version 2's that was
    /// delegated to its user. Read once: they do not move while a machine runs, and its list of mounts may be long.
    public static func detect() throws(SystemError) -> CGroupMounts { try detected.get() }

    private static let detected: Result<CGroupMounts, SystemError> = {
        do throws(SystemError) { return .success(try read()) } catch { return .failure(error) }
    }()

    private static func read() throws(SystemError) -> CGroupMounts {
        var mounts = CGroupMounts(mountInfo: try Files.readText("/proc/self/mountinfo"), readWords: Self.words)
        if geteuid() != 0, mounts.isUnified {
            let membership = try Files.readText("/proc/self/cgroup")
            mounts.enterDelegation(membership: membership, readWords: Self.words) { directory in
                ["", "/cgroup.procs", "/cgroup.subtree_control"].allSatisfy { access(directory + $0, W_OK) == 0 }
            }
        }
        return mounts
    }

    private static func words(of path: String) -> [String] {
        (try? Files.readText(path)).map { $0.split { $0 == " " || $0 == "\n" }.map(String.init) } ?? []
    }

    /// Takes the topmost group above this process that its user may manage for the root (cgroups(7), "Delegation").
    /// Nothing changes where there is none. The topmost, so that every process of an instance finds the same.
    ///
    /// - Parameter membership: text of /proc/PID/cgroup.
    package mutating func enterDelegation(
        membership: String, readWords: (String) -> [String], isManageable: (String) -> Bool
    ) {
        let lines = membership.split(separator: "\n")
        guard var directory = unified, let line = lines.first(where: { $0.hasPrefix("0::/") }) else { return }
        for part in line.dropFirst(4).split(separator: "/") {
            directory += "/\(part)"
            guard isManageable(directory) else { continue }
            unified = directory
            unifiedControllers = readWords("\(directory)/cgroup.controllers")
            return
        }
    }

    /// Reads mountinfo (proc(5)): fields, ` - `, type, source, super options.
    package init(mountInfo: String, readWords: (String) -> [String]) {
        for line in mountInfo.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), dash >= 5, fields.count > dash + 3 else { continue }
            let mountPoint = String(fields[4])
            switch fields[dash + 1] {
            case "cgroup":
                for option in fields[dash + 3].split(separator: ",") where Self.names.contains(String(option)) {
                    controllers[String(option)] = mountPoint
                }
            case "cgroup2":
                unifiedControllers = readWords("\(mountPoint)/cgroup.controllers")
                unified = mountPoint
            default: break
            }
        }
    }

    private static let names: Set<String> = ["cpu", "cpuacct", "memory", "pids", "freezer"]

    /// Whether version 2 is the one that has the controllers we need.
    public var isUnified: Bool { unified != nil && unifiedControllers.contains("memory") }

    public func has(_ controller: String) -> Bool {
        isUnified ? unifiedControllers.contains(controller) : controllers[controller] != nil
    }
}

/// Limits for a group of processes; nil: none.
public struct ResourceLimits: Sendable, Equatable {
    /// Memory of all processes together, without swap.
    public var memoryBytes: UInt64?
    /// CPU time per period, in microseconds; 50 000 of 100 000 is half a CPU.
    public var cpuQuotaMicroseconds: UInt64?
    public var cpuPeriodMicroseconds: UInt64 = 100_000
    /// Share of the CPU when it is scarce, in version 1's unit (1024 is one CPU's request).
    public var cpuShares: UInt64?
    public var processes: UInt64?

    public init(
        memoryBytes: UInt64? = nil, cpuQuotaMicroseconds: UInt64? = nil, cpuPeriodMicroseconds: UInt64 = 100_000,
        cpuShares: UInt64? = nil, processes: UInt64? = nil
    ) {
        self.memoryBytes = memoryBytes
        self.cpuQuotaMicroseconds = cpuQuotaMicroseconds
        self.cpuPeriodMicroseconds = cpuPeriodMicroseconds
        self.cpuShares = cpuShares
        self.processes = processes
    }

    public var isEmpty: Bool {
        memoryBytes == nil && cpuQuotaMicroseconds == nil && cpuShares == nil && processes == nil
    }

    /// The controllers that hold these limits, version 1's names.
    var controllers: [String] {
        var names: [String] = []
        if memoryBytes != nil { names.append("memory") }
        if cpuQuotaMicroseconds != nil || cpuShares != nil { names.append("cpu") }
        if processes != nil { names.append("pids") }
        return names
    }

    /// `cpu.weight` of version 2 for a share of version 1: 2…262144 onto 1…10000, as the Kubernetes' runtimes do it.
    package var cpuWeight: UInt64? {
        cpuShares.map { 1 + (min(max($0, 2), 262_144) - 2) * 9999 / 262_142 }
    }
}

/// One group, in all the hierarchies it needs. Values name it; nothing is held open.
public struct CGroup: Sendable, Equatable {
    /// `swiftlet-x/podUID/container`, without a leading slash.
    public let path: String
    public let mounts: CGroupMounts

    public init(path: String, mounts: CGroupMounts) {
        self.path = path
        self.mounts = mounts
    }

    /// Makes the group with its limits; one that exists gets the limits. A controller that the machine lacks is ENODEV.
    /// - Parameter inAll: in every hierarchy of version 1 that we know, not only in those that hold a limit.
    public func create(_ limits: ResourceLimits, inAll: Bool = false) throws(SystemError) {
        for controller in limits.controllers where !mounts.has(controller) {
            throw SystemError(call: "cgroup", path: controller, errno: .noDevice)
        }
        if mounts.isUnified {
            try createUnified(limits)
        } else {
            for controller in limits.controllers { try makeDirectories(in: controller) }
            // Always one more, without a limit: the tree is how a later start finds what was left behind.
            if mounts.has("pids") { try makeDirectories(in: "pids") }
            if inAll {
                for controller in ["memory", "cpu", "cpuacct", "freezer"] where mounts.has(controller) {
                    try makeDirectories(in: controller)
                }
            }
            try apply(limits)
        }
    }

    /// Changes the limits of a group that exists.
    public func apply(_ limits: ResourceLimits) throws(SystemError) {
        if mounts.isUnified { try applyUnified(limits) } else { try applyPerController(limits) }
    }

    /// Moves a process into the group.
    public func add(_ process: pid_t) throws(SystemError) {
        for directory in existingDirectories() {
            try Files.write("\(process)", toExisting: "\(directory)/cgroup.procs")
        }
    }

    /// The processes in the group.
    public func processes() -> [pid_t] {
        var found: Set<pid_t> = []
        for directory in existingDirectories() {
            guard let text = try? Files.readText("\(directory)/cgroup.procs") else { continue }
            for line in text.split(separator: "\n") { if let process = pid_t(line) { found.insert(process) } }
        }
        return found.sorted()
    }

    /// How often the kernel killed a process here because the memory limit was reached.
    public func outOfMemoryKills() -> UInt64 {
        let file = mounts.isUnified ? "memory.events" : "memory.oom_control"
        guard let directory = directory(of: "memory"), let text = try? Files.readText("\(directory)/\(file)") else {
            return 0
        }
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, words[0] == "oom_kill" { return UInt64(words[1]) ?? 0 }
        }
        return 0
    }

    /// Bytes in use now, with page cache; nil without the memory controller.
    public func memoryBytes() -> UInt64? {
        let file = mounts.isUnified ? "memory.current" : "memory.usage_in_bytes"
        guard let directory = directory(of: "memory"), let text = try? Files.readText("\(directory)/\(file)") else {
            return nil
        }
        return UInt64(text.prefix { $0 != "\n" })
    }

    /// Stops (or continues) all processes of the group.
    public func setFrozen(_ isFrozen: Bool) throws(SystemError) {
        if mounts.isUnified {
            guard let directory = directory(of: "freezer") else { return }
            return try Files.write(isFrozen ? "1" : "0", toExisting: "\(directory)/cgroup.freeze")
        }
        guard mounts.has("freezer") else { throw SystemError(call: "cgroup", path: "freezer", errno: .noDevice) }
        let members = processes()
        try makeDirectories(in: "freezer")
        guard let directory = directory(of: "freezer") else { return }
        for process in members { try Files.write("\(process)", toExisting: "\(directory)/cgroup.procs") }
        try Files.write(isFrozen ? "FROZEN" : "THAWED", toExisting: "\(directory)/freezer.state")
    }

    /// Kills every process of the group.
    public func killAll() {
        for process in processes() { _ = Glibc.kill(process, SIGKILL) }
    }

    /// Removes the group if there is nothing in it. Returns whether it is gone.
    public func removeEmpty() -> Bool {
        existingDirectories().allSatisfy { rmdir($0) == 0 || Errno.current == .noSuchFile }
    }

    /// Removes the group and the groups below it. A process that is just leaving keeps it busy for a moment, so this
    /// tries again until the time is over.
    public func remove(timeoutMilliseconds: UInt32 = 2000) throws(SystemError) {
        if removeEmpty() { return }
        let deadline = Clock.monotonicNanoseconds() + UInt64(timeoutMilliseconds) * 1_000_000
        for directory in existingDirectories() { try Self.removeTree(directory, deadline: deadline, depth: 0) }
    }
}

// MARK: - Directories

extension CGroup {
    /// The groups right below this one.
    public func children() -> [CGroup] {
        var names: Set<String> = []
        for directory in existingDirectories() {
            names.formUnion((try? Files.names(in: directory, onlyDirectories: true)) ?? [])
        }
        return names.sorted().map { CGroup(path: path.isEmpty ? $0 : "\(path)/\($0)", mounts: mounts) }
    }

    /// All groups below this one, deepest first.
    public func descendants() -> [CGroup] { children().flatMap { $0.descendants() + [$0] } }

    private static let all = ["memory", "cpu", "cpuacct", "pids", "freezer"]

    /// The group's directory in the hierarchy of a controller, where the controller is mounted.
    func directory(of controller: String) -> String? {
        if mounts.isUnified { return mounts.unified.map { "\($0)/\(path)" } }
        return mounts.controllers[controller].map { "\($0)/\(path)" }
    }

    func existingDirectories() -> [String] {
        var directories: [String] = []
        for controller in Self.all {
            guard let directory = directory(of: controller), !directories.contains(directory) else { continue }
            if Files.exists(directory) { directories.append(directory) }
        }
        return directories
    }

    private func makeDirectories(in controller: String) throws(SystemError) {
        guard var directory = mounts.controllers[controller] else { return }
        for part in path.split(separator: "/") {
            directory += "/\(part)"
            try Files.makeDirectory(directory)
        }
    }

    private static func removeTree(_ directory: String, deadline: UInt64, depth: Int) throws(SystemError) {
        // LIMIT: our groups are three deep; more is not ours.
        guard depth < 8 else { throw SystemError(call: "rmdir", path: directory, errno: .directoryNotEmpty) }
        for name in (try? Files.names(in: directory, onlyDirectories: true)) ?? [] {
            try removeTree("\(directory)/\(name)", deadline: deadline, depth: depth + 1)
        }
        while true {
            do { return try Files.removeDirectory(directory) } catch {
                guard error.errno == .busy, Clock.monotonicNanoseconds() < deadline else { throw error }
                Clock.sleep(milliseconds: 2)
            }
        }
    }
}

// MARK: - Limits

extension CGroup {
    private func applyPerController(_ limits: ResourceLimits) throws(SystemError) {
        if let bytes = limits.memoryBytes, let directory = directory(of: "memory") {
            try Self.writeMemoryLimit(bytes, directory)
        }
        if let directory = directory(of: "cpu") {
            if let quota = limits.cpuQuotaMicroseconds {
                try Files.write("\(limits.cpuPeriodMicroseconds)", toExisting: "\(directory)/cpu.cfs_period_us")
                try Files.write("\(quota)", toExisting: "\(directory)/cpu.cfs_quota_us")
            }
            if let shares = limits.cpuShares { try Files.write("\(shares)", toExisting: "\(directory)/cpu.shares") }
        }
        if let processes = limits.processes, let directory = directory(of: "pids") {
            try Files.write("\(processes)", toExisting: "\(directory)/pids.max")
        }
    }

    /// Memory plus swap is never below memory: the order of the two writes depends on which way the limit moves.
    private static func writeMemoryLimit(_ bytes: UInt64, _ directory: String) throws(SystemError) {
        let memory = "\(directory)/memory.limit_in_bytes"
        let withSwap = "\(directory)/memory.memsw.limit_in_bytes"
        guard Files.exists(withSwap) else { return try Files.write("\(bytes)", toExisting: memory) }
        do {
            try Files.write("\(bytes)", toExisting: memory)
            try Files.write("\(bytes)", toExisting: withSwap)
        } catch {
            guard error.errno == .invalidArgument else { throw error }
            try Files.write("\(bytes)", toExisting: withSwap)
            try Files.write("\(bytes)", toExisting: memory)
        }
    }

    private func createUnified(_ limits: ResourceLimits) throws(SystemError) {
        guard var directory = mounts.unified else { return }
        let wanted = limits.controllers.map { "+\($0)" }.joined(separator: " ")
        for part in path.split(separator: "/") {
            if !wanted.isEmpty { try enableControllers(wanted, in: directory) }
            directory += "/\(part)"
            try Files.makeDirectory(directory)
        }
        try applyUnified(limits)
    }

    /// A group that has processes gives its controllers to no group below it. The root that was delegated to us may hold
    /// ourselves: its processes then move into a group of their own, as every manager of a delegated group does it.
    private func enableControllers(_ wanted: String, in directory: String) throws(SystemError) {
        let control = "\(directory)/cgroup.subtree_control"
        do { return try Files.write(wanted, toExisting: control) } catch {
            guard error.errno == .busy, directory == mounts.unified else { throw error }
        }
        let leaf = "\(directory)/\(Self.supervisorsGroup)"
        try Files.makeDirectory(leaf)
        for line in try Files.readText("\(directory)/cgroup.procs").split(separator: "\n") {
            do { try Files.write(String(line), toExisting: "\(leaf)/cgroup.procs") } catch {
                // One that has just ended needs no place.
                if error.errno != .noSuchProcess { throw error }
            }
        }
        try Files.write(wanted, toExisting: control)
    }

    /// Where the processes of a delegated group go that were in the group itself.
    static let supervisorsGroup = "supervisors"

    private func applyUnified(_ limits: ResourceLimits) throws(SystemError) {
        guard let directory = directory(of: "memory") else { return }
        if let bytes = limits.memoryBytes {
            try Files.write("\(bytes)", toExisting: "\(directory)/memory.max")
            if Files.exists("\(directory)/memory.swap.max") {
                try Files.write("0", toExisting: "\(directory)/memory.swap.max")
            }
        }
        if let quota = limits.cpuQuotaMicroseconds {
            try Files.write("\(quota) \(limits.cpuPeriodMicroseconds)", toExisting: "\(directory)/cpu.max")
        }
        if let weight = limits.cpuWeight { try Files.write("\(weight)", toExisting: "\(directory)/cpu.weight") }
        if let processes = limits.processes { try Files.write("\(processes)", toExisting: "\(directory)/pids.max") }
    }
}
