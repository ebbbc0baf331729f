// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: a containerd with its CRI plugin, and what the kubelet would ask of it.
import Glibc
import Protobuf
import TestSupport
import Testing

/// A containerd in a network namespace of its own, with a bridge for pods, and the runtime that `swiftlet install` adds.
final class CRINode {
    static let needs: ConditionTrait = .enabled(
        if: access("/usr/lib/cni/bridge", X_OK) == 0 && BuiltProducts.exists(Installer.program)
            && installed("busybox") != nil,
        "needs containernetworking-plugins, busybox and the built swiftlet")
    private static let pause = "docker.io/swiftlet/pause:1"

    let space = Workspace()
    let containerd: Containerd
    let connection: GRPCConnection
    var logs: String { "\(space.path)/logs" }

    init() throws {
        let path = "\(space.path)/config.toml"
        try write(Self.config(space), to: path)
        mkdir("\(space.path)/cni", 0o755)
        try write(Self.network(space), to: "\(space.path)/cni/10-bridge.conflist")
        guard try Installer(space, path).run([]).code == 0 else { throw Unexpected("swiftlet install failed") }
        containerd = try Containerd(space, programs: "/nowhere", isIsolated: true)
        let images = [
            try TestImage.make(in: space),
            try TestImage.make(in: space, name: "pause", reference: Self.pause, entrypoint: "/pause") {
                try write(Self.pauseProgram, to: "\($0)/pause")
                chmod("\($0)/pause", 0o755)
            },
        ]
        for image in images {
            let ran = try containerd.ctr(["-n", "k8s.io", "image", "import", image])
            guard ran.code == 0 else { throw Unexpected("import: \(ran)") }
        }
        connection = try GRPCConnection.connect(to: "\(space.path)/c.sock")
        let connection = connection
        for reference in [TestImage.reference, Self.pause] {
            // The plugin hears of an image a moment after it is there.
            let request = Fields([1: .message(Fields([1: .text(reference)]))])
            let isKnown = try isTrue(within: 20) {
                try !connection.call("/runtime.v1.ImageService/ImageStatus", request, as: Presence.self).isEmpty
            }
            guard isKnown else { throw Unexpected("\(reference) is not in the CRI plugin's images") }
        }
    }

    deinit {
        // A test that failed leaves pods.
        for id in (try? call("ListPodSandbox", Fields(), as: IDList.self))?.ids ?? [] {
            _ = try? call("StopPodSandbox", Fields([1: .text(id)]), as: NoAnswer.self)
            _ = try? call("RemovePodSandbox", Fields([1: .text(id)]), as: NoAnswer.self)
        }
    }

    private static func config(_ space: Workspace) -> String {
        Containerd.config(in: space, hasKubernetes: true) + """
            [plugins."io.containerd.grpc.v1.cri"]
              sandbox_image = "\(pause)"
              disable_apparmor = true
              restrict_oom_score_adj = true
              stream_server_address = "127.0.0.1"
              stream_server_port = "0"
              [plugins."io.containerd.grpc.v1.cri".cni]
                bin_dir = "/usr/lib/cni"
                conf_dir = "\(space.path)/cni"
              [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
                runtime_type = "io.containerd.runc.v2"

            """
    }

    private static func network(_ space: Workspace) -> String {
        """
        {"cniVersion":"0.4.0","name":"test","plugins":[{"type":"bridge","bridge":"swltest0","isGateway":true,"ipam":
        {"type":"host-local","dataDir":"\(space.path)/ipam","ranges":[[{"subnet":"10.78.0.0/24"}]]}}]}
        """
    }

    /// An x86-64 ELF program of one segment that does nothing but pause(2).
    private static let pauseProgram: [UInt8] = {
        let code: [UInt8] = [0xb8, 34, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7]
        func little(_ value: UInt64, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
        }
        let size = UInt64(120 + code.count)
        let head = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 9)
        let kind = little(2, 2) + little(62, 2) + little(1, 4) + little(0x40_0078, 8) + little(64, 8) + little(0, 8)
        let sizes = little(0, 4) + little(64, 2) + little(56, 2) + little(1, 2) + little(0, 6)
        let segment = little(1, 4) + little(5, 4) + little(0, 8) + little(0x40_0000, 8) + little(0x40_0000, 8)
        return head + kind + sizes + segment + little(size, 8) + little(size, 8) + little(4096, 8) + code
    }()

    // MARK: - Calls

    func call<Answer: ProtobufMessage>(_ method: String, _ request: Fields, as type: Answer.Type) throws -> Answer {
        try connection.call("/runtime.v1.RuntimeService/\(method)", request, as: type)
    }

    /// PodSandboxConfig.
    func podConfig(_ name: String) -> Fields {
        Fields([
            1: .message(Fields([1: .text(name), 2: .text("uid-\(name)"), 3: .text("default")])), 2: .text(name),
            3: .text(logs), 8: .message(Fields([1: .text("/swiftlet-oci-test-\(space.unique)")])),
        ])
    }

    func runPod(_ name: String) throws -> String {
        try call("RunPodSandbox", Fields([1: .message(podConfig(name)), 2: .text("swiftlet")]), as: IDAnswer.self).id
    }

    /// Makes a container of the test image and starts it.
    func runContainer(
        _ name: String, in pod: String, of podName: String, _ command: [String], environment: [String: String] = [:],
        memoryBytes: UInt64 = 0
    ) throws -> String {
        let resources = memoryBytes == 0 ? Fields() : Fields([4: .number(memoryBytes)])
        let config = Fields([
            1: .message(Fields([1: .text(name)])), 2: .message(Fields([1: .text(TestImage.reference)])),
            3: .strings(command), 6: Fields.map(environment), 11: .text("\(name).log"),
            15: .message(Fields([1: .message(resources)])),
        ])
        let request = Fields([1: .text(pod), 2: .message(config), 3: .message(podConfig(podName))])
        let id = try call("CreateContainer", request, as: IDAnswer.self).id
        _ = try call("StartContainer", Fields([1: .text(id)]), as: NoAnswer.self)
        return id
    }

    func exec(_ id: String, _ command: [String]) throws -> ExecSyncAnswer {
        try call("ExecSync", Fields([1: .text(id), 2: .strings(command), 3: .number(30)]), as: ExecSyncAnswer.self)
    }

    func status(_ id: String) throws -> StatusAnswer.Status {
        try call("ContainerStatus", Fields([1: .text(id)]), as: StatusAnswer.self).status
    }

    func stats(_ id: String) throws -> StatsAnswer.Usage {
        try call("ContainerStats", Fields([1: .text(id)]), as: StatsAnswer.self).stats
    }

    func stopAndRemove(_ id: String) throws {
        _ = try call("StopContainer", Fields([1: .text(id), 2: .number(20)]), as: NoAnswer.self)
        _ = try call("RemoveContainer", Fields([1: .text(id)]), as: NoAnswer.self)
    }

    func removePod(_ id: String) throws {
        _ = try call("StopPodSandbox", Fields([1: .text(id)]), as: NoAnswer.self)
        _ = try call("RemovePodSandbox", Fields([1: .text(id)]), as: NoAnswer.self)
    }
}
