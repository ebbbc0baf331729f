// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: images of pods, from a registry that a test plays.

import Glibc
import Images
import KubernetesAPI
import NodeAgent
import OCI
import ObjectStore
import Synchronization
import TestSupport
import Testing

/// Builds what is asked for, or fails as it is told to.
final class FakePuller: ImagePulling {
    struct State {
        var failure: ImageError?
        var builder: ImageBuilder?
        var pulls: [(name: String, secrets: [PullSecret])] = []
    }

    let state = Mutex(State())

    func pull(_ name: ImageName, into store: ContentStore, secrets: [PullSecret]) async throws(ImageError) {
        let (failure, builder) = state.withLock { state in
            state.pulls.append((name.description, secrets))
            return (state.failure, state.builder)
        }
        if let failure { throw failure }
        guard let builder else { throw ImageError(.notFound, "manifest unknown") }
        try builder.build(into: store, name: name)
    }

    var count: Int { state.withLock { $0.pulls.count } }
}

@Suite(.timeLimit(.minutes(1))) struct `A pod with an image` {
    private static let image = "registry.example/team/app:1"

    private func serve(_ node: TestNode, _ format: ImageBuilder.Format = .image, _ config: ImageConfig? = nil) {
        var builder = ImageBuilder(module: "\(node.root)/app.wasm", format: format)
        if let config { builder.config = config }
        node.puller.state.withLock { [builder] in $0.builder = builder }
    }

    private func makeContainer(_ policy: ImagePullPolicy = .ifNotPresent, _ image: String = Self.image) -> Container {
        Container(name: "app", image: image, imagePullPolicy: policy)
    }

    private func spec(_ node: TestNode) async throws -> RuntimeSpec {
        #expect(await eventually { node.container("web")?.state.running != nil })
        return try #require(node.runtime.onlyShim?.spec("app-0"))
    }

    @Test func `pulls it and runs what it says`() async throws {
        try await withNode(hasImages: true) { node in
            serve(
                node, .image,
                ImageConfig(
                    platform: .wasi, entrypoint: ["/app.wasm", "serve"], command: ["--quiet"],
                    environment: ["A=image", "B=image"], workingDirectory: "/srv", user: "12:34"))
            var container = makeContainer()
            container.env = [EnvVar(name: "B", value: "pod")]
            try node.store.create(makePod(containers: [container]))
            let spec = try await spec(node)
            let process = try #require(spec.process)
            #expect(process.args == ["/app.wasm", "serve", "--quiet"] && process.cwd == "/srv")
            #expect(process.uid == 12 && process.gid == 34)
            #expect(process.env.contains("A=image") && process.env.contains("B=pod"))
            #expect(!process.env.contains("B=image"))
            #expect(spec.root == RootSpec(path: "rootfs") && spec.annotations["swiftlet.dev/module"] == nil)
            let bundle = try #require(names("\(node.root)/pods").first)
            #expect(exists("\(node.root)/pods/\(bundle)/app-0/rootfs/app.wasm"))
            #expect(node.container("web")?.imageID.hasPrefix("registry.example/team/app@sha256:") == true)
            #expect(node.messages("Pulling") == ["Pulling image \"\(Self.image)\""])
            #expect(node.messages("Pulled").first?.hasPrefix("Successfully pulled image \"\(Self.image)\" in ") == true)
        }
    }

    @Test func `may be a module alone`() async throws {
        try await withNode(hasImages: true) { node in
            serve(node, .artifact)
            try node.store.create(makePod(containers: [makeContainer()]))
            let spec = try await spec(node)
            #expect(spec.process?.args == ["app.wasm"] && spec.root == nil)
            #expect(spec.annotations["swiftlet.dev/module"]?.hasPrefix("\(node.root)/images/blobs/sha256/") == true)
        }
    }

    @Test(arguments: [
        (["/x"], [String](), ["/x"]), ([], ["a", "b"], ["/app.wasm", "a", "b"]), (["/x"], ["a"], ["/x", "a"]),
    ])
    func `takes command and arguments from the pod`(
        command: [String], arguments: [String], expected: [String]
    ) async throws {
        try await withNode(hasImages: true) { node in
            serve(node, .image, ImageConfig(platform: .wasi, command: ["default"]))
            var container = makeContainer()
            container.command = command
            container.args = arguments
            container.securityContext = SecurityContext(readOnlyRootFilesystem: true)
            try node.store.create(makePod(containers: [container]))
            let spec = try await spec(node)
            #expect(spec.process?.args == expected)
            // Read-only: everybody shares the files of the store.
            #expect(spec.root?.isReadOnly == true && spec.root?.path.hasPrefix("\(node.root)/images/rootfs/") == true)
        }
    }

    @Test func `pulls as its policy says, and no more`() async throws {
        try await withNode(hasImages: true) { node in
            serve(node)
            for (index, policy) in [ImagePullPolicy.ifNotPresent, .ifNotPresent, .always, .never].enumerated() {
                try node.store.create(makePod("web\(index)", containers: [makeContainer(policy)]))
                #expect(await eventually { node.container("web\(index)")?.state.running != nil })
            }
            #expect(node.puller.count == 2)
            #expect(node.messages("Pulled").contains("Container image \"\(Self.image)\" already present on machine"))
            try node.store.create(makePod("never", containers: [makeContainer(.never, "registry.example/none:1")]))
            #expect(
                await eventually { node.container("never")?.state.waiting?.reason == "ErrImageNeverPull" })
            #expect(
                node.messages("ErrImageNeverPull") == [
                    "Container image \"registry.example/none:1\" is not present with pull policy of Never"
                ])
            #expect(node.puller.count == 2)
        }
    }

    @Test func `backs off while it cannot be pulled, and starts when it can`() async throws {
        let clock = ManualClock()
        try await withNode(clock: clock.nodeClock, hasImages: true) { node in
            node.puller.state.withLock { $0.failure = ImageError(.unavailable, "HTTP 503") }
            try node.store.create(makePod(containers: [makeContainer()]))
            #expect(await eventually { node.container("web")?.state.waiting?.reason == "ErrImagePull" })
            #expect(node.container("web")?.state.waiting?.message.contains("HTTP 503") == true)
            await clock.advance(by: .seconds(1))
            #expect(await eventually { node.container("web")?.state.waiting?.reason == "ImagePullBackOff" })
            #expect(node.messages("BackOff") == ["Back-off pulling image \"\(Self.image)\""])
            #expect(
                Set(node.messages("Failed")) == [
                    "Failed to pull image \"\(Self.image)\": failed to pull and unpack image \"\(Self.image)\": HTTP 503",
                    "Error: ErrImagePull", "Error: ImagePullBackOff",
                ])
            serve(node)
            node.puller.state.withLock { $0.failure = nil }
            await clock.advance(by: .seconds(10))
            #expect(await eventually { node.container("web")?.state.running != nil })
            #expect(node.puller.count == 2)
        }
    }

    @Test func `hands its pull secrets on, and says which are missing`() async throws {
        try await withNode(hasImages: true) { node in
            serve(node)
            try node.store.create(
                Secret(
                    metadata: ObjectMeta(name: "login", namespace: "default"),
                    data: [".dockerconfigjson": Base64Data(utf8: "{}")], type: "kubernetes.io/dockerconfigjson"))
            var pod = makePod(containers: [makeContainer()])
            pod.spec.imagePullSecrets = [LocalObjectReference(name: "login"), LocalObjectReference(name: "none")]
            try node.store.create(pod)
            #expect(await eventually { node.container("web")?.state.running != nil })
            let secrets = node.puller.state.withLock { $0.pulls.first?.secrets }
            #expect(secrets == [PullSecret(name: "login", content: Array("{}".utf8))])
            #expect(node.messages("FailedToRetrieveImagePullSecret").first?.contains("(none)") == true)
        }
    }

    @Test func `keeps its image from being collected, and gives it back`() async throws {
        try await withNode(hasImages: true) { node in
            serve(node)
            try node.store.create(makePod(grace: 0, containers: [makeContainer()]))
            #expect(await eventually { node.container("web")?.state.running != nil })
            let images = try ContentStore(root: "\(node.root)/images")
            let name = try ImageName(Self.image)
            let digest = try images.image(name).descriptor.digest
            try images.removeName(name)
            #expect(await eventually { (try? images.collectGarbage(ageSeconds: 0)) ?? nil != nil })
            #expect(images.contains(digest))
            _ = try node.store.delete(Pod.self, namespace: "default", name: "web")
            #expect(await eventually { node.pod("web") == nil })
            #expect(await eventually { (try? images.leases().isEmpty) == true })
            #expect(try images.collectGarbage(ageSeconds: 0)?.blobs == 3)
        }
    }

    @Test(arguments: ["nobody", "1:users", "-5"])
    func `with a user that is no number needs one`(user: String) async throws {
        try await withNode(hasImages: true) { node in
            serve(node, .image, ImageConfig(platform: .wasi, user: user))
            try node.store.create(makePod(containers: [makeContainer()]))
            #expect(
                await eventually { node.container("web")?.state.waiting?.reason == "CreateContainerConfigError" })
        }
    }

    private func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
}
