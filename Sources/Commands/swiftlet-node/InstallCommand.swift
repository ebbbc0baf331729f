// SPDX-License-Identifier: Apache-2.0
// Swiftlet: `swiftlet install`.

import ArgumentParser
import Glibc
import Installation
import Linux

struct InstallCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install",
        abstract: "Make a container engine of this machine know Swiftlet.",
        subcommands: [InstallContainerdCommand.self])
}

struct InstallContainerdCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "containerd",
        abstract: "Install the containerd shim and its runtime stanza.",
        discussion: """
            Puts containerd-shim-swiftlet-v1, swiftlet-sandbox and swiftlet-oci into --bin-dir and adds a runtime to the
            configuration of every containerd found: containerd's own, k3s, rke2, microk8s, k0s. What else the file
            says stays as it is; the file before the first change is kept as FILE.before-swiftlet.

            Examples:
              swiftlet install containerd --dry-run
              swiftlet install containerd --restart
              swiftlet install containerd --check
              swiftlet install containerd --uninstall --restart

            Then, once per cluster: kubectl apply -f manifests/runtimeclass.yaml
            """)

    @Flag(name: .customLong("dry-run"), help: "Show what would be done, and do nothing.")
    var isDryRun = false

    @Flag(name: .customLong("uninstall"), help: "Take everything out again.")
    var isUninstalling = false

    @Flag(name: .customLong("check"), help: "Only look; exit with 1 when something is missing.")
    var isChecking = false

    @Flag(name: .customLong("restart"), help: "Restart containerd when its configuration has changed.")
    var isRestarting = false

    @Option(
        name: .customLong("config"),
        help: ArgumentHelp("Configuration to edit, in place of those found.", valueName: "FILE"))
    var configPath: String?

    @Option(name: .customLong("bin-dir"), help: ArgumentHelp("Where the programs go.", valueName: "DIR"))
    var binaryFolder = "/usr/local/bin"

    @Option(help: "Name of the runtime, the RuntimeClass' handler.")
    var handler = "swiftlet"

    @Option(
        name: .customLong("host-root"),
        help: ArgumentHelp("Where the root of the machine to install on is mounted.", valueName: "DIR"))
    var hostRoot = ""

    func validate() throws {
        guard !isChecking || !(isUninstalling || isDryRun || isRestarting) else {
            throw ValidationError("--check only looks: it takes no --dry-run, --uninstall and --restart")
        }
    }

    func run() throws {
        do {
            let installation = try Installation(
                source: try Self.ownFolder(), hostRoot: hostRoot, binaryFolder: binaryFolder, handler: handler,
                configPath: configPath)
            if isChecking { return try check(installation) }
            let changes = try isUninstalling ? installation.changesOfRemoval() : installation.changes()
            try perform(changes, installation)
        } catch let error as InstallationError { throw CommandFailure("\(error)") }
    }

    private func check(_ installation: Installation) throws {
        let findings = installation.inspect()
        for finding in findings { try say("\(finding.isGood ? "ok  " : "BAD ") \(finding.text)") }
        if findings.contains(where: { !$0.isGood }) { throw ExitCode(1) }
    }

    private func perform(_ changes: [Change], _ installation: Installation) throws {
        if changes.isEmpty { return try say("nothing to do") }
        for change in changes {
            for line in isDryRun ? change.lines : Array(change.lines.prefix(1)) { try say(line) }
            if !isDryRun { try installation.apply(change) }
        }
        let restarts = installation.restarts(after: changes)
        guard isRestarting, !isDryRun else {
            for command in restarts { try say("to make containerd read it: \(command)") }
            return
        }
        // The commands are the machine's own, so from here on its root is ours.
        if !hostRoot.isEmpty, chroot(hostRoot) != 0 || chdir("/") != 0 {
            throw CommandFailure("chroot \(hostRoot): \(Errno.current)")
        }
        for command in restarts {
            try say(command)
            do { try Descriptors.writeAll(STDOUT_FILENO, ToolOutput.run("/bin/sh", ["-c", command])) } catch {
                throw CommandFailure("\(command): failed")
            }
        }
    }

    private func say(_ text: String) throws { try Descriptors.writeAll(STDOUT_FILENO, text + "\n") }

    private static func ownFolder() throws -> String {
        let own = try Files.linkTarget("/proc/self/exe")
        return own.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
    }
}
