// SPDX-License-Identifier: Apache-2.0
// Swiftlet: how registries are reached: mirrors, certificates, plain HTTP.

public import Images
import Linux
import NIOSSL
import OCI

/// What is said of registries in `registries.json`; without it, every registry is spoken to over TLS, and one on a
/// loopback address over plain HTTP.
///
/// ```json
/// {"registries": {"docker.io": {"mirrors": ["https://mirror.example:5000"]},
///                 "registry.example": {"caFile": "/etc/ssl/example.pem"},
///                 "10.0.0.5:5000": {"plainHTTP": true}}}
/// ```
public struct RegistryConfiguration: Sendable, Equatable {
    public struct Host: Sendable, Equatable {
        /// Addresses that are asked first, in this order; they carry the same repositories.
        public var mirrors: [String] = []
        /// nil: as the host is; true for loopback.
        public var plainHTTP: Bool?
        /// Certificates to trust beside the system's; PEM.
        public var caFile: String?
        /// Takes any certificate.
        public var skipsVerification = false

        public init(
            mirrors: [String] = [], plainHTTP: Bool? = nil, caFile: String? = nil, skipsVerification: Bool = false
        ) {
            self.mirrors = mirrors
            self.plainHTTP = plainHTTP
            self.caFile = caFile
            self.skipsVerification = skipsVerification
        }
    }

    /// By the registry's name, with its port.
    public var hosts: [String: Host]

    public init(hosts: [String: Host] = [:]) { self.hosts = hosts }

    /// Reads `registries.json`.
    public init(path: String) throws(ImageError) {
        let bytes: [UInt8]
        do { bytes = try Files.read(path, limit: 1 << 20) } catch { throw ImageError(error) }
        let json: JSON
        do { json = try JSON(parsing: bytes) } catch { throw ImageError(.invalidContent, "\(path): \(error)") }
        func wrong(_ place: String, _ expected: String) -> ImageError {
            ImageError(.invalidContent, "\(path): \(place): expected \(expected)")
        }
        guard case .object(let members)? = json["registries"] else { throw wrong("registries", "an object") }
        hosts = [:]
        for member in members {
            guard case .object(let fields) = member.value else { throw wrong(member.name, "an object") }
            var host = Host()
            for field in fields {
                let place = "\(member.name): \(field.name)"
                switch (field.name, field.value) {
                case ("mirrors", .array(let list)):
                    for element in list {
                        guard case .string(let text) = element, HTTPAddress(text) != nil else {
                            throw wrong(place, "addresses such as https://mirror.example")
                        }
                        host.mirrors.append(text)
                    }
                case ("plainHTTP", .bool(let value)): host.plainHTTP = value
                case ("caFile", .string(let value)): host.caFile = value
                case ("skipsVerification", .bool(let value)): host.skipsVerification = value
                default:
                    throw wrong(place, "mirrors, plainHTTP, caFile or skipsVerification, each of its own type")
                }
            }
            hosts[member.name] = host
        }
    }

    /// The places to ask for a registry's images: mirrors, then itself.
    func endpoints(of registry: String) -> [HTTPAddress] {
        let host = hosts[registry]
        let mirrors = (host?.mirrors ?? []).compactMap { HTTPAddress($0) }
        return mirrors + [origin(of: registry)].compactMap(\.self)
    }

    /// The registry itself.
    func origin(of registry: String) -> HTTPAddress? {
        let name = registry == "docker.io" ? "registry-1.docker.io" : registry
        let host = hosts[registry]
        let isPlain = host?.plainHTTP ?? (Self.isLoopback(name) && host?.caFile == nil)
        return HTTPAddress("\(isPlain ? "http" : "https")://\(name)/")
    }

    private static func isLoopback(_ name: String) -> Bool {
        if name.hasPrefix("[::1]") { return true }
        let host = name.prefix { $0 != ":" }
        let parts = host.split(separator: ".")
        return host == "localhost" || parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// What TLS needs to know about a host. Certificates beside the system's come from the file named here, or from
    /// `/etc/docker/certs.d/HOST/ca.crt`, where docker and containerd look.
    func tlsContext(_ address: HTTPAddress) throws -> NIOSSLContext {
        let host = hosts[address.authority] ?? hosts["\(address.host):\(address.port)"]
        var configuration = TLSConfiguration.makeClientConfiguration()
        let conventional = "/etc/docker/certs.d/\(address.authority)/ca.crt"
        if let file = host?.caFile ?? (Files.exists(conventional) ? conventional : nil) {
            configuration.additionalTrustRoots = [.certificates(try NIOSSLCertificate.fromPEMFile(file))]
        }
        if host?.skipsVerification == true { configuration.certificateVerification = .none }
        return try NIOSSLContext(configuration: configuration)
    }
}
