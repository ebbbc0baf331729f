// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: building, saving and loading images.

import Glibc
import Images
import Testing

@Suite struct `Building an image` {
    static let module: [UInt8] = [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0]

    @Test func `gives the same digest each time`() throws {
        let digests = try (0..<2).map { _ in
            let test = try TestStore()
            let module = try test.write("app.wasm", Self.module)
            mkdir("\(test.folder)/data", 0o700)
            for name in ["b", "a"] { _ = try test.write("data/\(name)", Array(name.utf8)) }
            symlink("a", "\(test.folder)/data/link")
            let builder = ImageBuilder(
                module: module, files: [.init(source: "\(test.folder)/data", destination: "/srv/data")],
                config: ImageConfig(platform: .wasi, environment: ["A=1"]))
            let name = try ImageName("localhost/built")
            let digest = try builder.build(into: test.store, name: name).digest
            let image = try test.store.image(name)
            #expect(image.config.entrypoint == ["/app.wasm"] && image.content == .rootFileSystem)
            let root = try test.store.unpack(image)
            #expect(readFile("\(root)/srv/data/link") == "a" && exists("\(root)/app.wasm"))
            return digest
        }
        #expect(digests[0] == digests[1])
    }

    @Test func `makes an artifact as CNCF's specification has it`() throws {
        let test = try TestStore()
        let module = try test.write("app.wasm", Self.module)
        let name = try ImageName("localhost/artifact")
        try ImageBuilder(module: module, format: .artifact).build(into: test.store, name: name)
        let image = try test.store.image(name)
        #expect(image.manifest.config.mediaType == "application/vnd.wasm.config.v0+json")
        #expect(image.config.platform == Platform(os: "wasip1", architecture: "wasm"))
        guard case .module(let layer, hasFiles: false) = image.content else {
            Issue.record("no module")
            return
        }
        #expect(layer.digest == Digest.of(Self.module) && layer.mediaType == "application/wasm")
        #expect(
            code {
                try ImageBuilder(
                    module: module, format: .artifact, config: ImageConfig(platform: .wasi, environment: ["A=1"])
                ).build(into: test.store, name: name)
            } == .unsupported)
    }

    @Test(arguments: [
        ("x", "relative"), ("x", "/../up"), ("x", "/a/.wh.b"), ("none", "/a"), ("x", "/app.wasm"), ("x", "/"),
    ])
    func `refuses files that cannot be there`(source: String, destination: String) throws {
        let test = try TestStore()
        let module = try test.write("app.wasm", Self.module)
        _ = try test.write("x", [1])
        let builder = ImageBuilder(
            module: module, files: [.init(source: "\(test.folder)/\(source)", destination: destination)])
        #expect(throws: ImageError.self) { try builder.build(into: test.store, name: ImageName("a")) }
        #expect(try test.store.names().isEmpty)
        #expect(try names("\(test.store.root)/ingest").isEmpty)
    }

    @Test func `refuses what is no module`() throws {
        let test = try TestStore()
        let text = try test.write("app.wasm", Array("#!/bin/sh\n".utf8))
        #expect(
            code { try ImageBuilder(module: text).build(into: test.store, name: ImageName("a")) } == .invalidContent)
    }
}

@Suite struct `Layouts and archives` {
    private func built(_ test: TestStore) throws -> ImageName {
        let name = try ImageName("localhost/app:1")
        let module = try test.write("app.wasm", `Building an image`.module)
        try ImageBuilder(module: module).build(into: test.store, name: name)
        return name
    }

    @Test(arguments: [LayoutExport.Form.folder, .archive])
    func `carry an image from store to store`(form: LayoutExport.Form) throws {
        let test = try TestStore()
        let name = try built(test)
        let path = "\(test.folder)/out"
        try LayoutExport(test.store).save(name, to: path, as: form)
        let other = try TestStore()
        #expect(try LayoutImport(other.store).load(path) == [name])
        #expect(try other.store.image(name) == test.store.image(name))
        #expect(try names("\(other.store.root)/ingest").isEmpty)
        let renamed = try ImageName("localhost/other:2")
        #expect(try LayoutImport(other.store).load(path, name: renamed) == [renamed])
    }

    @Test func `hold several images in one folder`() throws {
        let test = try TestStore()
        let first = try built(test)
        let second = try test.add("localhost/second:1", layers: [TarText.of([("a", "1")])])
        for name in [first, second, first] {
            try LayoutExport(test.store).save(name, to: "\(test.folder)/out", as: .folder)
        }
        let other = try TestStore()
        #expect(Set(try LayoutImport(other.store).load("\(test.folder)/out")) == [first, second])
    }

    @Test func `of docker save are read, links between layers too`() throws {
        let test = try TestStore()
        let layer = TarText.of([("app.wasm", "x")])
        var config = ImageConfig(platform: Platform(os: "linux", architecture: "amd64"), command: ["/app.wasm"])
        config.diffIDs = [Digest.of(layer)]
        var tar = TarText()
        let text = { (bytes: [UInt8]) in String(decoding: bytes, as: UTF8.self) }
        tar.add("one/layer.tar", text(layer))
        tar.add("two/layer.tar", type: "2", link: "../one/layer.tar")
        tar.add("abc.json", text(config.bytes))
        tar.add(
            "manifest.json", #"[{"Config":"abc.json","RepoTags":["team/app:2"],"Layers":["two/layer.tar"]}]"#)
        let path = try test.write("docker.tar", tar.end)
        let name = try ImageName("team/app:2")
        #expect(try LayoutImport(test.store).load(path) == [name])
        #expect(readFile(try test.store.unpack(test.store.image(name)) + "/app.wasm") == "x")
    }

    @Test(arguments: [
        #"[{"Config":"../../../../etc/passwd","RepoTags":["a"],"Layers":[]}]"#,
        #"[{"Config":"/etc/passwd","RepoTags":["a"],"Layers":[]}]"#,
        #"[{"Config":"out/passwd","RepoTags":["a"],"Layers":[]}]"#,
        #"[{"Config":"none","RepoTags":["a"],"Layers":[]}]"#, #"{}"#, #"[]"#, "x",
    ])
    func `that point out of themselves are refused`(manifest: String) throws {
        let test = try TestStore()
        var tar = TarText()
        tar.add("out", type: "2", link: "/etc")
        tar.add("manifest.json", manifest)
        let path = try test.write("docker.tar", tar.end)
        #expect(throws: ImageError.self) { try LayoutImport(test.store).load(path) }
        #expect(try test.store.names().isEmpty)
        #expect(try names("\(test.store.root)/ingest").isEmpty)
    }

    @Test func `whose blobs are missing or wrong name nothing`() throws {
        let test = try TestStore()
        let name = try built(test)
        let out = "\(test.folder)/out"
        try LayoutExport(test.store).save(name, to: out, as: .folder)
        let image = try test.store.image(name)
        let layer = "\(out)/blobs/sha256/\(image.manifest.layers[0].digest.hex)"
        _ = try test.write("out/blobs/sha256/\(image.manifest.layers[0].digest.hex)", [1, 2, 3])
        let other = try TestStore()
        #expect(throws: ImageError.self) { try LayoutImport(other.store).load(out) }
        unlink(layer)
        #expect(code { _ = try LayoutImport(other.store).load(out) } == .notFound)
        // An index.json that is a link to a file of this machine is not followed.
        unlink("\(out)/index.json")
        symlink("/etc/hostname", "\(out)/index.json")
        #expect(throws: ImageError.self) { try LayoutImport(other.store).load(out) }
        #expect(try other.store.names().isEmpty)
    }
}
