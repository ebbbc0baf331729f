// SPDX-License-Identifier: Apache-2.0
// Swiftlet: files of the machine that something is installed on.

import Glibc
import Linux

/// Files below a root: `/`, or where a machine's root is mounted.
struct HostFiles: Sendable {
    /// Without a trailing slash; empty for this machine.
    var root: String

    // LIMIT: bytes of a configuration, and of a program.
    private static let textBytesMax = 4 << 20
    private static let programBytesMax = 256 << 20

    func exists(_ path: String) -> Bool { Files.exists(root + path) }

    func isExecutable(_ path: String) -> Bool { access(root + path, X_OK) == 0 }

    /// nil: there is none. Anything but a plain file of UTF-8 is refused: a link would be replaced by what it names.
    func text(_ path: String) throws(InstallationError) -> String? {
        var information = stat()
        guard lstat(root + path, &information) == 0 else {
            let error = Errno.current
            if error == .noSuchFile { return nil }
            throw InstallationError("\(root + path): \(error)")
        }
        guard information.st_mode & S_IFMT == S_IFREG else {
            throw InstallationError(
                "\(root + path): expected a plain file; if it is a link, name the file itself with --config")
        }
        do {
            let bytes = try Files.read(root + path, limit: Self.textBytesMax)
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw InstallationError("\(root + path): expected UTF-8")
            }
            return text
        } catch let error as InstallationError { throw error } catch { throw InstallationError("\(error)") }
    }

    func program(_ path: String) -> [UInt8]? { try? Files.read(root + path, limit: Self.programBytesMax) }

    /// Makes the folders above a file.
    func makeFolder(of path: String) throws(InstallationError) {
        var prefix = root
        do throws(SystemError) {
            for part in path.split(separator: "/").dropLast() {
                prefix += "/\(part)"
                try Files.makeDirectory(prefix, mode: 0o755)
            }
        } catch { throw InstallationError("\(error)") }
    }

    /// Puts a file there, whole or not at all, on the disk when this returns. One that is there keeps its owner and its
    /// permissions.
    func put(_ bytes: [UInt8], at path: String, mode: UInt32) throws(InstallationError) {
        let target = root + path
        let temporary = "\(target).swiftlet-\(getpid())"
        do throws(SystemError) {
            let file = try Files.open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o600)
            try Descriptors.writeAll(file.rawValue, bytes)
            var old = stat()
            let isThere = lstat(target, &old) == 0 && old.st_mode & S_IFMT == S_IFREG
            guard fchmod(file.rawValue, isThere ? old.st_mode & 0o7777 : mode) == 0,
                !isThere || fchown(file.rawValue, old.st_uid, old.st_gid) == 0,
                fsync(file.rawValue) == 0, rename(temporary, target) == 0
            else { throw SystemError(call: "replace", path: target, errno: .current) }
        } catch {
            unlink(temporary)
            throw InstallationError("\(error)")
        }
    }

    func remove(_ path: String) throws(InstallationError) {
        guard unlink(root + path) == 0 || Errno.current == .noSuchFile else {
            throw InstallationError("remove \(root + path): \(Errno.current)")
        }
    }
}
