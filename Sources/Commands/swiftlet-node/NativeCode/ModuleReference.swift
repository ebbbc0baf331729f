// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a module that a person names: a file, or an image of the store.

import Glibc
import Images
import Linux
import NativeCache
import OCI
import TTRPC
import TaskService

struct ModuleReference {
    private let name: String
    private let images: ImageOptions

    init(_ name: String, _ images: ImageOptions) { (self.name, self.images) = (name, images) }

    /// Opens the module; a file of this name goes before an image.
    func open() throws -> OwnedDescriptor {
        do { return try Files.open(name, O_RDONLY) } catch {
            guard error.errno == .noSuchFile, !name.hasSuffix(".wasm"), !name.hasSuffix(".wat"),
                let reference = try? ImageName(name)
            else { throw error }
            let store = try images.openStore()
            let image: StoredImage
            do throws(ImageError) { image = try store.image(reference) } catch {
                throw CommandFailure("\(name): neither a file nor an image of the store (\(error.message))")
            }
            return try Self.open(image, in: store)
        }
    }

    /// The module that the image runs when nobody says otherwise.
    ///
    /// - Parameter unpacks: false: one that is not unpacked is an error.
    static func open(
        _ image: StoredImage, in store: ContentStore, unpacks: Bool = true
    ) throws -> OwnedDescriptor {
        switch image.content {
        case .module(let layer, _): return try Files.open(store.path(of: layer.digest), O_RDONLY)
        case .rootFileSystem:
            guard unpacks || store.isUnpacked(image) else { throw CommandFailure("the image is not unpacked") }
            let root = try ImageOptions.telling { () throws(ImageError) in try store.unpack(image) }
            var process = ProcessSpec(
                args: image.config.entrypoint + image.config.command, env: image.config.environment)
            if !image.config.workingDirectory.isEmpty { process.cwd = image.config.workingDirectory }
            do throws(Status) { return try ModuleResolver(rootPath: root).resolve(process).takeDescriptor() } catch {
                throw CommandFailure(error.message)
            }
        }
    }
}
