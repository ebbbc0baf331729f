// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a configuration edited by the built command, and a containerd that runs with it.
import Glibc
import TestSupport
import Testing

@Suite(.serialized, Containerd.needs, .enabled(if: BuiltProducts.exists(Installer.program), "needs the built swiftlet"))
struct InstallTests {
    @Test func `a containerd runs a module with the programs and the configuration that install has made`() throws {
        let space = Workspace()
        let config = Containerd.config(in: space, "# the operator's own words\n", hasKubernetes: true)
        let path = "\(space.path)/config.toml"
        try write(config, to: path)
        let installer = Installer(space, path)

        let plan = try installer.run(["--dry-run"])
        #expect(plan.code == 0 && plan.output.contains("edit \(path)"), "\(plan)")
        #expect(text(path) == config && !isDirectory("\(space.path)/bin"))
        #expect(try installer.run(["--check"]).code == 1)

        #expect(try installer.run([]).code == 0)
        #expect(text(path).hasPrefix(config) && text(path).contains("[plugins.\"io.containerd.grpc.v1.cri\""))
        #expect(try installer.run([]).output == "nothing to do\n")
        let check = try installer.run(["--check"])
        #expect(check.code == 0 && check.output.contains("config dump: has the runtime"), "\(check)")
        let containerd = try Containerd(space, programs: "/nowhere")
        let words = ["run", "--rm", "--runtime", "\(space.path)/bin/containerd-shim-swiftlet-v1"]
        let hello = try containerd.ctr(words + [TestImage.reference, "h"])
        #expect(hello.code == 0 && hello.output == "hello from wasm\n", "\(hello)")

        let removal = try installer.run(["--uninstall"])
        #expect(removal.code == 0, "\(removal)")
        #expect(text(path) == config && names(in: "\(space.path)/bin").isEmpty)
        #expect(!names(in: space.path).contains { $0.contains("before-swiftlet") })
    }

    @Test func `a configuration that cannot be edited is refused with its line, and nothing is done`() throws {
        let space = Workspace()
        let path = "\(space.path)/config.toml"
        try write("version = 2\nroot = \"/x\n", to: path)
        let refusal = try Installer(space, path).run([])
        #expect(refusal.code == 1 && refusal.errors.contains("\(path): line 2: expected a closing quote"), "\(refusal)")
        #expect(names(in: space.path) == ["config.toml"])
    }
}

/// `swiftlet install containerd` for one file and one folder.
struct Installer {
    static let program = BuiltProducts.program("swiftlet-node")
    private let options: [String]

    init(_ space: Workspace, _ path: String) {
        options = ["install", "containerd", "--config", path, "--bin-dir", "\(space.path)/bin"]
    }

    func run(_ words: [String]) throws -> Ran { try ContainerTests.run(Self.program, options + words) }
}
