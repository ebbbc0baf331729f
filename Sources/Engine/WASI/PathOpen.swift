// SPDX-License-Identifier: Apache-2.0
// Swiftlet: `path_open`.
internal import Glibc

extension WASIContext {
    /// What one `path_open` asks for.
    private struct Request {
        var follow: Bool
        var openFlags: OpenFlags
        var rights: Rights
        var inheriting: Rights
        var flags: FDFlags

        /// Rights that need a description open for writing without FD_WRITE being asked for. They are dropped where
        /// they do not apply.
        var wantsResizing: Bool { !rights.isDisjoint(with: [.fdAllocate, .fdFilestatSetSize]) }
        var wantsWriting: Bool { rights.contains(.fdWrite) }
    }

    /// A new descriptor never has more rights than the directory passes on. Reading, writing and synchronisation that
    /// it does not pass on are NOTCAPABLE; other rights are left out, as guests ask for all they know.
    func pathOpen(_ guest: Guest) throws(Errno) {
        let directory = try directory(guest.u32(0), .pathOpen)
        var request = Request(
            follow: try follows(guest.u32(1)), openFlags: OpenFlags(rawValue: try guest.u16(4)),
            rights: Rights(rawValue: guest.u64(5)), inheriting: Rights(rawValue: guest.u64(6)),
            flags: FDFlags(rawValue: try guest.u16(7)))
        let path = try guest.path(guest.u32(2), guest.u32(3))
        _ = try guest.bytes(guest.u32(8), 4)
        try check(request, in: directory)
        request.rights.formIntersection(directory.inheriting)
        request.inheriting.formIntersection(directory.inheriting)

        let host = try open(path, request, in: directory)
        let opened: Descriptor
        do throws(Errno) {
            opened = try wrap(host, request, in: directory)
        } catch {
            close(host)
            throw error
        }
        try guest.store(try descriptors.add(opened), at: guest.u32(8))
    }

    private func check(_ request: Request, in directory: Descriptor) throws(Errno) {
        guard OpenFlags.all.isSuperset(of: request.openFlags), FDFlags.all.isSuperset(of: request.flags),
            !request.openFlags.isSuperset(of: [.create, .directory])
        else { throw .invalid }
        if request.openFlags.contains(.create), !directory.rights.contains(.pathCreateFile) { throw .notCapable }
        if request.openFlags.contains(.truncate), !directory.rights.contains(.pathFilestatSetSize) { throw .notCapable }
        guard directory.inheriting.isSuperset(of: request.rights.intersection([.fdRead, .fdWrite])) else {
            throw .notCapable
        }
        if !request.flags.isDisjoint(with: [.sync, .rsync]), !directory.inheriting.contains(.fdSync) {
            throw .notCapable
        }
        if request.flags.contains(.dsync), directory.inheriting.isDisjoint(with: [.fdSync, .fdDatasync]) {
            throw .notCapable
        }
    }

    private func open(_ path: [CChar], _ request: Request, in directory: Descriptor) throws(Errno) -> Int32 {
        // Never waits in open(2): a FIFO without a peer would hold the thread where nobody reaches it.
        var flags = O_NOCTTY | O_NONBLOCK
        if !request.follow { flags |= O_NOFOLLOW }
        if request.openFlags.contains(.directory) { flags |= O_DIRECTORY }
        if request.openFlags.contains(.truncate) { flags |= O_TRUNC }
        if request.flags.contains(.append) { flags |= O_APPEND }
        if request.flags.contains(.dsync) { flags |= O_DSYNC }
        if !request.flags.isDisjoint(with: [.sync, .rsync]) { flags |= O_SYNC }
        let writing = request.rights.contains(.fdRead) ? O_RDWR : O_WRONLY
        if directory.isReadOnly {
            return try openReadOnly(path, request, in: directory, flags: flags)
        }
        if request.openFlags.contains(.exclusive) { flags |= O_EXCL }
        if request.openFlags.contains(.create) { flags |= O_CREAT }
        let mode: UInt32 = request.openFlags.contains(.create) ? 0o666 : 0
        if request.wantsWriting {
            return try open(path, in: directory, flags: flags | writing, mode: mode)
        }
        if request.wantsResizing {
            do throws(Errno) {
                return try open(path, in: directory, flags: flags | O_RDWR, mode: mode)
            } catch .isDirectory {
                // Resizing does not apply to a directory.
            }
        }
        return try open(path, in: directory, flags: flags | O_RDONLY, mode: mode)
    }

    /// Opens what exists, for reading; anything else is ROFS.
    private func openReadOnly(
        _ path: [CChar], _ request: Request, in directory: Descriptor, flags: Int32
    ) throws(Errno) -> Int32 {
        if request.wantsWriting || request.openFlags.contains(.truncate) {
            // Escapes and missing files are told apart from what is there but may not be written.
            let isMissing: Bool
            do throws(Errno) {
                _ = try find(path, in: directory, follow: request.follow)
                isMissing = false
            } catch .noEntry {
                isMissing = true
            }
            throw isMissing && !request.openFlags.contains(.create) ? .noEntry : .readOnlyFileSystem
        }
        let host: Int32
        do throws(Errno) {
            host = try open(path, in: directory, flags: flags | O_RDONLY)
        } catch .noEntry where request.openFlags.contains(.create) {
            throw .readOnlyFileSystem
        }
        if request.openFlags.isSuperset(of: [.create, .exclusive]) {
            close(host)
            throw .exists
        }
        return host
    }

    private func wrap(_ host: Int32, _ request: Request, in directory: Descriptor) throws(Errno) -> Descriptor {
        var status = stat()
        guard fstat(host, &status) == 0 else { throw .last }
        let type = FileType(mode: status.st_mode)
        let kind: Descriptor.Kind
        var applicable: Rights
        switch type {
        case .directory: (kind, applicable) = (.directory, .directory)
        case .regularFile: (kind, applicable) = (.regularFile, .regularFile)
        default: (kind, applicable) = (.stream, .stream)
        }
        if type == .characterDevice, isatty(host) == 0 { applicable.formUnion([.fdSeek, .fdTell]) }
        if directory.isReadOnly { applicable.subtract([.fdAllocate, .fdFilestatSetSize]) }
        let descriptor = Descriptor(
            host: host, kind: kind, fileType: type, rights: request.rights.intersection(applicable),
            inheriting: kind == .directory ? request.inheriting : [])
        descriptor.flags = request.flags
        descriptor.isReadOnly = directory.isReadOnly
        descriptor.isHostNonblocking = kind == .stream
        return descriptor
    }
}
