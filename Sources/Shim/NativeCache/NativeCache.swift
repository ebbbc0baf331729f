// SPDX-License-Identifier: Apache-2.0
// Swiftlet: native code on disk, by module.

internal import Glibc
public import Linux
public import NativeImage

/// A folder of native images, used by many processes at once. Only its owner and root can have written what it gives.
///
/// ```
/// images/KEY      a whole image, read-only; its modification time is the time of its last use
/// making/KEY      the lock of who compiles it; the file itself where the file system has none without names
/// digests/ID      a link whose text is the digest of a module's file; ID is the file's identity and time of change
/// digests/size-N  there was an image of a module of N bytes: others need not be read to know that there is none
/// failures/KEY    why there is no image although the compiler tried
/// lock            held by who removes the oldest entries
/// background      held by the one process of the machine that compiles although nobody waits for it
/// ```
public struct NativeCache: Sendable {
    public let root: String
    /// What all entries may hold together, in bytes; the ones that were not used for longest go first.
    public let byteCountMax: Int64

    // LIMIT: bytes; some hundred modules.
    public static let standardByteCountMax: Int64 = 4 << 30

    static let folders = ["images", "making", "digests", "failures"]

    /// The cache at `root`, made if need be.
    public init(making root: String, byteCountMax: Int64 = standardByteCountMax) throws(NativeCacheError) {
        self.root = root
        self.byteCountMax = byteCountMax
        do {
            let parts = root.split(separator: "/")
            var path = root.hasPrefix("/") ? "" : "."
            for (index, part) in parts.enumerated() {
                path += "/" + part
                try Files.makeDirectory(path, mode: index == parts.count - 1 ? 0o700 : 0o755)
            }
            for name in Self.folders { try Files.makeDirectory("\(root)/\(name)", mode: 0o700) }
        } catch { throw .system(error) }
        try checkFolders()
    }

    /// The cache at `root`; nil if there is none, so that nothing is in it.
    public init?(at root: String, byteCountMax: Int64 = standardByteCountMax) throws(NativeCacheError) {
        self.root = root
        self.byteCountMax = byteCountMax
        guard Files.exists("\(root)/images") else { return nil }
        try checkFolders()
    }

    /// `SWIFTLET_NATIVE`; else `/var/lib/swiftlet/native` for root and `~/.local/share/swiftlet/native` for others,
    /// beside the images.
    public static func standardRoot(_ variable: (String) -> String?) -> String {
        if let path = variable("SWIFTLET_NATIVE"), !path.isEmpty { return path }
        if geteuid() == 0 { return "/var/lib/swiftlet/native" }
        if let data = variable("XDG_DATA_HOME"), data.hasPrefix("/") { return "\(data)/swiftlet/native" }
        if let home = variable("HOME"), home.hasPrefix("/") { return "\(home)/.local/share/swiftlet/native" }
        return "/tmp/swiftlet-native-\(geteuid())"
    }

    // MARK: - Entries

    func path(of key: NativeCacheKey) -> String { "\(root)/images/\(key.fileName)" }

    /// The image, open for reading; nil if there is none. It counts as used.
    ///
    /// That it is a sound image is found when it is mapped.
    public func open(_ key: NativeCacheKey) throws(NativeCacheError) -> OwnedDescriptor? {
        let path = path(of: key)
        let file: OwnedDescriptor
        do { file = try Files.open(path, O_RDONLY | O_NOFOLLOW) } catch {
            if error.errno == .noSuchFile { return nil }
            throw .system(error)
        }
        let status = try check(file.rawValue, path, isFolder: false)
        touch(file.rawValue, status)
        return file
    }

    /// The first one of these levels that there is.
    public func open(_ key: NativeCacheKey, levels: [String]) throws(NativeCacheError) -> OwnedDescriptor? {
        for level in levels {
            var key = key
            key.level = level
            if let file = try open(key) { return file }
        }
        return nil
    }

    /// Removes an entry; one that is in use stays usable for who has it open.
    public func remove(_ key: NativeCacheKey) throws(NativeCacheError) {
        guard unlink(path(of: key)) == 0 || errno == ENOENT else {
            throw .system(SystemError(call: "unlink", path: path(of: key), errno: .current))
        }
    }

    /// Removes all entries of a module, of whatever level and version, and forgets its failures.
    ///
    /// - Returns: How many there were.
    @discardableResult
    public func removeAll(of module: ModuleDigest) throws(NativeCacheError) -> Int {
        let keys = try entries().map(\.key).filter { $0.module == module }
        for key in keys { try remove(key) }
        forgetFailures(of: module)
        return keys.count
    }

    /// One entry, for people.
    public struct Entry: Sendable {
        public var key: NativeCacheKey
        public var byteCount: Int64
        /// In seconds since 1970.
        public var lastUsed: Int64
    }

    /// What there is, the one used last first.
    public func entries() throws(NativeCacheError) -> [Entry] {
        let names: [String]
        do { names = try Files.names(in: "\(root)/images") } catch { throw .system(error) }
        return names.compactMap { name in
            guard let key = NativeCacheKey(fileName: name) else { return nil }
            var status = stat()
            guard lstat("\(root)/images/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
            return Entry(key: key, byteCount: Int64(status.st_size), lastUsed: Int64(status.st_mtim.tv_sec))
        }.sorted { ($0.lastUsed, $0.key.fileName) > ($1.lastUsed, $1.key.fileName) }
    }

    /// Removes what was not used for longest until the rest is small enough. Does nothing while somebody else does it.
    ///
    /// - Parameter kept: stays, whatever it is.
    @discardableResult
    public func sweep(keeping kept: NativeCacheKey? = nil) throws(NativeCacheError) -> Int {
        let lock: OwnedDescriptor
        do { lock = try Files.open("\(root)/lock", O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600) } catch {
            throw .system(error)
        }
        guard flock(lock.rawValue, LOCK_EX | LOCK_NB) == 0 else { return 0 }
        sweepDigests()
        var entries = try entries()
        var total = entries.reduce(Int64(0)) { $0 + $1.byteCount }
        var removed = 0
        while total > byteCountMax, let entry = entries.popLast() {
            guard entry.key != kept else { continue }
            try remove(entry.key)
            total -= entry.byteCount
            removed += 1
        }
        return removed
    }

    /// Links to digests are cheap to make anew, and nobody knows which files are gone.
    private func sweepDigests() {
        let names = (try? Files.names(in: "\(root)/digests")) ?? []
        guard names.count > Self.digestCountMax else { return }
        for name in names where !name.hasPrefix("size-") { unlink("\(root)/digests/\(name)") }
    }

    // LIMIT: files whose digests are remembered.
    static let digestCountMax = 16_384

    /// The right to compile although nobody waits for it, which one process at a time has until it closes the descriptor;
    /// nil: another one has it.
    public func takeBackgroundSlot() throws(NativeCacheError) -> OwnedDescriptor? {
        do {
            let slot = try Files.open("\(root)/background", O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
            guard flock(slot.rawValue, LOCK_EX | LOCK_NB) == 0 else { return nil }
            return slot
        } catch { throw .system(error) }
    }

    // MARK: - Trust

    private func checkFolders() throws(NativeCacheError) {
        for name in [""] + Self.folders.map({ "/" + $0 }) {
            let path = root + name
            do {
                let folder = try Files.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
                _ = try check(folder.rawValue, path, isFolder: true)
            } catch let error as SystemError {
                // Caches of earlier versions lack some; whoever adds something makes them.
                if error.errno == .noSuchFile && !name.isEmpty { continue }
                throw .system(error)
            } catch let error as NativeCacheError { throw error } catch { preconditionFailure("\(error)") }
        }
    }

    /// Refuses what others than its owner could have changed, and what belongs to neither us nor root.
    @discardableResult
    func check(_ descriptor: Int32, _ path: String, isFolder: Bool) throws(NativeCacheError) -> stat {
        let status: stat
        do { status = try Descriptors.status(descriptor) } catch { throw .system(error) }
        guard status.st_mode & S_IFMT == (isFolder ? S_IFDIR : S_IFREG) else {
            throw .untrusted(path: path, problem: "expected a \(isFolder ? "folder" : "regular file")")
        }
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw .untrusted(
                path: path, problem: "expected user \(geteuid()) or 0 as its owner, found \(status.st_uid)")
        }
        guard status.st_mode & 0o022 == 0 else {
            throw .untrusted(
                path: path,
                problem:
                    "expected no right to write for others, found mode 0\(String(status.st_mode & 0o7777, radix: 8))")
        }
        return status
    }

    /// Notes the use, at most once a minute: starts should not write to the disk.
    private func touch(_ descriptor: Int32, _ status: stat) {
        guard Int64(time(nil)) - Int64(status.st_mtim.tv_sec) >= 60 else { return }
        // Whoever may read another's cache may not write there; then it is not noted.
        _ = futimens(descriptor, nil)
    }
}
