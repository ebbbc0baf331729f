// SPDX-License-Identifier: Apache-2.0
// Swiftlet: an image on its way into the cache.

internal import Glibc
internal import Linux
internal import NativeImage

extension NativeCache {
    public enum Beginning {
        case present
        case begun(NativeCacheWriter)
        /// Another process is at it.
        case taken
    }

    /// Begins to add an entry, unless it is there or another process makes it.
    public func begin(_ key: NativeCacheKey) throws(NativeCacheError) -> Beginning {
        let lockPath = "\(root)/making/\(key.fileName)"
        while true {
            if try open(key) != nil { return .present }
            let lock: OwnedDescriptor
            do { lock = try Files.open(lockPath, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600) } catch {
                throw .system(error)
            }
            guard flock(lock.rawValue, LOCK_EX | LOCK_NB) == 0 else {
                guard errno == EWOULDBLOCK else {
                    throw .system(SystemError(call: "flock", path: lockPath, errno: .current))
                }
                return .taken
            }
            // Between open and flock the one before us may have finished and removed it.
            var held = stat()
            var named = stat()
            guard fstat(lock.rawValue, &held) == 0, lstat(lockPath, &named) == 0, held.st_ino == named.st_ino else {
                continue
            }
            if Files.exists(path(of: key)) {
                unlink(lockPath)
                return .present
            }
            return .begun(try NativeCacheWriter(self, key, lock: lock, lockPath: lockPath))
        }
    }

    /// Whether some process makes the entry now.
    public func isBeingMade(_ key: NativeCacheKey) -> Bool {
        guard let lock = try? Files.open("\(root)/making/\(key.fileName)", O_RDWR | O_NOFOLLOW) else { return false }
        // Another one who asks at this moment holds the lock only shared, and for a moment.
        return flock(lock.rawValue, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }
}

/// The file that becomes an entry. Whatever ends the process before ``commit()``, nothing of it stays in the way.
public final class NativeCacheWriter {
    public let key: NativeCacheKey
    private let cache: NativeCache
    private let lock: OwnedDescriptor
    private let lockPath: String
    private let file: OwnedDescriptor
    /// Set where the file system has no files without names: the next one who holds the lock overwrites it.
    private let temporaryPath: String?
    private var isOver = false

    /// Where the image is to be written; the compiler's process inherits it.
    public var descriptor: Int32 { file.rawValue }

    fileprivate init(
        _ cache: NativeCache, _ key: NativeCacheKey, lock: consuming OwnedDescriptor, lockPath: String
    ) throws(NativeCacheError) {
        self.cache = cache
        self.key = key
        self.lock = lock
        self.lockPath = lockPath
        do {
            do {
                file = try Files.open("\(cache.root)/images", O_RDWR | Self.withoutName, mode: 0o600)
                temporaryPath = nil
            } catch {
                guard error.errno == .notSupported || error.errno == Errno(rawValue: EISDIR) else { throw error }
                let path = lockPath + ".part"
                file = try Files.open(path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o600)
                temporaryPath = path
            }
        } catch let error as SystemError { throw .system(error) } catch { preconditionFailure("\(error)") }
    }

    deinit {
        guard !isOver else { return }
        if let temporaryPath { unlink(temporaryPath) }
        unlink(lockPath)
    }

    // O_TMPFILE of open(2), which Swift does not see.
    private static let withoutName: Int32 = 0o20_000_000 | O_DIRECTORY

    /// Checks what was written and makes it an entry; older ones go where there is no room for it.
    ///
    /// The compiler read a hostile module: its word for what it wrote is not taken.
    public func commit() throws(NativeCacheError) {
        try checkImage()
        guard fchmod(file.rawValue, 0o400) == 0, fdatasync(file.rawValue) == 0 else {
            throw .system(SystemError(call: "fdatasync", path: cache.path(of: key), errno: .current))
        }
        let final = cache.path(of: key)
        // A link through /proc gives the file its first name (open(2), O_TMPFILE).
        let result =
            temporaryPath.map { rename($0, final) }
            ?? linkat(AT_FDCWD, "/proc/self/fd/\(file.rawValue)", AT_FDCWD, final, AT_SYMLINK_FOLLOW)
        guard result == 0 || errno == EEXIST else {
            throw .system(SystemError(call: "link", path: final, errno: .current))
        }
        isOver = true
        cache.forgetFailure(key)
        unlink(lockPath)
        try cache.sweep(keeping: key)
    }

    private func checkImage() throws(NativeCacheError) {
        do {
            let mapping = try NativeImageMapping(descriptor: file.rawValue)
            defer { withExtendedLifetime(mapping) {} }
            let image = mapping.image
            func expect<Value: Equatable>(_ place: String, _ expected: Value, _ found: Value) throws(NativeImageError) {
                guard expected == found else {
                    throw NativeImageError(place, expected: "\(expected)", found: "\(found)")
                }
            }
            try expect("module digest", key.module, image.moduleDigest)
            try expect("ABI version", key.abiVersion, image.abiVersion)
            try expect("architecture", .current, image.architecture)
            try image.checkContent()
        } catch { throw .image(error) }
    }
}
