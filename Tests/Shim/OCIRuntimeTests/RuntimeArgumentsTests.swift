// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the OCI runtime's command line, as its callers write it.
import OCIRuntime
import Testing

@Suite struct RuntimeArgumentsTests {
    @Test func `what podman says`() throws {
        let words = ["--log-format=json", "--log", "/x/log", "create", "--bundle", "/b", "--pid-file", "/p", "c1"]
        let arguments = try RuntimeArguments(parsing: words)
        #expect(arguments.command == .create)
        #expect(arguments.global["log"] == ["/x/log"] && arguments.global["log-format"] == ["json"])
        #expect(arguments.value("bundle") == "/b" && arguments.value("pid-file") == "/p")
        #expect(try arguments.onlyContainerID() == "c1")
        #expect(arguments.commandWords == ["create", "--bundle", "/b", "--pid-file", "/p", "c1"])
    }

    @Test func `an exec's words are its own`() throws {
        let arguments = try RuntimeArguments(
            parsing: ["exec", "-e", "A=1", "--env=B=2", "-d", "c1", "/m.wasm", "--flag", "-d"])
        #expect(arguments.options["env"] == ["A=1", "B=2"] && arguments.flag("detach"))
        #expect(arguments.operands == ["c1", "/m.wasm", "--flag", "-d"])
        let delete = try RuntimeArguments(parsing: ["delete", "c1", "--force"])
        #expect(delete.flag("force"))
        #expect(try RuntimeArguments(parsing: ["kill", "--all=false", "c1", "9"]).flag("all") == false)
    }

    @Test func `version and help need no command`() throws {
        #expect(try RuntimeArguments(parsing: ["--version"]).command == .version)
        #expect(try RuntimeArguments(parsing: []).command == .help)
        #expect(try RuntimeArguments(parsing: ["run", "--help"]).command == .help)
    }

    @Test(
        arguments: [
            (["creat"], "unknown command \"creat\""), (["--roott", "x"], "unknown option --roott"),
            (["create", "--bundle"], "create: option --bundle needs a value"),
            (["update", "--cpuset-cpus", "1", "c"], "update: option --cpuset-cpus: not a limit"),
            (["exec", "--cgroup", "x", "c"], "exec: option --cgroup: an exec runs"),
            (["run", "--detach=maybe", "c"], "expected true or false, found \"maybe\""),
        ] as [([String], String)])
    func `what cannot be obeyed is refused by name`(words: [String], reason: String) {
        let failure = #expect(throws: RuntimeFailure.self) { try RuntimeArguments(parsing: words) }
        #expect(failure?.description.contains(reason) == true, "\(String(describing: failure))")
    }

    @Test(arguments: ["", "..", ".a", "a/b", "a b", "ä", String(repeating: "a", count: 201)])
    func `ids that are no names are refused`(id: String) throws {
        let arguments = try RuntimeArguments(parsing: ["state", "--", id])
        #expect(throws: RuntimeFailure.self) { try arguments.containerID() }
    }
}
