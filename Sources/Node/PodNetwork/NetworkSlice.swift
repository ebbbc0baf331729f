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

    init(index: Int, descriptor: Int32) {
        self.index = index
        self.descriptor = descriptor
    }

    deinit {
        // The file stays: removing it would let two instances lock two different files of one name.
        ftruncate(descriptor, 0)
        close(descriptor)
    }

    /// Takes the slice that this root had before, or the first free one.
    ///
    /// - Parameter lockDirectory: shared by all instances of this user; made if absent.
    /// - Parameter root: the instance's runtime root.
    public static func acquire(lockDirectory: String, root: String) throws(NetworkError) -> NetworkSlice {
        guard mkdir(lockDirectory, 0o700) == 0 || errno == EEXIST else {
            throw NetworkError(.unavailable, "\(lockDirectory): cannot be made, errno \(errno)")
        }
        // LIMIT: as often as starts of other instances may come in between.
        for _ in 0..<16 {
            guard let index = try choose(lockDirectory, root) else { break }
            guard let descriptor = try lock(lockDirectory, index, mayCreate: true) else { continue }
            let bytes = Array(root.utf8)
            ftruncate(descriptor, 0)
            pwrite(descriptor, bytes, bytes.count, 0)
            return NetworkSlice(index: index, descriptor: descriptor)
        }
        throw NetworkError(
            .exhausted, "\(lockDirectory): all \(count) slices of the pod network are taken by running instances")
    }

    /// The slice that this root had before, or the first that nobody has.
    private static func choose(_ directory: String, _ root: String) throws(NetworkError) -> Int? {
        var free: Int?
        for index in 0..<count {
            guard access("\(directory)/slice-\(index).lock", F_OK) == 0 else {
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

    /// The open and locked file of a slice, or nil when somebody else has the lock.
    private static func lock(_ directory: String, _ index: Int, mayCreate: Bool) throws(NetworkError) -> Int32? {
        let path = "\(directory)/slice-\(index).lock"
        let descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (mayCreate ? O_CREAT : 0), 0o600)
        guard descriptor >= 0 else { throw NetworkError(.unavailable, "\(path): cannot be opened, errno \(errno)") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
        return descriptor
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
