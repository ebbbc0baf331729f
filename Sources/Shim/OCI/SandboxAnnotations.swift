// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the annotations by which a caller grants and names what config.json has no member for.

/// `swiftlet.dev/…` in `annotations`. See docs/reference/oci-annotations.md.
public struct SandboxAnnotations: Sendable, Equatable {
    public enum Key {
        public static let module = "swiftlet.dev/module"
        public static let podAddress = "swiftlet.dev/pod-address"
        public static let containerPorts = "swiftlet.dev/container-ports"
        public static let hosts = "swiftlet.dev/hosts"
        public static let nameServers = "swiftlet.dev/name-servers"
        public static let network = "swiftlet.dev/network"
        public static let engine = "swiftlet.dev/engine"
        public static let probeExports = "swiftlet.dev/probe-exports"
        public static let rootfs = "swiftlet.dev/rootfs"
    }

    /// An address in host byte order, as everywhere in the launch protocol.
    public struct Host: Sendable, Equatable {
        public var name: String
        public var address: UInt32

        public init(name: String, address: UInt32) {
            self.name = name
            self.address = address
        }
    }

    public struct Port: Sendable, Equatable {
        public enum Transport: String, Sendable, Equatable {
            case tcp = "TCP"
            case udp = "UDP"
        }

        public var number: UInt16
        public var transport: Transport

        public init(_ number: UInt16, _ transport: Transport = .tcp) {
            self.number = number
            self.transport = transport
        }
    }

    /// What the guest finds as `/`.
    public enum Rootfs: String, Sendable, Equatable {
        case none
        case readOnly = "read-only"
        case readWrite = "read-write"
    }

    public enum Engine: String, Sendable, Equatable {
        case auto
        case interpreter
        case aot
    }

    /// Host path of the module; nil: `process.args[0]` in the root file system.
    public var module: String?
    public var podAddress: UInt32?
    public var containerPorts: [Port] = []
    public var hosts: [Host] = []
    public var nameServers: [UInt32] = []
    /// Whether the guest may have sockets at all; nil: not said.
    public var isNetworkAllowed: Bool?
    public var engine: Engine = .auto
    public var probeExports: [String] = []
    /// nil: as `root.readonly` says.
    public var rootfs: Rootfs?

    public init() {}

    /// Reads them. An unknown name under `swiftlet.dev/` is an error: it asks for something that would not happen.
    public init(_ annotations: [String: String]) throws(SpecError) {
        for (key, value) in annotations.sorted(by: { $0.key < $1.key }) where key.hasPrefix("swiftlet.dev/") {
            func error(_ reason: String) -> SpecError { SpecError(path: "annotations[\"\(key)\"]", reason: reason) }
            let items = value.split(separator: ",").map(String.init)
            switch key {
            case Key.module:
                guard value.hasPrefix("/") else { throw error("expected an absolute path, found \"\(value)\"") }
                module = value
            case Key.podAddress:
                guard let address = Self.address(value) else {
                    throw error("expected an IPv4 address, found \"\(value)\"")
                }
                podAddress = address
            case Key.containerPorts:
                for item in items {
                    guard let port = Port(item) else { throw error("expected PORT/TCP or PORT/UDP, found \"\(item)\"") }
                    containerPorts.append(port)
                }
            case Key.hosts:
                for item in items {
                    let parts = item.split(separator: "=", maxSplits: 1).map(String.init)
                    guard parts.count == 2, let address = Self.address(parts[1]) else {
                        throw error("expected NAME=ADDRESS, found \"\(item)\"")
                    }
                    hosts.append(Host(name: parts[0], address: address))
                }
            case Key.nameServers:
                for item in items {
                    guard let address = Self.address(item) else {
                        throw error("expected an IPv4 address, found \"\(item)\"")
                    }
                    nameServers.append(address)
                }
            case Key.network:
                guard value == "none" || value == "default" else {
                    throw error("expected \"none\" or \"default\", found \"\(value)\"")
                }
                isNetworkAllowed = value == "default"
            case Key.engine:
                guard let choice = Engine(rawValue: value) else {
                    throw error("expected auto, interpreter or aot, found \"\(value)\"")
                }
                engine = choice
            case Key.probeExports: probeExports = items
            case Key.rootfs:
                guard let choice = Rootfs(rawValue: value) else {
                    throw error("expected none, read-only or read-write, found \"\(value)\"")
                }
                rootfs = choice
            default: throw error("is not known")
            }
        }
    }

    /// The annotations that say this; what is at its default is left out.
    public var annotations: [String: String] {
        var result: [String: String] = [:]
        result[Key.module] = module
        result[Key.podAddress] = podAddress.map(Self.text)
        func list(_ items: [String]) -> String? { items.isEmpty ? nil : items.joined(separator: ",") }
        result[Key.containerPorts] = list(containerPorts.map { "\($0.number)/\($0.transport.rawValue)" })
        result[Key.hosts] = list(hosts.map { "\($0.name)=\(Self.text($0.address))" })
        result[Key.nameServers] = list(nameServers.map(Self.text))
        result[Key.network] = isNetworkAllowed.map { $0 ? "default" : "none" }
        result[Key.engine] = engine == .auto ? nil : engine.rawValue
        result[Key.probeExports] = list(probeExports)
        result[Key.rootfs] = rootfs?.rawValue
        return result
    }

    /// `127.64.0.1` in host byte order; nil for anything but four decimal numbers without leading zeros.
    public static func address(_ text: String) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            guard part.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let byte = UInt8(part), "\(byte)" == part else {
                return nil
            }
            address = address << 8 | UInt32(byte)
        }
        return address
    }

    public static func text(_ address: UInt32) -> String {
        [24, 16, 8, 0].map { "\(address >> $0 & 0xff)" }.joined(separator: ".")
    }
}

extension SandboxAnnotations.Port {
    /// `8080/TCP`; `8080` is TCP.
    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let number = UInt16(parts[0]), number > 0 else { return nil }
        guard let transport = parts.count == 1 ? .tcp : Transport(rawValue: String(parts[1])) else { return nil }
        self.init(number, transport)
    }
}
