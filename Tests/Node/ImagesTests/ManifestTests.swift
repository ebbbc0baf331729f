// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: manifests, indexes, platforms, kinds of content.

import Images
import Testing

@Suite struct `Manifests` {
    static let digest = "sha256:" + String(repeating: "a", count: 64)
    static let blob = #"{"mediaType":"t","digest":"\#(digest)","size":3}"#

    private func parse(_ text: String, _ type: String = "", limits: ImageLimits = ImageLimits()) throws
        -> ManifestDocument
    {
        try ManifestDocument(parsing: Array(text.utf8), mediaType: type, name: "m", limits: limits)
    }

    @Test(arguments: [
        ("", ImageError.Code.invalidContent, "JSON 1:1"), ("[]", .invalidContent, "expected an object, found an array"),
        (#"{"schemaVersion":1}"#, .unsupported, "schema 1"),
        (#"{"schemaVersion":2}"#, .invalidContent, "layers is missing"),
        (#"{"schemaVersion":2,"layers":[],"manifests":[]}"#, .invalidContent, "an image and an index"),
        (#"{"schemaVersion":2,"layers":[{}],"config":{}}"#, .invalidContent, "layers[0]: digest is missing"),
        (
            #"{"schemaVersion":2,"layers":[{"digest":"sha256:zz","size":1}],"config":{}}"#, .invalidContent,
            "layers[0]: digest: digest \"sha256:zz\""
        ),
        (
            #"{"schemaVersion":2,"layers":[{"digest":"\#(digest)","size":-1}],"config":{}}"#, .invalidContent,
            "layers[0]: size: expected a size in bytes, found the number -1"
        ),
        (
            #"{"schemaVersion":2,"mediaType":"text/plain","layers":[],"config":\#(blob)}"#, .unsupported,
            "\"text/plain\" is no image manifest"
        ),
        (
            #"{"schemaVersion":2,"layers":[],"config":{"digest":"\#(digest)","size":99999999}}"#, .limitExceeded,
            "99999999 bytes"
        ),
    ])
    func `say what is wrong with them`(text: String, code: ImageError.Code, message: String) {
        do {
            _ = try parse(text)
            Issue.record("accepted")
        } catch {
            let error = error as? ImageError
            #expect(error?.code == code)
            #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
        }
    }

    @Test func `are bounded`() {
        var limits = ImageLimits()
        limits.layers = 2
        let layers = [Self.blob, Self.blob, Self.blob].joined(separator: ",")
        #expect(
            code {
                _ = try parse(#"{"schemaVersion":2,"layers":[\#(layers)],"config":\#(Self.blob)}"#, limits: limits)
            } == .limitExceeded)
        limits.documentBytes = 10
        #expect(code { _ = try parse(#"{"schemaVersion":2}"#, limits: limits) } == .invalidContent)
    }

    @Test func `come back as they were written`() throws {
        let digest = try Digest(Self.digest)
        let manifest = ImageManifest(
            artifactType: "a/b",
            config: ContentDescriptor(mediaType: MediaType.config, digest: digest, size: 3),
            layers: [ContentDescriptor(mediaType: MediaType.wasm, digest: digest, size: 4, annotations: ["k": "v"])],
            annotations: ["x": "y"])
        #expect(try parse(String(decoding: manifest.bytes, as: UTF8.self)) == .manifest(manifest))
        let index = ImageIndex(manifests: [
            ContentDescriptor(mediaType: MediaType.manifest, digest: digest, size: 3, platform: .wasi)
        ])
        #expect(try parse(String(decoding: index.bytes, as: UTF8.self)) == .index(index))
        let config = ImageConfig(
            platform: .wasi, created: "2020-01-01T00:00:00Z", entrypoint: ["/a"], command: ["b"],
            environment: ["A=1"], workingDirectory: "/w", user: "1:2", exposedPorts: ["80/tcp"], labels: ["l": "m"],
            diffIDs: [digest], history: [])
        #expect(try ImageConfig(parsing: config.bytes, name: "c") == config)
    }

    @Test func `choose Wasm before native, and nothing foreign`() throws {
        func best(_ names: String...) throws -> String? {
            let offers = try names.map { $0.isEmpty ? nil : try Platform($0) }
            return PlatformSelection.standard.best(offers).map { names[$0] }
        }
        #expect(try best("linux/amd64", "wasip1/wasm", "wasi/wasm") == "wasi/wasm")
        #expect(try best("unknown/unknown", "wasip1/wasm") == "wasip1/wasm")
        #expect(try best("linux/s390x", "windows/amd64") == nil)
        #expect(try best("linux/s390x", "") == "")
        #if arch(x86_64)
            #expect(try best("linux/arm64/v8", "linux/amd64") == "linux/amd64")
        #endif
        #expect(throws: ImageError.self) { try Platform("wasi") }
        #expect(throws: ImageError.self) { try Platform("a/b/c/d") }
    }

    @Test(arguments: [
        (MediaType.config, [MediaType.layerGzip], "image"),
        (MediaType.dockerConfig, ["application/vnd.docker.image.rootfs.diff.tar.gzip"], "image"),
        (MediaType.config, [MediaType.layer, MediaType.componentLayer], "image+module"),
        (MediaType.config, [MediaType.wasm], "module"),
        (MediaType.wasmConfig, [MediaType.wasm], "module"),
        (MediaType.legacyWasmConfig, [MediaType.legacyWasmLayer], "module"),
        (MediaType.wasmConfig, [MediaType.wasm, MediaType.wasm], "2 layers with 2 modules"),
        (MediaType.config, [MediaType.wasm, MediaType.wasm], "2 module layers"),
        (MediaType.spinConfig, ["application/vnd.fermyon.spin.wasm"], "is a Spin application"),
        ("application/vnd.cncf.helm.config.v1+json", ["application/tar+gzip"], "is nothing that can be run"),
        (MediaType.config, ["application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"], "of type"),
        (MediaType.config, [String](), "has no layers"),
    ])
    func `are told apart`(config: String, layers: [String], expected: String) throws {
        let digest = try Digest(Self.digest)
        let manifest = ImageManifest(
            config: ContentDescriptor(mediaType: config, digest: digest, size: 1),
            layers: layers.map { ContentDescriptor(mediaType: $0, digest: digest, size: 1) })
        do {
            #expect(try ImageContent(manifest, name: "x").kind == expected)
        } catch {
            #expect(error.code == .unsupported && error.message.contains(expected), "\(error)")
        }
    }
}
