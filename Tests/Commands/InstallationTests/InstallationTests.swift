// SPDX-License-Identifier: Apache-2.0
// Swiftlet: installing onto a machine whose root is a folder.
import Glibc
import Installation
import TestSupport
import Testing

/// A folder that stands for a machine's root, and another with programs.
private final class Machine {
    let root: String
    let programs: String
    private let folder: String

    init(_ paths: [String: String]) throws {
        var template = Array("/tmp/swl-install-XXXXXX".utf8CString)
        folder = String(cString: mkdtemp(&template))
        (root, programs) = ("\(folder)/root", "\(folder)/programs")
        for program in Installation.programs { try put("\(program) 1", at: "\(programs)/\(program)") }
        mkdir(root, 0o755)
        for (path, text) in paths { try put(text, at: root + path) }
    }

    deinit { _ = try? Program.run("/bin/rm", ["-rf", folder]) }

    func put(_ text: String, at path: String) throws {
        let parent = path.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
        _ = try Program.run("/bin/mkdir", ["-p", parent])
        let file = try #require(fopen(path, "w"))
        fputs(text, file)
        fclose(file)
        chmod(path, 0o640)
    }

    func text(_ path: String) -> String? {
        guard let file = fopen(root + path, "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    func installation(_ configPath: String? = nil, folder: String = "/usr/local/bin") throws -> Installation {
        try Installation(
            source: programs, hostRoot: root, binaryFolder: folder, handler: "swiftlet", configPath: configPath)
    }

    @discardableResult
    func install(_ configPath: String? = nil) throws -> [Change] {
        let installation = try installation(configPath)
        let changes = try installation.changes()
        for change in changes { try installation.apply(change) }
        return changes
    }

    func uninstall() throws {
        let installation = try installation()
        for change in try installation.changesOfRemoval() { try installation.apply(change) }
    }
}

@Suite struct InstallationTests {
    private static let path = "/etc/containerd/config.toml"

    @Test func `installs once, is found whole, and goes without a trace`() throws {
        let before = "# mine\nversion = 2\n"
        let machine = try Machine([Self.path: before, "/usr/sbin/runc": ""])
        chmod("\(machine.root)/usr/sbin/runc", 0o755)
        #expect(try machine.install().count == 5)
        #expect(machine.text("/usr/local/bin/swiftlet-sandbox") == "swiftlet-sandbox 1")
        #expect(machine.text(Self.path + ".before-swiftlet") == before)
        #expect(machine.text(Self.path)?.contains("runtime_type = \"io.containerd.swiftlet.v1\"") == true)
        var information = stat()
        #expect(stat(machine.root + Self.path, &information) == 0 && information.st_mode & 0o777 == 0o640)
        #expect(try machine.install().isEmpty)
        #expect(try machine.installation().inspect().filter { !$0.isGood }.isEmpty)

        try machine.put("swiftlet-oci 2", at: "\(machine.programs)/swiftlet-oci")
        #expect(try machine.installation().inspect().filter { !$0.isGood }.count == 1)
        #expect(try machine.install().map(\.path) == ["/usr/local/bin/swiftlet-oci"])

        try machine.uninstall()
        #expect(machine.text(Self.path) == before)
        for name in ["/usr/local/bin/swiftlet-sandbox", Self.path + ".before-swiftlet"] {
            #expect(machine.text(name) == nil)
        }
        #expect(try machine.installation().inspect().filter { !$0.isGood }.count == 4)
        try machine.uninstall()
    }

    @Test func `what the operator changed since stays, and so does the first file`() throws {
        let machine = try Machine([Self.path: "version = 2\n"])
        try machine.install()
        let edited = try #require(machine.text(Self.path)) + "[metrics]\n"
        try machine.put(edited, at: machine.root + Self.path)
        // Again at the end of the file, as the first time.
        try machine.install()
        #expect(machine.text(Self.path)?.hasPrefix("version = 2\n[metrics]\n\n# BEGIN") == true)
        #expect(try machine.install().isEmpty)
        try machine.uninstall()
        #expect(machine.text(Self.path) == "version = 2\n[metrics]\n")
        #expect(machine.text(Self.path + ".before-swiftlet") == "version = 2\n")
    }

    @Test func `nothing is touched when a file cannot be edited`() throws {
        let machine = try Machine([Self.path: "[plugins]\n"])
        let error = #expect(throws: InstallationError.self) { try machine.install() }
        #expect(
            error?.description.hasPrefix("\(Self.path): there is no version") == true, "\(String(describing: error))")
        #expect(machine.text("/usr/local/bin/swiftlet-oci") == nil)
        symlink("config.toml", "\(machine.root)/etc/containerd/link.toml")
        #expect(throws: InstallationError.self) { try machine.install("/etc/containerd/link.toml") }
        unlink("\(machine.programs)/swiftlet-oci")
        #expect(throws: InstallationError.self) { try machine.install("/new.toml") }
        #expect(throws: InstallationError.self) { try machine.installation("relative.toml") }
        #expect(throws: InstallationError.self) { try Machine([:]).installation() }
    }

    @Test func `a folder where no service looks is named in full`() throws {
        let machine = try Machine([:])
        let installation = try machine.installation("/etc/containerd/config.toml", folder: "/opt/swiftlet/")
        #expect(installation.config.runtimeType == "/opt/swiftlet/containerd-shim-swiftlet-v1")
        for change in try installation.changes() { try installation.apply(change) }
        #expect(machine.text("/opt/swiftlet/swiftlet-oci") == "swiftlet-oci 1")
        #expect(machine.text(Self.path)?.hasPrefix("version = 2\n\n# BEGIN swiftlet") == true)
    }

    @Test func `distributions are found by their folders`() throws {
        let folder = "/var/lib/rancher/k3s/agent/etc/containerd"
        let machine = try Machine(["\(folder)/config.toml": "version = 3\n", "/etc/k0s/containerd.d/x": ""])
        let changes = try machine.install()
        let added = [
            "\(folder)/config.toml.tmpl", "\(folder)/config-v3.toml.tmpl", "/etc/k0s/containerd.d/swiftlet.toml",
        ]
        #expect(changes.dropFirst(3).map(\.path) == added)
        #expect(
            try machine.installation().restarts(after: changes) == [
                "systemctl try-restart 'k3s*'", "systemctl try-restart 'k0s*'",
            ])
        let text = try #require(machine.text(added[1]))
        #expect(text.hasPrefix("{{ template \"base\" . }}\n\n# BEGIN") && text.contains("cri.v1.runtime"))
        #expect(machine.text(added[2])?.hasPrefix("version = 2\n") == true)
        try machine.uninstall()
        #expect(added.allSatisfy { machine.text($0) == nil })
        #expect(machine.text("\(folder)/config.toml") == "version = 3\n")
    }

    @Test func `a change is told with the lines that come and go`() {
        let change = Change.text("a\nnew\nz\n", path: "/f", before: "a\nold\nold 2\nz\n")
        #expect(change.lines == ["edit /f, line 2", "  -old", "  -old 2", "  +new"])
        #expect(Change.text("a\n", path: "/f", before: nil).lines == ["write /f", "  +a"])
        #expect(Change.text("a\na\n", path: "/f", before: "a\n").lines == ["edit /f, line 2", "  +a"])
    }
}
