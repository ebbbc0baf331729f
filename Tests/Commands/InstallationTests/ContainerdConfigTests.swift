// SPDX-License-Identifier: Apache-2.0
// Swiftlet: editing containerd's configuration.
import Installation
import Testing

@Suite struct ContainerdConfigTests {
    private let config: ContainerdConfig

    init() throws {
        config = try ContainerdConfig(handler: "swiftlet", runtimeType: "/opt/s/containerd-shim-swiftlet-v1")
    }

    private static let two = """
        version = 2
        root = "/x" # [not a table]
        text = \"\"\"
        [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.swiftlet]
        # BEGIN is no mark here \\"\"\" \"\"\"
        [plugins."io.containerd.grpc.v1.cri".containerd]
          default_runtime_name = "runc"
          runtimes.runc.runtime_type = "io.containerd.runc.v2"

        """
    private static let three =
        "# a comment\r\nversion = 3\r\n\r\n[plugins]\r\n  [plugins.'io.containerd.cri.v1.runtime']"

    @Test(arguments: [two, three, "", "version=2", "\n\n"])
    func `put in, put in again, taken out: the rest is as it was`(text: String) throws {
        let once = try config.added(to: text)
        #expect(ContainerdConfig.isInstalled(in: once))
        #expect(try config.added(to: once) == once)
        #expect(text.allSatisfy(\.isWhitespace) || once.utf8.starts(with: text.utf8))
        let removed = try ContainerdConfig.removed(from: once)
        #expect(!ContainerdConfig.isInstalled(in: removed))
        // A last line without an end has one now; an empty file has a version.
        let isSame = removed.utf8.elementsEqual(text.utf8) || removed.utf8.elementsEqual((text + "\n").utf8)
        #expect(isSame || text.allSatisfy(\.isWhitespace) && removed == "version = 2\n", "\(removed)")
    }

    @Test func `each version has its table`() throws {
        let two = try TOMLOutline(parsing: config.added(to: Self.two))
        let path = ["containerd", "runtimes", "swiftlet", "runtime_type"]
        #expect(two[path: ["plugins", "io.containerd.grpc.v1.cri"] + path] == .string(config.runtimeType))
        let three = try TOMLOutline(parsing: config.added(to: Self.three))
        #expect(three[path: ["plugins", "io.containerd.cri.v1.runtime"] + path] == .string(config.runtimeType))
        #expect(try config.problem(inDump: config.added(to: Self.two)) == nil)
        #expect(try config.problem(inDump: config.added(to: Self.three)) == nil)
        #expect(try config.problem(inDump: Self.two) == "does not have the runtime")
    }

    /// containerd's CRI plugin does not start without its default runtime.
    @Test func `where nobody configures a runtime, the one that is built in comes along`() throws {
        let table = "[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc]"
        let alone = "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".containerd]\ndefault_runtime_name = 'runc'\n"
        #expect(try config.added(to: alone).contains(table))
        #expect(try config.added(to: config.added(to: alone)) == config.added(to: alone))
        #expect(
            try !config.added(to: alone + table + "\n").contains("written by swiftlet install containerd\n" + table))
        #expect(try !config.added(to: Self.two).contains(table))
        #expect(try !config.added(to: alone, version: .two, isTemplate: true).contains(table))
        let dump =
            alone + "[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.swiftlet]\n"
            + "runtime_type = '\(config.runtimeType)'\n"
        #expect(try config.problem(inDump: dump) == "the default runtime runc is not configured")
    }

    @Test func `a template's actions are not read`() throws {
        let template = """
            {{ template "base" . }}
            {{- if .IsOn }}{{ end }}
            root = "{{ .Root }}"
            number = {{ .Number }} # {{ .Word }}
            """
        let edited = try config.added(to: template, version: .three, isTemplate: true)
        #expect(edited.hasPrefix(template + "\n\n# BEGIN") && edited.contains("io.containerd.cri.v1.runtime"))
        #expect(throws: InstallationError.self) { try config.added(to: "{{ if", version: .two, isTemplate: true) }
    }

    @Test(arguments: [
        ("[plugins]\n", "version 1"), ("version = 1\n", "line 1: version: expected 2 or 3"),
        ("version = 4", "expected 2 or 3"), ("version = '2'", "expected 2 or 3"),
        ("version = 2\n[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.swiftlet]\n", "line 2: there is a"),
        ("version = 2\n\n [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.swiftlet.options]", "line 3"),
        (
            "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\"]\ncontainerd.runtimes = { runc = {} }",
            "line 3: expected plugins.io.containerd.grpc.v1.cri.containerd.runtimes to be a [table]"
        ),
        ("version = 2\n[[plugins]]\n", "line 2: expected plugins to be a [table]"),
        ("version = 2\nplugins = 7\n", "line 2: expected plugins to be a [table]"),
        ("version = 2\n# BEGIN swiftlet\n[x]\n", "has no \"# END swiftlet\""),
        ("version = 2\nx = \"a\nb\"", "line 2: expected a closing quote"), ("version = 2\n[a", "expected \"]\""),
        ("version = 2\nx", "expected \"=\""), ("version = 2\nx = 1 y = 2", "expected the end of the line"),
        ("version = 2\nx = [1, 2", "expected \",\" or \"]\""), ("version = 2\nx = '''", "line 2"),
        ("version = 2\nx = \"\\q\"", "escape"), ("version = 2\nx =", "expected a value"),
    ])
    func `what cannot be edited safely is left alone`(text: String, reason: String) {
        let error = #expect(throws: InstallationError.self) { try config.added(to: text) }
        #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
    }

    @Test(arguments: ["", "A", "a_b", "-a", "a-", "a\"]\nx"])
    func `a handler that no RuntimeClass could have is refused`(handler: String) {
        #expect(throws: InstallationError.self) { try ContainerdConfig(handler: handler, runtimeType: "t") }
    }

    @Test func `any bytes are read or refused, never more`() throws {
        let text = try config.added(to: Self.two)
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            var bytes = Array(text.utf8)
            for _ in 0..<4 {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[place] = "[]{}\"'=.,#\\\n\r\0x".utf8.randomElement(using: &generator) ?? 0
            }
            _ = try? config.added(to: String(decoding: bytes, as: UTF8.self))
        }
        let deep = "version = 2\nx = " + String(repeating: "[", count: 100_000)
        #expect(throws: InstallationError.self) { try config.added(to: deep) }
    }
}

@Suite struct TOMLOutlineTests {
    @Test func `paths, lines and values of everything that TOML can say`() throws {
        let outline = try TOMLOutline(
            parsing: """
                a.'b.c'."d\\u0041" = "x\\ty" # comment
                [ t . u ]
                list = [ 1, [2, { q = 1 }], # in an array
                  "three", ]
                inline = { x = 1, y.z = 'w' }
                long = '''
                [no.table]
                ''''
                date = 1979-05-27T07:32:00Z
                number = -12
                [[many]]
                """)
        func entry(_ path: [String], _ line: Int, _ value: TOMLOutline.Value) -> TOMLOutline.Entry {
            .init(path: path, line: line, value: value)
        }
        #expect(
            outline.entries == [
                entry(["a", "b.c", "dA"], 1, .string("x\ty")), entry(["t", "u"], 2, .table),
                entry(["t", "u", "list"], 3, .other), entry(["t", "u", "inline"], 5, .inlineTable),
                entry(["t", "u", "inline", "x"], 5, .integer(1)),
                entry(["t", "u", "inline", "y", "z"], 5, .string("w")),
                entry(["t", "u", "long"], 6, .string("\n[no.table]\n'")), entry(["t", "u", "date"], 9, .other),
                entry(["t", "u", "number"], 10, .integer(-12)), entry(["many"], 11, .tableOfArray),
            ])
    }
}
