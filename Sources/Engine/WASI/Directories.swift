// SPDX-License-Identifier: Apache-2.0
// Swiftlet: `fd_readdir`.
internal import Glibc
internal import Linux

extension WASIContext {
    /// Cookies are the file system's own positions (`d_off`), so nothing has to be remembered between calls, and
    /// entries that come or go meanwhile disturb nothing else.
    func fdReaddir(_ guest: Guest) throws(Errno) {
        guard let descriptor = descriptors[guest.u32(0)] else { throw .badFile }
        guard descriptor.kind == .directory else { throw .notDirectory }
        guard descriptor.rights.contains(.fdReaddir) else { throw .notCapable }
        let out = try guest.bytes(guest.u32(1), guest.u32(2))
        _ = try guest.bytes(guest.u32(4), 4)
        guard let start = off_t(exactly: guest.u64(3)) else { throw .invalid }
        let host = try descriptor.listingDescriptor()
        guard lseek(host, start, SEEK_SET) >= 0 else { throw .last }
        let used = try withUnsafeTemporaryAllocation(byteCount: 8192, alignment: 8) { buffer throws(Errno) in
            try list(host, into: out, isPreopen: descriptor.preopenPath != nil, buffer: buffer)
        }
        try guest.store(UInt32(used), at: guest.u32(4))
    }

    /// Fills `out` to the last byte if there are entries enough: a full buffer says that there may be more.
    private func list(
        _ host: Int32, into out: UnsafeMutableRawBufferPointer, isPreopen: Bool, buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        var used = 0
        while used < out.count {
            let count = readDirectoryEntries(host, into: buffer)
            guard count >= 0 else { throw Errno(host: Int32(-count)) }
            if count == 0 { break }
            var offset = 0
            // linux_dirent64: d_ino u64, d_off i64, d_reclen u16, d_type u8, d_name with NUL.
            while offset + 19 <= count, used < out.count {
                let entry = UnsafeRawBufferPointer(rebasing: buffer[offset..<count])
                let length = Int(entry.loadUnaligned(fromByteOffset: 16, as: UInt16.self))
                guard length >= 19, length <= entry.count else { throw .io }
                let name = UnsafeRawBufferPointer(rebasing: entry[19..<length].prefix { $0 != 0 })
                // The inode above a preopened directory is none of the guest's business.
                let isHidden = isPreopen && name.elementsEqual("..".utf8)
                let inode = isHidden ? 0 : entry.loadUnaligned(as: UInt64.self)
                var header = (
                    UInt64(bitPattern: entry.loadUnaligned(fromByteOffset: 8, as: Int64.self)).littleEndian,
                    inode.littleEndian, UInt32(name.count).littleEndian,
                    UInt32(FileType(directoryEntry: entry[18]).rawValue).littleEndian
                )
                withUnsafeBytes(of: &header) { used += append($0, to: out, at: used) }
                used += append(name, to: out, at: used)
                offset += length
            }
        }
        return used
    }

    private func append(_ bytes: UnsafeRawBufferPointer, to out: UnsafeMutableRawBufferPointer, at used: Int) -> Int {
        let count = min(bytes.count, out.count - used)
        UnsafeMutableRawBufferPointer(rebasing: out[used..<(used + count)])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        return count
    }
}
