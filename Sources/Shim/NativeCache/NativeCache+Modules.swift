// SPDX-License-Identifier: Apache-2.0
// Swiftlet: native code for a module that is about to run.

internal import Glibc
public import Linux
public import NativeImage

extension NativeCacheKey {
    /// Of code that this build makes and runs, on this processor.
    public init(_ module: ModuleDigest, _ level: NativeCompiler.Level) {
        self.init(
            module: module, abiVersion: NativeImageFormat.abiVersion, compilerVersion: NativeCompiler.version,
            level: level.rawValue)
    }
}

extension NativeCache {
    /// The standard place of this process's user.
    public static var standardRoot: String {
        standardRoot { name in getenv(name).map { String(cString: $0) } }
    }

    /// Native code that was found for a module.
    public struct Found: ~Copyable, Sendable {
        public let image: OwnedDescriptor
        public let key: NativeCacheKey

        public consuming func takeImage() -> OwnedDescriptor { image }
    }

    /// Native code of a module, the faster one first; nil if there is none, or if nobody has asked for the module yet.
    ///
    /// Costs a start three system calls: it never reads the module.
    public func ready(for module: Int32) throws(NativeCacheError) -> Found? {
        guard let digest = rememberedDigest(of: module) else { return nil }
        return try best(digest)
    }

    /// Native code of a module whose file may be a fresh copy; reads it where there may be some of a module of its size.
    ///
    /// - Parameter wholeOnly: code of a part of the module is none.
    public func find(_ module: Int32, wholeOnly: Bool = false) throws(NativeCacheError) -> Found? {
        if let digest = rememberedDigest(of: module) { return try best(digest, wholeOnly) }
        do {
            guard mayHaveModule(ofBytes: Int(try Descriptors.status(module).st_size)) else { return nil }
        } catch { throw .system(error) }
        // The copy is this start's own: the next one has another.
        return try best(try digest(of: module, isRemembered: false), wholeOnly)
    }

    private func best(_ digest: ModuleDigest, _ wholeOnly: Bool = false) throws(NativeCacheError) -> Found? {
        for level in NativeCompiler.Level.bestFirst where level != .hot || !wholeOnly {
            let key = NativeCacheKey(digest, level)
            if let image = try open(key) { return Found(image: image, key: key) }
        }
        return nil
    }

    /// Whether an entry is as it was written.
    func isSound(_ key: NativeCacheKey) throws(NativeCacheError) -> Bool {
        guard let file = try open(key) else { return false }
        do throws(NativeImageError) {
            let mapping = try NativeImageMapping(descriptor: file.rawValue)
            defer { withExtendedLifetime(mapping) {} }
            try mapping.image.checkContent()
            return mapping.image.moduleDigest == key.module
        } catch { return false }
    }
}
