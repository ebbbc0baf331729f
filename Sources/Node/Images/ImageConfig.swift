// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the config of an image: what to run, and how.

import OCI

/// See: OCI image specification, config.md. A Wasm artifact's config has the platform only.
public struct ImageConfig: Sendable, Equatable {
    public var platform: Platform
    /// RFC 3339; empty where it is not said.
    public var created: String
    public var author: String
    public var entrypoint: [String]
    public var command: [String]
    /// `NAME=value`.
    public var environment: [String]
    public var workingDirectory: String
    /// `user[:group]`, names or numbers.
    public var user: String
    public var exposedPorts: [String]
    public var labels: [String: String]
    public var stopSignal: String
    /// Digests of the layers as plain tars.
    public var diffIDs: [Digest]
    /// What made each layer.
    public var history: [String]

    public init(
        platform: Platform, created: String = "", author: String = "", entrypoint: [String] = [],
        command: [String] = [], environment: [String] = [], workingDirectory: String = "", user: String = "",
        exposedPorts: [String] = [], labels: [String: String] = [:], stopSignal: String = "", diffIDs: [Digest] = [],
        history: [String] = []
    ) {
        self.platform = platform
        self.created = created
        self.author = author
        self.entrypoint = entrypoint
        self.command = command
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.user = user
        self.exposedPorts = exposedPorts
        self.labels = labels
        self.stopSignal = stopSignal
        self.diffIDs = diffIDs
        self.history = history
    }

    public init(parsing bytes: [UInt8], name: String, limits: ImageLimits = ImageLimits()) throws(ImageError) {
        let reader = try DocumentReader(parsing: bytes, name: name, limit: limits.documentBytes)
        self.init(
            platform: Platform(
                os: try reader.text("os"), architecture: try reader.text("architecture"),
                variant: try reader.text("variant")),
            created: try reader.text("created"), author: try reader.text("author"))
        if let config = try reader.member("config") {
            entrypoint = try config.list("Entrypoint")
            command = try config.list("Cmd")
            environment = try config.list("Env")
            workingDirectory = try config.text("WorkingDir")
            user = try config.text("User")
            labels = try config.map("Labels")
            stopSignal = try config.text("StopSignal")
            if let ports = try config.member("ExposedPorts"), case .object(let members) = ports.value {
                exposedPorts = members.map(\.name)
            }
        }
        for element in try reader.member("rootfs")?.member("diff_ids")?.elements(limit: limits.layers) ?? [] {
            do { diffIDs.append(try Digest(element.string())) } catch {
                throw ImageError(error.code, "\(element.place): \(error.message)")
            }
        }
    }

    public var bytes: [UInt8] {
        let config = JSON.members([
            ("User", .text(user)),
            (
                "ExposedPorts",
                exposedPorts.isEmpty ? nil : .object(exposedPorts.sorted().map { JSON.Member($0, .object([])) })
            ),
            ("Env", .list(environment)), ("Entrypoint", .list(entrypoint)), ("Cmd", .list(command)),
            ("WorkingDir", .text(workingDirectory)), ("Labels", .map(labels)), ("StopSignal", .text(stopSignal)),
        ])
        let steps = history.map { step in
            JSON.members([("created", .text(created)), ("created_by", .string(step))])
        }
        return JSON.members([
            ("created", .text(created)), ("author", .text(author)),
            ("architecture", .string(platform.architecture)), ("os", .string(platform.os)),
            ("variant", .text(platform.variant)), ("config", config),
            (
                "rootfs",
                .members([("type", .string("layers")), ("diff_ids", .strings(diffIDs.map(\.description)))])
            ),
            ("history", steps.isEmpty ? nil : .array(steps)),
        ]).bytes
    }
}
