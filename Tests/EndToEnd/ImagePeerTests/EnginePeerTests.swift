// SPDX-License-Identifier: Apache-2.0
// Swiftlet end-to-end: images built by `swiftlet image build`, in podman and containerd.

import Glibc
import TestSupport
import Testing

private let isBuilt =
    BuiltProducts.exists(BuiltProducts.program("swiftlet")) && BuiltProducts.exists(BuiltProducts.guest("hello"))

@Suite(.timeLimit(.minutes(3))) struct `An archive of swiftlet` {
    private func archive(_ bench: Workbench, _ more: String...) throws -> String {
        let path = "\(bench.folder)/app.tar"
        let arguments = ["build", BuiltProducts.guest("hello"), "-t", "localhost/app:1", "--output", "archive:\(path)"]
        let result = try bench.attempt(arguments + more)
        try #require(result.status.code == 0, "\(result.errors)")
        return path
    }

    @Test(.enabled(if: isBuilt && geteuid() == 0 && Peer.has("podman"), "needs podman, root and the built swiftlet"))
    func `is loaded by podman`() throws {
        let bench = try Workbench()
        let path = try archive(bench, "--env", "A=1", "--label", "l=m")
        let storage = [
            "--root", "\(bench.folder)/podman", "--runroot", "\(bench.folder)/podman-run", "--storage-driver", "vfs",
        ]
        try Peer.run("podman", storage + ["load", "-i", path])
        let inspection = try Peer.run("podman", storage + ["image", "inspect", "localhost/app:1"])
        for part in ["\"wasm\"", "\"wasi\"", "\"/hello.wasm\"", "\"A=1\"", "\"l\": \"m\""] {
            #expect(inspection.contains(part), "\(part) in \(inspection)")
        }
        // And what podman saves comes back.
        try Peer.run(
            "podman",
            storage + ["save", "--format", "oci-archive", "-o", "\(bench.folder)/saved.tar", "localhost/app:1"])
        #expect(try bench.image("load", "\(bench.folder)/saved.tar").contains("localhost/app:1"))
    }

    @Test(
        .enabled(
            if: isBuilt && geteuid() == 0 && Peer.has("containerd", "ctr"),
            "needs containerd, root and the built swiftlet"))
    func `is imported and unpacked by containerd`() throws {
        let bench = try Workbench()
        let path = try archive(bench)
        let socket = "\(bench.folder)/c.sock"
        let config = try bench.write(
            "config.toml",
            """
            version = 2
            root = "\(bench.folder)/ctrd"
            state = "\(bench.folder)/ctrd-state"
            disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt", \
            "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", \
            "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs"]
            [grpc]
              address = "\(socket)"
            """)
        let daemon = try Program(try #require(Peer.path("containerd")), ["-c", config])
        defer {
            daemon.signal(SIGTERM)
            _ = daemon.wait(seconds: 20)
        }
        for _ in 0..<200 where access(socket, F_OK) != 0 { usleep(50_000) }
        let ctr = ["-a", socket]
        try Peer.run("ctr", ctr + ["image", "import", "--snapshotter", "native", "--platform", "wasi/wasm", path])
        let list = try Peer.run("ctr", ctr + ["image", "list"])
        #expect(list.contains("localhost/app:1") && list.contains("wasi/wasm"), "\(list)")
        // Unpacked: its layer is a snapshot.
        #expect(try Peer.run("ctr", ctr + ["snapshots", "--snapshotter", "native", "list"]).contains("sha256:"))
        // And containerd's own export comes back with the same digest.
        let digest = try bench.image("inspect", "localhost/app:1").split(separator: "\"")[7]
        try Peer.run(
            "ctr",
            ctr + ["image", "export", "--platform", "wasi/wasm", "\(bench.folder)/export.tar", "localhost/app:1"])
        try bench.image("rm", "localhost/app:1")
        #expect(try bench.image("load", "\(bench.folder)/export.tar") == "loaded localhost/app:1\n")
        #expect(try bench.image("inspect", "localhost/app:1").contains(digest))
    }
}
