// SPDX-License-Identifier: Apache-2.0
// Swiftlet: who we are to a registry: docker's config.json, pull secrets, credential helpers.

import Glibc
public import Images
import Linux
import OCI

/// A user and a password, or a token that stands for them.
public struct Credentials: Sendable, Equatable {
    public var user: String
    public var password: String
    /// For the OAuth2 flow, in place of both.
    public var identityToken: String

    public init(user: String, password: String, identityToken: String = "") {
        self.user = user
        self.password = password
        self.identityToken = identityToken
    }
}

/// The credentials of one config.json, or of one pull secret.
///
/// See: docker's config.json (auths, credHelpers, credsStore), kubernetes.io/dockerconfigjson and kubernetes.io/dockercfg.
public struct CredentialFile: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        var key: String
        var credentials: Credentials
    }

    var entries: [Entry] = []
    var helpers: [String: String] = [:]
    var store = ""

    public init() {}

    /// - Parameter name: for error texts.
    public init(parsing bytes: [UInt8], name: String) throws(ImageError) {
        let json: JSON
        do { json = try JSON(parsing: bytes) } catch { throw ImageError(.invalidContent, "\(name): \(error)") }
        guard case .object(let members) = json else {
            throw ImageError(.invalidContent, "\(name): expected an object, found \(json.kind)")
        }
        // The older form has the entries at the top.
        let isOld = json["auths"] == nil && json["credHelpers"] == nil && json["credsStore"] == nil
        var auths = isOld ? members : []
        if case .object(let list)? = json["auths"] { auths = list }
        for member in auths {
            guard case .object = member.value else { continue }
            if let credentials = try Self.credentials(member.value, "\(name): \(member.name)") {
                entries.append(Entry(key: member.name, credentials: credentials))
            }
        }
        if case .object(let list)? = json["credHelpers"] {
            for member in list { if case .string(let helper) = member.value { helpers[member.name] = helper } }
        }
        if case .string(let value)? = json["credsStore"] { store = value }
    }

    private static func credentials(_ value: JSON, _ place: String) throws(ImageError) -> Credentials? {
        func text(_ name: String) -> String {
            if case .string(let text)? = value[name] { return text }
            return ""
        }
        var credentials = Credentials(
            user: text("username"), password: text("password"), identityToken: text("identitytoken"))
        if !text("auth").isEmpty {
            guard let decoded = Base64.decode(text("auth")), let colon = decoded.firstIndex(of: ":") else {
                throw ImageError(.invalidContent, "\(place): auth: expected USER:PASSWORD in Base64")
            }
            credentials.user = String(decoded[..<colon])
            let password = decoded[decoded.index(after: colon)...]
            // Some tools pad with NULs.
            credentials.password = String(password.prefix { $0 != "\0" })
        }
        return credentials.user.isEmpty && credentials.identityToken.isEmpty ? nil : credentials
    }

    /// The credentials of the entry that fits the repository best: the longest path wins, as in Kubernetes.
    func credentials(for name: ImageName) throws(ImageError) -> Credentials? {
        var best: (length: Int, credentials: Credentials)?
        for entry in entries {
            guard let length = Self.match(entry.key, name), length > best?.length ?? -1 else { continue }
            best = (length, entry.credentials)
        }
        if let best { return best.credentials }
        let server = name.registry == "docker.io" ? "https://index.docker.io/v1/" : name.registry
        if let helper = helpers[server] ?? helpers[name.registry] { return try CredentialHelper.get(helper, server) }
        if !store.isEmpty { return try CredentialHelper.get(store, server) }
        return nil
    }

    /// How much of the name a key covers; nil: it does not.
    private static func match(_ key: String, _ name: ImageName) -> Int? {
        var rest = key[...]
        for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
        var host = rest.prefix { $0 != "/" }
        var path = rest.dropFirst(host.count).split(separator: "/").joined(separator: "/")
        if path == "v1" || path == "v2" { path = "" }
        if host == "index.docker.io" || host == "registry-1.docker.io" { host = "docker.io" }
        let hostParts = host.split(separator: ".", omittingEmptySubsequences: false)
        let nameParts = name.registry.split(separator: ".", omittingEmptySubsequences: false)
        guard hostParts.count == nameParts.count else { return nil }
        // `*` stands within one label, as in `*.example.com`.
        for (pattern, label) in zip(hostParts, nameParts) where pattern != label {
            guard pattern.contains("*") else { return nil }
            let ends = pattern.split(separator: "*", maxSplits: 1, omittingEmptySubsequences: false)
            guard ends.count == 2, label.count >= ends[0].count + ends[1].count, label.hasPrefix(ends[0]),
                label.hasSuffix(ends[1])
            else { return nil }
        }
        if path.isEmpty { return 0 }
        guard name.repository == path || name.repository.hasPrefix(path + "/") else { return nil }
        return path.utf8.count
    }
}

/// Finds credentials for an image, source by source.
public struct CredentialChain: Sendable {
    public var files: [CredentialFile]

    public init(_ files: [CredentialFile] = []) { self.files = files }

    /// The places where docker and podman keep what `login` wrote. A file that is not there is no failure.
    public static func user(_ environment: [String: String]) throws(ImageError) -> CredentialChain {
        var paths: [String] = []
        if let path = environment["REGISTRY_AUTH_FILE"] { paths.append(path) }
        if let folder = environment["DOCKER_CONFIG"] { paths.append("\(folder)/config.json") }
        if let folder = environment["XDG_RUNTIME_DIR"] { paths.append("\(folder)/containers/auth.json") }
        if let home = environment["HOME"] {
            paths += ["\(home)/.config/containers/auth.json", "\(home)/.docker/config.json"]
        }
        var files: [CredentialFile] = []
        for path in paths where Files.exists(path) {
            let bytes: [UInt8]
            do { bytes = try Files.read(path, limit: 1 << 20) } catch { throw ImageError(error) }
            files.append(try CredentialFile(parsing: bytes, name: path))
        }
        return CredentialChain(files)
    }

    /// All that fit, best source first; the caller tries them in order.
    func candidates(for name: ImageName) throws(ImageError) -> [Credentials] {
        var found: [Credentials] = []
        for file in files {
            if let credentials = try file.credentials(for: name), !found.contains(credentials) {
                found.append(credentials)
            }
        }
        return found
    }
}
