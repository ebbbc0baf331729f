// SPDX-License-Identifier: Apache-2.0
// Swiftlet end-to-end: a `swiftlet up` of its own for a test, and questions to it.

import FoundationEssentials
import Glibc
import KubernetesAPI
import TestSupport
import Testing

/// `swiftlet up` with a runtime root in a temporary folder.
final class RunningUp {
    let folder: String
    let root: String
    private(set) var program: Program
    private let command: [String]
    private let environment: [String: String]
    /// Native code of this instance's pods.
    var nativeFolder: String { folder + "/native" }

    static let swiftlet = BuiltProducts.program("swiftlet")

    /// Writes `manifest` into the folder (a string is a manifest's text) and starts `up` on it.
    ///
    /// - Parameters:
    ///   - isUnprivileged: as a user without rights.
    ///   - environment: over the test's own. Nothing is compiled in the background unless it says so: compilers would
    ///     take the time of other tests.
    init(
        manifest: String, arguments: [String] = [], isUnprivileged: Bool = false, environment: [String: String] = [:]
    ) throws {
        folder = "/tmp/swiftlet-e2e-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        root = folder + "/root"
        mkdir(folder, 0o755)
        let path = folder + "/manifest.yaml"
        try Data(manifest.utf8).write(to: URL(filePath: path))
        let command = [Self.swiftlet, "up", "-f", path, "--root", root] + arguments
        if isUnprivileged { chown(folder, Unprivileged.user, Unprivileged.user) }
        self.command = isUnprivileged ? Unprivileged.command + command : command
        self.environment = Program.currentEnvironment
            .merging(["SWIFTLET_NATIVE": folder + "/native", "SWIFTLET_BACKGROUND_COMPILER": "off"]) { $1 }
            .merging(environment) { $1 }
        program = try Program(self.command[0], Array(self.command.dropFirst()), environment: self.environment)
    }

    deinit {
        if program.wait(seconds: 0) == nil {
            program.signal(SIGINT)
            _ = program.wait(seconds: 20)
        }
        _ = try? Program.run("/bin/rm", ["-rf", folder])
    }

    /// The same command again, after the process was killed.
    func restart() throws {
        program = try Program(command[0], Array(command.dropFirst()), environment: environment)
    }

    /// What `manifests/NAME.yaml` says, with the guests' paths made absolute.
    static func manifest(_ name: String) throws -> String {
        let path = "\(BuiltProducts.packageRoot)/manifests/\(name).yaml"
        let text = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
        return text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            guard let slash = line.firstIndex(of: "."), line[slash...].hasPrefix("../.build") else {
                return String(line)
            }
            return line[..<slash] + BuiltProducts.packageRoot + "/" + line[slash...].dropFirst(3)
        }.joined(separator: "\n")
    }

    func client(_ arguments: [String]) throws -> (status: Program.ExitStatus, output: String, errors: String) {
        try Program.run(Self.swiftlet, arguments + ["--root", root])
    }

    func pods() throws -> [Pod] {
        let result = try client(["get", "pods", "-o", "json"])
        guard result.status.code == 0 else { return [] }
        let list = try KubernetesJSON.decode(PodItems.self, from: result.output)
        return list.items
    }

    private struct PodItems: Decodable {
        var items: [Pod]
    }

    func readyPods() throws -> [Pod] {
        try pods().filter { pod in
            pod.metadata.deletionTimestamp == nil
                && pod.status.conditions.contains { $0.type == "Ready" && $0.status == .true }
        }
    }

    /// Polls until `condition` holds; records what `up` printed when it never does.
    @discardableResult
    func eventually(
        seconds: Double = 30, _ what: String, location: SourceLocation = #_sourceLocation,
        _ condition: () throws -> Bool
    ) -> Bool {
        for _ in 0..<Int(seconds * 20) {
            if (try? condition()) == true { return true }
            usleep(50_000)
        }
        Issue.record(
            "\(what): not within \(seconds) s; up printed:\n\(program.standardOutput)\n\(program.standardError)",
            sourceLocation: location)
        return false
    }

    /// Body of `GET url`, or nil when nobody answers.
    static func get(_ url: String) throws -> String? {
        let result = try Program.run("/usr/bin/curl", ["-sS", "--max-time", "5", url])
        return result.status.code == 0 ? result.output : nil
    }

    /// Running processes whose command line begins with `title` and mentions `part`, zombies left out.
    static func processes(_ title: String, _ part: String) -> [pid_t] {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return entries.compactMap { entry -> pid_t? in
            guard let pid = pid_t(entry), let data = try? Data(contentsOf: URL(filePath: "/proc/\(pid)/cmdline")) else {
                return nil
            }
            let words = data.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            guard let first = words.first, first.hasSuffix(title) || first.hasPrefix(title) else { return nil }
            return words.joined(separator: " ").contains(part) ? pid : nil
        }
    }

    static func statusField(_ name: String, of pid: pid_t) -> String? {
        guard let data = try? Data(contentsOf: URL(filePath: "/proc/\(pid)/status")) else { return nil }
        for line in String(decoding: data, as: UTF8.self).split(separator: "\n") where line.hasPrefix(name + ":") {
            return line.dropFirst(name.count + 1).drop { $0 == "\t" || $0 == " " }.description
        }
        return nil
    }

    /// cgroup folders anywhere whose name contains `part`.
    static func cgroups(containing part: String) throws -> [String] {
        let found = try Program.run("/usr/bin/find", ["/sys/fs/cgroup", "-type", "d", "-path", "*\(part)*"])
        return found.output.split(separator: "\n").map(String.init)
    }
}
