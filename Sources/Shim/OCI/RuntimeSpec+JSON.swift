// SPDX-License-Identifier: Apache-2.0
// Swiftlet: config.json into RuntimeSpec and back.

/// A config.json that cannot be used.
public enum ConfigError: Error, Equatable, CustomStringConvertible {
    case json(JSONError)
    case spec(SpecError)

    public var description: String {
        switch self {
        case .json(let error): error.description
        case .spec(let error): error.description
        }
    }
}

extension RuntimeSpec {
    public init(parsing bytes: [UInt8]) throws(ConfigError) {
        let json: JSON
        do { json = try JSON(parsing: bytes) } catch { throw .json(error) }
        do { try self.init(SpecReader(json, path: "")) } catch { throw .spec(error) }
    }

    private init(_ reader: SpecReader) throws(SpecError) {
        guard let version = try reader.member("ociVersion")?.string() else {
            throw SpecError(path: "ociVersion", reason: "is missing")
        }
        guard version.hasPrefix("1.") else {
            throw SpecError(path: "ociVersion", reason: "expected 1.x, found \"\(version)\"")
        }
        self.init(ociVersion: version)
        if let process = try reader.member("process") { self.process = try ProcessSpec(process) }
        if let root = try reader.member("root") { self.root = try RootSpec(root) }
        hostname = try reader.member("hostname")?.string()
        for mount in try reader.member("mounts")?.elements() ?? [] { mounts.append(try MountSpec(mount)) }
        annotations = try reader.member("annotations")?.stringMap() ?? [:]
        if let linux = try reader.member("linux") { self.linux = try LinuxSpec(linux) }
        if let hooks = try reader.member("hooks") { self.hooks = try HooksSpec(hooks) }
    }

    public var json: JSON {
        .members([
            ("ociVersion", .string(ociVersion)),
            ("process", process?.json),
            (
                "root",
                root.map { .members([("path", .string($0.path)), ("readonly", $0.isReadOnly ? .bool(true) : nil)]) }
            ),
            ("hostname", hostname.map { .string($0) }),
            ("mounts", mounts.isEmpty ? nil : .array(mounts.map(\.json))),
            (
                "annotations",
                annotations.isEmpty
                    ? nil
                    : .object(annotations.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .string($0.value)) })
            ),
            ("linux", linux?.json),
            ("hooks", hooks.json),
        ])
    }
}

extension ProcessSpec {
    /// Reads the JSON of a `process` object, as in an exec request.
    public init(parsing bytes: [UInt8]) throws(ConfigError) {
        let json: JSON
        do { json = try JSON(parsing: bytes) } catch { throw .json(error) }
        do { try self.init(SpecReader(json, path: "process")) } catch { throw .spec(error) }
    }

    init(_ reader: SpecReader) throws(SpecError) {
        self.init(args: try reader.member("args")?.strings() ?? [])
        isTerminal = try reader.member("terminal")?.bool() ?? false
        if let size = try reader.member("consoleSize") {
            consoleSize = ConsoleSize(
                columns: try size.member("width")?.integer(UInt16.self) ?? 0,
                rows: try size.member("height")?.integer(UInt16.self) ?? 0)
        }
        env = try reader.member("env")?.strings() ?? []
        cwd = try reader.member("cwd")?.string() ?? "/"
        guard cwd.hasPrefix("/") else {
            throw SpecError(path: "\(reader.path).cwd", reason: "expected an absolute path, found \"\(cwd)\"")
        }
        if let user = try reader.member("user") {
            uid = try user.member("uid")?.integer(UInt32.self) ?? 0
            gid = try user.member("gid")?.integer(UInt32.self) ?? 0
        }
        for limit in try reader.member("rlimits")?.elements() ?? [] {
            guard try limit.member("type")?.string() == "RLIMIT_NOFILE" else { continue }
            openFilesLimit = try limit.member("soft")?.integer(UInt64.self)
        }
        oomScoreAdj = try reader.member("oomScoreAdj")?.integer(Int.self)
    }

    public var json: JSON {
        .members([
            ("terminal", isTerminal ? .bool(true) : nil),
            (
                "consoleSize",
                consoleSize.map {
                    .members([("width", .integer($0.columns)), ("height", .integer($0.rows))])
                }
            ),
            ("user", .members([("uid", .integer(uid)), ("gid", .integer(gid))])),
            ("args", .strings(args)),
            ("env", env.isEmpty ? nil : .strings(env)),
            ("cwd", .string(cwd)),
            (
                "rlimits",
                openFilesLimit.map {
                    .array([
                        .members([
                            ("type", .string("RLIMIT_NOFILE")), ("hard", .integer($0)), ("soft", .integer($0)),
                        ])
                    ])
                }
            ),
            ("oomScoreAdj", oomScoreAdj.map { .integer($0) }),
        ])
    }
}

extension RootSpec {
    init(_ reader: SpecReader) throws(SpecError) {
        guard let path = try reader.member("path")?.string(), !path.isEmpty else {
            throw SpecError(path: "\(reader.path).path", reason: "is missing")
        }
        self.init(path: path, isReadOnly: try reader.member("readonly")?.bool() ?? false)
    }
}

extension MountSpec {
    init(_ reader: SpecReader) throws(SpecError) {
        guard let destination = try reader.member("destination")?.string() else {
            throw SpecError(path: "\(reader.path).destination", reason: "is missing")
        }
        guard destination.hasPrefix("/") else {
            throw SpecError(
                path: "\(reader.path).destination", reason: "expected an absolute path, found \"\(destination)\"")
        }
        self.init(
            destination: destination, type: try reader.member("type")?.string() ?? "",
            source: try reader.member("source")?.string() ?? "",
            options: try reader.member("options")?.strings() ?? [])
    }

    var json: JSON {
        .members([
            ("destination", .string(destination)), ("type", .string(type)), ("source", .string(source)),
            ("options", options.isEmpty ? nil : .strings(options)),
        ])
    }
}

extension LinuxSpec {
    init(_ reader: SpecReader) throws(SpecError) {
        self.init()
        if let resources = try reader.member("resources") { self.resources = try ResourcesSpec(resources) }
        cgroupsPath = try reader.member("cgroupsPath")?.string()
        for namespace in try reader.member("namespaces")?.elements() ?? [] {
            let type = try namespace.member("type")?.string() ?? ""
            namespaces.append(NamespaceSpec(type: type, path: try namespace.member("path")?.string()))
        }
        for mapping in try reader.member("uidMappings")?.elements() ?? [] { uidMappings.append(try IDMapping(mapping)) }
        for mapping in try reader.member("gidMappings")?.elements() ?? [] { gidMappings.append(try IDMapping(mapping)) }
        sysctl = try reader.member("sysctl")?.stringMap() ?? [:]
    }

    var json: JSON {
        .members([
            ("cgroupsPath", cgroupsPath.map { .string($0) }),
            (
                "namespaces",
                namespaces.isEmpty
                    ? nil
                    : .array(
                        namespaces.map {
                            .members([("type", .string($0.type)), ("path", $0.path.map { .string($0) })])
                        })
            ),
            ("resources", resources.json),
            ("uidMappings", uidMappings.isEmpty ? nil : .array(uidMappings.map(\.json))),
            ("gidMappings", gidMappings.isEmpty ? nil : .array(gidMappings.map(\.json))),
            (
                "sysctl",
                sysctl.isEmpty
                    ? nil : .object(sysctl.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .string($0.value)) })
            ),
        ])
    }
}

extension IDMapping {
    init(_ reader: SpecReader) throws(SpecError) {
        self.init(
            containerID: try reader.member("containerID")?.integer(UInt32.self) ?? 0,
            hostID: try reader.member("hostID")?.integer(UInt32.self) ?? 0,
            size: try reader.member("size")?.integer(UInt32.self) ?? 0)
    }

    var json: JSON {
        .members([("containerID", .integer(containerID)), ("hostID", .integer(hostID)), ("size", .integer(size))])
    }
}

extension ResourcesSpec {
    /// Reads the JSON of a `linux.resources` object, as in an update request.
    public init(parsing bytes: [UInt8]) throws(ConfigError) {
        let json: JSON
        do { json = try JSON(parsing: bytes) } catch { throw .json(error) }
        do { try self.init(SpecReader(json, path: "resources")) } catch { throw .spec(error) }
    }

    init(_ reader: SpecReader) throws(SpecError) {
        self.init()
        memoryLimitBytes = try reader.member("memory")?.member("limit")?.integer(Int64.self)
        cpuQuotaMicroseconds = try reader.member("cpu")?.member("quota")?.integer(Int64.self)
        cpuPeriodMicroseconds = try reader.member("cpu")?.member("period")?.integer(UInt64.self)
        cpuShares = try reader.member("cpu")?.member("shares")?.integer(UInt64.self)
        pidsLimit = try reader.member("pids")?.member("limit")?.integer(Int64.self)
    }

    public var json: JSON {
        let cpu = JSON.members([
            ("quota", cpuQuotaMicroseconds.map { .integer($0) }),
            ("period", cpuPeriodMicroseconds.map { .integer($0) }),
            ("shares", cpuShares.map { .integer($0) }),
        ])
        return .members([
            ("memory", memoryLimitBytes.map { .members([("limit", .integer($0))]) }),
            ("cpu", cpu == .object([]) ? nil : cpu),
            ("pids", pidsLimit.map { .members([("limit", .integer($0))]) }),
        ])
    }
}
