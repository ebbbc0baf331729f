// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the `path_*` functions except `path_open`.
internal import Glibc
internal import Linux

extension WASIContext {
    func pathCreateDirectory(_ guest: Guest) throws(Errno) {
        let directory = try writableDirectory(guest.u32(0), .pathCreateDirectory)
        let path = try guest.path(guest.u32(1), guest.u32(2))
        let parent = try parent(of: path, in: directory, dots: .exists)
        guard mkdirat(parent.host, parent.name, 0o777) == 0 else { throw .last }
    }

    func pathFilestatGet(_ guest: Guest) throws(Errno) {
        let directory = try directory(guest.u32(0), .pathFilestatGet)
        let follow = try follows(guest.u32(1))
        let path = try guest.path(guest.u32(2), guest.u32(3))
        let found = try find(path, in: directory, follow: follow)
        var status = stat()
        guard fstat(found.host, &status) == 0 else { throw .last }
        try writeFilestat(status, type: FileType(mode: status.st_mode), guest, at: guest.u32(4))
    }

    func pathFilestatSetTimes(_ guest: Guest) throws(Errno) {
        let directory = try writableDirectory(guest.u32(0), .pathFilestatSetTimes)
        let follow = try follows(guest.u32(1))
        let path = try guest.path(guest.u32(2), guest.u32(3))
        let times = try fileTimes(access: guest.u64(4), modification: guest.u64(5), flags: try guest.u16(6))
        let found = try find(path, in: directory, follow: follow)
        guard utimensat(found.host, "", times, atEmptyPath) == 0 else { throw .last }
    }

    /// A symbolic link in the source is linked itself; following it is INVAL.
    func pathLink(_ guest: Guest) throws(Errno) {
        // A second name in a writable directory would make a file of a read-only one writable.
        let source = try writableDirectory(guest.u32(0), .pathLinkSource)
        let target = try writableDirectory(guest.u32(4), .pathLinkTarget)
        guard try !follows(guest.u32(1)) else { throw .invalid }
        let oldPath = try guest.path(guest.u32(2), guest.u32(3))
        let newPath = try guest.path(guest.u32(5), guest.u32(6))
        let old = try parent(of: oldPath, in: source, dots: .notPermitted)
        if old.name.dropLast().last == CChar(bitPattern: UInt8(ascii: "/")) {
            // A trailing slash makes linkat(2) follow. What is found this way is a directory, which has no links.
            _ = OwnedDescriptor(host: try open(oldPath, in: source, flags: openPathOnly | O_DIRECTORY))
            throw .notPermitted
        }
        let new = try parent(of: newPath, in: target, dots: .exists)
        guard linkat(old.host, old.name, new.host, new.name, 0) == 0 else { throw .last }
    }

    func pathReadlink(_ guest: Guest) throws(Errno) {
        let directory = try directory(guest.u32(0), .pathReadlink)
        let path = try guest.path(guest.u32(1), guest.u32(2))
        let out = try guest.bytes(guest.u32(3), guest.u32(4))
        _ = try guest.bytes(guest.u32(5), 4)
        let found = try find(path, in: directory, follow: false)
        var status = stat()
        guard fstat(found.host, &status) == 0 else { throw .last }
        guard FileType(mode: status.st_mode) == .symbolicLink else { throw .invalid }
        // readlinkat(2) refuses an empty buffer.
        var count = 0
        if let base = out.baseAddress, !out.isEmpty {
            count = readlinkat(found.host, "", base.assumingMemoryBound(to: CChar.self), out.count)
            guard count >= 0 else { throw .last }
        }
        try guest.store(UInt32(count), at: guest.u32(5))
    }

    func pathRemoveDirectory(_ guest: Guest) throws(Errno) {
        let directory = try writableDirectory(guest.u32(0), .pathRemoveDirectory)
        let path = try guest.path(guest.u32(1), guest.u32(2))
        let parent = try parent(of: path, in: directory, dots: .invalid)
        guard unlinkat(parent.host, parent.name, AT_REMOVEDIR) == 0 else { throw .last }
    }

    func pathUnlinkFile(_ guest: Guest) throws(Errno) {
        let directory = try writableDirectory(guest.u32(0), .pathUnlinkFile)
        let path = try guest.path(guest.u32(1), guest.u32(2))
        let parent = try parent(of: path, in: directory, dots: .isDirectory)
        guard unlinkat(parent.host, parent.name, 0) == 0 else { throw .last }
    }

    func pathRename(_ guest: Guest) throws(Errno) {
        let source = try writableDirectory(guest.u32(0), .pathRenameSource)
        let target = try writableDirectory(guest.u32(3), .pathRenameTarget)
        let oldPath = try guest.path(guest.u32(1), guest.u32(2))
        let newPath = try guest.path(guest.u32(4), guest.u32(5))
        let old = try parent(of: oldPath, in: source, dots: .busy)
        let new = try parent(of: newPath, in: target, dots: .busy)
        guard renameat(old.host, old.name, new.host, new.name) == 0 else { throw .last }
    }

    /// An absolute target is PERM: it could never be followed. A relative one may say anything; following it is what
    /// is confined.
    func pathSymlink(_ guest: Guest) throws(Errno) {
        let target = try guest.path(guest.u32(0), guest.u32(1))
        let directory = try writableDirectory(guest.u32(2), .pathSymlink)
        let path = try guest.path(guest.u32(3), guest.u32(4))
        if target[0] == CChar(bitPattern: UInt8(ascii: "/")) { throw .notPermitted }
        let parent = try parent(of: path, in: directory, dots: .exists)
        guard symlinkat(target, parent.host, parent.name) == 0 else { throw .last }
    }
}
