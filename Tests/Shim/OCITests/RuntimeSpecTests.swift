// SPDX-License-Identifier: Apache-2.0
// Swiftlet: config.json as containerd and the node write it, and as nobody should.
import OCI
import Testing

@Suite struct RuntimeSpecTests {
    /// Shortened from what `ctr run` writes: members we obey, members we leave out, members we do not know.
    static let containerd = """
        {"ociVersion":"1.0.2-dev","process":{"user":{"uid":1000,"gid":100,"additionalGids":[10]},"args":["/app.wasm","serve"],
        "env":["PATH=/usr/bin:/bin","A=b"],"cwd":"/srv","capabilities":{"bounding":["CAP_CHOWN"]},
        "rlimits":[{"type":"RLIMIT_NOFILE","hard":2048,"soft":1024}],"noNewPrivileges":true,"oomScoreAdj":985},
        "root":{"path":"rootfs","readonly":true},"hostname":"h",
        "mounts":[{"destination":"/proc","type":"proc","source":"proc","options":["nosuid"]},
        {"destination":"/data","type":"bind","source":"/srv/data","options":["rbind","rprivate","ro"]}],
        "annotations":{"io.kubernetes.cri.container-type":"container","swiftlet.dev/network":"none"},
        "linux":{"resources":{"devices":[{"allow":false}],"memory":{"limit":134217728,"swap":134217728},
        "cpu":{"shares":102,"quota":20000,"period":100000},"pids":{"limit":64}},"cgroupsPath":"/default/t1",
        "namespaces":[{"type":"pid"},{"type":"network","path":"/var/run/netns/x"}],"maskedPaths":["/proc/kcore"]},
        "zos":{"future":true}}
        """

    @Test func `reads what containerd writes`() throws {
        let spec = try RuntimeSpec(parsing: Array(Self.containerd.utf8))
        let process = try #require(spec.process)
        #expect(process.args == ["/app.wasm", "serve"])
        #expect(process.cwd == "/srv")
        #expect(process.uid == 1000 && process.gid == 100)
        #expect(process.openFilesLimit == 1024)
        #expect(spec.root == RootSpec(path: "rootfs", isReadOnly: true))
        #expect(spec.mounts[1].isBind && spec.mounts[1].isReadOnly && !spec.mounts[0].isBind)
        let linux = try #require(spec.linux)
        #expect(linux.cgroupsPath == "/default/t1")
        #expect(
            linux.resources
                == ResourcesSpec(
                    memoryLimitBytes: 128 << 20, cpuQuotaMicroseconds: 20_000, cpuPeriodMicroseconds: 100_000,
                    cpuShares: 102, pidsLimit: 64))
        #expect(linux.namespaces[1] == NamespaceSpec(type: "network", path: "/var/run/netns/x"))
    }

    @Test func `what is written is read the same`() throws {
        let spec = try RuntimeSpec(parsing: Array(Self.containerd.utf8))
        #expect(try RuntimeSpec(parsing: spec.json.bytes) == spec)
        #expect(try RuntimeSpec(parsing: RuntimeSpec().json.bytes) == RuntimeSpec())
    }

    @Test(arguments: [
        ("{", "JSON 1:2"), ("[]", "expected an object, found an array"), ("{}", "ociVersion: is missing"),
        (#"{"ociVersion":"2.0"}"#, "ociVersion: expected 1.x, found \"2.0\""),
        (#"{"ociVersion":"1.0","process":{"args":["a",3]}}"#, "process.args[1]: expected a string, found the number 3"),
        (#"{"ociVersion":"1.0","process":{"args":["a\u0000b"]}}"#, "process.args[0]: a NUL character"),
        (#"{"ociVersion":"1.0","process":{"cwd":"x"}}"#, "process.cwd: expected an absolute path"),
        (#"{"ociVersion":"1.0","process":{"user":{"uid":-1}}}"#, "process.user.uid: expected an integer from 0"),
        (#"{"ociVersion":"1.0","mounts":[{"type":"bind"}]}"#, "mounts[0].destination: is missing"),
        (#"{"ociVersion":"1.0","linux":{"resources":{"memory":{"limit":1.5}}}}"#, "linux.resources.memory.limit"),
        (#"{"ociVersion":"1.0","hooks":{"prestart":[{"path":"x"}]}}"#, "hooks.prestart[0].path: expected an absolute"),
        (
            #"{"ociVersion":"1.0","hooks":{"poststop":[{"path":"/x","timeout":0}]}}"#,
            "hooks.poststop[0].timeout: expected"
        ),
        (#"{"ociVersion":"1.0","annotations":{"a":1}}"#, "annotations[\"a\"]: expected a string"),
    ])
    func `refuses what it cannot obey with the path`(text: String, reason: String) {
        let error = #expect(throws: ConfigError.self) { try RuntimeSpec(parsing: Array(text.utf8)) }
        #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
    }

    @Test func `hooks, mappings and the console are read and written`() throws {
        let text = #"""
            {"ociVersion":"1.0.2","hooks":{"createRuntime":[{"path":"/h","args":["h","a"],"env":["A=b"],"timeout":3}]},
             "process":{"terminal":true,"consoleSize":{"width":80,"height":25},"args":["x"]},
             "linux":{"uidMappings":[{"containerID":0,"hostID":1000,"size":10}],"sysctl":{"net.core.somaxconn":"9"}}}
            """#
        let spec = try RuntimeSpec(parsing: Array(text.utf8))
        #expect(spec.hooks[.createRuntime] == [.init(path: "/h", args: ["h", "a"], env: ["A=b"], timeout: 3)])
        #expect(spec.hooks.firstMoment == .createRuntime)
        #expect(spec.process?.consoleSize == ConsoleSize(columns: 80, rows: 25))
        let mappings = try #require(spec.linux?.uidMappings)
        #expect(IDMapping.host(9, mappings) == 1009 && IDMapping.host(10, mappings) == nil)
        #expect(IDMapping.host(7, []) == 7)
        #expect(try RuntimeSpec(parsing: spec.json.bytes) == spec)
    }

    @Test(arguments: [
        ("/a/b", "a/b"), ("machine.slice:libpod:abc", "machine.slice/libpod-abc.scope"),
        ("user-1000.slice:x:y", "user.slice/user-1000.slice/x-y.scope"), (":runc:1", "system.slice/runc-1.scope"),
        ("-.slice:a:b", "a-b.scope"), ("a.slice::n", "a.slice/n.scope"),
        (
            "kubepods-besteffort.slice:cri-containerd:9",
            "kubepods.slice/kubepods-besteffort.slice/cri-containerd-9.scope"
        ),
    ])
    func `both forms of cgroupsPath`(text: String, path: String) throws {
        #expect(try CGroupsPath(parsing: text).relativePath == path)
    }

    @Test(arguments: [
        "/", "../x", "/a/../../b", "a:b", "a.slice:b:", "a--b.slice:c:d", "x:y:z", "../a.slice:b:c", "a.slice:b:../c",
    ])
    func `cgroup paths that lead astray are refused`(text: String) {
        let error = #expect(throws: SpecError.self) { try CGroupsPath(parsing: text) }
        #expect(error?.path == "linux.cgroupsPath")
    }

    @Test func `empty hooks and nulls are fine`() throws {
        let text =
            #"{"ociVersion":"1.0.0","hooks":{"prestart":[]},"process":null,"linux":{"resources":{"memory":null}}}"#
        #expect(try RuntimeSpec(parsing: Array(text.utf8)).process == nil)
    }
}

@Suite struct SandboxAnnotationsTests {
    @Test func `all of them come back`() throws {
        var annotations = SandboxAnnotations()
        annotations.module = "/images/a.wasm"
        annotations.podAddress = 0x7f40_0102
        annotations.containerPorts = [.init(80), .init(53, .udp)]
        annotations.hosts = [.init(name: "db.default.svc", address: 0x7f60_0001)]
        annotations.nameServers = [0x0808_0808]
        annotations.isNetworkAllowed = true
        annotations.engine = .interpreter
        annotations.probeExports = ["healthy", "ready"]
        annotations.rootfs = .readOnly
        #expect(annotations.annotations["swiftlet.dev/pod-address"] == "127.64.1.2")
        #expect(annotations.annotations["swiftlet.dev/container-ports"] == "80/TCP,53/UDP")
        #expect(try SandboxAnnotations(annotations.annotations) == annotations)
        #expect(try SandboxAnnotations(["other.example/x": "y"]) == SandboxAnnotations())
    }

    @Test(arguments: [
        ("swiftlet.dev/module", "a.wasm"), ("swiftlet.dev/pod-address", "127.1"),
        ("swiftlet.dev/pod-address", "127.0.0.01"), ("swiftlet.dev/pod-address", "127.0.0.256"),
        ("swiftlet.dev/container-ports", "0/TCP"), ("swiftlet.dev/container-ports", "80/SCTP"),
        ("swiftlet.dev/hosts", "db"), ("swiftlet.dev/network", "host"), ("swiftlet.dev/engine", "jit"),
        ("swiftlet.dev/rootfs", "rw"), ("swiftlet.dev/modul", "/a"),
    ])
    func `bad values and unknown names are refused by name`(key: String, value: String) {
        let error = #expect(throws: SpecError.self) { try SandboxAnnotations([key: value]) }
        #expect(error?.path == "annotations[\"\(key)\"]")
    }
}
