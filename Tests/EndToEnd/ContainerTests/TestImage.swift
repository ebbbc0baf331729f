// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a small image of guests, as a file that containerd and podman both import.
import Glibc
import OCI
import TestSupport

/// An OCI archive of one tar layer, made with tar(1) and sha256sum(1).
enum TestImage {
    static let reference = "docker.io/swiftlet/test:1"
    static let guests = ["hello", "exit-code", "ignore-stop", "trap", "wasm-api", "memory-hog"]

    /// The image of guests and busybox. The entrypoint is `/hello.wasm`.
    static func make(in space: Workspace) throws -> String {
        try make(in: space, name: "image", reference: reference, entrypoint: "/hello.wasm") { root in
            for guest in guests { try copy(BuiltProducts.guest(guest), to: "\(root)/\(guest).wasm") }
            if let busybox = installed("busybox") { try copy(busybox, to: "\(root)/busybox", mode: 0o755) }
        }
    }

    /// Writes an archive into the workspace and returns its path.
    ///
    /// - Parameter fill: puts the files into a folder.
    static func make(
        in space: Workspace, name: String, reference: String, entrypoint: String, _ fill: (String) throws -> Void
    ) throws -> String {
        let root = "\(space.path)/\(name)-root"
        let layout = "\(space.path)/\(name)"
        for folder in [root, layout, "\(layout)/blobs", "\(layout)/blobs/sha256"] { mkdir(folder, 0o755) }
        try fill(root)
        let layer = "\(space.path)/\(name)-layer.tar"
        try succeed("/bin/tar", ["-C", root, "--owner=0", "--group=0", "-cf", layer, "."])
        let (layerDigest, layerSize) = try addBlob(bytes(layer), to: layout)
        let (configDigest, configSize) = try addBlob(
            Array(
                #"{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/"],"Entrypoint":["\#(entrypoint)"]},"#
                    .utf8)
                + Array(#""rootfs":{"type":"layers","diff_ids":["\#(layerDigest)"]},"history":[]}"#.utf8), to: layout)
        let type = "application/vnd.oci.image"
        let manifest = """
            {"schemaVersion":2,"mediaType":"\(type).manifest.v1+json","config":{"mediaType":"\(type).config.v1+json",\
            "digest":"\(configDigest)","size":\(configSize)},"layers":[{"mediaType":"\(type).layer.v1.tar",\
            "digest":"\(layerDigest)","size":\(layerSize)}]}
            """
        let (manifestDigest, manifestSize) = try addBlob(Array(manifest.utf8), to: layout)
        try write(#"{"imageLayoutVersion":"1.0.0"}"#, to: "\(layout)/oci-layout")
        try write(
            """
            {"schemaVersion":2,"manifests":[{"mediaType":"\(type).manifest.v1+json","digest":"\(manifestDigest)",\
            "size":\(manifestSize),"platform":{"os":"linux","architecture":"amd64"},"annotations":\
            {"io.containerd.image.name":"\(reference)","org.opencontainers.image.ref.name":"\(reference)"}}]}
            """, to: "\(layout)/index.json")
        let archive = "\(space.path)/\(name).tar"
        try succeed("/bin/tar", ["-C", layout, "-cf", archive, "oci-layout", "index.json", "blobs"])
        return archive
    }

    private static func addBlob(_ bytes: [UInt8], to layout: String) throws -> (digest: String, size: Int) {
        let temporary = "\(layout)/blob"
        try write(bytes, to: temporary)
        let digest = String(try succeed("/usr/bin/sha256sum", [temporary]).prefix(64))
        rename(temporary, "\(layout)/blobs/sha256/\(digest)")
        return ("sha256:\(digest)", bytes.count)
    }
}

/// Runs a program that must exit with 0, and gives what it printed.
@discardableResult
func succeed(
    _ path: String, _ words: [String], environment: [String: String]? = nil, seconds: Double = 60
) throws -> String {
    let ran = try run(path, words, environment: environment, seconds: seconds)
    guard ran.code == 0 else { throw Unexpected("\(path) \(words.joined(separator: " ")): \(ran)") }
    return ran.output
}
