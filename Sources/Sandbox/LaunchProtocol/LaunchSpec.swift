// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what a supervisor asks a sandbox process to run.

/// Everything a `swiftlet-sandbox` process needs to know, and everything it is granted.
///
/// The supervisor (shim, or `swiftlet run`) sends it as the first message on the control socket; until then the sandbox
/// does nothing, so the supervisor can put the process into its cgroup first. Descriptors are inherited, by number.
public struct LaunchSpec: Sendable, Equatable {
    /// `NAMESPACE/POD/CONTAINER`, or the module's file name for `swiftlet run`. For messages only.
    public var name: String
    /// Descriptor of the module, open for reading.
    public var moduleDescriptor: Int32
    /// Descriptor of an image of the module's native code, open for reading; nil: the interpreter does everything.
    ///
    /// It is code that the sandbox runs as it is: the supervisor answers for where it comes from.
    public var nativeDescriptor: Int32?
    /// Descriptor of a ``ProfileBuffer`` that the sandbox fills while the interpreter runs; nil: nobody wants to know.
    public var profileDescriptor: Int32?
    /// Export to call; `_start` unless the image says otherwise. `_initialize` is called before it where it exists.
    public var entrypoint: String
    /// argv of the guest, `arguments[0]` included.
    public var arguments: [String]
    /// `NAME=value`.
    public var environment: [String]
    public var preopens: [Preopen]
    public var network: NetworkGrant
    public var limits: GuestLimits
    public var engine: EngineChoice
    /// The WebAssembly features that the module may use, as `swiftlet run --features` takes them; empty: all.
    public var features: String
    public var identity: Identity
    /// Exports that `ControlRequest.probe` may call.
    public var probeExports: [String]
    /// Whether the kernel kills the sandbox when the supervisor's thread that started it ends (PR_SET_PDEATHSIG).
    public var endsWithSupervisor: Bool

    public init(
        name: String, moduleDescriptor: Int32, nativeDescriptor: Int32? = nil, profileDescriptor: Int32? = nil,
        entrypoint: String = "_start", arguments: [String] = [],
        environment: [String] = [], preopens: [Preopen] = [], network: NetworkGrant = .none,
        limits: GuestLimits = GuestLimits(), engine: EngineChoice = .auto, features: String = "",
        identity: Identity = Identity(), probeExports: [String] = [], endsWithSupervisor: Bool = true
    ) {
        self.name = name
        self.moduleDescriptor = moduleDescriptor
        self.nativeDescriptor = nativeDescriptor
        self.profileDescriptor = profileDescriptor
        self.entrypoint = entrypoint
        self.arguments = arguments
        self.environment = environment
        self.preopens = preopens
        self.network = network
        self.limits = limits
        self.engine = engine
        self.features = features
        self.identity = identity
        self.probeExports = probeExports
        self.endsWithSupervisor = endsWithSupervisor
    }
}

/// A directory (or a socket, see `NetworkGrant`) that the guest finds open.
public struct Preopen: Sendable, Equatable {
    public var descriptor: Int32
    /// The name that `fd_prestat_dir_name` gives.
    public var guestPath: String
    public var isReadOnly: Bool

    public init(descriptor: Int32, guestPath: String, isReadOnly: Bool) {
        self.descriptor = descriptor
        self.guestPath = guestPath
        self.isReadOnly = isReadOnly
    }
}

/// What the guest may do with sockets. Without a grant the seccomp filter has no socket calls at all.
public struct NetworkGrant: Sendable, Equatable {
    /// Whether `sock_open` and its kin work at all.
    public var isAllowed: Bool
    /// A guest that binds the wildcard address is bound to this IPv4 address (host byte order) instead; nil: as asked.
    public var podAddress: UInt32?
    /// Listening sockets in WASI preview 1's way: they are the guest's descriptors right after the preopened directories.
    public var listeners: [Int32]
    /// Sockets already bound by the supervisor (ports below 1024, say): a guest's bind to that port takes the descriptor.
    public var boundSockets: [BoundSocket]
    /// Names that `sock_getaddrinfo` knows without asking anybody, addresses in host byte order.
    public var hosts: [HostEntry]
    /// IPv4 name servers (host byte order) that `sock_getaddrinfo` asks.
    public var nameServers: [UInt32]

    public static let none = NetworkGrant(isAllowed: false)

    public init(
        isAllowed: Bool, podAddress: UInt32? = nil, listeners: [Int32] = [], boundSockets: [BoundSocket] = [],
        hosts: [HostEntry] = [], nameServers: [UInt32] = []
    ) {
        self.isAllowed = isAllowed
        self.podAddress = podAddress
        self.listeners = listeners
        self.boundSockets = boundSockets
        self.hosts = hosts
        self.nameServers = nameServers
    }
}

public struct BoundSocket: Sendable, Equatable {
    public var port: UInt16
    public var descriptor: Int32

    public init(port: UInt16, descriptor: Int32) {
        self.port = port
        self.descriptor = descriptor
    }
}

public struct HostEntry: Sendable, Equatable {
    public var name: String
    public var address: UInt32

    public init(name: String, address: UInt32) {
        self.name = name
        self.address = address
    }
}

/// Limits that the engine itself holds, whatever the cgroup does.
public struct GuestLimits: Sendable, Equatable {
    /// Largest linear memory in bytes; `memory.grow` fails beyond it.
    public var memoryBytes: UInt64
    /// How deep calls of the guest may nest if their frames take 160 bytes (20 values) on average; sets the value stack.
    public var callDepth: UInt32
    /// RLIMIT_NOFILE of the process.
    public var openFiles: UInt32

    /// Instructions that the guest may execute, counted as the engine says; nil: not counted.
    public var fuel: UInt64?

    public init(
        memoryBytes: UInt64 = 4 << 30, callDepth: UInt32 = 50_000, openFiles: UInt32 = 1024, fuel: UInt64? = nil
    ) {
        self.memoryBytes = memoryBytes
        self.callDepth = callDepth
        self.openFiles = openFiles
        self.fuel = fuel
    }
}

/// `swiftlet run --engine`, annotation `swiftlet.dev/engine`.
public enum EngineChoice: UInt8, Sendable, Equatable, CaseIterable {
    case auto = 0
    case interpreter = 1
    case aot = 2
}

/// Who the process becomes once it is set up. All capabilities go either way.
public struct Identity: Sendable, Equatable {
    /// nil: stay who the supervisor is.
    public var user: UInt32?
    public var group: UInt32?

    public init(user: UInt32? = nil, group: UInt32? = nil) {
        self.user = user
        self.group = group
    }
}
