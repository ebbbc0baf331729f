// SPDX-License-Identifier: Apache-2.0
// Swiftlet: one process per runtime folder.

import Glibc

/// An exclusive lock on a runtime folder, given up when the process ends however it ends (flock(2)).
final class InstanceLock: Sendable {
    private let descriptor: Int32

    /// Makes the folder (mode 0700, parents too) and locks it.
    ///
    /// - Throws: ``CommandFailure`` that names the process which has it.
    init(root: String) throws {
        try PrivateFolder.make(root)
        let path = root + "/lock"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CommandFailure("\(path): \(String(cString: strerror(errno)))") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            var buffer = [UInt8](repeating: 0, count: 32)
            let count = read(descriptor, &buffer, buffer.count)
            let holder = String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
            close(descriptor)
            throw CommandFailure(
                "\(root): another swiftlet (process \(holder)) runs on this folder; "
                    + "use `swiftlet apply` to add to it, or another --root")
        }
        let pid = Array(String(getpid()).utf8)
        _ = ftruncate(descriptor, 0)
        _ = pid.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    }

    deinit { close(descriptor) }
}

/// Folders of a user who runs swiftlet, in places where others can make folders, too.
enum PrivateFolder {
    /// Makes the folder with mode 0700, parents too. One that exists must be ours alone to write: in /tmp it could be
    /// somebody's who wants our sockets.
    ///
    /// - Throws: ``CommandFailure`` with the owner and mode that were found.
    static func make(_ path: String) throws {
        try makeFolders(path)
        var status = stat()
        guard lstat(path, &status) == 0 else { throw CommandFailure("\(path): \(String(cString: strerror(errno)))") }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw CommandFailure("\(path): expected a folder, found something else")
        }
        guard status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else {
            throw CommandFailure(
                "\(path): expected a folder of user \(geteuid()) that only they may write to, found one of user "
                    + "\(status.st_uid) with mode 0\(String(status.st_mode & 0o7777, radix: 8))")
        }
    }

    private static func makeFolders(_ path: String) throws {
        if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
            throw CommandFailure("\(path): \(String(cString: strerror(errno)))")
        }
        try makeFolders(String(path[..<slash]))
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw CommandFailure("\(path): \(String(cString: strerror(errno)))")
        }
    }
}
