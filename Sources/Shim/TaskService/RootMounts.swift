// SPDX-License-Identifier: Apache-2.0
// Swiftlet: mounts the root file system that containerd describes in a Create request.
import Glibc
import Linux
import TTRPC
import TaskAPI

/// containerd gives a list of mounts (one overlay or bind, as a rule) that the shim makes on `BUNDLE/rootfs`.
enum RootMounts {
    /// Makes them in order; what is made is undone when one fails.
    static func mount(_ mounts: [Mount], on target: String) throws(Status) {
        guard !mounts.isEmpty else { return }
        do { try Files.makeDirectory(target, mode: 0o755) } catch {
            throw Status(.failedPrecondition, "rootfs: \(error)")
        }
        for mount in mounts {
            // A path of the caller's inside the root could be a symbolic link of the image's making.
            guard mount.target.isEmpty || mount.target == "/" else {
                throw Status(.unimplemented, "rootfs: a mount on \(mount.target) inside the root is not supported")
            }
            let (flags, data) = split(mount.options)
            if let failure = make(mount, target, flags, data) {
                unmount(target)
                throw Status(.failedPrecondition, "rootfs: \(failure)")
            }
        }
    }

    private static func make(_ mount: Mount, _ target: String, _ flags: UInt, _ data: String) -> String? {
        let isBind = flags & Flag.bind != 0 || mount.type == "bind"
        let type = isBind ? "" : mount.type
        func failure(_ doing: String) -> String {
            "\(doing) \(mount.type) \(mount.source) on \(target): \(String(cString: strerror(errno)))"
        }
        guard Glibc.mount(mount.source, target, type, isBind ? flags | Flag.bind : flags, data) == 0 else {
            return failure("mount")
        }
        // A bind mount takes other flags only when it is mounted again.
        guard isBind, flags & Flag.readOnly != 0 else { return nil }
        let again = flags | Flag.bind | Flag.remount
        return Glibc.mount(mount.source, target, type, again & ~Flag.recursive, nil) == 0 ? nil : failure("remount")
    }

    /// Takes away everything mounted there; nothing mounted is fine. Lazily, so that a dying process cannot hold it.
    static func unmount(_ target: String) {
        // LIMIT: layers of mounts on one directory.
        for _ in 0..<32 where umount2(target, Int32(MNT_DETACH) | Flag.noFollow) != 0 { return }
    }

    /// Flags of mount(2).
    private enum Flag {
        static let readOnly: UInt = 1
        static let noSetUserID: UInt = 2
        static let noDevices: UInt = 4
        static let noExec: UInt = 8
        static let remount: UInt = 32
        static let noAccessTime: UInt = 1024
        static let bind: UInt = 4096
        static let recursive: UInt = 16_384
        static let relativeAccessTime: UInt = 1 << 21
        /// UMOUNT_NOFOLLOW of umount2(2).
        static let noFollow: Int32 = 8
    }

    /// Options that are flags, and the rest, which the file system reads.
    private static func split(_ options: [String]) -> (UInt, String) {
        var flags: UInt = 0
        var data: [String] = []
        for option in options {
            switch option {
            case "ro": flags |= Flag.readOnly
            case "rw": flags &= ~Flag.readOnly
            case "nosuid": flags |= Flag.noSetUserID
            case "nodev": flags |= Flag.noDevices
            case "noexec": flags |= Flag.noExec
            case "noatime": flags |= Flag.noAccessTime
            case "relatime": flags |= Flag.relativeAccessTime
            case "bind": flags |= Flag.bind
            case "rbind": flags |= Flag.bind | Flag.recursive
            case "defaults": break
            default: data.append(option)
            }
        }
        return (flags, data.joined(separator: ","))
    }
}
