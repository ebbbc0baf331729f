// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what a guest gets, as plain values.

/// Everything a `WASIContext` is made from. Nothing that is not named here can be reached by the guest.
public struct WASIConfiguration: Sendable {
    /// argv; strings with NUL bytes are cut there.
    public var arguments: [String]
    /// `NAME=value`.
    public var environment: [String]
    /// The guest finds them as descriptors 3, 4, … in this order.
    public var preopens: [PreopenedDirectory]
    /// Listening sockets; descriptors right after the directories. They are made non-blocking.
    public var listeners: [Int32]
    public var network: NetworkAccess
    // LIMIT: descriptors the guest may hold at a time.
    public var descriptorCountMax: Int
    /// The host's descriptors that the guest has as 0, 1 and 2. They stay open whatever the guest does.
    public var standardDescriptors: [Int32] = [0, 1, 2]

    public init(
        arguments: [String] = [], environment: [String] = [], preopens: [PreopenedDirectory] = [],
        listeners: [Int32] = [], network: NetworkAccess = NetworkAccess(isAllowed: false),
        descriptorCountMax: Int = 1024
    ) {
        self.arguments = arguments
        self.environment = environment
        self.preopens = preopens
        self.listeners = listeners
        self.network = network
        self.descriptorCountMax = descriptorCountMax
    }
}

/// A directory that the guest finds open.
public struct PreopenedDirectory: Sendable {
    /// Open for reading, not O_PATH. The context owns it from now on.
    public var descriptor: Int32
    /// The name that `fd_prestat_dir_name` gives.
    public var guestPath: String
    /// Every operation that would change something below it fails with ROFS.
    public var isReadOnly: Bool

    public init(descriptor: Int32, guestPath: String, isReadOnly: Bool = false) {
        self.descriptor = descriptor
        self.guestPath = guestPath
        self.isReadOnly = isReadOnly
    }
}

/// What the guest may do with sockets. IPv4 addresses are in host byte order.
public struct NetworkAccess: Sendable {
    /// Without it, `sock_open` and `sock_getaddrinfo` answer ACCES.
    public var isAllowed: Bool
    /// A guest that binds the wildcard address is bound to this address instead; nil: as asked.
    public var podAddress: UInt32?
    /// Sockets already bound by the supervisor: the guest's bind to that port (wildcard or pod address) takes it.
    public var boundSockets: [(port: UInt16, descriptor: Int32)]
    /// Names that `sock_getaddrinfo` knows without asking anybody.
    public var hosts: [(name: String, address: UInt32)]
    /// Servers that `sock_getaddrinfo` asks, on UDP port 53 unless given otherwise.
    public var nameServers: [UInt32]
    public var nameServerPort: UInt16

    public init(
        isAllowed: Bool, podAddress: UInt32? = nil, boundSockets: [(port: UInt16, descriptor: Int32)] = [],
        hosts: [(name: String, address: UInt32)] = [], nameServers: [UInt32] = [], nameServerPort: UInt16 = 53
    ) {
        self.isAllowed = isAllowed
        self.podAddress = podAddress
        self.boundSockets = boundSockets
        self.hosts = hosts
        self.nameServers = nameServers
        self.nameServerPort = nameServerPort
    }
}
