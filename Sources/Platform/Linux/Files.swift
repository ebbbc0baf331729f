// SPDX-License-Identifier: Apache-2.0
// Swiftlet: files and directories.

internal import CLinux
internal import Glibc

/// Calls on files by path.
public enum Files {
    /// open(2), always close-on-exec.
    public static func open(_ path: String, _ flags: Int32, mode: UInt32 = 0o666) throws(SystemError) -> OwnedDescriptor
    {
        OwnedDescriptor(owning: try check("open", path) { Glibc.open(path, flags | O_CLOEXEC, mode) })
    }

    /// openat2(2), always close-on-exec. `resolve` has RESOLVE_* flags of openat2(2).
    public static func open(
        _ path: String, in directory: Int32, _ flags: Int32, mode: UInt32 = 0, resolve: UInt64
    ) throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(
            owning: try check("openat2", path) {
                swl_openat2(directory, path, UInt64(UInt32(bitPattern: flags | O_CLOEXEC)), UInt64(mode), resolve)
            })
    }

    /// An anonymous file in memory, close-on-exec (memfd_create(2)).
    public static func memory(name: String) throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(owning: try checkRaw("memfd_create", name) { swl_memfd_create(name) })
    }

    /// The same, of zeros, with a size that nobody who gets it can change: mapped, it cannot end in SIGBUS.
    public static func memory(name: String, byteCount: Int) throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(
            owning: try checkRaw("memfd_create", name) { swl_memfd_create_sized(name, Int64(byteCount)) })
    }

    /// The whole file, at most `limit` bytes; a larger one is EFBIG. Works for /proc and cgroup files.
    public static func read(_ path: String, limit: Int = 1 << 20) throws(SystemError) -> [UInt8] {
        let file = try open(path, O_RDONLY)
        return try read(file.rawValue, limit: limit, path: path)
    }

    /// The rest of an open file, at most `limit` bytes; a larger one is EFBIG.
    public static func read(_ descriptor: Int32, limit: Int, path: String? = nil) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: min(max(limit, 1), 16384))
        while true {
            let count = try check("read", path) { Glibc.read(descriptor, &chunk, chunk.count) }
            if count == 0 { return bytes }
            guard bytes.count + count <= limit else {
                throw SystemError(call: "read", path: path, errno: .fileTooLarge)
            }
            bytes.append(contentsOf: chunk[..<count])
        }
    }

    /// The file as text; invalid UTF-8 is repaired.
    public static func readText(_ path: String, limit: Int = 1 << 20) throws(SystemError) -> String {
        String(decoding: try read(path, limit: limit), as: UTF8.self)
    }

    /// Writes to a file that exists, in one write(2): what cgroup and /proc files want.
    public static func write(_ text: String, toExisting path: String) throws(SystemError) {
        let file = try open(path, O_WRONLY)
        let bytes = Array(text.utf8)
        _ = try check("write", path) { Glibc.write(file.rawValue, bytes, bytes.count) }
    }

    /// mkdir(2); a directory that exists is fine. Returns whether it was made.
    @discardableResult
    public static func makeDirectory(_ path: String, mode: UInt32 = 0o755) throws(SystemError) -> Bool {
        do {
            _ = try check("mkdir", path) { mkdir(path, mode) }
            return true
        } catch {
            if error.errno == .fileExists { return false }
            throw error
        }
    }

    /// rmdir(2); one that is not there is fine.
    public static func removeDirectory(_ path: String) throws(SystemError) {
        do { _ = try check("rmdir", path) { rmdir(path) } } catch {
            if error.errno != .noSuchFile { throw error }
        }
    }

    public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// The names in a directory without `.` and `..`, in no order.
    ///
    /// - Parameter onlyDirectories: leaves out everything else, by what the directory itself says; every file system of
    ///   the kernel's own does.
    public static func names(in path: String, onlyDirectories: Bool = false) throws(SystemError) -> [String] {
        guard let stream = opendir(path) else { throw SystemError(call: "opendir", path: path, errno: .current) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            if onlyDirectories, entry.pointee.d_type != UInt8(DT_DIR) { continue }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// What a symbolic link says, /proc/self/exe for example.
    public static func linkTarget(_ path: String) throws(SystemError) -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = try check("readlink", path) {
            buffer.withUnsafeMutableBytes { bytes in
                bytes.bindMemory(to: CChar.self).baseAddress.map { readlink(path, $0, bytes.count) } ?? 0
            }
        }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }
}
