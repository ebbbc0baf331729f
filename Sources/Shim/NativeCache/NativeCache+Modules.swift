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

    /// Native code of a module, the faster one first; nil if there is none, or if nobody has asked for the module yet.
    ///
    /// Costs a start three system calls: it never reads the module.
    public func ready(for module: Int32) throws(NativeCacheError) -> OwnedDescriptor? {
        guard let digest = rememberedDigest(of: module) else { return nil }
        if let full = try open(NativeCacheKey(digest, .full)) { return full }
        return try open(NativeCacheKey(digest, .quick))
    }

    /// Native code of that level; nil if there is none. Reads the module where its digest is not known yet.
    public func code(
        for module: Int32, _ level: NativeCompiler.Level
    ) throws(NativeCacheError) -> OwnedDescriptor? {
        try open(NativeCacheKey(try digest(of: module), level))
    }

    /// Whether an entry is as it was written.
    private func isSound(_ key: NativeCacheKey) throws(NativeCacheError) -> Bool {
        guard let file = try open(key) else { return false }
        do throws(NativeImageError) {
            let mapping = try NativeImageMapping(descriptor: file.rawValue)
            defer { withExtendedLifetime(mapping) {} }
            try mapping.image.checkContent()
            return mapping.image.moduleDigest == key.module
        } catch { return false }
    }

    /// What ``make(for:name:level:compiler:isBackground:progress:)`` did.
    public enum Making: Sendable, Equatable {
        case compiled(NativeCompiler.Summary)
        case wasThere
    }

    /// Makes native code of a module, or waits for who is at it.
    @discardableResult
    public func make(
        for module: Int32, name: String, level: NativeCompiler.Level, compiler: NativeCompiler,
        isBackground: Bool = false, progress: (NativeCompiler.Progress) -> Void = { _ in }
    ) throws -> Making {
        let key = NativeCacheKey(try digest(of: module), level)
        while true {
            switch try begin(key) {
            case .present:
                if try isSound(key) { return .wasThere }
                try remove(key)
            case .taken: usleep(50_000)
            case .begun(let writer):
                let summary = try compiler.compile(
                    module, name: name, digest: key.module, level: level, into: writer.descriptor,
                    isBackground: isBackground, progress: progress)
                try writer.commit()
                return .compiled(summary)
            }
        }
    }
}
