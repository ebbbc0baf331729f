// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what is left of the file system: an empty root, and mounts that end at the granted directories.

internal import CLinux
internal import Glibc
internal import LaunchProtocol
internal import Linux

enum FileSystemView {
    /// MOUNT_ATTR_* of mount_setattr(2).
    private enum Attribute {
        static let readOnly: UInt64 = 0x1
        static let noSetUserIdentity: UInt64 = 0x2
        static let noDevices: UInt64 = 0x4
        static let noExecution: UInt64 = 0x8
    }

    /// Replaces each granted directory by itself on a mount of its own, in no namespace: its `..` ends there, whatever
    /// path an attacker tries, and read-only is held by the kernel. Needs CAP_SYS_ADMIN.
    static func detach(_ preopens: [Preopen]) throws(ConfinementError) {
        for preopen in preopens {
            do { try detach(preopen) } catch { throw ConfinementError("directory \(preopen.guestPath)", error) }
        }
    }

    private static func detach(_ preopen: Preopen) throws(SystemError) {
        var cloned = swl_open_tree_clone(preopen.descriptor)
        if cloned == -EINVAL { cloned = try cloneByPath(preopen.descriptor) }
        guard cloned >= 0 else { throw SystemError(call: "open_tree", errno: Errno(rawValue: -cloned)) }
        defer { close(cloned) }
        var attributes = Attribute.noSetUserIdentity | Attribute.noDevices | Attribute.noExecution
        if preopen.isReadOnly { attributes |= Attribute.readOnly }
        let changed = swl_mount_set_attributes(cloned, attributes)
        guard changed == 0 else { throw SystemError(call: "mount_setattr", errno: Errno(rawValue: -changed)) }
        let directory = try Files.open(".", in: cloned, O_RDONLY | O_DIRECTORY, resolve: 0)
        let replaced = swl_replace(directory.rawValue, preopen.descriptor)
        guard replaced >= 0 else { throw SystemError(call: "dup3", errno: Errno(rawValue: -replaced)) }
    }

    /// In a mount namespace of our own (a sandbox without root has one), mounts of the supervisor's cannot be cloned, but
    /// their copies can. The directory is found again by its path, and must be the same one.
    private static func cloneByPath(_ descriptor: Int32) throws(SystemError) -> Int32 {
        let path = try Files.linkTarget("/proc/self/fd/\(descriptor)")
        let copy = try Files.open(path, O_RDONLY | O_DIRECTORY)
        let (granted, found) = (try Descriptors.status(descriptor), try Descriptors.status(copy.rawValue))
        guard granted.st_dev == found.st_dev, granted.st_ino == found.st_ino else {
            throw SystemError(call: "open_tree", path: path, errno: Errno(rawValue: ESTALE))
        }
        return swl_open_tree_clone(copy.rawValue)
    }

    /// Makes an empty directory that is removed already the root: no path leads anywhere, and nothing can be made in
    /// it. Needs CAP_SYS_CHROOT.
    static func enterEmptyRoot() throws(ConfinementError) {
        // A file system in memory comes first: it is quick.
        for parent in ["/dev/shm", "/run", "/tmp"] {
            var template = Array("\(parent)/swiftlet-root-XXXXXX".utf8CString)
            guard mkdtemp(&template) != nil else { continue }
            let descriptor = open(template, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            let removed = rmdir(template)
            guard descriptor >= 0 else { continue }
            defer { close(descriptor) }
            guard removed == 0, fchdir(descriptor) == 0, chroot(".") == 0 else {
                throw ConfinementError("empty root: \(Errno.current)")
            }
            return
        }
        throw ConfinementError("empty root: no place for a directory in /dev/shm, /run or /tmp: \(Errno.current)")
    }
}
