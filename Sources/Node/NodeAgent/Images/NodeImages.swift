// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the images of a node: the store, and whoever fetches.

public import Images
import NIOPosix

/// A pull secret of a pod.
public struct PullSecret: Sendable, Equatable {
    public var name: String
    /// JSON of type kubernetes.io/dockerconfigjson or kubernetes.io/dockercfg.
    public var content: [UInt8]

    public init(name: String, content: [UInt8]) {
        self.name = name
        self.content = content
    }
}

/// Fetches images; a registry client in production.
public protocol ImagePulling: Sendable {
    /// Brings an image into the store under its name.
    func pull(_ name: ImageName, into store: ContentStore, secrets: [PullSecret]) async throws(ImageError)
}

/// Where a node's images are, and how it gets more.
public struct NodeImages: Sendable {
    /// Folder of the store; made when the first image is wanted.
    public var root: String
    public var puller: any ImagePulling

    public init(root: String, puller: any ImagePulling) {
        self.root = root
        self.puller = puller
    }

    func store() throws(ImageError) -> ContentStore { try ContentStore(root: root) }

    /// An image that is in the store with everything it needs, leased and unpacked; nil: it is not.
    func local(_ name: ImageName, lease: String) async throws(ImageError) -> LocalImage? {
        do {
            // Unpacking takes as long as it takes; the threads of the concurrency runtime are few.
            return try await NIOThreadPool.singleton.runIfActive { try find(name, lease: lease) }
        } catch { throw error as? ImageError ?? ImageError(.storage, "image \(name): \(error)") }
    }

    private func find(_ name: ImageName, lease: String) throws -> LocalImage? {
        let store = try store()
        let hold = try store.hold()
        defer { withExtendedLifetime(hold) {} }
        let image: StoredImage
        do throws(ImageError) { image = try store.image(name) } catch {
            guard error.code == .notFound else { throw error }
            return nil
        }
        guard image.manifest.layers.allSatisfy({ store.contains($0.digest) }) else { return nil }
        try store.addLease(lease, on: image.target)
        switch image.content {
        case .rootFileSystem:
            return LocalImage(image, name, modulePath: nil, rootPath: try store.unpack(image))
        case .module(let layer, let hasFiles):
            return LocalImage(
                image, name, modulePath: store.path(of: layer.digest),
                rootPath: hasFiles ? try store.unpack(image) : nil)
        }
    }

    /// Size of an image in bytes, for its event; 0 where it cannot be read.
    func size(_ name: ImageName) -> UInt64 { (try? store().image(name).size) ?? 0 }

    /// Gives back what containers held.
    func release(where isEnded: (String) -> Bool) {
        // Without a folder nothing was ever pulled.
        guard FileTree.isDirectory(root), let store = try? store(), let leases = try? store.leases() else { return }
        for lease in leases where isEnded(lease) { _ = try? store.removeLease(lease) }
    }

    func collectGarbage() async {
        guard FileTree.isDirectory(root) else { return }
        _ = try? await NIOThreadPool.singleton.runIfActive { _ = try store().collectGarbage() }
    }

    /// A copy of a root file system for one container.
    static func copyRoot(from source: String, to target: String) async throws(NodeError) {
        do {
            try await NIOThreadPool.singleton.runIfActive {
                // What an interrupted start of this attempt may have left.
                FileTree.remove(target)
                try ContentStore.copyTree(from: source, to: target)
            }
        } catch { throw NodeError("CreateContainerError", "root file system: \(error)") }
    }
}
