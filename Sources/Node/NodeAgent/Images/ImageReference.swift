// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what the `image` field of a container names.

import Images
import KubernetesAPI

/// An image that is on this machine, ready to be run.
public struct LocalImage: Sendable, Equatable {
    /// Absolute path of the module on this machine; nil: the first argument names it in the root file system.
    public var modulePath: String?
    /// Absolute path of the unpacked root file system, which is not to be written to; nil: there is none.
    public var rootPath: String?
    /// `status.imageID`.
    public var id: String
    /// What is called when the manifest gives no command.
    public var entrypoint: [String]
    /// What is passed when the manifest gives neither command nor arguments.
    public var command: [String]
    public var environment: [(name: String, value: String)] { pairs.map { ($0.name, $0.value) } }
    public var workingDirectory = ""
    /// `user[:group]`.
    public var user = ""
    private var pairs: [Pair] = []

    private struct Pair: Sendable, Equatable {
        var name: String
        var value: String
    }

    /// A module by its path.
    init(path: String) {
        modulePath = path
        id = "file://\(path)"
        entrypoint = [path.split(separator: "/").last.map(String.init) ?? path]
        command = []
    }

    /// An image of the store.
    ///
    /// - Parameters:
    ///   - modulePath: of a module that is a layer of its own.
    ///   - rootPath: of its files.
    init(_ image: StoredImage, _ name: ImageName, modulePath: String?, rootPath: String?) {
        self.modulePath = modulePath
        self.rootPath = rootPath
        id = "\(name.repositoryName)@\(image.target.digest)"
        entrypoint = image.config.entrypoint
        command = image.config.command
        workingDirectory = image.config.workingDirectory
        user = image.config.user
        pairs = image.config.environment.compactMap { text in
            guard let equals = text.firstIndex(of: "="), equals != text.startIndex else { return nil }
            return Pair(name: String(text[..<equals]), value: String(text[text.index(after: equals)...]))
        }
        // An artifact says nothing of how it is called.
        if modulePath != nil, entrypoint.isEmpty, command.isEmpty {
            let title = image.manifest.layers.first?.annotations["org.opencontainers.image.title"] ?? ""
            entrypoint = [title.isEmpty ? "module.wasm" : title]
        }
    }
}

/// Tells paths from names.
enum ImageReference {
    // LIMIT: an image field; upstream's references have 255 bytes and a digest.
    static let bytesMax = 4096

    case file(path: String)
    case name(ImageName)

    /// - Throws: `NodeError` with reason `InvalidImageName`.
    init(_ image: String, workingDirectory: String) throws(NodeError) {
        guard !image.isEmpty, image.utf8.count <= Self.bytesMax, !image.utf8.contains(0) else {
            throw NodeError("InvalidImageName", "image \"\(image.prefix(100))\": expected a path or a reference")
        }
        if let path = Self.path(of: image, workingDirectory) {
            self = .file(path: path)
            return
        }
        do { self = .name(try ImageName(image)) } catch {
            throw NodeError(
                "InvalidImageName",
                "Failed to apply default image tag \"\(image)\": invalid reference format: \(error.message)")
        }
    }

    /// The module at a path.
    ///
    /// - Throws: `NodeError` with reason `ErrImagePull` or `ErrImageNeverPull`.
    static func module(at path: String, image: String, policy: ImagePullPolicy?) throws(NodeError) -> LocalImage {
        guard FileTree.isRegularFile(path) else {
            let reason = FileTree.exists(path) ? "is not a regular file" : "no such file"
            throw NodeError(
                policy == .never ? "ErrImageNeverPull" : "ErrImagePull", "image \"\(image)\": \(path): \(reason)")
        }
        return LocalImage(path: path)
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
}
