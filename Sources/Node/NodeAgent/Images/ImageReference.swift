// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what the `image` field of a container names.

public import KubernetesAPI

/// An image that is on this machine.
public struct LocalImage: Sendable, Equatable {
    /// Absolute path of the module.
    public var modulePath: String
    /// `status.imageID`.
    public var id: String
    /// The name under which the guest is called when the manifest gives no command.
    public var programName: String
}

/// Resolves images. This build knows paths; registries are refused by name.
public enum ImageReference {
    // LIMIT: an image field; upstream's references have 255 bytes and a digest.
    static let bytesMax = 4096

    /// - Throws: `NodeError` with reason `InvalidImageName`, `ErrImagePull` or `ErrImageNeverPull`.
    public static func resolve(
        _ image: String, policy: ImagePullPolicy?, workingDirectory: String
    ) throws(NodeError) -> LocalImage {
        guard !image.isEmpty, image.utf8.count <= bytesMax, !image.utf8.contains(0) else {
            throw NodeError("InvalidImageName", "image \"\(image.prefix(100))\": expected a path or a reference")
        }
        guard let path = path(of: image, workingDirectory) else {
            guard isReference(image) else {
                throw NodeError(
                    "InvalidImageName", "Failed to apply default image tag \"\(image)\": invalid reference format")
            }
            if policy == .never {
                throw NodeError(
                    "ErrImageNeverPull", "Container image \"\(image)\" is not present with pull policy of Never")
            }
            throw NodeError(
                "ErrImagePull",
                "failed to pull image \"\(image)\": registry pulls are not available in this build; "
                    + "use the path of a .wasm file, such as ./app.wasm")
        }
        guard FileTree.isRegularFile(path) else {
            let reason = FileTree.exists(path) ? "is not a regular file" : "no such file"
            throw NodeError(
                policy == .never ? "ErrImageNeverPull" : "ErrImagePull", "image \"\(image)\": \(path): \(reason)")
        }
        let file = path.split(separator: "/").last.map(String.init) ?? path
        return LocalImage(modulePath: path, id: "file://\(path)", programName: file)
    }

    /// `./x`, `../x`, `/x` and `file://…` are paths, as is any name that ends in `.wasm` and is there.
    private static func path(of image: String, _ workingDirectory: String) -> String? {
        if image.hasPrefix("file://") { return normalized(String(image.dropFirst(7))) }
        if image.hasPrefix("/") { return normalized(image) }
        let joined = normalized("\(workingDirectory)/\(image)")
        if image.hasPrefix("./") || image.hasPrefix("../") { return joined }
        return image.hasSuffix(".wasm") && FileTree.isRegularFile(joined) ? joined : nil
    }

    /// Without `.` and empty parts, `..` taken out as written.
    private static func normalized(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    /// The shape of `[registry/]name[:tag][@digest]`, as far as it decides between a bad name and a missing image.
    private static func isReference(_ image: String) -> Bool {
        let name = image.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)[0]
        let isAllowed = name.utf8.allSatisfy { byte in
            (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte) || (0x30...0x39).contains(byte)
                || "._-/:".utf8.contains(byte)
        }
        let lastPart = name.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        let repository = lastPart.split(separator: ":", omittingEmptySubsequences: false).first ?? ""
        return isAllowed && !repository.isEmpty && repository == repository.lowercased() && !name.contains("//")
            && image.last != "@"
    }
}
