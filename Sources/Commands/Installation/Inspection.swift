// SPDX-License-Identifier: Apache-2.0
// Swiftlet: whether an installation is whole.

import Glibc
import Linux

/// One thing looked at.
package struct Finding: Sendable, Equatable {
    package var isGood: Bool
    package var text: String
}

extension Installation {
    /// Looks at everything that a pod of the runtime needs.
    package func inspect() -> [Finding] {
        var findings = Self.programs.map(inspect(program:))
        findings.append(inspectNativeRuntime())
        for location in locations { findings += inspect(location) }
        return findings
    }

    private func inspect(program: String) -> Finding {
        let path = "\(binaryFolder)/\(program)"
        guard let bytes = files.program(path) else {
            return Finding(isGood: false, text: "\(path): is not installed")
        }
        guard files.isExecutable(path) else { return Finding(isGood: false, text: "\(path): is not executable") }
        let own = try? Files.read("\(source)/\(program)", limit: 256 << 20)
        guard own == nil || own == bytes else {
            return Finding(isGood: false, text: "\(path): is another one than \(source)/\(program)")
        }
        return Finding(isGood: true, text: path)
    }

    /// Pause containers and native sidecars are runc's.
    private func inspectNativeRuntime() -> Finding {
        var folders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        // Distributions bring their own.
        folders += ["k3s", "rke2"].map { "/var/lib/rancher/\($0)/data/current/bin" }
        folders += ["/snap/microk8s/current/bin", "/var/lib/k0s/bin"]
        for name in ["runc", "crun"] {
            for folder in folders where files.isExecutable("\(folder)/\(name)") {
                return Finding(isGood: true, text: "\(folder)/\(name) for pause containers and native sidecars")
            }
        }
        return Finding(isGood: false, text: "runc was not found: pods need it for their pause container")
    }

    private func inspect(_ location: ConfigLocation) -> [Finding] {
        func bad(_ text: String) -> [Finding] { [Finding(isGood: false, text: text)] }
        do throws(InstallationError) {
            guard let text = try files.text(location.path), ContainerdConfig.isInstalled(in: text) else {
                return bad("\(location.path): has no runtime \(config.handler)")
            }
            guard try location.content(text, installing: config) == text else {
                return bad("\(location.path): has another stanza than this release writes; install again")
            }
            var findings = [
                Finding(isGood: true, text: "\(location.path) (\(location.distribution)): handler \(config.handler)")
            ]
            if let warning = ContainerdConfig.warning(in: text) {
                findings += bad("\(location.path): \(warning)")
            }
            if location.form == .config, let finding = askContainerd(location.path) { findings.append(finding) }
            return findings
        } catch { return bad("\(error)") }
    }

    /// nil: there is none to ask here.
    private func askContainerd(_ path: String) -> Finding? {
        guard files.root.isEmpty,
            let program = ["/usr/local/bin", "/usr/bin"].map({ "\($0)/containerd" }).first(where: files.isExecutable)
        else { return nil }
        let command = "\(program) --config \(path) config dump"
        guard let output = try? ToolOutput.run(program, ["--config", path, "config", "dump"]) else {
            return Finding(isGood: false, text: "\(command): failed")
        }
        do throws(InstallationError) {
            let problem = try config.problem(inDump: String(decoding: output, as: UTF8.self))
            return Finding(isGood: problem == nil, text: "\(command): \(problem ?? "has the runtime")")
        } catch { return Finding(isGood: false, text: "\(command): \(error)") }
    }
}
