// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a containerd of the test's own, driven by ctr.
import Glibc
import TestSupport
import Testing

/// A daemon with its own folders and socket. It is stopped, with what it started, when the value goes away.
final class Containerd {
    static let shim = BuiltProducts.program("containerd-shim-swiftlet-v1")
    static let needs: ConditionTrait = .enabled(
        if: Workspace.isBuilt && BuiltProducts.exists(shim) && installed("containerd") != nil
            && installed("ctr") != nil,
        "needs root, containerd with ctr, the built shim and sandbox, and hack/build-guests.sh")

    let space: Workspace
    /// Where the daemon looks for shims first.
    private let programs: String
    private let isIsolated: Bool
    private var daemon: Program?
    private let ctrPath: String
    static let runtime = ["--runtime", "io.containerd.swiftlet.v1"]

    private let environment: [String: String]

    /// - Parameter environment: of the daemon and its shims, over the test's own.
    convenience init(environment: [String: String] = [:]) throws {
        let space = Workspace()
        try write(Self.config(in: space), to: "\(space.path)/config.toml")
        let folder = Self.shim.split(separator: "/").dropLast().joined(separator: "/")
        try self.init(space, programs: "/\(folder)", environment: environment)
    }

    /// - Parameters:
    ///   - space: with a `config.toml`.
    ///   - isIsolated: in a network namespace of its own: what plugins make goes with it.
    init(
        _ space: Workspace, programs: String, isIsolated: Bool = false, environment: [String: String] = [:]
    ) throws {
        self.space = space
        self.environment = environment
        self.isIsolated = isIsolated
        self.programs = programs
        ctrPath = try #require(installed("ctr"))
        try start()
        _ = try ctr(["image", "import", try TestImage.make(in: space)])
    }

    static func config(in space: Workspace, _ head: String = "", hasKubernetes: Bool = false) -> String {
        let plugins = [
            hasKubernetes ? "none.v1.none" : "grpc.v1.cri", "snapshotter.v1.btrfs", "snapshotter.v1.zfs",
            "snapshotter.v1.devmapper",
            "snapshotter.v1.aufs", "internal.v1.opt", "internal.v1.tracing", "tracing.processor.v1.otlp",
        ].map { "\"io.containerd.\($0)\"" }.joined(separator: ",")
        return """
            \(head)version = 2
            root = "\(space.path)/ctrd"
            state = "\(space.path)/ctrd-state"
            disabled_plugins = [\(plugins)]
            [grpc]
              address = "\(space.path)/c.sock"

            """
    }

    deinit {
        if daemon != nil {
            for task in tasks() {
                _ = try? ctr(["task", "kill", "-s", "9", task.key])
                _ = try? ctr(["task", "rm", "-f", task.key])
            }
        }
        stop(SIGTERM)
        for process in shims() { kill(process, SIGKILL) }
        for line in text("/proc/self/mountinfo").split(separator: "\n").reversed() {
            let fields = line.split(separator: " ")
            if fields.count > 4, fields[4].hasPrefix(space.path) { umount2(String(fields[4]), Int32(MNT_DETACH)) }
        }
    }

    func start() throws {
        var environment = Program.currentEnvironment
        environment["SWIFTLET_NATIVE"] = "\(space.path)/native"
        environment["PATH"] = "\(programs):" + (environment["PATH"] ?? "/usr/bin:/bin") + ":/usr/sbin"
        var command = [try #require(installed("containerd")), "-c", "\(space.path)/config.toml"]
        if isIsolated {
            let script = "ip link set lo up && exec \"$0\" \"$@\""
            command = [try #require(installed("unshare")), "--net", "/bin/sh", "-c", script] + command
        }
        environment.merge(self.environment) { $1 }
        daemon = try Program(command[0], Array(command.dropFirst()), environment: environment)
        // Each attempt has its own time limit: ctr waits long for a daemon that is not there.
        var isUp = false
        for _ in 0..<400 where !isUp && daemon?.wait(seconds: 0) == nil {
            isUp = try ctr(["version"]).code == 0
            if !isUp { usleep(50_000) }
        }
        guard isUp else {
            throw Unexpected("containerd does not answer: \(daemon?.standardError ?? "")")
        }
    }

    func stop(_ signal: Int32) {
        guard let daemon else { return }
        daemon.signal(signal)
        if daemon.wait(seconds: 10) == nil { daemon.signal(SIGKILL) }
        self.daemon = nil
    }

    func ctr(_ words: [String], seconds: Double = 30) throws -> Ran {
        try run(ctrPath, ["-a", "\(space.path)/c.sock"] + words, seconds: seconds)
    }

    func runTask(_ words: [String], _ id: String, _ arguments: [String]) throws -> Ran {
        try ctr(["run"] + words + Self.runtime + [TestImage.reference, id] + arguments)
    }

    /// Status by task.
    func tasks() -> [String: String] {
        var tasks: [String: String] = [:]
        for line in ((try? ctr(["task", "ls"]).output) ?? "").split(separator: "\n").dropFirst() {
            let fields = line.split(separator: " ").map(String.init)
            if fields.count == 3 { tasks[fields[0]] = fields[2] }
        }
        return tasks
    }

    /// Shims that were started in this test's folders.
    func shims() -> [Int32] {
        names(in: "/proc").compactMap { Int32($0) }.filter { process in
            guard text("/proc/\(process)/cmdline").hasPrefix("swiftlet-shim") else { return false }
            return text("/proc/\(process)/environ").contains("\(space.path)/c.sock")
        }
    }

    func isClean() -> Bool { shims().isEmpty && !text("/proc/self/mountinfo").contains("\(space.path)/ctrd-state") }
}
