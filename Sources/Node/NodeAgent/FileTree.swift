// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the few file operations of the node agent.

import Glibc

/// Blocking, small, on local file systems.
enum FileTree {
    // LIMIT: nesting of directories that are made or removed.
    static let depthMax = 512

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func isDirectory(_ path: String) -> Bool {
        var information = stat()
        return stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
    }

    static func isRegularFile(_ path: String) -> Bool {
        var information = stat()
        return stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFREG
    }

    /// Makes a directory and those above it.
    static func makeDirectories(_ path: String, mode: mode_t = 0o755) throws(NodeError) {
        var prefix = ""
        for part in path.split(separator: "/") {
            prefix += "/" + part
            guard mkdir(prefix, mode) == 0 || errno == EEXIST || isDirectory(prefix) else {
                throw NodeError("CreateContainerError", "\(prefix): cannot be made: \(problem())")
            }
        }
    }

    /// A whole file or none: a new file takes the name.
    static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o644) throws(NodeError) {
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else {
            throw NodeError("CreateContainerError", "\(path): cannot be written: \(problem())")
        }
        fchmod(descriptor, mode)
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { break }
            sent += max(0, count)
        }
        let isWhole = sent == bytes.count
        let reason = problem()
        close(descriptor)
        guard isWhole, rename(temporary, path) == 0 else {
            unlink(temporary)
            throw NodeError("CreateContainerError", "\(path): cannot be written: \(reason)")
        }
    }

    /// At most `limit` bytes of a file; nil if there is none.
    static func read(_ path: String, limit: Int = 1 << 20) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        while bytes.count < limit {
            let chunk = [UInt8](unsafeUninitializedCapacity: min(65_536, limit - bytes.count)) { buffer, count in
                count = max(0, Glibc.read(descriptor, buffer.baseAddress, buffer.count))
            }
            if chunk.isEmpty { break }
            bytes += chunk
        }
        return bytes
    }

    static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Removes a file or a directory with all in it. Symbolic links are removed, never followed.
    static func remove(_ path: String, depth: Int = 0) {
        var information = stat()
        guard depth < depthMax, lstat(path, &information) == 0 else { return }
        guard information.st_mode & S_IFMT == S_IFDIR else {
            unlink(path)
            return
        }
        for name in names(in: path) { remove("\(path)/\(name)", depth: depth + 1) }
        rmdir(path)
    }

    /// Whether the file system that holds `path` is a tmpfs.
    static func isOnTmpfs(_ path: String) -> Bool {
        let mounts = String(decoding: read("/proc/self/mounts") ?? [], as: UTF8.self)
        var best: (length: Int, type: Substring) = (0, "")
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 2, fields[1].utf8.count >= best.length else { continue }
            let isAbove = fields[1] == "/" || path == fields[1] || path.hasPrefix(fields[1] + "/")
            if isAbove { best = (fields[1].utf8.count, fields[2]) }
        }
        return best.type == "tmpfs"
    }

    /// errno in words.
    static func problem() -> String { String(cString: strerror(errno)) }
}
