// SPDX-License-Identifier: Apache-2.0
// Swiftlet: work on files relative to an open directory, never following a link out of it.

import Glibc
import Linux

/// A directory held open. Names given to its calls are single components unless it says otherwise.
final class Directory {
    let descriptor: OwnedDescriptor
    /// For error texts.
    let path: String

    init(_ descriptor: consuming OwnedDescriptor, _ path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    convenience init(_ path: String) throws(ImageError) {
        do {
            self.init(try Files.open(path, O_RDONLY | O_DIRECTORY), path)
        } catch { throw ImageError(error) }
    }

    var number: Int32 { descriptor.rawValue }

    // RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS of openat2(2).
    private static let resolveInRoot: UInt64 = 0x10 | 0x02

    /// A directory below, its symbolic links taken relative to this one. nil: there is none.
    func find(_ relative: String) throws(ImageError) -> Directory? {
        do {
            let found = try Files.open(
                relative.isEmpty ? "." : relative, in: number, O_RDONLY | O_DIRECTORY, resolve: Self.resolveInRoot)
            return Directory(found, "\(path)/\(relative)")
        } catch {
            if error.errno == .noSuchFile { return nil }
            throw ImageError(error)
        }
    }

    func information(_ name: String) -> stat? {
        var information = stat()
        return fstatat(number, name, &information, AT_SYMLINK_NOFOLLOW) == 0 ? information : nil
    }

    func kind(_ name: String) -> mode_t? { information(name).map { $0.st_mode & S_IFMT } }

    func makeDirectory(_ name: String, mode: mode_t = 0o755) throws(ImageError) {
        guard mkdirat(number, name, mode) == 0 || errno == EEXIST && kind(name) == S_IFDIR else {
            throw .system("mkdirat", "\(path)/\(name)")
        }
    }

    /// Names without `.` and `..`.
    func names() throws(ImageError) -> [String] {
        let copy = openat(number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0, let stream = fdopendir(copy) else { throw .system("open", path) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Removes a file, a link or a directory with all in it; nothing there is fine.
    func remove(_ name: String, depth: Int = 256) throws(ImageError) {
        if unlinkat(number, name, 0) == 0 || errno == ENOENT { return }
        guard errno == EISDIR || errno == EPERM || errno == EACCES, kind(name) == S_IFDIR, depth > 0 else {
            throw .system("unlinkat", "\(path)/\(name)")
        }
        let child = openat(number, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard child >= 0 else { throw .system("openat", "\(path)/\(name)") }
        let directory = Directory(OwnedDescriptor(owning: child), "\(path)/\(name)")
        for name in try directory.names() { try directory.remove(name, depth: depth - 1) }
        guard unlinkat(number, name, AT_REMOVEDIR) == 0 || errno == ENOENT else {
            throw .system("rmdir", "\(path)/\(name)")
        }
    }

    /// A new file; what has the name is replaced.
    func createFile(_ name: String, mode: mode_t = 0o600) throws(ImageError) -> OwnedDescriptor {
        try remove(name)
        let file = openat(number, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
        guard file >= 0 else { throw .system("openat", "\(path)/\(name)") }
        return OwnedDescriptor(owning: file)
    }
}

/// Writes all of `bytes`, with the path in the error.
func writeAll(_ file: Int32, _ bytes: UnsafeRawBufferPointer, _ path: String) throws(ImageError) {
    do { try Descriptors.writeAll(file, bytes) } catch {
        throw ImageError(SystemError(call: "write", path: path, errno: error.errno))
    }
}
