// SPDX-License-Identifier: Apache-2.0
// Swiftlet end-to-end: Debian's docker-registry on a loopback port.

import FoundationEssentials
import Glibc
import TestSupport
import Testing

struct PeerFailure: Error, CustomStringConvertible {
    var description: String
}

/// Programs of Debian that these tests talk to.
enum Peer {
    static func path(_ name: String) -> String? {
        ["/usr/bin/\(name)", "/usr/sbin/\(name)"].first { access($0, X_OK) == 0 }
    }

    static func has(_ names: String...) -> Bool { names.allSatisfy { path($0) != nil } }

    /// Runs a peer that has to succeed; what it printed.
    @discardableResult
    static func run(_ name: String, _ arguments: [String], environment: [String: String]? = nil) throws -> String {
        let result = try Program.run(try #require(path(name)), arguments, environment: environment, seconds: 120)
        guard result.status.code == 0 else {
            throw PeerFailure(description: "\(name) \(arguments): \(result.output)\(result.errors)")
        }
        return result.output
    }
}

/// A folder of a test, an image store in it, and `swiftlet` on that store.
final class Workbench {
    let folder: String
    var environment: [String: String]

    init() throws {
        folder = "/tmp/swiftlet-peer-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        mkdir(folder, 0o755)
        environment = Program.currentEnvironment
        environment["SWIFTLET_IMAGES"] = "\(folder)/store"
        environment["HOME"] = folder
        environment["DOCKER_CONFIG"] = "\(folder)/docker"
        environment["SWIFTLET_REGISTRIES"] = ""
        for name in ["REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR"] { environment[name] = nil }
        mkdir("\(folder)/docker", 0o755)
    }

    deinit { _ = try? Program.run("/bin/rm", ["-rf", folder]) }

    func write(_ name: String, _ text: String) throws -> String {
        try Data(text.utf8).write(to: URL(filePath: "\(folder)/\(name)"))
        return "\(folder)/\(name)"
    }

    /// `swiftlet image …` that has to succeed; standard output.
    @discardableResult
    func image(_ arguments: String...) throws -> String {
        let result = try attempt(arguments)
        guard result.status.code == 0 else {
            throw PeerFailure(description: "swiftlet image \(arguments): \(result.output)\(result.errors)")
        }
        return result.output
    }

    func attempt(_ arguments: [String]) throws -> (status: Program.ExitStatus, output: String, errors: String) {
        try Program.run(BuiltProducts.program("swiftlet"), ["image"] + arguments, environment: environment)
    }

    /// Builds the hello guest under a name; its digest.
    func build(_ name: String, _ more: String...) throws -> String {
        let result = try attempt(["build", BuiltProducts.guest("hello"), "-t", name] + more)
        try #require(result.status.code == 0, "\(result.errors)")
        return result.output.split(separator: "@").last.map { String($0.dropLast()) } ?? ""
    }
}

/// `docker-registry serve` that ends with the value.
final class LocalRegistry {
    let host: String
    let caFile: String
    private let program: Program
    private let folder: String

    /// bcrypt of "secret".
    static let passwordLine = "me:$2y$05$AUUpSvqMPg/GSrkhk1zjguFyR6ykp4GzeAd1nTjivk447rdSPtCmW"

    init(authenticates: Bool = false, hasTLS: Bool = false) throws {
        folder = "/tmp/swiftlet-dockerregistry-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        mkdir(folder, 0o755)
        let port = try Self.freePort()
        host = "127.0.0.1:\(port)"
        caFile = "\(folder)/cert.pem"
        var settings = """
            version: 0.1
            log: {level: error}
            storage: {filesystem: {rootdirectory: \(folder)/data}}
            http:
              addr: \(host)

            """
        if hasTLS {
            try Peer.run(
                "openssl",
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=swiftlet test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                    "\(folder)/key.pem", "-out", caFile,
                ])
            settings += "  tls: {certificate: \(caFile), key: \(folder)/key.pem}\n"
        }
        if authenticates {
            try Data(Self.passwordLine.utf8).write(to: URL(filePath: "\(folder)/htpasswd"))
            settings += "auth: {htpasswd: {realm: test, path: \(folder)/htpasswd}}\n"
        }
        try Data(settings.utf8).write(to: URL(filePath: "\(folder)/config.yml"))
        program = try Program(
            try #require(Peer.path("docker-registry")), ["serve", "\(folder)/config.yml"],
            environment: Program.currentEnvironment.merging(["OTEL_TRACES_EXPORTER": "none"]) { _, new in new })
        let scheme = hasTLS ? "https" : "http"
        for _ in 0..<200 {
            let result = try Program.run("/usr/bin/curl", ["-sk", "-o", "/dev/null", "\(scheme)://\(host)/v2/"])
            if result.status.code == 0 { return }
            usleep(50_000)
        }
        throw PeerFailure(description: "docker-registry does not answer: \(program.standardError)")
    }

    deinit {
        program.signal(SIGTERM)
        _ = program.wait(seconds: 10)
        _ = try? Program.run("/bin/rm", ["-rf", folder])
    }

    /// A port that nobody has at this moment.
    private static func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        return try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                try #require(bind(descriptor, generic, size) == 0)
                try #require(getsockname(descriptor, generic, &size) == 0)
            }
            return UInt16(bigEndian: pointer.pointee.sin_port)
        }
    }
}
