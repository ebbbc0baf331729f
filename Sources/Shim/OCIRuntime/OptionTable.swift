// SPDX-License-Identifier: Apache-2.0
// Swiftlet: which options each command has. Those of runc all are here: obeyed, without a meaning for a guest, or refused.

struct OptionRule: Sendable {
    var name: String
    var short: String?
    var takesValue: Bool
    /// Why it cannot be obeyed where ignoring it would be wrong.
    var refusal: String?

    static func value(_ name: String, _ short: String? = nil) -> OptionRule {
        OptionRule(name: name, short: short, takesValue: true)
    }

    static func flag(_ name: String, _ short: String? = nil) -> OptionRule {
        OptionRule(name: name, short: short, takesValue: false)
    }

    static func refused(_ name: String, _ reason: String) -> OptionRule {
        OptionRule(name: name, takesValue: true, refusal: reason)
    }
}

enum OptionTable {
    static let global: [OptionRule] = [
        .value("root"), .value("log"), .value("log-format"), .flag("systemd-cgroup"), .flag("debug"),
        .value("rootless"), .value("criu"),
        // crun's words for systemd-cgroup and log-level.
        .value("cgroup-manager"), .value("log-level"),
        .flag("version", "v"), .flag("help", "h"),
    ]

    private static let help: [OptionRule] = [.flag("help", "h")]

    private static let creation: [OptionRule] = [
        .value("bundle", "b"), .value("config", "f"), .value("console-socket"), .value("pid-file"),
        .value("preserve-fds"),
        // A guest has no root to pivot to and no keyring.
        .flag("no-pivot"), .flag("no-new-keyring"),
    ]

    private static let execution: [OptionRule] = [
        .value("console-socket"), .value("cwd"), .value("env", "e"), .flag("tty", "t"), .value("user", "u"),
        .value("process", "p"), .flag("detach", "d"), .value("pid-file"), .value("preserve-fds"),
        .flag("ignore-paused"), .flag("no-new-privs"),
        // A guest has no groups, labels and capabilities, whatever they are.
        .value("additional-gids", "g"), .value("process-label"), .value("apparmor"), .value("cap", "c"),
        .refused("cgroup", "an exec runs in its container's own cgroup"),
    ]

    private static let notHeld = "not a limit that swiftlet-oci holds"

    private static let change: [OptionRule] = [
        .value("resources", "r"), .value("memory"), .value("cpu-period"), .value("cpu-quota"), .value("cpu-share"),
        .value("pids-limit"),
        .refused("memory-reservation", notHeld), .refused("memory-swap", notHeld),
        .refused("kernel-memory", notHeld), .refused("kernel-memory-tcp", notHeld),
        .refused("blkio-weight", notHeld), .refused("cpu-burst", notHeld), .refused("cpu-idle", notHeld),
        .refused("cpu-rt-period", notHeld), .refused("cpu-rt-runtime", notHeld),
        .refused("cpuset-cpus", notHeld), .refused("cpuset-mems", notHeld),
        .refused("l3-cache-schema", notHeld), .refused("mem-bw-schema", notHeld),
    ]

    static func command(_ command: RuntimeArguments.Command) -> [OptionRule] {
        help + own(command)
    }

    private static func own(_ command: RuntimeArguments.Command) -> [OptionRule] {
        switch command {
        case .create: creation
        case .run: creation + [.flag("detach", "d"), .flag("keep"), .flag("no-subreaper")]
        case .exec: execution
        case .kill: [.flag("all", "a")]
        case .delete: [.flag("force", "f")]
        case .list: [.value("format", "f"), .flag("quiet", "q")]
        case .ps: [.value("format", "f")]
        case .events: [.flag("stats"), .value("interval")]
        case .update: change
        case .spec: [.value("bundle", "b"), .flag("rootless")]
        case .start, .state, .pause, .resume, .features, .checkpoint, .restore, .help, .version: []
        }
    }
}
