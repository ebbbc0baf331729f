// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the `fd_*` functions that are not about content: status, rights, sizes, times, numbers.
internal import Glibc
internal import Linux

extension WASIContext {
    func fdAdvise(_ guest: Guest) throws(Errno) {
        let descriptor = try file(guest.u32(0), .fdAdvise)
        let advice: Int32
        switch guest.u32(3) {
        case 0: advice = POSIX_FADV_NORMAL
        case 1: advice = POSIX_FADV_SEQUENTIAL
        case 2: advice = POSIX_FADV_RANDOM
        case 3: advice = POSIX_FADV_WILLNEED
        case 4: advice = POSIX_FADV_DONTNEED
        case 5: advice = POSIX_FADV_NOREUSE
        default: throw .invalid
        }
        guard let offset = off_t(exactly: guest.u64(1)), let length = off_t(exactly: guest.u64(2)) else {
            throw .invalid
        }
        let code = posix_fadvise(descriptor.host, offset, length, advice)
        guard code == 0 else { throw Errno(host: code) }
    }

    func fdAllocate(_ guest: Guest) throws(Errno) {
        let descriptor = try file(guest.u32(0), .fdAllocate)
        guard let offset = Int64(exactly: guest.u64(1)), let length = Int64(exactly: guest.u64(2)), length > 0 else {
            throw .invalid
        }
        // Not posix_fallocate: glibc would write the whole range where the file system cannot allocate.
        _ = try retry { Int(allocateSpace(descriptor.host, offset: offset, byteCount: length)) }
    }

    func fdClose(_ guest: Guest) throws(Errno) {
        guard descriptors.remove(guest.u32(0)) != nil else { throw .badFile }
    }

    func fdRenumber(_ guest: Guest) throws(Errno) {
        try descriptors.move(guest.u32(0), to: guest.u32(1))
    }

    func fdDatasync(_ guest: Guest) throws(Errno) {
        let descriptor = try descriptor(guest.u32(0), .fdDatasync)
        _ = try retry { Int(fdatasync(descriptor.host)) }
    }

    func fdSync(_ guest: Guest) throws(Errno) {
        let descriptor = try descriptor(guest.u32(0), .fdSync)
        _ = try retry { Int(fsync(descriptor.host)) }
    }

    func fdFdstatGet(_ guest: Guest) throws(Errno) {
        let descriptor = try descriptor(guest.u32(0))
        let offset = guest.u32(1)
        let out = try guest.bytes(offset, 24)
        out.initializeMemory(as: UInt8.self, repeating: 0)
        try guest.store(descriptor.fileType.rawValue, at: offset)
        try guest.store(descriptor.flags.rawValue, at: offset + 2)
        try guest.store(descriptor.rights.rawValue, at: offset + 8)
        try guest.store(descriptor.inheriting.rawValue, at: offset + 16)
    }

    func fdFdstatSetFlags(_ guest: Guest) throws(Errno) {
        let descriptor = try descriptor(guest.u32(0), .fdFdstatSetFlags)
        let flags = FDFlags(rawValue: try guest.u16(1))
        guard FDFlags.all.isSuperset(of: flags) else { throw .invalid }
        guard flags.intersection(.synchronized) == descriptor.flags.intersection(.synchronized) else {
            throw .notSupported
        }
        if flags.contains(.append) != descriptor.flags.contains(.append) {
            // The standard descriptors' host flags are the supervisor's too.
            guard descriptor.kind == .regularFile, !descriptor.isStandard else { throw .notSupported }
            let host = fcntl(descriptor.host, F_GETFL)
            guard host >= 0 else { throw .last }
            let changed = flags.contains(.append) ? host | O_APPEND : host & ~O_APPEND
            guard fcntl(descriptor.host, F_SETFL, changed) == 0 else { throw .last }
        }
        descriptor.flags = flags
    }

    /// Rights can only be given up.
    func fdFdstatSetRights(_ guest: Guest) throws(Errno) {
        let descriptor = try descriptor(guest.u32(0))
        let base = Rights(rawValue: guest.u64(1))
        let inheriting = Rights(rawValue: guest.u64(2))
        guard descriptor.rights.isSuperset(of: base), descriptor.inheriting.isSuperset(of: inheriting) else {
            throw .notCapable
        }
        descriptor.rights = base
        descriptor.inheriting = inheriting
    }

    func fdFilestatGet(_ guest: Guest) throws(Errno) {
        let descriptor = try descriptor(guest.u32(0), .fdFilestatGet)
        var status = stat()
        guard fstat(descriptor.host, &status) == 0 else { throw .last }
        try writeFilestat(status, type: descriptor.fileType, guest, at: guest.u32(1))
    }

    func fdFilestatSetSize(_ guest: Guest) throws(Errno) {
        let descriptor = try file(guest.u32(0), .fdFilestatSetSize)
        guard let size = off_t(exactly: guest.u64(1)) else { throw .invalid }
        _ = try retry { Int(ftruncate(descriptor.host, size)) }
    }

    func fdFilestatSetTimes(_ guest: Guest) throws(Errno) {
        let descriptor = try descriptor(guest.u32(0), .fdFilestatSetTimes)
        let times = try fileTimes(access: guest.u64(1), modification: guest.u64(2), flags: try guest.u16(3))
        guard !descriptor.isReadOnly else { throw .readOnlyFileSystem }
        guard futimens(descriptor.host, times) == 0 else { throw .last }
    }

    func fdPrestatGet(_ guest: Guest) throws(Errno) {
        guard let path = try descriptor(guest.u32(0)).preopenPath else { throw .badFile }
        // The tag 0: a directory.
        try guest.store(UInt32(0), at: guest.u32(1))
        try guest.store(UInt32(path.count), at: try guest.address(guest.u32(1), plus: 4))
    }

    func fdPrestatDirName(_ guest: Guest) throws(Errno) {
        guard let path = try descriptor(guest.u32(0)).preopenPath else { throw .badFile }
        guard guest.u32(2) >= path.count else { throw .nameTooLong }
        try guest.bytes(guest.u32(1), UInt32(path.count)).copyBytes(from: path)
    }

    // MARK: shared with the path functions

    /// The two timestamps of `*_filestat_set_times` for utimensat(2).
    func fileTimes(access: UInt64, modification: UInt64, flags: UInt16) throws(Errno) -> [timespec] {
        func time(_ value: UInt64, set: Bool, now: Bool) -> timespec? {
            switch (set, now) {
            case (true, true): nil
            case (true, false): timespec(nanoseconds: value)
            case (false, true): timespec(tv_sec: 0, tv_nsec: Int(utimeNow))
            case (false, false): timespec(tv_sec: 0, tv_nsec: Int(utimeOmit))
            }
        }
        guard flags & ~0xF == 0,
            let first = time(access, set: flags & 1 != 0, now: flags & 2 != 0),
            let second = time(modification, set: flags & 4 != 0, now: flags & 8 != 0)
        else { throw .invalid }
        return [first, second]
    }

    /// Writes a `filestat`: 64 bytes, 56 in snapshot 0.
    func writeFilestat(_ status: stat, type: FileType, _ guest: Guest, at offset: UInt32) throws(Errno) {
        let isOld = guest.snapshot == .zero
        let out = try guest.bytes(offset, isOld ? 56 : 64)
        out.initializeMemory(as: UInt8.self, repeating: 0)
        try guest.store(UInt64(status.st_dev), at: offset)
        try guest.store(UInt64(status.st_ino), at: offset + 8)
        try guest.store(type.rawValue, at: offset + 16)
        var next = offset + 24
        if isOld {
            try guest.store(UInt32(clamping: status.st_nlink), at: offset + 20)
        } else {
            try guest.store(UInt64(status.st_nlink), at: next)
            next += 8
        }
        try guest.store(UInt64(clamping: status.st_size), at: next)
        try guest.store(status.st_atim.nanoseconds, at: next + 8)
        try guest.store(status.st_mtim.nanoseconds, at: next + 16)
        try guest.store(status.st_ctim.nanoseconds, at: next + 24)
    }
}

/// bits/stat.h; macros with casts are not visible to Swift.
private let utimeNow: Int64 = (1 << 30) - 1
private let utimeOmit: Int64 = (1 << 30) - 2
