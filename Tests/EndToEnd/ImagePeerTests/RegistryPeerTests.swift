// SPDX-License-Identifier: Apache-2.0
// Swiftlet end-to-end: `swiftlet image` with Debian's docker-registry and skopeo.

import FoundationEssentials
import Glibc
import TestSupport
import Testing

private let hasRegistry =
    Peer.has("docker-registry", "curl", "openssl") && BuiltProducts.exists(BuiltProducts.program("swiftlet"))
    && BuiltProducts.exists(BuiltProducts.guest("hello"))
private let reason: Comment = "needs docker-registry, curl and openssl of Debian, and the built swiftlet and guests"

@Suite(.enabled(if: hasRegistry, reason), .timeLimit(.minutes(3))) struct `docker-registry` {
    private func line(_ text: String) -> String { text.filter { !$0.isNewline } }

    @Test func `takes an image and gives it back`() throws {
        let registry = try LocalRegistry()
        let bench = try Workbench()
        for format in ["image", "artifact"] {
            let name = "\(registry.host)/team/\(format):1"
            let digest = try bench.build(name, "--format", format)
            #expect(line(try bench.image("push", name)) == "\(name)@\(digest)")
            let other = try Workbench()
            #expect(line(try other.image("pull", "-q", name)) == digest)
            #expect(try other.image("list").contains("\(name)"))
            #expect(try other.image("inspect", name).contains(digest))
            try other.image("rm", name)
            #expect(try other.image("list", "-o", "name") == "")
            #expect(try Program.run("/usr/bin/find", ["\(other.folder)/store/blobs", "-type", "f"]).output == "")
        }
    }

    @Test(arguments: [false, true])
    func `with a password lets nobody else in`(hasTLS: Bool) throws {
        let registry = try LocalRegistry(authenticates: true, hasTLS: hasTLS)
        let bench = try Workbench()
        let name = "\(registry.host)/app:1"
        let digest = try bench.build(name)
        if hasTLS {
            // Without its certificate there is no talk at all.
            bench.environment["SWIFTLET_REGISTRIES"] = try bench.write(
                "registries.json", #"{"registries":{"\#(registry.host)":{"plainHTTP":false}}}"#)
            let strange = try bench.attempt(["push", name])
            #expect(strange.status.code == 1 && strange.errors.contains("TLS"), "\(strange.errors)")
            bench.environment["SWIFTLET_REGISTRIES"] = try bench.write(
                "registries.json", #"{"registries":{"\#(registry.host)":{"caFile":"\#(registry.caFile)"}}}"#)
        }
        let refused = try bench.attempt(["push", name])
        #expect(refused.status.code == 1)
        #expect(refused.errors.contains("there are no credentials for it"), "\(refused.errors)")
        let login = { (auth: String) in #"{"auths":{"\#(registry.host)":{"auth":"\#(auth)"}}}"# }
        _ = try bench.write("docker/config.json", login("bWU6d3Jvbmc="))
        #expect(try bench.attempt(["push", name]).errors.contains("none of 1 credentials is accepted"))
        _ = try bench.write("docker/config.json", login("bWU6c2VjcmV0"))
        #expect(line(try bench.image("push", "-q", name)) == digest)
        try bench.image("rm", name)
        #expect(line(try bench.image("pull", "-q", name)) == digest)
    }

    @Test(.enabled(if: Peer.has("skopeo"), "needs skopeo"))
    func `passes images on between skopeo and swiftlet`() throws {
        let registry = try LocalRegistry()
        let bench = try Workbench()
        let name = "\(registry.host)/app:1"
        let digest = try bench.build(name, "--output", "archive:\(bench.folder)/app.tar", "--env", "A=1")
        try bench.image("save", name, "layout:\(bench.folder)/layout")
        // From the archive and the layout through skopeo into the registry, and from there back: the same digest.
        for (index, source) in ["oci-archive:\(bench.folder)/app.tar", "oci:\(bench.folder)/layout:1"].enumerated() {
            let copy = "\(registry.host)/copy:\(index)"
            try Peer.run("skopeo", ["copy", "--dest-tls-verify=false", source, "docker://\(copy)"])
            #expect(line(try bench.image("pull", "-q", copy)) == digest)
            let inspection = try Peer.run(
                "skopeo",
                [
                    "inspect", "--tls-verify=false", "--override-os", "wasi", "--override-arch", "wasm",
                    "docker://\(copy)",
                ])
            #expect(inspection.contains(digest) && inspection.contains("\"A=1\""))
        }
        // skopeo's own archives, docker's form too.
        try Peer.run(
            "skopeo", ["copy", "oci:\(bench.folder)/layout:1", "docker-archive:\(bench.folder)/docker.tar:team/app:2"])
        #expect(try bench.image("load", "\(bench.folder)/docker.tar") == "loaded docker.io/team/app:2\n")
        try Peer.run("skopeo", ["copy", "oci:\(bench.folder)/layout:1", "oci-archive:\(bench.folder)/oci.tar:x"])
        #expect(try bench.image("load", "\(bench.folder)/oci.tar", "-t", "again:1").contains("library/again:1"))
        #expect(try bench.image("inspect", "again:1").contains(digest))
    }
}

@Suite(.enabled(if: hasRegistry, reason), .timeLimit(.minutes(3))) struct `A pod of swiftlet up` {
    @Test(arguments: ["image", "artifact"])
    func `runs an image from a registry that wants a password`(format: String) throws {
        let registry = try LocalRegistry(authenticates: true)
        let bench = try Workbench()
        let name = "\(registry.host)/team/hello:1"
        let login = #"{"auths":{"\#(registry.host)":{"auth":"bWU6c2VjcmV0"}}}"#
        let config = try bench.write("docker/config.json", login)
        _ = try bench.build(name, "--format", format)
        try bench.image("push", name)
        try bench.image("rm", name)
        // Only the pod's secret knows the password now.
        unlink(config)
        let secret = login.replacing("\"", with: "\\\"")
        let manifest = try bench.write(
            "pod.yaml",
            """
            apiVersion: v1
            kind: Secret
            metadata: {name: login}
            type: kubernetes.io/dockerconfigjson
            stringData:
              .dockerconfigjson: "\(secret)"
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: hello}
            spec:
              restartPolicy: Never
              imagePullSecrets: [{name: login}]
              containers:
              - {name: hello, image: "\(name)"}
            """)
        let up = try Program(
            BuiltProducts.program("swiftlet"), ["up", "-f", manifest, "--root", "\(bench.folder)/root"],
            environment: bench.environment)
        #expect(
            up.waitForOutput(seconds: 60) { $0.contains("hello/hello | hello from wasm") },
            "\(up.standardOutput)\(up.standardError)")
        up.signal(SIGINT)
        #expect(up.wait(seconds: 30)?.code != nil)
        // What the pod held is free again.
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(bench.folder)/store/leases").isEmpty)
    }
}
