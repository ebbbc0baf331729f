// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what an installation changes on a machine, and the other way round.

import Linux

/// Puts the shim, its sandbox and the OCI runtime onto a machine and makes containerd know them.
///
/// First everything is read and decided (`changes`, `changesOfRemoval`), then it is done (`Change.apply`): what cannot
/// be edited is found out before anything is touched. Installing twice changes nothing the second time.
package struct Installation: Sendable {
    package static let programs = ["containerd-shim-swiftlet-v1", "swiftlet-sandbox", "swiftlet-oci"]
    /// Native code can be done without, and so can the LLVM that this one needs.
    package static let optionalPrograms = ["swiftlet-aot"]
    private static let runtimeName = "io.containerd.swiftlet.v1"
    /// Where services look for programs by name: systemd.exec(5), PATH.
    private static let searchedFolders = [
        "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin",
    ]

    let files: HostFiles
    /// The folder with the programs to install.
    let source: String
    let binaryFolder: String
    package let config: ContainerdConfig
    package let locations: [ConfigLocation]

    /// - Parameters:
    ///   - source: a folder of this machine, where `programs` are.
    ///   - hostRoot: where the root of the machine to install on is mounted; empty for this one.
    ///   - configPath: the file to edit; nil: every place of a known distribution.
    package init(
        source: String, hostRoot: String, binaryFolder: String, handler: String, configPath: String?
    ) throws(InstallationError) {
        for (name, path) in [("--bin-dir", binaryFolder), ("--config", configPath ?? "/")] where !path.hasPrefix("/") {
            throw InstallationError("\(name): expected an absolute path, found \"\(path)\"")
        }
        files = HostFiles(root: Self.withoutSlash(hostRoot))
        self.source = Self.withoutSlash(source)
        self.binaryFolder = Self.withoutSlash(binaryFolder)
        let shim = "\(self.binaryFolder)/\(Self.programs[0])"
        config = try ContainerdConfig(
            handler: handler,
            runtimeType: Self.searchedFolders.contains(self.binaryFolder) ? Self.runtimeName : shim)
        let files = files
        locations = configPath.map { [ConfigLocation(named: $0)] } ?? ConfigLocation.detect { files.exists($0) }
        guard !locations.isEmpty else {
            throw InstallationError(
                "no containerd was found (looked for containerd, k3s, rke2, microk8s, k0s); name its configuration "
                    + "with --config")
        }
    }

    private static func withoutSlash(_ path: String) -> String {
        var path = path
        while path.hasSuffix("/") { path.removeLast() }
        return path
    }

    private func target(_ program: String) -> String { "\(binaryFolder)/\(program)" }

    private static func backup(_ path: String) -> String { "\(path).before-swiftlet" }

    // MARK: - Installing

    package func changes() throws(InstallationError) -> [Change] {
        var changes: [Change] = []
        for program in Self.programs + Self.optionalPrograms {
            if Self.optionalPrograms.contains(program), !Files.exists("\(source)/\(program)") { continue }
            let bytes: [UInt8]
            do { bytes = try Files.read("\(source)/\(program)", limit: 256 << 20) } catch {
                throw InstallationError("\(error); all programs of Swiftlet must lie beside this one")
            }
            if files.program(target(program)) == bytes, files.isExecutable(target(program)) { continue }
            changes.append(.program(bytes, path: target(program)))
        }
        for location in locations {
            let before = try files.text(location.path)
            let after = try location.content(before, installing: config)
            guard after != before else { continue }
            // A file that we made, or edited before, has its original already.
            if let before, !ContainerdConfig.isInstalled(in: before) {
                changes.append(.text(before, path: Self.backup(location.path), before: nil))
            }
            changes.append(.text(after, path: location.path, before: before))
        }
        return changes
    }

    // MARK: - Removing

    package func changesOfRemoval() throws(InstallationError) -> [Change] {
        var changes: [Change] = []
        for location in locations {
            guard let before = try files.text(location.path) else { continue }
            guard let after = try location.contentAfterRemoval(before) else {
                changes.append(.removal(path: location.path))
                continue
            }
            if after != before { changes.append(.text(after, path: location.path, before: before)) }
            let backup = Self.backup(location.path)
            // One that differs is the operator's to look at: the file was changed since.
            if let kept = try files.text(backup), kept == after || kept + "\n" == after {
                changes.append(.removal(path: backup))
            }
        }
        // Last: containerd may look for them as long as it is told to.
        for program in Self.programs + Self.optionalPrograms where files.exists(target(program)) {
            changes.append(.removal(path: target(program)))
        }
        return changes
    }

    // MARK: - Doing

    package func apply(_ change: Change) throws(InstallationError) {
        switch change {
        case .program(let bytes, let path):
            try files.makeFolder(of: path)
            try files.put(bytes, at: path, mode: 0o755)
        case .text(let text, let path, _):
            try files.makeFolder(of: path)
            try files.put(Array(text.utf8), at: path, mode: 0o644)
        case .removal(let path): try files.remove(path)
        }
    }

    /// Commands after which containerd has read what changed, each once.
    package func restarts(after changes: [Change]) -> [String] {
        var commands: [String] = []
        for location in locations where !location.restart.isEmpty && !commands.contains(location.restart) {
            if changes.contains(where: { $0.path == location.path }) { commands.append(location.restart) }
        }
        return commands
    }
}

/// One thing that an installation does.
package enum Change: Sendable, Equatable {
    /// Puts an executable there.
    case program([UInt8], path: String)
    /// Writes a text; `before` is what was there.
    case text(String, path: String, before: String?)
    case removal(path: String)

    package var path: String {
        switch self {
        case .program(_, let path), .text(_, let path, _), .removal(let path): path
        }
    }

    /// What is done, in a line; for an edit also the lines that come and go, with `+` and `-` before them.
    package var lines: [String] {
        switch self {
        case .program(let bytes, let path): return ["install \(path) (\((bytes.count + 1023) / 1024) KiB)"]
        case .removal(let path): return ["remove \(path)"]
        case .text(let text, let path, nil): return ["write \(path)"] + Self.lines(text).map { "  +\($0)" }
        case .text(let text, let path, let before?):
            // One block changes: what is around it is the same.
            let (old, new) = (Self.lines(before), Self.lines(text))
            let head = zip(old, new).prefix { $0 == $1 }.count
            let tail = zip(old[head...].reversed(), new[head...].reversed()).prefix { $0 == $1 }.count
            return ["edit \(path), line \(head + 1)"] + old[head..<old.count - tail].map { "  -\($0)" }
                + new[head..<new.count - tail].map { "  +\($0)" }
        }
    }

    private static func lines(_ text: String) -> [String] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        return lines
    }
}
