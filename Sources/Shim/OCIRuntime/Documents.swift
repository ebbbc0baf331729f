// SPDX-License-Identifier: Apache-2.0
// Swiftlet: spec and features.
internal import Glibc
internal import Linux
internal import OCI

extension OCIRuntime {
    /// What the runtime can do (runtime-spec features.md).
    static var features: JSON {
        let hooks = HooksSpec.Moment.allCases.filter { $0 != .startContainer }.map(\.rawValue)
        return .members([
            ("ociVersionMin", .string("1.0.0")), ("ociVersionMax", .string(specVersion)),
            ("hooks", .strings(hooks)),
            ("mountOptions", .strings(["bind", "rbind", "ro", "rw"])),
            (
                "linux",
                .members([
                    ("namespaces", .strings(["ipc", "network", "pid", "uts"])),
                    ("capabilities", .strings([])),
                    (
                        "cgroup",
                        .members([
                            ("v1", .bool(true)), ("v2", .bool(true)), ("systemd", .bool(true)),
                            ("systemdUser", .bool(false)), ("rdma", .bool(false)),
                        ])
                    ),
                    // Each sandbox has a filter of its own; config.json's is not read, because it is wider.
                    ("seccomp", .members([("enabled", .bool(false))])),
                    ("apparmor", .members([("enabled", .bool(false))])),
                    ("selinux", .members([("enabled", .bool(false))])),
                ])
            ),
            (
                "annotations",
                .object([
                    .init("org.swiftlet.version", .string(version)),
                    .init("run.oci.crun.wasm", .string("true")),
                ])
            ),
        ])
    }

    /// Writes a config.json to start from. An existing one stays.
    func writeSpec() throws(RuntimeFailure) {
        let bundle = arguments.value("bundle") ?? "."
        let path = "\(bundle)/config.json"
        var spec = RuntimeSpec(ociVersion: Self.specVersion)
        spec.process = ProcessSpec(args: ["/app.wasm"], env: ["PATH=/usr/local/bin:/usr/bin:/bin"])
        spec.root = RootSpec(path: "rootfs", isReadOnly: true)
        spec.linux = LinuxSpec(namespaces: [NamespaceSpec(type: "pid"), NamespaceSpec(type: "network")])
        do throws(SystemError) {
            let file = try Files.open(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o666)
            try Descriptors.writeAll(file.rawValue, spec.json.text + "\n")
        } catch {
            if error.errno == .fileExists { throw RuntimeFailure("File \(path) exists. Remove it first") }
            throw RuntimeFailure("\(error)")
        }
    }
}
