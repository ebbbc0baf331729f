// SPDX-License-Identifier: Apache-2.0
// Swiftlet: where Kubernetes distributions keep containerd's configuration.

/// A file to put the stanza into.
package struct ConfigLocation: Sendable, Equatable {
    package enum Form: Sendable, Equatable {
        /// containerd's own file; it says its version.
        case config
        /// A Go template from which the distribution writes the file; made with the base template when it is missing.
        case template(ContainerdConfig.Version)
        /// A file of its own beside others.
        case dropIn(ContainerdConfig.Version)
    }

    /// `k3s`, for messages.
    package var distribution: String
    package var path: String
    package var form: Form
    /// The command that makes containerd read it again; empty when it is not known.
    package var restart: String

    /// A file that somebody names.
    package init(named path: String) {
        distribution = "containerd"
        self.path = path
        let isThree = path.hasSuffix("config-v3.toml.tmpl")
        form = path.hasSuffix(".tmpl") ? .template(isThree ? .three : .two) : .config
        restart = ""
    }

    init(_ distribution: String, _ path: String, _ form: Form, restart: String) {
        self.distribution = distribution
        self.path = path
        self.form = form
        self.restart = restart
    }

    /// Every place known, with the files of which one is there when the distribution is.
    private static var all: [(location: ConfigLocation, marks: [String])] {
        var all: [(ConfigLocation, [String])] = []
        for (name, unit) in [("k3s", "'k3s*'"), ("rke2", "'rke2-*'")] {
            let folder = "/var/lib/rancher/\(name)/agent/etc/containerd"
            // Releases with containerd 2 read the second, older ones the first: each ignores the other.
            for (file, version) in [
                ("config.toml.tmpl", ContainerdConfig.Version.two), ("config-v3.toml.tmpl", .three),
            ] {
                let location = ConfigLocation(
                    name, "\(folder)/\(file)", .template(version), restart: "systemctl try-restart \(unit)")
                all.append((location, [folder]))
            }
        }
        let microk8s = "/var/snap/microk8s/current/args"
        all.append(
            (
                ConfigLocation(
                    "microk8s", "\(microk8s)/containerd-template.toml", .config,
                    restart: "snap restart microk8s.daemon-containerd"), [microk8s]
            ))
        all.append(
            (
                ConfigLocation(
                    "k0s", "/etc/k0s/containerd.d/swiftlet.toml", .dropIn(.two),
                    restart: "systemctl try-restart 'k0s*'"), ["/etc/k0s/containerd.d"]
            ))
        let programs = ["/usr/bin/containerd", "/usr/local/bin/containerd"]
        all.append(
            (
                ConfigLocation(
                    "containerd", "/etc/containerd/config.toml", .config, restart: "systemctl restart containerd"),
                ["/etc/containerd/config.toml"] + programs
            ))
        return all
    }

    /// The places of this machine.
    ///
    /// - Parameter exists: whether a file or folder is there.
    package static func detect(_ exists: (String) -> Bool) -> [ConfigLocation] {
        all.filter { $0.marks.contains(where: exists) }.map(\.location)
    }

    /// What the file is to hold.
    ///
    /// - Parameter text: what it holds now; nil: it is not there.
    package func content(
        _ text: String?, installing config: ContainerdConfig
    ) throws(InstallationError) -> String {
        do throws(InstallationError) {
            switch form {
            case .config: return try config.added(to: text ?? "")
            case .template(let version):
                return try config.added(to: text ?? Self.baseTemplate, version: version, isTemplate: true)
            case .dropIn(let version): return "version = \(version.rawValue)\n\n" + config.stanza(version)
            }
        } catch { throw InstallationError("\(path): \(error)") }
    }

    private static let baseTemplate = "{{ template \"base\" . }}\n"

    /// As above, for taking it out; nil: a file that would hold nothing of anybody's goes away.
    package func contentAfterRemoval(_ text: String) throws(InstallationError) -> String? {
        if case .dropIn = form { return nil }
        do throws(InstallationError) {
            guard ContainerdConfig.isInstalled(in: text) else { return text }
            let rest = try ContainerdConfig.removed(from: text)
            let isOurs = rest == Self.baseTemplate || rest == "version = 2\n"
            return isOurs ? nil : rest
        } catch { throw InstallationError("\(path): \(error)") }
    }
}
