// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what the cache of native code holds, for people.

import Images
import Linux
import NativeCache
import NativeImage

enum NativeListing {
    /// `swiftlet compile --list`.
    static func write() throws {
        var rows = [["MODULE", "LEVEL", "SIZE", "USABLE", "LAST USED"]]
        if let cache = try NativeCache(at: NativeCache.standardRoot) {
            rows += try cache.entries().map { entry in
                let key = entry.key
                let isOurs = NativeCompiler.Level(rawValue: key.level).map { NativeCacheKey(key.module, $0) == key }
                return [
                    String("\(key.module)".prefix(12)), key.level, TransferView.size(UInt64(entry.byteCount)),
                    isOurs == true ? "yes" : "no: made by another version, or for another processor",
                    ImageDate.text(entry.lastUsed),
                ]
            }
        }
        writeOutput(ImageListCommand.table(rows))
    }

    /// `full (57.6 kB)`, `hot (…)`, `quick (…)`, `failed` or `none`. Looks and changes nothing: an image that was never unpacked was
    /// never run here.
    static func state(of image: StoredImage, in store: ContentStore, _ cache: NativeCache?) -> String {
        guard let digest = digest(of: image, in: store, cache) else { return "none" }
        guard let cache, let entries = try? cache.entries() else { return "none" }
        for level in NativeCompiler.Level.bestFirst {
            let key = NativeCacheKey(digest, level)
            guard let entry = entries.first(where: { $0.key == key }) else { continue }
            return "\(level.rawValue) (\(TransferView.size(UInt64(entry.byteCount))))"
        }
        return cache.rememberedFailure(NativeCacheKey(digest, .full)) == nil ? "none" : "failed"
    }

    /// Of the module that the image runs.
    static func digest(of image: StoredImage, in store: ContentStore, _ cache: NativeCache?) -> ModuleDigest? {
        guard let module = try? ModuleReference.open(image, in: store, unpacks: false) else { return nil }
        if let cache { return try? cache.digest(of: module.rawValue) }
        return try? ModuleDigest.of(file: module.rawValue)
    }
}

/// Removes native code of modules whose last image goes.
struct NativeRemoval {
    private let store: ContentStore
    private let cache: NativeCache?
    private let digests: Set<ModuleDigest>

    /// Finds out before the images are gone.
    init(of names: [ImageName], in store: ContentStore) {
        self.store = store
        let cache = try? NativeCache(at: NativeCache.standardRoot)
        self.cache = cache
        guard cache != nil else {
            digests = []
            return
        }
        digests = Set(
            names.compactMap { name in
                (try? store.image(name)).flatMap { NativeListing.digest(of: $0, in: store, cache) }
            })
    }

    /// Does it once they are gone. What cannot be removed goes when the cache is full.
    func perform() {
        guard let cache, !digests.isEmpty else { return }
        let left = ((try? store.names()) ?? []).compactMap { named in
            (try? store.image(named.name)).flatMap { NativeListing.digest(of: $0, in: store, cache) }
        }
        for digest in digests.subtracting(left) { _ = try? cache.removeAll(of: digest) }
    }
}
