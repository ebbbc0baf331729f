// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the part of the OCI runtime specification's config.json that we obey.

/// config.json of a bundle.
///
/// See: opencontainers/runtime-spec config.md. As the specification asks, unknown members are ignored. What is known and
/// neither obeyed nor harmless to leave out is refused; docs/reference/oci-annotations.md lists every member.
public struct RuntimeSpec: Sendable, Equatable {
    public var ociVersion: String
    public var process: ProcessSpec?
    public var root: RootSpec?
    public var hostname: String?
    public var mounts: [MountSpec]
    public var annotations: [String: String]
    public var linux: LinuxSpec?
    public var hooks = HooksSpec()

    public init(
        ociVersion: String = "1.1.0", process: ProcessSpec? = nil, root: RootSpec? = nil, hostname: String? = nil,
        mounts: [MountSpec] = [], annotations: [String: String] = [:], linux: LinuxSpec? = nil
    ) {
        self.ociVersion = ociVersion
        self.process = process
        self.root = root
        self.hostname = hostname
        self.mounts = mounts
        self.annotations = annotations
        self.linux = linux
    }
}

/// `process`, also the spec of an exec.
public struct ProcessSpec: Sendable, Equatable {
    public var isTerminal = false
    /// nil: not said.
    public var consoleSize: ConsoleSize?
    public var args: [String]
    /// `NAME=value`.
    public var env: [String]
    public var cwd: String
    /// The user the sandbox process becomes.
    public var uid: UInt32
    public var gid: UInt32
    /// `RLIMIT_NOFILE`'s soft limit, the one rlimit that means something to a guest.
    public var openFilesLimit: UInt64?
    public var oomScoreAdj: Int?

    public init(
        args: [String], env: [String] = [], cwd: String = "/", uid: UInt32 = 0, gid: UInt32 = 0,
        openFilesLimit: UInt64? = nil, oomScoreAdj: Int? = nil
    ) {
        self.args = args
        self.env = env
        self.cwd = cwd
        self.uid = uid
        self.gid = gid
        self.openFilesLimit = openFilesLimit
        self.oomScoreAdj = oomScoreAdj
    }
}

/// Size of a terminal in characters.
public struct ConsoleSize: Sendable, Equatable {
    public var columns: UInt16
    public var rows: UInt16

    public init(columns: UInt16, rows: UInt16) {
        self.columns = columns
        self.rows = rows
    }
}

/// `root`.
public struct RootSpec: Sendable, Equatable {
    /// Absolute, or relative to the bundle.
    public var path: String
    public var isReadOnly: Bool

    public init(path: String, isReadOnly: Bool = false) {
        self.path = path
        self.isReadOnly = isReadOnly
    }
}

/// One of `mounts`.
public struct MountSpec: Sendable, Equatable {
    public var destination: String
    /// `bind`, `tmpfs`, …; empty with the option `bind` or `rbind` is a bind mount, too.
    public var type: String
    public var source: String
    public var options: [String]

    public init(destination: String, type: String = "bind", source: String, options: [String] = []) {
        self.destination = destination
        self.type = type
        self.source = source
        self.options = options
    }

    public var isBind: Bool { type == "bind" || options.contains("bind") || options.contains("rbind") }
    /// The last of `ro` and `rw` wins, as in mount(8).
    public var isReadOnly: Bool { options.last { $0 == "ro" || $0 == "rw" } == "ro" }
}

/// `linux`.
public struct LinuxSpec: Sendable, Equatable {
    public var resources: ResourcesSpec
    /// Path below the cgroup mounts; nil: the shim chooses one.
    public var cgroupsPath: String?
    public var namespaces: [NamespaceSpec]
    /// User namespace mappings. A guest's user is given by the host's number of it.
    public var uidMappings: [IDMapping] = []
    public var gidMappings: [IDMapping] = []
    /// Kernel parameters by name: `net.ipv4.ip_unprivileged_port_start`.
    public var sysctl: [String: String] = [:]

    public init(
        resources: ResourcesSpec = ResourcesSpec(), cgroupsPath: String? = nil, namespaces: [NamespaceSpec] = []
    ) {
        self.resources = resources
        self.cgroupsPath = cgroupsPath
        self.namespaces = namespaces
    }
}

/// One of `linux.uidMappings` or `linux.gidMappings`.
public struct IDMapping: Sendable, Equatable {
    public var containerID: UInt32
    public var hostID: UInt32
    public var size: UInt32

    public init(containerID: UInt32, hostID: UInt32, size: UInt32) {
        self.containerID = containerID
        self.hostID = hostID
        self.size = size
    }

    /// The host's number of a container's user or group; without mappings the same, nil when no mapping has it.
    public static func host(_ identifier: UInt32, _ mappings: [IDMapping]) -> UInt32? {
        guard !mappings.isEmpty else { return identifier }
        for mapping in mappings where identifier >= mapping.containerID {
            let offset = identifier - mapping.containerID
            if offset < mapping.size, mapping.hostID <= .max - offset { return mapping.hostID + offset }
        }
        return nil
    }
}

/// One of `linux.namespaces`.
public struct NamespaceSpec: Sendable, Equatable {
    public var type: String
    /// nil: a new one.
    public var path: String?

    public init(type: String, path: String? = nil) {
        self.type = type
        self.path = path
    }
}

/// `linux.resources`. nil (and 0 or below for memory, quota and pids): no limit.
public struct ResourcesSpec: Sendable, Equatable {
    /// `memory.limit` in bytes.
    public var memoryLimitBytes: Int64?
    /// `cpu.quota` in microseconds per period.
    public var cpuQuotaMicroseconds: Int64?
    public var cpuPeriodMicroseconds: UInt64?
    public var cpuShares: UInt64?
    /// `pids.limit`.
    public var pidsLimit: Int64?

    public init(
        memoryLimitBytes: Int64? = nil, cpuQuotaMicroseconds: Int64? = nil, cpuPeriodMicroseconds: UInt64? = nil,
        cpuShares: UInt64? = nil, pidsLimit: Int64? = nil
    ) {
        self.memoryLimitBytes = memoryLimitBytes
        self.cpuQuotaMicroseconds = cpuQuotaMicroseconds
        self.cpuPeriodMicroseconds = cpuPeriodMicroseconds
        self.cpuShares = cpuShares
        self.pidsLimit = pidsLimit
    }
}
