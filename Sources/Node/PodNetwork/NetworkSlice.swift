// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the part of 127.0.0.0/8 that one running instance has for itself.

import Glibc

/// One of 128 equal parts of the pod range 127.64.0.0/11 and of the service range 127.96.0.0/12.
///
/// All instances on a machine share the loopback interface, so each takes a slice: 16384 pod and 8192 service addresses.
/// The slice belongs to whoever holds the lock on its file. Locks die with their process, but shims do not: the file
/// also names the instance's root, and a slice whose owner still has pods there is left to that owner's next start.
public final class NetworkSlice: Sendable {
    public static let count = 128
    static let podsPerSlice: UInt32 = (1 << 21) / 128
    static let servicesPerSlice: UInt32 = (1 << 20) / 128
    static let podBase = IPv4Address(rawValue: 0x7F40_0000)
    static let serviceBase = IPv4Address(rawValue: 0x7F60_0000)
    // LIMIT: bytes of a root path that are read back from a lock file.
    static let ownerBytesMax = 4096

    public let index: Int
    private let descriptor: Int32
    private let directory: String

    init(index: Int, descriptor: Int32, directory: String) {
        self.index = index
        self.descriptor = descriptor
        self.directory = directory
    }

    deinit {
        ftruncate(descriptor, 0)
        close(descriptor)
    }

    /// Takes the file of this slice away, and the folder with the last one. The slice is held until the value goes.
    ///
    /// Whoever opened the file before notices that the name is gone or somebody else's (see `lock`).
    public func removeFile() {
        ftruncate(descriptor, 0)
        unlink(Self.path(directory, index))
        rmdir(directory)
    }

    private static func path(_ directory: String, _ index: Int) -> String { "\(directory)/slice-\(index).lock" }

    /// Takes the slice that this root had before, or the first free one.
    ///
    /// - Parameter lockDirectory: shared by all instances of this user; made if absent.
    /// - Parameter root: the instance's runtime root.
    /// - Parameter user: other users have lock directories of their own, which we may not see: the search begins at a
    ///   place that depends on the user, so that theirs are elsewhere.
    public static func acquire(
        lockDirectory: String, root: String, user: UInt32 = 0
    ) throws(NetworkError) -> NetworkSlice {
        guard mkdir(lockDirectory, 0o700) == 0 || errno == EEXIST else {
            throw NetworkError(.unavailable, "\(lockDirectory): cannot be made, errno \(errno)")
        }
        // LIMIT: as often as starts of other instances may come in between.
        for _ in 0..<16 {
            _ = mkdir(lockDirectory, 0o700)
            guard let index = try choose(lockDirectory, root, first: firstIndex(ofUser: user)) else { break }
            guard let descriptor = try lock(lockDirectory, index, mayCreate: true) else { continue }
            let bytes = Array(root.utf8)
            ftruncate(descriptor, 0)
            pwrite(descriptor, bytes, bytes.count, 0)
            return NetworkSlice(index: index, descriptor: descriptor, directory: lockDirectory)
        }
        throw NetworkError(
            .exhausted, "\(lockDirectory): all \(count) slices of the pod network are taken by running instances")
    }

    /// The slice that this root had before, or the first that nobody has.
    private static func choose(_ directory: String, _ root: String, first: Int) throws(NetworkError) -> Int? {
        var free: Int?
        for index in (0..<count).map({ ($0 + first) % count }) {
            guard access(path(directory, index), F_OK) == 0 else {
                free = free ?? index
                continue
            }
            guard let descriptor = try lock(directory, index, mayCreate: false) else { continue }
            let owner = readOwner(descriptor)
            close(descriptor)
            if owner == root { return index }
            if free == nil, owner.isEmpty || !hasPods(root: owner) { free = index }
        }
        return free
    }

    /// Root begins with the first slice, others spread over the rest; neighbouring numbers are far apart.
    static func firstIndex(ofUser user: UInt32) -> Int {
        user == 0 ? 0 : 8 + Int((user &* 2_654_435_761) >> 16) % (count - 8)
    }

    /// The open and locked file of a slice, or nil when somebody else has the lock.
    private static func lock(_ directory: String, _ index: Int, mayCreate: Bool) throws(NetworkError) -> Int32? {
        let path = path(directory, index)
        let descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (mayCreate ? O_CREAT : 0), 0o600)
        if descriptor < 0, errno == ENOENT { return nil }
        guard descriptor >= 0 else { throw NetworkError(.unavailable, "\(path): cannot be opened, errno \(errno)") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, isCurrent(descriptor, path) else {
            close(descriptor)
            return nil
        }
        return descriptor
    }

    /// Whether the open file is still the one of that name: its holder may have removed it meanwhile.
    private static func isCurrent(_ descriptor: Int32, _ path: String) -> Bool {
        var opened = stat()
        var named = stat()
        return fstat(descriptor, &opened) == 0 && stat(path, &named) == 0 && opened.st_ino == named.st_ino
    }

    private static func readOwner(_ descriptor: Int32) -> String {
        let bytes = [UInt8](unsafeUninitializedCapacity: ownerBytesMax) { buffer, count in
            count = max(0, pread(descriptor, buffer.baseAddress, ownerBytesMax, 0))
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Whether pods of a stopped instance may still run.
    private static func hasPods(root: String) -> Bool {
        guard let directory = opendir(root + "/pods") else { return false }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let isHidden = withUnsafeBytes(of: &entry.pointee.d_name) { $0[0] == UInt8(ascii: ".") }
            if !isHidden { return true }
        }
        return false
    }
}
